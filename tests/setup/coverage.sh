#!/usr/bin/env bash
# Which lines of the scenario reader are reached: by its tests, by the inputs of the fuzz target
# (BUILD/fuzz/corpus, grown by `make fuzz`), by both. Needs llvm-profdata and llvm-cov, of clang's version.
set -eu
cd "$(dirname "$0")/../.."

build=$(realpath -m "${FL_BUILD:-build}")/coverage
reader=(sim/{json,scan,mistake,values,empirical,beside,klines,extends,params}.c sim/config*.c)
version=$(clang -dumpversion) version=${version%%.*}
tool() { command -v "$1-$version" || command -v "$1" || { echo "missing: apt-get install llvm-$version" >&2; exit 2; }; }
profdata=$(tool llvm-profdata) cov=$(tool llvm-cov)
tests=()
for test in config json klines schema law network; do tests+=("$build/tests/unit/test_$test"); done
target=$build/tests/fuzz/fuzz_scenario

flags='-O1 -g -fprofile-instr-generate -fcoverage-mapping'
${MAKE:-make} "${tests[@]}" "$target" "$build/faultline" BUILD="$build" CC=clang CFLAGS="$flags"
rm -rf "$build/profiles"
mkdir -p "$build/profiles"
corpus=(tests/fuzz tests/malformed tests/malformed/faults scenarios)
[[ ! -d ${FL_BUILD:-build}/fuzz/corpus ]] || corpus+=("${FL_BUILD:-build}/fuzz/corpus")
LLVM_PROFILE_FILE=$build/profiles/corpus-%p.profraw "$target" -runs=0 "${corpus[@]}" </dev/null >/dev/null 2>&1
for test in "${tests[@]}"; do
    FL_BUILD=$build LLVM_PROFILE_FILE=$build/profiles/tests-%p.profraw "$test" >/dev/null 2>&1 ||
        echo "$test failed; its profile counts all the same" >&2
done
objects=("$target")
for test in "${tests[@]}" "$build/faultline"; do objects+=(-object "$test"); done
for what in tests corpus ''; do
    "$profdata" merge -sparse "$build/profiles/$what"*.profraw -o "$build/profile"
    "$cov" export -summary-only -instr-profile="$build/profile" "${objects[@]}" "${reader[@]}" 2>/dev/null |
        python3 -c '
import json, sys
data = json.load(sys.stdin)["data"][0]
print(sys.argv[1])
for file in data["files"]:
    lines = file["summary"]["lines"]
    print("  %-24s %5d of %5d lines  %5.1f %%" % (
        file["filename"].split("/")[-1], lines["covered"], lines["count"], lines["percent"]))
lines = data["totals"]["lines"]
print("  %-24s %5d of %5d lines  %5.1f %%" % ("all", lines["covered"], lines["count"], lines["percent"]))
' "${what:-both}"
done
"$cov" show -instr-profile="$build/profile" "${objects[@]}" "${reader[@]}" 2>/dev/null >"$build/lines.txt"
echo "lines never reached: grep -E '^ +[0-9]+\| +0\|' $build/lines.txt"
