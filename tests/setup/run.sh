#!/usr/bin/env bash
# Runs Criterion programs, one after another (each uses all cores), and ends with the sum of their
# closing lines, `N passed, N failed`. A program that crashes, hangs, runs no test or ends without a
# closing line counts as a failure.
#
#   tests/setup/run.sh [--reports DIR] PROGRAM...
#
# --reports: sanitizers write there, and any report counts as a failure. LeakSanitizer cannot fail a
# Criterion test by itself: the report goes by in a worker whose exit status is already known.
set -uo pipefail

reports=
if [[ ${1-} == --reports ]]; then
    reports=$(realpath -m "$2")
    shift 2
    rm -rf "$reports"
    mkdir -p "$reports"
    export ASAN_OPTIONS=log_path=$reports/report UBSAN_OPTIONS=log_path=$reports/report:print_stacktrace=1
fi
log=$(mktemp)
program_id=
trap 'rm -f "$log"' EXIT
trap '[[ -z $program_id ]] || kill "$program_id" 2>/dev/null; exit 130' INT TERM

passed=0 failed=0
for program in "$@"; do
    start=${EPOCHREALTIME/./}
    timeout -k 10 "${FL_TEST_TIMEOUT:-1800}" "$program" </dev/null >"$log" 2>&1 &
    program_id=$!
    wait "$program_id"
    status=$?
    program_id=
    # Crashes are among the failures.
    read -r tested good bad <<<"$(sed -nE 's/\x1b\[[0-9;]*m//g
        s/.*Tested: ([0-9]+) \| Passing: ([0-9]+) \| Failing: ([0-9]+) .*/\1 \2 \3/p' "$log" | tail -1)"
    why=
    if [[ -z $tested ]]; then
        good=0 bad=1 why="it ended without a closing line, status $status"
    elif [[ $tested == 0 ]]; then
        bad=1 why='it ran no test'
    fi
    if [[ $status != 0 && $bad == 0 ]]; then bad=1 why="its exit status is $status"; fi
    if [[ -n $reports ]] && compgen -G "$reports/*" >/dev/null; then
        bad=$((bad + 1)) why="${why:+$why; }sanitizers reported"
        cat "$reports"/* >>"$log"
        rm -f "$reports"/*
    fi
    took=$((${EPOCHREALTIME/./} - start))
    word=ok
    if [[ $bad != 0 ]]; then
        word=FAIL
        cat "$log"
    fi
    printf '%-4s %s: %d passed, %d failed%s, %d.%d s\n' "$word" "$program" "$good" "$bad" \
        "${why:+ ($why)}" $((took / 1000000)) $((took / 100000 % 10))
    passed=$((passed + good)) failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[[ $failed == 0 && $passed != 0 ]]
