/* The scripts of `faultline sweep --slurm`: what they say, what they make of the ends of a sweep, and that
 * they work on a real Slurm (tests/unit/job_array.sh).
 *
 * No timeouts of Criterion: see tests/unit/test_process.c. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH = 256, LONG_PATH = 2048, TEXT = 1 << 14 };
#define PLAN "scenarios/sweeps/outage-minutes.json" /* has eight points */

struct place {
    char base[PATH];
};

static struct place place_new(void)
{
    struct place p = {"/tmp/faultline-scripts-XXXXXX"};
    cr_assert_not_null(mkdtemp(p.base));
    return p;
}

/* Status of a script, with all that it says. It finds the program as $faultline, the place as $place,
 * and a folder there, which does not exist yet and has a name that shells stumble over, as $folder. */
static int shell(const struct place *p, const char *script, char said[TEXT])
{
    const char *build = getenv("FL_BUILD");
    char command[TEXT];
    const int length = snprintf(command, sizeof command,
                                "exec 2>&1; faultline=%s/faultline; place=%s; "
                                "folder=\"$place/it's 5%%; \\\"a b\\\" & \\$HOME\"; %s",
                                build ? build : "build", p->base, script);
    cr_assert(length > 0 && length < TEXT);
    FILE *pipe = popen(command, "r");
    cr_assert_not_null(pipe);
    said[fread(said, 1, TEXT - 1, pipe)] = '\0';
    const int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void place_remove(const struct place *p)
{
    char said[TEXT];
    cr_expect_eq(shell(p, "rm -rf \"$place\"", said), 0, "%s", said);
}

#define WRITE(tasks, more) "$faultline sweep " PLAN " --slurm " tasks " " more " -o \"$folder\""

Test(job_array, shells_read_the_scripts)
{
    const struct place p = place_new();
    char said[TEXT];
    cr_expect_eq(shell(&p,
                       "set -e; " WRITE("7", "-q") "; cd \"$folder\"; ls; "
                                                   "for f in *.sh; do sh -n $f; bash -n $f; done; "
                                                   "if command -v shellcheck >/dev/null; "
                                                   "then shellcheck -e SC2016 *.sh; fi",
                       said),
                 0, "%s", said);
    cr_expect_str_eq(said, "array.sh\nlogs\nmerge.sh\nparallel.sh\nsubmit.sh\n");
    place_remove(&p);
}

/* What Slurm is asked for; and each path in there is the one that was meant. */
Test(job_array, scripts_ask_for_what_was_ordered)
{
    const struct place p = place_new();
    char said[TEXT], expected[TEXT];
    cr_expect_eq(
        shell(&p, WRITE("7", "-q --jobs 3") "; grep '^#SBATCH' \"$folder/array.sh\"", said), 0);
    snprintf(expected, sizeof expected,
             "#SBATCH --job-name=outage-minutes\n#SBATCH --array=1-7\n#SBATCH --ntasks=1\n"
             "#SBATCH --cpus-per-task=3\n"
             "#SBATCH --output='%s/it'\\''s 5%%%%; \"a b\" & $HOME/logs/%%a.log'\n"
             "#SBATCH --open-mode=append\n#SBATCH --requeue\n",
             p.base);
    cr_expect_str_eq(said, expected);
    /* The program in the scripts is replaced by one that prints its arguments, one a line. */
    static const char words[] =
        "printf 'for word; do echo \"$word\"; done\\n' >\"$place/words\"; chmod +x "
        "\"$place/words\"; "
        "program=$(realpath $faultline); cd \"$folder\"; sed -i \"s|$program|sh $place/words|\" "
        "*.sh; "
        "cd /; sh \"$folder/array.sh\" 5 && SLURM_ARRAY_TASK_ID=6 sh \"$folder/array.sh\" && "
        "sh \"$folder/merge.sh\"";
    cr_expect_eq(shell(&p, words, said), 0, "%s", said);
    char plan[LONG_PATH], folder[LONG_PATH];
    cr_assert_not_null(getcwd(plan, sizeof plan - sizeof "/" PLAN));
    strcat(plan, "/" PLAN);
    snprintf(folder, sizeof folder, "%s/it's 5%%; \"a b\" & $HOME", p.base);
    snprintf(expected, sizeof expected,
             "sweep\n%s\n--shard\n5/7\n--jobs\n3\n--resume\n-o\n%s\n"
             "sweep\n%s\n--shard\n6/7\n--jobs\n3\n--resume\n-o\n%s\n"
             "merge\n%s\n-o\n%s\n",
             plan, folder, plan, folder, plan, folder);
    cr_expect_str_eq(said, expected);
    place_remove(&p);
}

/* Rows that failed are told in the tables, and must not keep the others from being merged; what went wrong
 * otherwise must. */
Test(job_array, a_task_fails_when_rows_are_missing)
{
    static const struct {
        const char *end;
        int status;
    } cases[] = {{"exit 0", 0}, {"exit 1", 0},          {"exit 2", 2},
                 {"exit 3", 3}, {"kill -KILL $$", 137}, {"kill -TERM $$", 143}};
    const struct place p = place_new();
    char said[TEXT], script[TEXT];
    cr_expect_eq(shell(&p,
                       WRITE("7", "-q") "; program=$(realpath $faultline); cd \"$folder\"; "
                                        "sed -i \"s|$program|sh $place/end|\" array.sh",
                       said),
                 0, "%s", said);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(script, sizeof script, "echo '%s' >\"$place/end\"; sh \"$folder/array.sh\" 1",
                 cases[i].end);
        cr_expect_eq(shell(&p, script, said), cases[i].status, "%s: %s", cases[i].end, said);
    }
    place_remove(&p);
}

Test(job_array, what_cannot_be_divided_is_told)
{
    static const struct {
        const char *script, *said;
    } cases[] = {
        {WRITE("9", ""), "faultline: --slurm 9: outage-minutes has 8 points, and no point can be "
                         "divided; at most 8\n"},
        {WRITE("2", "--shard 1/2"),
         "faultline sweep: --slurm divides the whole sweep; leave out --shard\n"},
        {WRITE("0", ""),
         "faultline sweep: --slurm 0: expected a number of tasks, at least 1\nTry `faultline sweep "
         "--help' or `faultline sweep --usage' for more\ninformation.\n"},
        {"$faultline sweep " PLAN " --slurm 2 -o \"$place/a\\b\"",
         "faultline: the name of the results folder has a backslash or a line end, which a job "
         "script cannot say\n"},
    };
    const struct place p = place_new();
    char said[TEXT];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect_eq(shell(&p, cases[i].script, said), 2, "%s: %s", cases[i].script, said);
        cr_expect_str_eq(said, cases[i].said);
        cr_expect_eq(shell(&p, "test ! -e \"$folder\"", said), 0, "%s", cases[i].script);
    }
    cr_expect_eq(shell(&p, WRITE("2", "--dry-run") " && test ! -e \"$folder\"", said), 0, "%s",
                 said);
    cr_expect_not_null(strstr(said, "outage-minutes: 8 points, 5 replicates"), "%s", said);
    cr_expect_eq(shell(&p, ": >\"$folder\"; " WRITE("2", ""), said), 3, "%s", said);
    place_remove(&p);
}

/* Another number of parts: what an older parallel.log calls done is not. */
Test(job_array, scripts_are_replaced_with_what_they_remember)
{
    const struct place p = place_new();
    char said[TEXT];
    cr_expect_eq(shell(&p,
                       WRITE("7", "-q") " && : >\"$folder/parallel.log\" && " WRITE(
                           "2", "") " && "
                                    "test ! -e \"$folder/parallel.log\" && "
                                    "grep -q 'array=1-2' \"$folder/array.sh\"",
                       said),
                 0, "%s", said);
    cr_expect(strncmp(said,
                      "outage-minutes: 8 points in 2 tasks of 4 points at most, 1 core each\n",
                      68) == 0,
              "%s", said);
    place_remove(&p);
}

Test(job_array, slurm_and_parallel_make_the_same_bytes)
{
    const int status = system("tests/unit/job_array.sh");
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
}
