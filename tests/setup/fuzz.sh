#!/usr/bin/env bash
# Runs the fuzz target for some seconds, from the malformed files, the shipped scenarios and what earlier
# runs found (BUILD/fuzz/corpus). Fails with the input that crashed, leaked or hung, as BUILD/fuzz/crash-*.
#
#   FUZZED=FLAGS tests/setup/fuzz.sh SECONDS
set -eu
cd "$(dirname "$0")/../.."

build=${FL_BUILD:-build}/fuzz
target=$build/tests/fuzz/fuzz_scenario
${MAKE:-make} "$target" BUILD="$build" CC=clang CFLAGS="$FUZZED"
${MAKE:-make} "${FL_BUILD:-build}/faultline"
mkdir -p "$build/corpus"
# Words of scenarios, so that luck need not spell them.
"${FL_BUILD:-build}/faultline" schema | grep -oE '"[$a-z][a-zA-Z0-9_.]*"' | sort -u |
    sed 's/^"\(.*\)"$/"\\"\1\\""/' >"$build/words"
printf '"%s"\n' '\x0a--set ' '\\u' '\\ud83d' '[0]' '1e' >>"$build/words"
exec "$target" -max_total_time="$1" -max_len=8192 -timeout=20 -rss_limit_mb=3000 -dict="$build/words" \
    -artifact_prefix="$build/" -print_final_stats=1 -reload=0 \
    "$build/corpus" tests/fuzz tests/malformed tests/malformed/faults scenarios </dev/null
