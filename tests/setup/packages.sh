#!/usr/bin/env bash
# Finds what is missing to build (`build`), to plot as well (`plot`), to test too (`test`), or also to
# lint and compare compilers (`all`); with --install gets it through apt-get. Silent when all is there.
#
#   tests/setup/packages.sh [--install] build|plot|test|all
set -euo pipefail

install=false
if [[ ${1-} == --install ]]; then install=true; shift; fi
level=${1:-all}
missing=()

need() { # PACKAGE COMMAND...: the package is missing if the command fails
    "${@:2}" >/dev/null 2>&1 || missing+=("$1")
}
header() {
    local dir
    for dir in /usr/include /usr/local/include ${CPATH//:/ } ${C_INCLUDE_PATH//:/ }; do
        [[ -e $dir/$1 ]] && return
    done
    return 1
}
has_library() { # MODULE...: pkg-config knows one of these
    local module
    for module in "$@"; do pkg-config --exists "$module" && return; done
    return 1
}
lato() {
    [[ -e /usr/share/fonts/truetype/lato/Lato-Regular.ttf ]] || [[ -n $(fc-list Lato) ]]
}
daemon() { # not in everybody's PATH
    PATH=$PATH:/usr/sbin:/sbin command -v "$1"
}
clang_runtime() { compgen -G '/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.asan-*'; }

CPATH=${CPATH-} C_INCLUDE_PATH=${C_INCLUDE_PATH-}
need gcc command -v "${CC:-cc}"
need libc6-dev header stdio.h # gcc only recommends it
need pkg-config command -v pkg-config
need libgsl-dev has_library gsl
need libgmp-dev has_library gmp
need libcjson-dev has_library libcjson
need libhdf5-dev has_library hdf5-serial hdf5
need libxxhash-dev has_library libxxhash
need librandom123-dev header Random123/philox.h
if [[ $level != build ]]; then
    need gnuplot-nox command -v gnuplot
    need fonts-lato lato
fi
if [[ $level == test || $level == all ]]; then
    need libcriterion-dev has_library criterion
    # Readers of results that are not ours: tests/unit/test_interop.c. Octave has no smaller package.
    need hdf5-tools command -v h5dump
    need python3-h5py /usr/bin/python3 -c 'import h5py'
    need octave command -v octave-cli
    # For a sweep on a cluster of one node that its test starts and stops: tests/unit/test_job_array.c.
    need slurm-wlm daemon slurmctld
    need slurm-wlm daemon slurmd
    need slurm-wlm command -v sbatch
    need munge daemon munged
    need parallel command -v parallel
fi
if [[ $level == all ]]; then
    need gcc command -v gcc
    need clang command -v clang
    need clang-format command -v clang-format
    need libclang-rt-dev clang_runtime
fi
[[ ${#missing[@]} -gt 0 ]] || exit 0

list=$(printf '%s\n' "${missing[@]}" | sort -u | paste -sd ' ')
if ! $install; then
    echo "faultline: missing $list; \`make demo\` or \`make test\` installs them, then builds." >&2
    exit 1
fi
if ! command -v apt-get >/dev/null; then
    echo "faultline: please install these with your own package manager and try again (names as in" \
        "Debian and Ubuntu): $list" >&2
    exit 1
fi
as_root=()
if [[ $(id -u) != 0 ]]; then
    if sudo -n true 2>/dev/null; then
        as_root=(sudo -n)
    elif command -v sudo >/dev/null && [[ -t 0 ]]; then
        as_root=(sudo)
    else
        echo "faultline: run this as root, then try again: apt-get install $list" >&2
        exit 1
    fi
fi
echo "faultline: installing $list"
apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" \
        </dev/null
}
# One repository that does not answer is no reason to give up: the next step will tell.
apt update || true
# Ubuntu 22.04 has clang's runtime in clang itself and no package of that name.
known=()
for package in $list; do
    if [[ $package != libclang-rt-dev ]] || [[ -n $(apt-cache show "$package" 2>/dev/null) ]]; then
        known+=("$package")
    fi
done
# Nothing is started that comes with a daemon: the tests start their own. As Debian provides for it.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
fi
apt install -y --no-install-recommends "${known[@]}"
