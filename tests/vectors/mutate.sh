#!/usr/bin/env bash
# A formula off by one unit must not pass. This copies the tree, changes one formula at a time by the least that
# can be changed (a rounding turned, < for <=, one added), and expects a case of tests/vectors/*.json to fail; or,
# where no published case is near enough to the edge, the unit test that is named. Ends with `N passed, N failed`.
set -u
cd "$(dirname "$0")/../.."

build=${FL_BUILD:-build}
copy=$(mktemp -d /tmp/faultline-mutate.XXXXXX)
trap 'rm -rf "$copy"' EXIT
make BUILD="$build" "$build/vectors" "$build/tests/unit/test_margin" "$build/tests/unit/test_funding" || exit 1
tar -c --exclude=./results --exclude=./.git --exclude=./build . | tar -x -C "$copy"
mkdir "$copy/build" && cp -a "$build"/{gen,sim,models,analysis,tests,*.a,vectors} "$copy/build" || exit 1
cd "$copy" || exit 1
unset MAKEFLAGS MAKELEVEL MFLAGS BUILD CFLAGS
export FL_BUILD=build
passed=0 failed=0

# In FILE of models/ledger the first FROM becomes TO; then WITNESS (vectors, or a unit test) must fail.
mutate() { # FORMULA WITNESS FILE FROM TO
    local text out status program=build/vectors arguments=(tests/vectors/*.json)
    [[ $2 == vectors ]] || program=build/tests/unit/$2 arguments=()
    text=$(<"$3")
    printf '%s\n' "${text/"$4"/"$5"}" >"$3"
    if [[ $text != *"$4"* ]]; then
        out="there is no '$4' in $3" status=0
    elif ! out=$(make "$program" 2>&1); then
        status=0 # no result
    else
        out=$(timeout 120 "$program" "${arguments[@]}" 2>&1)
        status=$?
    fi
    if [[ $status == 1 ]]; then
        passed=$((passed + 1))
        echo "noticed  $1: '$4' -> '$5' ($2)"
    else
        failed=$((failed + 1))
        tail -5 <<<"$out"
        echo "MISSED   $1: '$4' -> '$5' ($2, status $status)"
    fi
    printf '%s\n' "$text" >"$3"
}
margin() { mutate "$1" "${4-vectors}" models/ledger/margin.c "$2" "$3"; }
funding() { mutate "$1" "${4-vectors}" models/ledger/funding.c "$2" "$3"; }

# ---- margin ----
margin exponent 'quote_per_usd = 6' 'quote_per_usd = 7'
margin 'notional, any exponent' 'return fl_i128_mul_div_trunc(size' 'return fl_i128_mul_div_ceil(size'
margin 'notional, any exponent' 'return fl_i128_mul_div_trunc(size' 'return fl_i128_mul_div_floor(size' test_margin
margin 'notional, micro' 'with_sign(fl_u128_million_floor(' 'with_sign(fl_u128_million_ceil(' test_margin
margin 'open interest scaling' 'fl_mul_div_floor(fl_max(MILLION - base, 0)' 'fl_mul_div_ceil(fl_max(MILLION - base, 0)'
margin 'open interest scaling, above' 'return fl_max(base, MILLION)' 'return fl_max(base, MILLION) + 1'
margin 'open interest scaling, lower cap' 'open_notional - terms->oi_lower' 'open_notional - terms->oi_lower - 1' test_margin
margin 'initial margin' 'fl_u128_million_ceil((fl_u128)(uint64_t)amount' 'fl_u128_million_floor((fl_u128)(uint64_t)amount'
margin 'initial margin, greater' 'fl_i128_mul_div_ceil((fl_i128)amount' 'fl_i128_mul_div_floor((fl_i128)amount' test_margin
margin 'maintenance margin' 'return share_up((fl_u128)base, terms->maintenance_fraction_ppm)' 'return share_up((fl_u128)base, terms->maintenance_fraction_ppm) + 1'
margin 'maintenance margin of an account' 'share_up((fl_u128)base, terms->maintenance_fraction_ppm));' 'share_up((fl_u128)base, terms->maintenance_fraction_ppm) + 1);'
margin 'maintenance margin, base unscaled' 'plus(risk->maintenance, share_up((fl_u128)base' 'plus(risk->maintenance, share_up((fl_u128)initial'
margin 'funding of a position' 'fl_sub(index, settled) * size' 'fl_sub(index, settled) * size + 1'
margin 'funding due' 'return -(fl_i128)fl_u128_million_ceil(fl_u128_abs(ppm))' 'return -(fl_i128)fl_u128_million_floor(fl_u128_abs(ppm))' test_margin
margin 'net collateral' 'plus(risk->collateral, notional)' 'plus(risk->collateral, notional + 1)'
margin 'initial margin of an account' 'plus(risk->initial, initial)' 'plus(risk->initial, initial + 1)'
margin 'a fill' 'account->at[i].size = after;' 'account->at[i].size = after + 1;'
margin 'a fill, the bound' 'balance == INT64_MIN || after == INT64_MIN' 'after == INT64_MIN' test_margin
margin 'open interest' 'fl_max(to, 0) - fl_max(from, 0)' 'fl_max(to, 0) - fl_max(from, 1)'
margin 'an account is valid' 'p->market >= count' 'p->market > count'
margin 'liquidatable' 'risk->maintenance > risk->collateral' 'risk->maintenance >= risk->collateral'
margin 'liquidatable without margin' 'risk->maintenance > 0 && ' ''
margin 'transition' 'after->collateral >= after->initial' 'after->collateral > after->initial' test_margin
margin 'transition, ratio' 'before->collateral, after->maintenance) >= 0' 'before->collateral, after->maintenance) > 0'
margin 'transition, margin' 'after->maintenance > before->maintenance' 'after->maintenance >= before->maintenance'
margin 'transition, no margin' 'after->collateral > before->collateral' 'after->collateral >= before->collateral'
margin 'transition, newly' 'before->collateral >= before->initial' 'before->collateral > before->initial' test_margin

# ---- liquidation ----
margin 'closing a long' 'delta < 0 && delta >= -size' 'delta <= 0 && delta >= -size'
margin 'closing a short' 'size < 0 && delta <= -size' 'size < 0 && delta <= -size + 1' test_margin
margin 'a fill quote' 'return -fl_notional(size, price, exponent)' 'return -fl_notional(size, price, exponent) + 1'
margin 'bankruptcy price, floor' 'worth - fl_i128_mul_div_floor(all.collateral' 'worth - fl_i128_mul_div_trunc(all.collateral' test_margin
margin 'bankruptcy price, floor' 'worth - fl_i128_mul_div_floor(all.collateral' 'worth - fl_i128_mul_div_ceil(all.collateral'
margin 'bankruptcy price, worth' 'return -worth - fl_i128' 'return -worth - 1 - fl_i128'
margin 'bankruptcy rating, missing' '*over = missing <= 0' '*over = missing <= 1' test_margin
margin 'bankruptcy rating, below 0' '*over = missing <= 0' '*over = missing == 0' test_margin
margin 'bankruptcy rating, above 1' '> 0) *over = *under;' '> 0) *over = *over;'
margin 'fillable price, spread' '(fl_u128)terms->spread_to_maintenance_ppm)' '(fl_u128)terms->spread_to_maintenance_ppm + 1)'
margin 'fillable price, worth' 'fl_wide_times(under, fl_u128_abs(own.collateral))' 'fl_wide_times(under, fl_u128_abs(own.collateral) + 1)'
margin 'fillable price, size' 'fl_wide_times(under, fl_u128_abs(size))' 'fl_wide_times(under, fl_u128_abs(size) + 1)'
margin 'on the grid, up' 'closes_long ? fl_wide_div_ceil(over, under)' 'closes_long ? fl_wide_div_floor(over, under)' test_margin
margin 'on the grid, down' ': fl_wide_div_floor(over, under)' ': fl_wide_div_ceil(over, under)' test_margin
margin 'on the grid, least' 'if (ticks < 1) ticks = 1' 'if (ticks < 2) ticks = 2'
margin 'on the grid, most' 'if (ticks > most) ticks = most' 'if (ticks >= most) ticks = most - 1'
margin 'insurance delta' 'plus(fill_quote, -bankruptcy_quote)' 'plus(fill_quote, -bankruptcy_quote) + 1'
margin 'insurance delta, fee' 'return delta < most ? delta : most' 'return delta < most ? delta : most + 1'
margin 'insurance delta, floor' 'fl_i128_mul_div_floor((fl_i128)fl_u128_abs(fill_quote)' 'fl_i128_mul_div_ceil((fl_i128)fl_u128_abs(fill_quote)' test_margin
margin 'the fund bears' 'plus(fund, delta) >= 0' 'plus(fund, delta) >= -1'
margin 'insurance lost' 'return delta < 0 ? -delta : 0' 'return delta < 0 ? -delta + 1 : 0'
margin 'position limits, least' 'terms->min_notional < whole ? terms->min_notional' 'terms->min_notional < whole ? terms->min_notional + 1'
margin 'position limits, greatest' 'fl_i128_mul_div_floor(whole, terms->portion_ppm' 'fl_i128_mul_div_floor(whole, terms->portion_ppm + 1'
margin 'position limits, floor' 'fl_i128_mul_div_floor(whole, terms->portion_ppm' 'fl_i128_mul_div_ceil(whole, terms->portion_ppm' test_margin
margin 'once per block' 'if (markets[i] == market)' 'if (markets[i] == market + 1)'
margin 'notional left' 'plus(terms->account_notional, -notional_so_far)' 'plus(terms->account_notional, -notional_so_far + 1)'
margin 'insurance left' 'plus(terms->account_insurance, -lost_so_far)' 'plus(terms->account_insurance, -lost_so_far + 1)'

# ---- deleveraging ----
margin 'can deleverage' 'if (collateral < 0)' 'if (collateral <= 0)' test_margin
margin 'can deleverage, settlement' 'return final_settlement ?' 'return !final_settlement ?'
margin 'deleverage, side' '|| !fl_can_close(offsetting, market, -delta)' ''
margin 'deleverage, transition' 'return fl_transition(&before, &after) == FL_TRANSITION_OK' 'return (int)fl_transition(&before, &after) != 0'
margin 'deleverage against' 'delta > 0 ? fl_min(delta, size)' 'delta > 0 ? fl_min(delta, size - 1)'

# ---- funding ----
funding 'premium, bid' ': fl_wide_div_floor(over, under)' ': fl_wide_div_ceil(over, under)'
funding 'premium, ask' 'up ? fl_wide_div_ceil(over, under)' 'up ? fl_wide_div_floor(over, under)'
funding 'premium, less 1' '(fl_i128)ratio - MILLION' '(fl_i128)ratio - MILLION + 1'
funding 'premium, bid above the index' 'index_numerator, bid_unit) > 0' 'index_numerator, bid_unit) < 0'
funding 'premium, limit' 'ppm > limit_ppm ? limit_ppm :' 'ppm > limit_ppm ? limit_ppm + 1 :'
funding 'premium, limit' 'ppm < -limit_ppm ? -limit_ppm' 'ppm < -limit_ppm ? -limit_ppm - 1'
funding 'impact price, last level' 'if (whole >= rest)' 'if (whole > rest)' test_funding
funding 'impact price, taken' 'rest -= whole;' 'rest -= whole - 1;' test_funding
funding 'impact price, size' 'taken += size;' 'taken += size + 1;' test_funding
funding 'impact price of nothing' '*numerator = price;' '*numerator = price + 1;' test_funding
funding 'premium, exponents' 'index_exponent - book->exponent' 'index_exponent - book->exponent + 1'
funding 'samples expected' 'fl_mul_div_ceil(tick_s, 1, sample_s)' 'fl_mul_div_floor(tick_s, 1, sample_s)' test_funding
funding 'sample, padding' 'count < least; count++' 'count + 1 < least; count++'
funding 'sample, away from zero' 'sum + (sum > 0) - (sum < 0)' 'sum + (sum > 0)'
funding 'sample, away from zero' 'sum + (sum > 0) - (sum < 0)' 'sum - (sum < 0)'
funding 'sample, odd' 'return votes[count / 2]' 'return votes[count / 2 - 1]' test_funding
funding 'tails, bottom' '*first = (uint32_t)removed / 2' '*first = ((uint32_t)removed + 1) / 2'
funding 'tails, all' 'count * 2 * rate_ppm / MILLION' '(count * 2 * rate_ppm + MILLION - 1) / MILLION'
funding 'tails, rate' 'if (removed > count)' 'if (removed > 2 * (fl_i128)count)'
funding 'rate, mean' '(int64_t)(sum / padded)' '(int64_t)((sum - (sum < 0) * (fl_i128)(padded - 1)) / padded)' test_funding
funding 'rate, padding' 'count > expected ? count : expected' 'count > expected ? count : expected + 1'
funding 'rate, default' 'fl_add(mean, default_ppm)' 'fl_add(mean, default_ppm + 1)'
funding 'rate, limit' '-limit, limit)' '-limit - 1, limit + 1)'
funding 'rate, maintenance' 'fl_mul_div_floor(initial_ppm, maintenance' 'fl_mul_div_ceil(initial_ppm, maintenance' test_funding
funding 'rise' '/ FL_FUNDING_PERIOD_S' '/ (FL_FUNDING_PERIOD_S + 1)'

echo "$passed passed, $failed failed"
[[ $failed == 0 && $passed != 0 ]]
