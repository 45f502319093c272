#!/usr/bin/env bash
# A check that cannot fail proves nothing. This copies the tree, plants one violation at a time, and
# expects the check in question to notice. Ends with `N passed, N failed`.
set -u
cd "$(dirname "$0")/../.."

build=${FL_BUILD:-build}
copy=$(mktemp -d /tmp/faultline-can-fail.XXXXXX)
trap 'rm -rf "$copy"' EXIT
tar -c --exclude=./results --exclude=./.git --exclude="./$build" . | tar -x -C "$copy"
for tree in gcc-O2 clang-O2 gcc-O0 asan; do # to save time; make rebuilds what is not up to date
    [[ ! -e $build/$tree ]] || { mkdir -p "$copy/build" && cp -a "$build/$tree" "$copy/build/$tree"; }
done
cd "$copy" || exit 1
find tests -name '*.c' -not -path 'tests/vectors/*' -delete # nor need the real tests be compiled
unset MAKEFLAGS MAKELEVEL MFLAGS BUILD CFLAGS
export FL_BUILD=build
printf '/build/\n/results/\n' >.gitignore
git init -q . && git add -A && git -c user.name=x -c user.email=x@invalid commit -qm x
passed=0 failed=0

# After the edit on stdin (a shell script) the command must fail, with PATTERN in its output.
expect() { # DESCRIPTION PATTERN COMMAND...
    local out status
    bash -eu || echo 'the edit failed'
    out=$("${@:3}" 2>&1 </dev/null)
    status=$?
    if [[ $status != 0 ]] && grep -qE -- "$2" <<<"$out"; then
        passed=$((passed + 1))
        echo "noticed  $1"
    else
        failed=$((failed + 1))
        tail -15 <<<"$out"
        echo "MISSED   $1 (status $status, expected: $2)"
    fi
    git checkout -q . && git clean -fdq
}

# ---- lint ----
# A new file, and the check that must refuse it though it compiles.
plant() { # CHECK FILE, C source on stdin
    local source
    source=$(cat)
    expect "lint $1: $2: $(tail -1 <<<"$source")" "^FAIL $1" tests/setup/lint.sh gcc clang "$1" <<<"cat >'$2' <<'END'
$source
END"
}

expect 'lint format: spaces' '^FAIL format' tests/setup/lint.sh format \
    <<<"echo 'int   fl_plant(void);' >sim/plant.h"
expect 'lint headers: size_t without its header' '^FAIL headers' tests/setup/lint.sh headers \
    <<<"echo 'size_t fl_plant(void);' >sim/plant.h"
expect 'lint scripts: syntax' '^FAIL scripts' tests/setup/lint.sh scripts \
    <<<"printf '#!/usr/bin/env bash\nif\n' >.ci/plant; chmod +x .ci/plant"
expect 'lint scripts: not executable' '^FAIL scripts' tests/setup/lint.sh scripts \
    <<<"printf '#!/usr/bin/env bash\n' >.ci/plant"
expect 'lint scenarios: unknown key' '^FAIL scenarios' tests/setup/lint.sh gcc scenarios \
    <<<"sed '0,/\"seed\"/s//\"sead\"/' scenarios/eth-crash-2020-03-12.json >scenarios/plant.json"
expect 'lint gcc: a narrowing' '^FAIL gcc' tests/setup/lint.sh gcc clang \
    <<<"printf 'int fl_plant(long a);\nint fl_plant(long a) { return a; }\n' >sim/plant.c"
expect 'lint clang: what only clang sees' '^FAIL clang' tests/setup/lint.sh gcc clang \
    <<<"printf 'extern int fl_plant;\nstatic inline int plant(void) { return 1; }\n' >sim/plant.c"

plant purity models/oracle/plant.c <<'E'
#include <stdlib.h>
void *fl_plant(void); void *fl_plant(void) { return malloc(8); }
E
plant purity models/oracle/plant.c <<'E'
#include <time.h>
long fl_plant(void); long fl_plant(void) { return (long)time(NULL); }
E
plant purity models/oracle/plant.c <<'E'
void fl_world_run(void *w); void fl_plant(void *w); void fl_plant(void *w) { fl_world_run(w); }
E
plant purity models/oracle/plant.c <<'E'
extern const int fl_model_feed; const int *fl_plant(void); const int *fl_plant(void) { return &fl_model_feed; }
E
plant globals models/oracle/plant.c <<'E'
int fl_plant(void); int fl_plant(void) { static int calls; return ++calls; }
E
plant globals models/oracle/plant.c <<'E'
int fl_plant(void); int fl_plant(void) { static _Thread_local int calls = 7; return ++calls; }
E
plant globals sim/plant.c <<'E'
extern const char *fl_plant[]; const char *fl_plant[] = {"a table that somebody forgot to make const"};
E
plant libm sim/plant.c <<'E'
double exp(double x); double fl_plant(double x); double fl_plant(double x) { return exp(x); }
E
plant libm sim/plant.c <<'E'
double strtod(const char *s, char **e); double fl_plant(const char *s); double fl_plant(const char *s) { return strtod(s, 0); }
E
plant float models/ledger/plant.c <<'E'
long fl_plant(long x); long fl_plant(long x) { return (long)((double)x * 1.5); }
E
plant float sim/plant.c <<'E'
long double fl_plant(long double x); long double fl_plant(long double x) { return x / 3; }
E
plant float sim/plant.c <<'E'
void fl_plant(float *x); void fl_plant(float *x) { for (int i = 0; i < 64; i++) x[i] += x[i + 64]; }
E
plant includes models/oracle/plant.c <<'E'
#include "sim/world.h"
E
expect 'lint includes: a family looks into another' '^FAIL includes' tests/setup/lint.sh gcc includes <<'E'
echo '#include "sim/base.h"' >models/ledger/plant.h
echo '#include "models/ledger/plant.h"' >models/oracle/plant.c
E
plant includes sim/plant.c <<'E'
#include "models/wire.h"
E
plant includes analysis/plant.c <<'E'
#include "sim/config.h"
E

# ---- the runner of tests ----
fake() { # DESCRIPTION PATTERN, a shell script on stdin in the place of a Criterion program
    local script
    script=$(cat)
    expect "run.sh: $1" "$2" tests/setup/run.sh ./good ./fake <<<"cat >fake <<'END'
#!/bin/sh
$script
END
printf '#!/bin/sh\necho \"[====] Synthesis: Tested: 2 | Passing: 2 | Failing: 0 | Crashing: 0 \"\n' >good
chmod +x fake good"
}
fake 'a failing test' '^4 passed, 2 failed$' \
    <<<'echo "[====] Synthesis: Tested: 4 | Passing: 2 | Failing: 2 | Crashing: 1 "; exit 1'
fake 'no closing line' '^2 passed, 1 failed$' <<<'exit 0'
fake 'killed before its closing line' '^2 passed, 1 failed$' <<<'kill -SEGV $$'
fake 'passing, but status 1' '^4 passed, 1 failed$' \
    <<<'echo "[====] Synthesis: Tested: 2 | Passing: 2 | Failing: 0 | Crashing: 0 "; exit 1'
fake 'no test in it' '^2 passed, 1 failed$' \
    <<<'echo "[====] Synthesis: Tested: 0 | Passing: 0 | Failing: 0 | Crashing: 0 "'
FL_TEST_TIMEOUT=1 fake 'hanging' '^2 passed, 1 failed$' <<<'sleep 60'

# ---- tests and sanitizers under Criterion ----
criterion() { # DESCRIPTION PATTERN TARGET, the body of a test on stdin
    local body
    body=$(cat)
    expect "make $3: $1" "$2" make "$3" <<<"mkdir -p tests/unit
cat >tests/unit/test_plant.c <<'END'
#include <criterion/criterion.h>
#include <limits.h>
#include <stdlib.h>
Test(plant, is_noticed)
{
    volatile int zero = 0;
    cr_expect(zero == 0);
    $body
}
Test(plant, passes) {}
END"
}
criterion 'a wrong answer' '^1 passed, 1 failed$' test <<<'cr_assert(zero);'
criterion 'a crash' '^1 passed, 1 failed$' test <<<'abort();'
criterion 'a leak' 'LeakSanitizer: detected memory leaks' asan <<<'cr_assert(malloc(99) != NULL);'
criterion 'a read out of bounds' 'heap-buffer-overflow' asan \
    <<<'char *p = calloc(9 + (size_t)zero, 1); cr_assert(p[9 + zero] != 7); free(p);'
criterion 'undefined behaviour' 'signed integer overflow' asan <<<'zero = INT_MAX; zero = zero + 1;'

# ---- determinism ----
export VARIANTS='gcc-O2 gcc-O0'
expect 'determinism: a draw that depends on the optimiser' '^DIFFERS  gcc-O0' make determinism <<'E'
sed -i '0,/FL_ASSERT(purpose/s//\n#ifndef __OPTIMIZE__\n    seed ^= 1;\n#endif\n    FL_ASSERT(purpose/' sim/rng.c
E
VARIANTS=gcc-O2
expect 'determinism: floating point that depends on the CPU' '^DIFFERS  gcc-O2-without-fma' make determinism <<'E'
sed -i '0,/    FL_ASSERT(purpose/s//    for (int k = 0; k < 64; k++) {\n        union {\n            double d;\n            uint64_t u;\n        } plant = {.d = __builtin_pow((double)(step % 1024 + 1) * 0.37 * k, 1.3)};\n        seed += plant.u;\n    }\n&/' sim/rng.c
E
expect 'determinism: a file that knows when it was written' '^DIFFERS  files' make determinism <<'E'
grep -q 'H5Pset_obj_track_times(.*false' sim/h5.c
sed -i '/H5Pset_obj_track_times/s/false/true/' sim/h5.c
E
echo "$passed passed, $failed failed"
[[ $failed == 0 ]]
