#!/usr/bin/env bash
# Makes the pictures of the README again, seeds as committed: all of them, or those that are named. What
# results/ has of a sweep already is not run again.
#
#   analysis/figures/remake.sh build/faultline [NAME...]      names as of the .png beside this file
set -euo pipefail
cd "$(dirname "$0")/../.."
faultline=$1
shift

run() { "$faultline" run "scenarios/$1.json" -q -o "results/$1" "${@:2}"; }
sweep() { "$faultline" sweep "scenarios/sweeps/$1.json" -q --resume -o "results/$1"; }
# The picture is the last line of what plot says.
plot() { cp "$("$faultline" plot "$@")" "analysis/figures/$name.png"; }

draw_phase_diagram() {
    sweep phase-diagram
    plot results/phase-diagram --as phase
}
draw_eth_crash_2020_03_12() {
    run eth-crash-2020-03-12
    plot results/eth-crash-2020-03-12
}
draw_eth_crash_pbft() { # three runs that differ in their faults only, and an hour of sweep
    local arm
    for arm in no-fault below-third beyond-third; do run "eth-crash-pbft-$arm"; done
    sweep stale-minutes
    plot results/eth-crash-pbft-{no-fault,below-third,beyond-third} --as cost \
        --sweep results/stale-minutes -o results/stale-minutes
}
draw_comparison() {
    run eth-crash-2020-03-12-sequencer-down
    run eth-crash-2020-03-12-pbft
    plot results/eth-crash-2020-03-12-{sequencer-down,pbft} --as comparison -o results/comparison
}
draw_contingencies() {
    "$faultline" rank scenarios/eth-crash-operators.json --from 8700 --to 12300 --order 2 \
        --of regions,labels,groups -q --resume -o results/eth-crash-operators-rank >/dev/null
    plot results/eth-crash-operators-rank --as contingency
}
draw_sequence() {
    run pbft-leader-chase --set 'trace={"detail": "messages"}'
    plot results/pbft-leader-chase --as sequence
}
draw_fan() {
    seq 40 | xargs -P "$(nproc)" -I{} "$faultline" run scenarios/eth-crash-2020-03-12.json -q \
        --seed {} -o results/fan/{}
    plot results/fan/[0-9]* --as fan --metric ledger.latent_bad_debt -o results/fan
}
draw_loss_distribution() {
    sweep crowded-out
    plot results/crowded-out --as loss
}

[[ $# -gt 0 ]] || set -- phase-diagram eth-crash-2020-03-12 comparison contingencies sequence fan \
    loss-distribution eth-crash-pbft
for name; do
    if ! declare -F "draw_${name//-/_}" >/dev/null; then
        echo "remake.sh: no picture is called \"$name\"" >&2
        exit 2
    fi
    "draw_${name//-/_}"
    echo "analysis/figures/$name.png"
done
