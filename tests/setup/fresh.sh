#!/usr/bin/env bash
# Two commands on a fresh Debian 12: `make demo` and `make test` in a clone, in a bare system made by
# debootstrap, with nothing installed but what the README asks for. Needs root and debootstrap. The
# mirror and proxy are this machine's own (apt's configuration); or give the mirror as an argument.
#
#   tests/setup/fresh.sh [--uncommitted] [MIRROR]
#
# --uncommitted: what lies in the working tree, in place of HEAD.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [[ ${FL_FRESH-} != unshared ]]; then
    # Mounts live in a name space of their own: they are gone when this ends, however it ends.
    FL_FRESH=unshared exec unshare --mount --pid --fork --kill-child "$0" "$@"
fi
uncommitted=false
if [[ ${1-} == --uncommitted ]]; then uncommitted=true; shift; fi
mirror=${1-$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
    awk '$1 == "bookworm" { print $2; exit }')}
[[ -n $mirror ]] || { echo "fresh.sh: apt knows no mirror of bookworm here; give one" >&2; exit 2; }

root=$(mktemp -d /tmp/faultline-fresh.XXXXXX)
chmod 755 "$root" # daemons and apt have users of their own
clean_up() {
    umount "$root"/{proc,dev/shm,dev/pts} 2>/dev/null
    rm -rf --one-file-system "$root"
}
trap clean_up EXIT
SECONDS=0
step() { echo "== $SECONDS s: $*"; }

step "debootstrap from $mirror"
debootstrap --variant=minbase bookworm "$root" "$mirror" >"$root.log" 2>&1 || { tail -20 "$root.log"; exit 1; }
rm "$root.log"
apt-config dump | grep -E '^Acquire::(https?|Check-|Retries|ForceIP)' >"$root/etc/apt/apt.conf.d/90host" || true
cp -L /etc/resolv.conf "$root/etc/resolv.conf" || true
mount -t proc proc "$root/proc"
mkdir -p "$root/dev/shm" "$root/dev/pts" && mount -t tmpfs tmpfs "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"

# As a stranger would have it: by git clone.
git -c safe.directory="$PWD" clone -q --no-local . "$root/origin" 2>/dev/null || git init -q "$root/origin"
if $uncommitted; then
    find "$root/origin" -mindepth 1 -maxdepth 1 -not -name .git -exec rm -rf {} +
    git ls-files -z -co --exclude-standard | xargs -0 sh -c 'for f; do [ ! -e "$f" ] || cp --parents "$f" "$0"; done' \
        "$root/origin"
    git -C "$root/origin" add -A
    git -C "$root/origin" -c user.name=fresh -c user.email=fresh@invalid commit -qm 'working tree'
fi

inside() { chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    ${http_proxy+http_proxy="$http_proxy"} ${https_proxy+https_proxy="$https_proxy"} CI=true bash -euc "$1" </dev/null; }
step 'apt-get install make git ca-certificates'
inside 'apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends \
    make git ca-certificates' >"$root/apt.log" 2>&1 || { tail -20 "$root/apt.log"; exit 1; }
inside 'git clone -q /origin /root/faultline'
step 'make, with the packages missing'
! inside 'cd /root/faultline && make 2>&1' || { echo 'it should have failed'; exit 1; }
step 'make demo'
inside 'cd /root/faultline && make demo' >"$root/demo.log" 2>&1 || { tail -40 "$root/demo.log"; exit 1; }
tail -3 "$root/demo.log"
step 'the same again, built: seconds from scenario to picture'
inside 'cd /root/faultline && rm -rf results/eth* && time make demo' 2>&1 | tail -6
step 'make test'
inside 'cd /root/faultline && make test' >"$root/test.log" 2>&1 || { tail -60 "$root/test.log"; exit 1; }
tail -1 "$root/test.log"
step "nothing left over in the clone: $(inside 'cd /root/faultline && git status --short | wc -l') files"
step 'done'
