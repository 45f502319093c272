#!/usr/bin/env bash
# What a reader cannot be asked to check: format, layers, purity. Layers and purity are read off what
# both compilers really produced (objects and dependency files), not off the words in the sources.
# Ends with `N passed, N failed`. With arguments, runs only the checks named (see the end).
set -u
cd "$(dirname "$0")/../.."

build=${FL_BUILD:-build}
trees=("$build/gcc-O2" "$build/clang-O2")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# All that a model may include, and all that it may call: what these declare.
contract=(sim/{base,model,num,wide,law,rng}.h models/{wire,submit}.h)
# Beside that, what compilers call by themselves: copies, stack guards, arithmetic on 128 bits.
by_compiler='(__)?mem(cpy|set|cmp|move)(_chk)?|bcmp|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|__[a-z]+[sdt]i[2-4]'
# Not part of a run: they turn its result into files, and into the floats that readers expect; and, in whole
# millionths, say whether there have been enough of them.
after_a_run='sim/(main|options|archive|columns|disk|h5|summary|student)\.o'
# Objects of the engine that may own a writable global, each with its reason: the sentence that says
# which file could not be written, and the files that a signal must remove.
writable='sim/disk\.o'

# Objects of sources that exist now, in a build folder that may remember others.
objects_of() { printf "$1/%s\n" "${@:2}" | sed 's/\.c$/.o/'; }
models_of() { objects_of "$1" models/*.c models/*/*.c; }
run_of() { { models_of "$1"; objects_of "$1" sim/*.c; } | grep -vE "/$after_a_run$"; }
# Prints what it reads, each line after $1; fails if there was any.
none() { ! sed "s|^|$1: |" | grep .; }

build_with() { # COMPILER
    ${MAKE:-make} everything BUILD="$build/$1-O2" CC="$1" CFLAGS=-O2 >"$scratch/log" 2>&1 ||
        { cat "$scratch/log"; return 1; }
}
check_gcc() { build_with gcc; }
check_clang() { build_with clang; }

check_headers() { # each compiles alone
    local header status=0
    for header in $(find sim models analysis tests -name '*.h'); do
        gcc -fsyntax-only -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Werror -I. \
            $(pkg-config --cflags hdf5-serial 2>/dev/null || pkg-config --cflags hdf5) \
            -include "$header" -x c - </dev/null || status=1
    done
    return $status
}

check_format() {
    local tool=clang-format
    ! command -v clang-format-14 >/dev/null || tool=clang-format-14
    if [[ $($tool --version) != *' version 14.'* ]]; then
        echo "(not checked: .clang-format is for version 14, this is $($tool --version))"
        return 0
    fi
    find sim models analysis tests -name '*.[ch]' -print0 |
        xargs -0 $tool --dry-run -Werror 2>&1 | grep -E 'error:' | sort -t: -k1,1 -u | none 'make format'
}

check_purity() { # a model calls the contract, and functions of its own family, and nothing else
    local tree header
    for header in "${contract[@]}"; do
        gcc -fpreprocessed -dD -E -P "$header" # drops comments
    done | grep -oE '\bfl_[a-z0-9_]+ *\(' | tr -d ' (' >"$scratch/contract"
    for tree in "${trees[@]}"; do
        models_of "$tree" | xargs nm -A -P -g --defined-only >"$scratch/defined"
        models_of "$tree" | grep -v '/registry\.o$' | xargs nm -A -P -u |
            awk -v top="$tree/models/" -v by_compiler="^($by_compiler)$" '
                function folder(file) { sub(/[^\/]*$/, "", file); return file }
                FILENAME ~ /contract$/ { contract[$1]; next }
                FILENAME ~ /defined$/ { if (folder($1) != top) family[folder($1), $2]; next }
                $2 ~ /^fl_model_/ || !($2 in contract || (folder($1), $2) in family || $2 ~ by_compiler) {
                    print $1, $2 }' "$scratch/contract" "$scratch/defined" -
    done | none 'a model calls'
}

check_globals() { # state lives in what the engine was given, so that runs cannot meet
    local tree
    for tree in "${trees[@]}"; do
        { models_of "$tree"; objects_of "$tree" sim/*.c; } | grep -vE "/$writable$" | xargs size -A |
            awk '/:$/ { file = $1 }
                 $1 ~ /^\.t?(data|bss)(\.|$)/ && $1 !~ /^\.data\.rel\.ro/ && $2 { print file, $1, $2 }'
    done | none 'writable'
}

check_libm() { # other last bits on another CPU
    local tree
    {
        nm -D --defined-only -P "$(gcc -print-file-name=libm.so.6)" | sed 's/[@ ].*//'
        printf '%s\n' atof strtod strtof strtold drand48 erand48
    } >"$scratch/libm"
    for tree in "${trees[@]}"; do
        run_of "$tree" | xargs nm -A -P -u | awk '
            FILENAME != "-" { libm[$1]; next }
            $2 in libm || $2 ~ /^__(fix|float|[a-z]+[sdtx]f[23]$)/ { print $1, $2 }' "$scratch/libm" -
    done | none 'floating point library'
}

check_float() { # no floating arithmetic in any instruction: SSE, AVX, x87, Arm
    local tree
    for tree in "${trees[@]}"; do
        run_of "$tree" | xargs objdump -d --no-show-raw-insn | awk -F'\t' '
            /file format/ { file = $1; sub(/: .*/, "", file) }
            /^[0-9a-f]+ <.*>:$/ { where = $1 }
            { split($2, word, " ") }
            word[1] ~ /^(v?(add|sub|mul|div|sqrt|rsqrt|rcp|min|max|round|dp|hadd|hsub|u?comi|cmp[a-z]*)[sp][sd]|v?fn?m(add|sub)[0-9a-z]+|v?cvt[a-z0-9]+|f[a-z0-9]+|[su]cvtf)$/ && word[1] != "fmov" {
                print file, where, $2 }'
    done | head -40 | none "floating point"
}

check_includes() { # arrows point down
    local tree=${trees[0]}
    find "$tree" -name '*.d' | while read -r list; do
        source=${list#"$tree/"} source=${source%.d}.c
        [[ -e $source ]] || continue # deleted or renamed since
        case $source in
            models/*/*) bad="^($(IFS='|'; echo "${contract[*]}")|$(dirname "$source")/[^/]*)$" invert=-v ;;
            models/*) bad="^($(IFS='|'; echo "${contract[*]}")|models/[^/]*)$" invert=-v ;;
            sim/main.c | tests/*) continue ;;
            sim/*) bad='^(models|analysis|tests)/' invert= ;;
            analysis/*) bad='^(models|tests)/|^sim/(world|config|state)\.h' invert= ;;
            *) continue ;;
        esac
        tr -s ' \\\n' '\n' <"$list" | sed 's/:$//' | grep -vE '\.o$|^$|^/' | sort -u |
            grep $invert -E "$bad" | sed "s|^|$source includes |"
    done | none 'layers'
}

check_scripts() {
    local script status=0
    for script in $(grep -rlE --exclude-dir={.git,build,results} '^#!/usr/bin/env bash' . | sort); do
        bash -n "$script" || status=1
        [[ -x $script ]] || { echo "$script is not executable"; status=1; }
    done
    return $status
}

check_scenarios() { "${trees[0]}/faultline" validate scenarios/*.json; }

passed=0 failed=0
[[ $# -gt 0 ]] || set -- gcc clang headers format purity globals libm float includes scripts scenarios
for check in "$@"; do
    if "check_$check" >"$scratch/out" 2>&1; then
        echo "ok   $check $(grep '^(' "$scratch/out")"
        passed=$((passed + 1))
    else
        cat "$scratch/out"
        echo "FAIL $check"
        failed=$((failed + 1))
        # Without objects there is nothing to look at.
        [[ $check != gcc && $check != clang ]] || break
    fi
done
echo "$passed passed, $failed failed"
[[ $failed == 0 ]]
