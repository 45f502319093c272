/* Results in programs that are not ours: h5py, h5dump and GNU Octave read every value of every dataset of
 * a run and of a sweep, and find what CSV files say, which are written without HDF5; and units and
 * descriptions, Octave in datasets, as it knows no attributes. The scripts are tests/lib/interop_*. */
#include "tests/lib/archive_fixture.h"

#include <criterion/criterion.h>
#include <sys/wait.h>

/* `listing` reads $file into $folder/NAME.txt and `check` compares that with $csv. */
static const char tools[] =
    "set -e; export PYTHONUTF8=1\n"
    "python=/usr/bin/python3 lib=tests/lib\n" /* not one that hides the packages of the system */
    "listing() { case $1 in\n"
    "  octave) octave-cli --no-history --norc --quiet $lib/interop_octave.m $file;;\n"
    "  *) $python $lib/interop_$1.py $file;;\n"
    "  esac >$folder/$1.txt; }\n"
    "check() { $python $lib/interop_check.py $folder/$1.txt $folder/h5py.txt $csv; }\n"
    "all() { for program in h5py h5dump octave; do listing $program; check $program; done; }\n";

static int shell(const char *folder, const char *script)
{
    const char *build = getenv("FL_BUILD");
    char command[8192];
    const int bytes = snprintf(command, sizeof command, "%sfaultline=%s/faultline folder=%s\n%s",
                               tools, build ? build : "build", folder, script);
    cr_assert_lt(bytes, (int)sizeof command);
    const int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Blocks, prices, faults, checks and messages: all kinds of datasets that there are. */
#define A_RUN                                                               \
    "$faultline run scenarios/price-trigger.json --set 'trace={\"detail\":" \
    "\"messages\"}' --set 'expect=[]' -q -o $folder\n"                      \
    "$faultline export $folder --as csv >/dev/null\n"                       \
    "file=$folder/trace.h5 csv=$folder/csv\n"
/* Integers, decimals and words, along the axes and among the metrics. */
#define A_SWEEP                                                                                   \
    "cat >$folder/plan.json <<END\n"                                                              \
    "{\"name\": \"small\", \"scenario\": \"$PWD/scenarios/waterfall.json\", \"axes\": [\n"        \
    " {\"path\": \"contracts.exchange.insurance_fund\", \"values\": [1000.5, 50000]},\n"          \
    " {\"path\": \"contracts.exchange.deleveraging\", \"values\": [\"pro_rata\", \"ranked\"]},\n" \
    " {\"path\": \"duration_s\", \"values\": [800, 900]}], \"replicates\": 2,\n"                  \
    " \"metrics\": [\"digest\", \"ledger.deficit\", \"checks.solvency\", \"ledger.judged\", "     \
    "\"events\", \"market.impact\", \"end_time_s\"]}\n"                                           \
    "END\n"                                                                                       \
    "$faultline sweep $folder/plan.json -q -o $folder\n"                                          \
    "file=$folder/sweep.h5 csv=$folder/sweep.csv\n"

static void expect_ok(const char *script)
{
    char folder[FAKE_PATH];
    fake_folder(folder);
    cr_expect_eq(shell(folder, script), 0);
    cr_expect_eq(shell(folder, "rm -rf $folder"), 0);
}

Test(interop, a_run_is_what_its_csv_files_say)
{
    expect_ok(A_RUN "all");
}

Test(interop, a_sweep_is_what_its_csv_file_says)
{
    expect_ok(A_SWEEP "all");
}

/* The comparison above can fail: the last digit of one price, one word, one row or one column too few,
 * one unit. */
Test(interop, what_differs_is_noticed)
{
    expect_ok(A_RUN "all\n"
                    "wrong() { if check $1 2>/dev/null; then exit 1; fi; }\n"
                    "both() { wrong h5dump; wrong octave; rm -rf $csv; cp -r $folder/good $csv; }\n"
                    "cp -r $csv $folder/good\n"
                    "sed -i '3s/.\\r$/x&/; 3s/x1/2/; 3s/x./1/' $csv/price.csv; both\n"
                    "sed -i 's/holds/broken/' $csv/checks.csv; both\n"
                    "sed -i '$d' $csv/messages.csv; both\n"
                    "rm $csv/nodes.csv; sed -i /^nodes/d $csv/columns.csv; both\n"
                    "sed -i 's/\\tns\\t/\\ts\\t/' $folder/h5dump.txt; wrong h5dump\n"
                    "sed -i '/^.columns.units/s/ns/s/' $folder/octave.txt; wrong octave\n"
                    "listing octave; check octave");
}
