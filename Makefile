# faultline. `make help` lists the targets. Sources are found by wildcards: adding a file needs no
# edit here.
VERSION  := 0.1.0
BUILD    ?= build
CFLAGS   ?= -O2 -g
PREFIX   ?= /usr/local
FLAGSHIP := eth-crash-2020-03-12

# Kept apart from CFLAGS: `make CFLAGS=-O0` replaces CFLAGS, and any += to it, in silence.
# No -Werror under sanitizers: their code makes gcc warn of what cannot be.
# -ffp-contract=off: fused multiply-add changes results between compilers and CPUs.
override OURS := -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Wshadow -Wconversion \
    -Wstrict-prototypes -Wmissing-prototypes -Wvla -ffp-contract=off \
    $(if $(findstring -fsanitize,$(CFLAGS)),,-Werror)
FL_FUZZ_SECONDS ?= 600
FUZZED   := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
SANITIZE := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all

# Asked once, when the first recipe wants it: pkg-config may come with the set-up.
once     = $(eval $1 := $$(shell $2))$($1)
HDF5     = $(call once,HDF5,pkg-config --exists hdf5-serial && echo hdf5-serial || echo hdf5)
PC_FLAGS = $(call once,PC_FLAGS,pkg-config --cflags gsl gmp libcjson libxxhash $(HDF5) | sed 's/-I/-isystem /g')
LIBS     = $(call once,LIBS,pkg-config --libs gsl gmp libcjson libxxhash $(HDF5)) -lm
CRITERION = $(call once,CRITERION,pkg-config --libs criterion)
COMPILER = $(call once,COMPILER,$(CC) --version | head -1)
COMPILE  = $(CC) $(CPPFLAGS) $(CFLAGS) $(OURS) -DFL_VERSION='"$(VERSION)"' -I. -I$(BUILD)/gen $(PC_FLAGS)

objects  = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $1))
programs = $(patsubst %.c,$(BUILD)/%,$(wildcard $1))
LIB      := $(filter-out $(BUILD)/sim/main.o,$(call objects,sim/*.c models/*.c models/*/*.c analysis/*.c))
TESTLIB  := $(filter-out $(BUILD)/tests/lib/make_%,$(call objects,tests/lib/*.c))
MAKERS   := $(call objects,tests/lib/make_*.c)
TESTS    := $(call programs,tests/unit/test_*.c tests/conform/test_*.c tests/prop/test_*.c)
SOAK     := $(call programs,tests/soak/test_*.c)
BENCH    := $(call programs,tests/bench/*.c)
FUZZ     := $(call programs,tests/fuzz/*.c)
VECTORS  := $(call objects,tests/vectors/*.c)
GP       := $(patsubst %,$(BUILD)/gen/%.inc,$(wildcard analysis/*.gp))

# All cores, unless told otherwise.
ifeq (0,$(MAKELEVEL))
ifeq (,$(filter -j% --jobs%,$(MAKEFLAGS)))
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif
endif
MAKEFLAGS += --no-print-directory --no-builtin-rules
export FL_BUILD := $(BUILD)

.PHONY: all demo test asan lint determinism can-fail mutate bench soak fuzz coverage figures golden format install clean help \
    setup everything FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILD)/faultline ## build/faultline (the default)

demo: $(BUILD)/faultline ## install what is missing, run the flagship, draw its figure
	$< run scenarios/$(FLAGSHIP).json -o results/$(FLAGSHIP)
	$< plot results/$(FLAGSHIP)

test: $(BUILD)/faultline $(BUILD)/vectors $(TESTS) ## install what is missing, run all tests
	@tests/setup/run.sh $(if $(REPORTS),--reports $(REPORTS)) $(TESTS)

asan: setup ## the tests under address and undefined-behaviour sanitizers, leaks included
	@$(MAKE) test BUILD=$(BUILD)/asan REPORTS=$(BUILD)/asan/reports CFLAGS='$(SANITIZE)'

lint: setup ## format, layers, purity, both compilers
	+@tests/setup/lint.sh

determinism: setup ## equal digests for compilers, optimisation levels, CPUs, folders
	+@SANITIZE='$(SANITIZE)' tests/setup/determinism.sh

can-fail: setup ## plants violations in a copy: the checks above must notice each
	+@tests/setup/can_fail.sh

mutate: setup ## a formula off by one unit must make a published case, or a test, fail
	+@tests/vectors/mutate.sh

bench: $(BENCH) ## what is measured in specs and README
	@for b in $(BENCH); do $$b || exit 1; done

soak: $(BUILD)/faultline $(SOAK) ## long campaigns
	@FL_TEST_TIMEOUT=0 tests/setup/run.sh $(SOAK)

fuzz: setup ## FL_FUZZ_SECONDS (600) of anything at all, read as a scenario
	+@FUZZED='$(FUZZED)' tests/setup/fuzz.sh $(FL_FUZZ_SECONDS)

coverage: setup ## lines of the scenario reader that its tests and the inputs of `make fuzz` reach
	+@tests/setup/coverage.sh

figures: $(BUILD)/faultline ## remake the figures of the README, or FIGURES="NAME..." of them; one takes 45 minutes
	@analysis/figures/remake.sh $< $(FIGURES)

golden: $(BUILD)/faultline $(TESTS) ## rewrite tests/golden; look at the difference before a commit
	@FL_GOLDEN=write tests/setup/run.sh $$(grep -ls FL_GOLDEN $(TESTS))

format: setup ## clang-format on every C file
	@for again in 1 2; do clang-format -i $$(find sim models analysis tests -name '*.[ch]'); done # 2: it settles

install: $(BUILD)/faultline ## program, man page and completion to PREFIX, /usr/local by default
	install -D -m 755 $< $(DESTDIR)$(PREFIX)/bin/faultline
	install -D -m 644 sim/faultline.1 $(DESTDIR)$(PREFIX)/share/man/man1/faultline.1
	install -D -m 644 sim/faultline.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/faultline

clean: ## remove build/; results/ stay
	rm -rf $(BUILD)

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1|\2/p' Makefile | awk -F'|' '{ printf "  %-12s %s\n", $$1, $$2 }'

# Bare `make` only says what is missing; the targets for people install it.
setup:
	@tests/setup/packages.sh $(if $(filter-out all $(BUILD)/%,$(MAKECMDGOALS)),--install) \
	    $(if $(filter lint determinism can-fail fuzz coverage format,$(MAKECMDGOALS)),all,$(if $(filter-out \
	    all everything install demo figures $(BUILD)/%,$(MAKECMDGOALS)),test,$(if $(filter demo figures, \
	    $(MAKECMDGOALS)),plot,build)))

everything: $(BUILD)/faultline $(BUILD)/vectors $(TESTS) $(SOAK) $(BENCH) $(MAKERS)

# ---- how files are made ----
# Text that others depend on is rewritten only when it changes.
rewrite = $(shell mkdir -p $(@D))$(file >$@.new,$1)@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
define FACTS
#define FL_BUILD_COMPILER "$(subst ",,$(COMPILER))"
#define FL_BUILD_FLAGS "$(foreach w,$(CFLAGS) $(OURS),$(if $(findstring /,$w),,$(subst ",,$w)))"
#define FL_BUILD_GIT "$(shell { [ -e .git ] && git describe --always --dirty --abbrev=12; } 2>/dev/null || echo unknown)"
endef
$(BUILD)/gen/flags: FORCE | setup
	$(call rewrite,$(COMPILER) $(COMPILE))
$(BUILD)/gen/files: FORCE | setup
	$(call rewrite,$(LIB) $(TESTLIB))
# About the program, not the run: no folder, user or host of the machine that built it.
$(BUILD)/gen/build_facts.h: FORCE | setup
	$(call rewrite,$(FACTS))

$(BUILD)/gen/%.gp.inc: %.gp
	@mkdir -p $(@D)
	@od -An -v -tu1 $< | sed 's/[0-9][0-9]*/&,/g' >$@

$(BUILD)/%.o: %.c $(BUILD)/gen/flags | $(BUILD)/gen/build_facts.h $(GP)
	@mkdir -p $(@D)
	@echo "  $(CC) $<"
	@$(COMPILE) -MMD -MP -c $< -o $@

$(BUILD)/sim/archive.o: $(BUILD)/gen/build_facts.h
$(BUILD)/sim/archive.o: COMPILE += -include $(BUILD)/gen/build_facts.h

# Archives, so that a test may bring its own fl_models in place of models/registry.o.
$(BUILD)/libfaultline.a: $(LIB)
$(BUILD)/libtests.a: $(TESTLIB)
$(BUILD)/lib%.a: $(BUILD)/gen/files
	@rm -f $@ && ar rcs $@ $(filter %.o,$^)

$(BUILD)/faultline: $(BUILD)/sim/main.o $(BUILD)/libfaultline.a
	@$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LIBS) -o $@
$(BUILD)/vectors: $(VECTORS) $(BUILD)/libfaultline.a
	@$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LIBS) -o $@
$(TESTS) $(SOAK) $(BENCH): %: %.o $(BUILD)/libtests.a $(BUILD)/libfaultline.a
	@$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LIBS) $(CRITERION) -o $@
$(FUZZ): %: %.o $(BUILD)/libfaultline.a
	@$(CC) $(CFLAGS) -fsanitize=fuzzer $(LDFLAGS) $^ $(LIBS) -o $@

-include $(patsubst %.o,%.d,$(LIB) $(BUILD)/sim/main.o $(TESTLIB) $(MAKERS) $(VECTORS)) \
    $(patsubst %,%.d,$(TESTS) $(SOAK) $(BENCH) $(FUZZ))
