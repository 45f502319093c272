#!/usr/bin/env bash
# One sweep four ways: alone with one and two processes, killed three times and resumed, as a job array of
# a real Slurm whose node loses power in the middle, and by GNU parallel. The tables must be the same bytes.
# Prints their digests and the seed of what is drawn.
#
#   tests/unit/job_array.sh [SEED]
#
# Started by tests/unit/test_job_array.c. The limits of time in here are for what hangs.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
program=$(realpath "${FL_BUILD:-build}/faultline")
source tests/lib/slurm.sh

seed=${1:-$((RANDOM * 32768 + RANDOM))}
RANDOM=$seed
echo "seed $seed"
place=$(mktemp -d /tmp/faultline-array.XXXXXX)
slurm_guard "$place"
finish() {
    trap '' INT TERM HUP
    [[ -z ${sweep_id-} ]] || kill -KILL "$sweep_id" 2>/dev/null
    slurm_stop
    rm -rf "$place"
    slurm_unguard
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

fail() {
    echo "FAIL: $*" >&2
    exit 1
}
step() { echo "== $SECONDS s: $*"; }

# ---- the sweep ----
# Thirty points of two rows, less than a tenth of a second each; but point 10 has a network so fast that it would take
# minutes, and a limit on processor time ends it: rows that fail, and fail in the same way everywhere.
points=30 slow=10
folder="$place/it's 5%; \"a b\" # & \$HOME" # to stumble over
mkdir "$folder"
sed 's/"duration_s": 60/"duration_s": 30/; s/"delay_ms": 30/"delay_ms": {"law": "lognormal", "median": 30, "sigma": 0.4}/' \
    scenarios/pbft-no-fault.json >"$folder/base.json"
medians=$(for ((i = 0; i < points; i++)); do
    if ((i == slow)); then echo 0.001; else echo $((20 + i)); fi
done | paste -sd,)
plan=$folder/plan.json
cat >"$plan" <<END
{"name": "array", "scenario": "base.json", "replicates": 2, "seed": 7,
 "axes": [{"path": "network.delay_ms.median", "values": [$medians]}],
 "metrics": ["consensus.height", "checks.liveness", "digest"]}
END
limited() { # SECONDS COMMAND...: each of its processes may use so much processor time
    (ulimit -S -t "$1" && shift && exec "$@")
}
sweep() { limited 1 "$program" sweep "$plan" "$@"; }

same() { # NAME: its tables are those of one process
    local file
    for file in sweep.csv sweep.h5; do
        cmp "$place/one/$file" "$1/$file" || fail "$1: another $file"
    done
    sha256sum "$1"/sweep.{csv,h5} | sed "s|$place/||"
}
lines() { # FILE
    if [[ -e $1 ]]; then wc -l <"$1"; else echo 0; fi
}
has_lines() { (($(lines "$1") >= $2)); }
# Rows that ended well, each as often as it was run: journals are only added to.
rows_that_ended_well() { cat "$1"/*.journal | awk -F'\t' '$3 == "ok" { print $1, $2 }' | sort; }
expect_run_once() { # FOLDER
    local rows
    rows=$(rows_that_ended_well "$1")
    [[ $(wc -l <<<"$rows") == $((2 * (points - 1))) ]] || fail "$1: $(wc -l <<<"$rows") rows ended well"
    [[ $(sort -u <<<"$rows") == "$rows" ]] || fail "$1: a finished row was run again"
}

step 'alone'
sweep --jobs 1 -o "$place/one" >/dev/null 2>"$place/said"
[[ $? == 1 ]] || fail "some rows should have failed: $(cat "$place/said")"
grep -q "^$slow,0,.*,crashed,.*ended by signal 24; from the folder of the plan: faultline run base.json --set" \
    "$place/one/sweep.csv" || fail "the row that failed says: $(grep "^$slow,0," "$place/one/sweep.csv")"
[[ $(grep -c ',ok,$' "$place/one/sweep.csv") == $((2 * (points - 1))) ]] || fail 'other rows failed too'
same "$place/one"
sweep --jobs 2 -o "$place/two" >/dev/null 2>&1
same "$place/two"

step 'killed three times'
killed=$place/killed
for part in 0 1 2; do
    (ulimit -S -t 1 && exec "$program" sweep "$plan" --jobs 2 --resume -o "$killed") >/dev/null 2>&1 &
    sweep_id=$! # of the program itself
    at=$((2 + 18 * part + RANDOM % 18))
    slurm_until 60 "$at rows are in the journal" has_lines "$killed/sweep.journal" $at || exit
    kill -KILL "$sweep_id" || fail 'it ended before it was killed'
    wait "$sweep_id" 2>/dev/null
    [[ $? == 137 ]] || fail 'it ended otherwise'
    sweep_id=
    [[ ! -e $killed/sweep.csv && ! -e $killed/sweep.h5 ]] || fail 'killed, and left tables'
    echo "killed with $(lines "$killed/sweep.journal") lines in its journal"
done
sweep --jobs 2 --resume -o "$killed" >/dev/null 2>&1
same "$killed"
expect_run_once "$killed"

# ---- Slurm ----
step 'Slurm starts'
slurm_start "$place/slurm" || exit
step 'Slurm has started'
array="$folder/by Slurm"
"$program" sweep "$plan" --slurm 7 -o "$array" || fail 'no scripts'
[[ $(ls "$array") == $'array.sh\nlogs\nmerge.sh\nparallel.sh\nsubmit.sh' ]] || fail "it left $(ls "$array")"
ids=$(cd / && limited 1 sh "$array/submit.sh" --comment='for both') || fail 'submit.sh'
[[ $ids =~ ^array\ ([0-9]+),\ merge\ ([0-9]+)$ ]] || fail "submit.sh said $ids"
array_id=${BASH_REMATCH[1]} merge_id=${BASH_REMATCH[2]}

# Part 3 has points 8 to 11: with three of its rows done, it is about to run the slow ones.
slurm_until 60 'part 3 has begun' has_lines "$array/shard-3-of-7.journal" 4 || exit
slurm_node_dies || exit
step "the node died; its journals: $(cd "$array" && wc -l ./*.journal | awk '{ printf "%s%s", sep, $1; sep = " " }')"
has_lines "$array/shard-3-of-7.journal" 9 && fail 'part 3 was done before the node died'
mkdir "$place/then" && cp "$array"/*.journal "$place/then"
slurm_node_returns
step 'the node is back'

has_restarted() { [[ $(scontrol show job "${array_id}_3") =~ Restarts=1 ]]; }
merge_has_ended() { [[ ! $(scontrol show job "$merge_id") =~ JobState=(PENDING|RUNNING|COMPLETING) ]]; }
slurm_until 60 'part 3 is started again' has_restarted || exit
slurm_until 120 'the merge has ended' merge_has_ended || { cat "$array"/logs/* >&2; exit 1; }
step 'merged'
for ((i = 1; i <= 7; i++)); do
    [[ $(scontrol show job "${array_id}_$i") =~ JobState=COMPLETED ]] || fail "part $i: $(cat "$array/logs/$i.log")"
done
# Some rows failed: the merge says so by its status, and is complete.
[[ $(scontrol show job "$merge_id") =~ ExitCode=1:0 ]] || fail "merge: $(cat "$array/logs/merge.log")"
grep -q '2 of them failed' "$array/logs/merge.log" || fail "merge said $(cat "$array/logs/merge.log")"
for journal in "$place"/then/*; do
    cmp -n "$(stat -c %s "$journal")" "$journal" "$array/${journal##*/}" || fail 'a journal was begun anew'
done
expect_run_once "$array"
same "$array"

slurm_stop

# ---- GNU parallel ----
step 'GNU parallel'
by_parallel="$folder/by parallel"
"$program" sweep "$plan" --slurm 3 -o "$by_parallel" >/dev/null || fail 'no scripts'
limited 2 sh "$by_parallel/parallel.sh" >"$place/said" 2>&1 # which takes a little time itself
[[ $? == 1 ]] || fail "parallel.sh: $(cat "$place/said")"
[[ $(wc -l <"$by_parallel/parallel.log") == 4 ]] || fail "parallel.log: $(cat "$by_parallel/parallel.log")"
same "$by_parallel"
expect_run_once "$by_parallel"
step 'the same bytes'
