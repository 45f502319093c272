#!/usr/bin/env bash
# The determinism contract as a table: every scenario gives the same `digest` and `content_hash`
# with gcc and clang, at -O0, -O2 and -O3, under sanitizers, and on a CPU without FMA and AVX2; and
# the same bytes on disk in two folders. Ends with `N passed, N failed`.
#
#   [VARIANTS='gcc-O2 ...'] tests/setup/determinism.sh [SCENARIO...]      gcc-O2 must be among them
set -u
cd "$(dirname "$0")/../.."

build=${FL_BUILD:-build}
sanitize=${SANITIZE:--O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all}
[[ $# -gt 0 ]] || set -- $(printf '%s\n' scenarios/*.json | grep -v '\.schema\.json$')
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
read -ra variants <<<"${VARIANTS:-gcc-O2 gcc-O0 gcc-O3 clang-O0 clang-O2 clang-O3 gcc-asan clang-asan}"
passed=0 failed=0

verdict() { # OK-STATUS TEXT
    if [[ $1 == 0 ]]; then passed=$((passed + 1)); echo "same     $2"
    else failed=$((failed + 1)); echo "DIFFERS  $2"; fi
}

for variant in "${variants[@]}"; do
    flags=-${variant#*-}
    [[ $variant != *-asan ]] || flags=$sanitize
    program=$build/$variant/faultline
    ${MAKE:-make} "$program" BUILD="$build/$variant" CC="${variant%-*}" CFLAGS="$flags" \
        >"$scratch/log" 2>&1 || { cat "$scratch/log"; verdict 1 "$variant does not build"; }
done

# Does glibc heed the tunable, on this CPU and under this spelling? It hides features from the
# functions that glibc chooses among when a program starts, exp, log and pow among them.
loader=$(readelf -l "$build/gcc-O2/faultline" | sed -n 's/.*interpreter: \(.*\)\]/\1/p')
features() { GLIBC_TUNABLES=$1 "$loader" --list-diagnostics 2>/dev/null | grep 'features.*active'; }
no_fma=
for try in -FMA,-AVX2 -FMA_Usable,-AVX2_Usable; do
    [[ $(features "glibc.cpu.hwcaps=$try") == "$(features '')" ]] || no_fma=glibc.cpu.hwcaps=$try
done
if [[ -n $no_fma ]]; then variants+=(gcc-O2-without-fma)
else echo '(gcc-O2-without-fma: not compared, this CPU or C library offers nothing to switch off)'; fi

# Leaves the two hashes in a file of their own. An expectation that does not hold (status 1) is no
# matter here; a sanitizer's report (99) is.
run() { # VARIANT SCENARIO [FOLDER]
    local name=$1-$(basename "$2" .json) tunables= status
    [[ $1 != *-without-fma ]] || tunables=$no_fma
    GLIBC_TUNABLES=$tunables ASAN_OPTIONS=exitcode=99 LSAN_OPTIONS=exitcode=99 UBSAN_OPTIONS=exitcode=99 \
        "$build/${1%-without-fma}/faultline" run "$2" --json -o "${3:-$scratch/$name}" \
        >"$scratch/$name.json" 2>"$scratch/$name.err"
    status=$?
    [[ $status -le 1 ]] || { cat "$scratch/$name.err"; echo "status $status"; }
    grep -oE '"(digest|content_hash)":[[:space:]]*"[0-9a-f]{32}"' "$scratch/$name.json" |
        sort -u | grep -oE '[0-9a-f]{32}' | paste -sd ' ' >"$scratch/$name.hashes"
    [[ $status -le 1 ]] || echo "status $status" >"$scratch/$name.hashes"
}
export -f run
export build scratch no_fma
for variant in "${variants[@]}"; do printf "$variant %s\n" "$@"; done |
    xargs -P "$(nproc)" -L 1 bash -c 'run "$@"' run

for scenario in "$@"; do
    name=$(basename "$scenario" .json)
    reference=$(cat "$scratch/gcc-O2-$name.hashes")
    for variant in "${variants[@]}"; do
        hashes=$(cat "$scratch/$variant-$name.hashes")
        [[ $hashes == "$reference" && $hashes =~ ^[0-9a-f]{32}\ [0-9a-f]{32}$ ]]
        verdict $? "$(printf '%-20s %s  content_hash, digest: %s' "$variant" "$name" "$hashes")"
    done
    # Another folder, another time of day, other addresses: the same files, byte for byte.
    sleep 1.1
    run gcc-O2 "$scenario" "$scratch/other folder/$name"
    [[ -s $scratch/gcc-O2-$name/trace.h5 && -s $scratch/gcc-O2-$name/summary.json ]] &&
        diff -r "$scratch/gcc-O2-$name" "$scratch/other folder/$name"
    verdict $? "$(printf '%-20s %s  %s' 'files, two folders' "$name" \
        "$(cd "$scratch/gcc-O2-$name" 2>/dev/null && printf '%s ' *)")"
done
echo "$passed passed, $failed failed"
[[ $failed == 0 ]]
