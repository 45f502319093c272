/* analysis/: what is read from an archive, how numbers and causes are put into words, and the figure
 * as far as a program can judge it (its looks are for people). */
#include "analysis/analysis.h"
#include "analysis/explain.h"
#include "analysis/figure.h"
#include "analysis/headline.h"
#include "analysis/outline.h"
#include "analysis/place.h"
#include "analysis/trace.h"
#include "analysis/wording.h"
#include "sim/archive.h"
#include "tests/lib/archive_fixture.h"

#include <criterion/criterion.h>
#include <hdf5.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void write_fake(const struct fake *f, const char *folder)
{
    char hash[33];
    uint32_t failed;
    fl_archive_content_hash(&f->config, &f->result, hash);
    char *summary = fl_summary_text(&f->config, &f->result, hash, &failed);
    const char *problem = fl_archive_write(&f->config, &f->result, hash, summary, folder);
    cr_assert_null(problem, "%s", problem);
    free(summary);
}

static struct fl_trace *open_trace(const char *folder)
{
    char error[512];
    struct fl_trace *trace = fl_trace_open(folder, error, sizeof error);
    cr_assert_not_null(trace, "%s", error);
    return trace;
}

/* --- reading ------------------------------------------------------------------------------------------ */

static void expect_refusal(const char *folder, const char *part)
{
    char error[512] = "";
    struct fl_trace *trace = fl_trace_open(folder, error, sizeof error);
    cr_expect_null(trace);
    cr_expect_not_null(strstr(error, part), "%s", error);
    cr_expect_null(strchr(error, '\n'));
}

/* An HDF5 file with a format_version, or without if it is 0. */
static void write_hdf5(const char *path, int version)
{
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t space = H5Screate(H5S_SCALAR);
    if (version != 0) {
        const hid_t a =
            H5Acreate2(file, "format_version", H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT);
        H5Awrite(a, H5T_NATIVE_INT, &version);
        H5Aclose(a);
    }
    H5Sclose(space);
    H5Fclose(file);
}

static int plot(const char *folder, const char *format)
{
    char path[2 * FAKE_PATH] = "";
    const struct fl_plot job = {.folder = &folder, .count = 1, .format = format};
    return fl_plot(&job, NULL, path, sizeof path);
}

Test(trace, says_what_is_wrong_with_a_file)
{
    char folder[FAKE_PATH], path[2 * FAKE_PATH];
    fake_folder(folder);
    fake_path(folder, "trace.h5", path);
    expect_refusal(folder, "trace.h5: No such file");
    FILE *file = fopen(path, "w");
    fputs("no HDF5 at all", file);
    fclose(file);
    expect_refusal(folder, "not an HDF5 file");
    write_hdf5(path, 0);
    expect_refusal(folder, "not a faultline trace");
    write_hdf5(path, 2);
    expect_refusal(folder, "newer faultline (format 2; this program reads up to 1)");
    write_hdf5(path, 1); /* the version is right, the rest is missing */
    cr_expect_eq(fl_report_write(folder), 3);
    cr_expect_eq(plot(folder, "png"), 3);

    struct fake *f = fake_new(FAKE_AS_IT_IS);
    write_fake(f, folder);
    fake_path(folder, "trace.h5", path);
    struct fl_trace *trace = open_trace(folder);
    size_t count;
    cr_expect_null(fl_trace_int64(trace, "/series/none", &count));
    cr_expect_not_null(strstr(fl_trace_error(trace), "trace.h5: there is no /series/none"));
    cr_expect_null(fl_trace_int64(trace, "/none/at/all", &count));
    cr_expect_null(fl_trace_int64(trace, "/nodes/name", &count));
    cr_expect_not_null(strstr(fl_trace_error(trace), "does not hold integers"));
    cr_expect_null(fl_trace_text(trace, "/series/time", &count));
    cr_expect_null(fl_trace_float64(trace, "/series", &count));
    cr_expect_not_null(strstr(fl_trace_error(trace), "is not a column"));
    cr_expect_null(fl_trace_attribute(trace, "/", "format_version")); /* not text */
    cr_expect_null(fl_trace_attribute(trace, "/", "none"));
    free(fl_trace_children(trace, "/none", &count));
    cr_expect_eq(count, 0);
    fl_trace_close(trace);
    /* Cut short, as by a full disk that nobody noticed. */
    cr_assert_eq(truncate(path, 4000), 0);
    expect_refusal(folder, "not an HDF5 file, or cut short");
    fake_free(f);
    fake_remove(folder);
}

/* --- words -------------------------------------------------------------------------------------------- */

Test(wording, numbers_as_people_read_them)
{
    static const struct {
        int64_t value;
        const char *brief, *full;
    } money[] = {
        {0, "$0", "$0.00"},
        {4999, "$0.00", "$0.00"},
        {-4999, "-$0.00", "$0.00"},
        {5000, "$0.01", "$0.01"},
        {-12345678, "-$12", "-$12.35"},
        {940000000, "$940", "$940.00"},
        {999999999, "$1.0 k", "$1,000.00"},
        {12340000000, "$12.3 k", "$12,340.00"},
        {398399899944, "$398 k", "$398,399.90"},
        {999999999999, "$1.0 M", "$1,000,000.00"},
        {3240000000000, "$3.2 M", "$3,240,000.00"},
        {INT64_MAX, "$9223 B", "$9,223,372,036,854.78"},
        {INT64_MIN, "-$9223 B", "-$9,223,372,036,854.78"},
    };
    char out[FL_WORDING];
    for (size_t i = 0; i < sizeof money / sizeof *money; i++) {
        fl_money_short(money[i].value, out);
        cr_expect_str_eq(out, money[i].brief);
        fl_money_full(money[i].value, out);
        cr_expect_str_eq(out, money[i].full);
    }
    static const struct {
        int64_t value;
        const char *units, *text;
    } values[] = {
        {131250000, "1e-6 USD", "$131.25"},
        {-1, "1e-6 base units", "-0.000001"},
        {1500000000, "ns", "1.5 s"},
        {250000, "1e-6", "25 %"},
        {1, "0 or 1", "yes"},
        {1234567, "id", "1234567"},
        {1234567, "1", "1,234,567"},
        {INT64_MIN, "1", "-9,223,372,036,854,775,808"},
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        fl_value_text(values[i].value, values[i].units, out);
        cr_expect_str_eq(out, values[i].text);
    }
    static const struct {
        int64_t ms;
        const char *text;
    } spans[] = {{250, "250 milliseconds"}, {1000, "1 second"},          {45000, "45 seconds"},
                 {90000, "1.5 minutes"},    {3600000, "60 minutes"},     {12600000, "3.5 hours"},
                 {172800000, "2 days"},     {60000 * 119, "119 minutes"}};
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        fl_duration(spans[i].ms * FL_MILLISECOND, out);
        cr_expect_str_eq(out, spans[i].text);
    }
    fl_clock(39723250 * FL_MILLISECOND, out);
    cr_expect_str_eq(out, "11:02:03.250");
    static const struct {
        int64_t value;
        const char *text;
    } prices[] = {{52100, "$0.0521"},
                  {34100000, "$34.1"},
                  {740000, "$0.740"},
                  {1234400000, "$1,234"},
                  {168000000, "$168"}};
    for (size_t i = 0; i < sizeof prices / sizeof *prices; i++) {
        fl_price_short(prices[i].value, out);
        cr_expect_str_eq(out, prices[i].text);
    }
    fl_percent(0.2576, out);
    cr_expect_str_eq(out, "26 %");
    fl_percent(-0.004, out);
    cr_expect_str_eq(out, "-0.4 %");
    fl_plural("agency", out, sizeof out);
    cr_expect_str_eq(out, "agencies");
    fl_plural("relay", out, sizeof out);
    cr_expect_str_eq(out, "relays");
}

static void expect_headline(struct fl_headline facts, const char *expected)
{
    char out[FL_HEADLINE_TEXT];
    fl_headline_text(&facts, out);
    cr_expect_str_eq(out, expected);
}

Test(headline, says_what_happened)
{
    const fl_time minute = 60 * FL_SECOND;
    const struct fl_headline_fault all = {"a", "stuck",     "reporter",  5,
                                          5,   10 * minute, 70 * minute, false};
    const struct fl_headline_fault some = {"b", "stuck",     "reporter",  3,
                                           5,   10 * minute, 70 * minute, false};
    const struct fl_headline_fault one = {"c", "crash",     "sequencer", 1,
                                          1,   10 * minute, 70 * minute, false};
    const struct fl_headline_fault down = {"d", "crash",     "validator",  2,
                                           4,   40 * minute, 100 * minute, false};
    const struct fl_headline_fault odd = {"e", "replay", "validator", 4, 4, 0, minute, false};
    const struct fl_headline_fault two[] = {all, down};
    const int64_t m = 1000000000000;
    struct fl_headline facts = {.fault_count = 1,
                                .fault = &all,
                                .move = -0.343,
                                .bad_debt = 32 * m / 10,
                                .has_fund = true,
                                .fund_start = 4 * m,
                                .fund_empty = 22 * minute};
    expect_headline(facts,
                    "60 minutes of stuck reporters turned a 34 % fall into $3.2 M of bad debt; "
                    "the fund was empty after 12 minutes");
    facts.deleveraged = 2 * m;
    expect_headline(
        facts, "60 minutes of stuck reporters turned a 34 % fall into $3.2 M of bad debt, $2.0 M "
               "of it taken from deleveraged counterparties; the fund was empty after 12 "
               "minutes");
    facts.socialised = 12 * m / 10;
    expect_headline(
        facts, "60 minutes of stuck reporters turned a 34 % fall into $3.2 M of bad debt, $2.0 M "
               "of it taken from deleveraged counterparties and $1.2 M from all traders; the "
               "fund was empty after 12 minutes");
    facts.deleveraged = facts.bad_debt;
    facts.socialised = 0;
    expect_headline(
        facts, "60 minutes of stuck reporters turned a 34 % fall into $3.2 M of bad debt, all of "
               "it taken from deleveraged counterparties; the fund was empty after 12 minutes");
    facts.deleveraged = 0;
    facts.fault = &some;
    facts.move = 0.18;
    expect_headline(facts,
                    "60 minutes with 3 of 5 reporters stuck turned an 18 % rise into $3.2 M of "
                    "bad debt; the fund was empty after 12 minutes");
    facts.fault = &one;
    facts.move = -0.001;
    facts.fund_empty = minute;
    expect_headline(facts, "60 minutes without the sequencer left $3.2 M of bad debt; "
                           "the fund was already empty");
    facts.fault = two;
    facts.fault_count = 2; /* they overlap: 10 to 100 minutes */
    facts.move = -0.8;
    facts.fund_empty = FL_NEVER;
    facts.fund_lowest = m;
    expect_headline(facts, "2 faults in 90 minutes turned an 80 % fall into $3.2 M of bad debt; "
                           "the fund kept $1.0 M of $4.0 M");
    facts.bad_debt_before = m;
    expect_headline(facts,
                    "2 faults in 90 minutes turned an 80 % fall into $2.2 M more of bad debt; "
                    "the fund kept $1.0 M of $4.0 M");
    facts.bad_debt_before = facts.bad_debt;
    expect_headline(facts, "2 faults in 90 minutes during an 80 % fall left no more bad debt; "
                           "the fund kept $1.0 M of $4.0 M");
    facts.bad_debt = facts.bad_debt_before = 0;
    facts.fault = &down;
    facts.fault_count = 1;
    facts.fund_lowest = 4 * m;
    expect_headline(facts,
                    "60 minutes with 2 of 4 validators down during an 80 % fall left no bad debt; "
                    "the fund was not touched");
    facts.fault = &odd;
    facts.has_fund = false;
    expect_headline(facts,
                    "60 seconds with all 4 validators under replay during an 80 % fall left no "
                    "bad debt");
    facts.fault_count = 0;
    expect_headline(facts, "No fault: an 80 % fall left no bad debt");
    facts.bad_debt = m;
    expect_headline(facts, "Without any fault, an 80 % fall left $1.0 M of bad debt");
    facts.move = 0;
    facts.has_fund = true;
    facts.fund_start = 0;
    expect_headline(facts, "Without any fault, $1.0 M of bad debt were left; there was no fund");
    facts.bad_debt = 0;
    expect_headline(facts, "No fault, no bad debt");

    char label[FL_FAULT_TEXT];
    fl_fault_label(&all, label);
    cr_expect_str_eq(label, "all 5 reporters stuck");
    fl_fault_label(&down, label);
    cr_expect_str_eq(label, "2 of 4 validators down");
    fl_fault_label(&one, label);
    cr_expect_str_eq(label, "sequencer down");
    struct fl_headline_fault chase = {"f", "crash", "validator", 4, 4, 0, minute, true};
    fl_fault_label(&chase, label);
    cr_expect_str_eq(label, "all 4 validators down in turn");
    chase.struck = 1;
    fl_fault_label(&chase, label);
    cr_expect_str_eq(label, "1 of 4 validators down");
    fl_fault_label(&odd, label);
    cr_expect_str_eq(label, "replay: all 4 validators");
}

Test(outline, finds_the_headline_in_the_series)
{
    char folder[FAKE_PATH], out[FL_HEADLINE_TEXT];
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    fake_folder(folder);
    write_fake(f, folder);
    struct fl_trace *trace = open_trace(folder);
    struct fl_outline *run = fl_outline_new(trace);
    cr_assert_not_null(run, "%s", fl_trace_error(trace));
    fl_headline_text(&run->headline, out);
    /* 120 steps of 0.15 from 168; the fund is gone at 0:40:10, twenty minutes after the onset. */
    cr_expect_str_eq(
        out, "20 minutes with 2 of 5 reporters stuck turned an 11 % fall into $149 k of bad "
             "debt, $100 k of it taken from deleveraged counterparties and $47.8 k from all "
             "traders; the fund was empty after 20 minutes");
    cr_expect_eq(run->group_count, 2);
    cr_expect_eq(run->group[1].size, 5);
    fl_outline_free(run);
    fl_trace_close(trace);

    /* The one member that all depend on has a name of its own. */
    f->config.resolved =
        "{\"nodes\": {\"reporter\": {\"consensus\": {\"model\": \"ordered\", \"sequencer\": 3}}}}";
    f->spec.model = &fake_crash;
    f->spec.count = f->fault.count = 1;
    f->fault.member = &f->member[1];
    write_fake(f, folder);
    trace = open_trace(folder);
    run = fl_outline_new(trace);
    cr_assert_not_null(run, "%s", fl_trace_error(trace));
    fl_headline_text(&run->headline, out);
    cr_expect_eq(strncmp(out, "20 minutes without the sequencer turned", 39), 0, "%s", out);
    fl_outline_free(run);
    fl_trace_close(trace);
    fake_free(f);
    fake_remove(folder);
}

/* --- causes ------------------------------------------------------------------------------------------- */

Test(explain, follows_causes_to_their_root)
{
    char folder[FAKE_PATH], story[FL_STORY_TEXT];
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    fake_folder(folder);
    write_fake(f, folder);
    struct fl_trace *trace = open_trace(folder);
    struct fl_history *history = fl_history_new(trace);
    cr_assert_not_null(history, "%s", fl_trace_error(trace));
    cr_expect_eq(fl_history_count(history), 11);
    size_t count;
    uint32_t *chain = fl_chain_new(history, 9, &count);
    cr_expect_eq(count, 9);
    for (uint32_t i = 0; i < count; i++) cr_expect_eq(chain[i], i + 1);
    free(chain);
    cr_expect_eq(fl_chain_fault(history, 9), 0);
    cr_expect_eq(fl_chain_fault(history, 11), FL_NO_FAULT);
    cr_expect_str_eq(fl_history_kind(history, 11), "deficit");
    cr_expect_eq(fl_history_time(history, 6), 2403250 * FL_MILLISECOND);
    int64_t value;
    cr_expect(fl_history_value(history, 9, "fund_paid", &value) && value == 50000000000);
    cr_expect_not(fl_history_value(history, 9, "price", &value));
    /* Values by their unit, nodes and faults by name, whatever the clause around them. */
    fl_history_story(history, 9, story);
    cr_expect_not_null(strstr(story, "$47,792.61 is socialised"), "%s", story);
    fl_history_story(history, 7, story);
    cr_expect_not_null(strstr(story, "account 31 takes over 1500 of account 747"), "%s", story);
    fl_history_story(history, 1, story);
    cr_expect_not_null(strstr(story, "feeds|stuck"), "%s", story);
    fl_history_story(history, 2, story);
    cr_expect_not_null(strstr(story, "reporter[3]"), "%s", story);
    fl_history_story(history, 3, story);
    cr_expect_null(strstr(story, "99"), "%s", story); /* a key that nobody can read */
    /* No such record. */
    free(fl_chain_new(history, 12, &count));
    cr_expect_eq(count, 0);
    free(fl_chain_new(history, 0, &count));
    cr_expect_eq(count, 0);
    fl_history_story(history, 12, story);
    cr_expect_neq(story[0], '\0');
    fl_history_free(history);
    fl_trace_close(trace);
    fake_free(f);
    fake_remove(folder);
}

static void expect_in_report(const char *report, const char *part)
{
    cr_expect_not_null(strstr(report, part), "%s is not in\n%s", part, report);
}

Test(report, tells_the_story)
{
    char folder[FAKE_PATH], path[2 * FAKE_PATH];
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    /* A third deficit at the end of a long chain, the largest. */
    uint32_t parent = 1;
    for (int i = 0; i < 30; i++)
        parent = fl_records_add(
            f->records,
            &(struct fl_record){.kind = FL_RECORD_TICK, .parent = parent, .v = {100 + i}});
    fl_records_add(f->records, &(struct fl_record){.kind = FL_RECORD_DEFICIT,
                                                   .parent = parent,
                                                   .endpoint = UINT32_MAX,
                                                   .at = 3599 * FL_SECOND,
                                                   .v = {5, 3, 0, 0, 400000000000, 0}});
    f->final[FAKE_DEFICIT] += 400000000000;
    f->final[FAKE_SOCIALISED] += 400000000000;
    fake_folder(folder);
    write_fake(f, folder);
    cr_assert_eq(fl_report_write(folder), 0);
    size_t bytes;
    char *report = fake_read(folder, "report.md", &bytes);
    expect_in_report(report, "# an-hour\n");
    expect_in_report(report, "> To see what the files say.");
    expect_in_report(
        report, "| feeds\\|stuck | stuck | reporter[1], reporter[3] | 0:20:00.000 | 0:40:00.000 | "
                "1,234,567 | 5 |");
    expect_in_report(report, "| solvency | **broken** | bad debt 148792.610000 after 2403.25 s |");
    /* 50,000 + 100,000 + 447,792.61 + 1,000 = 598,792.61, and 90,000.000002 before: 688,792.610002. */
    expect_in_report(report,
                     "| the liquidated accounts, with their collateral | $90,000.000002 | 13 % |\n"
                     "| the insurance fund | $50,000.000000 | 7 % |\n"
                     "| deleveraged counterparties | $100,000.000000 | 15 % |\n"
                     "| all traders with a position (socialised) | $447,792.610000 | 65 % |\n"
                     "| nobody yet (outstanding) | $1,000.000000 | 0.1 % |\n"
                     "| **all together** | **$688,792.610002** | 100 % |\n");
    expect_in_report(report, "could not bear themselves, the lines below theirs: $598,792.610000.");
    expect_in_report(report, "$2,500.000001 of latent bad debt");
    expect_in_report(report, "3 liquidations cost more than the account had");
    expect_in_report(report, "| 0:40:03.250 | 747 | $197,792.61 | $50,000.00 | $100,000.00 | "
                             "$47,792.61 | $0.00 | fault feeds\\|stuck begins |");
    expect_in_report(report, "(20 links in between)");
    expect_in_report(
        report, "  0:40:03.250    account 747 is liquidated in market 0: 5050.83173 closed for "
                "$837,057.56 (fund and keeper: -$50,000.00)\n"
                "   0:40:03.250    account 31 takes over 1500 of account 747 for $271,875.00, "
                "$75,000.00 worse than the mark\n"
                "   0:40:03.250    account 8 takes over 500 of account 747 for $90,625.00, "
                "$25,000.00 worse than the mark\n"
                "   0:40:03.250    account 747 is short of $197,792.61: the fund pays $50,000.00, "
                "deleveraged counterparties give up $100,000.00, $47,792.61 is "
                "socialised\n");
    expect_in_report(report, "Where deleveraged counterparties bore the most:\n\n```\n   "
                             "0:40:03.250    account 747 is liquidated");
    expect_in_report(report, "Where the most stayed outstanding:\n\n```\n   0:50:00.000    account "
                             "3 is short of $1,000.00: $1,000.00 stays outstanding\n```");
    cr_expect_null(strstr(report, "Where the most was socialised")); /* the largest is that */
    expect_in_report(report, "| feeds\\|stuck | $547,792.61 | 100 % |");
    expect_in_report(report, "| no fault | $1,000.00 | 0.2 % |");
    free(report);

    /* The same again gives the same; a full disk leaves the old one. */
    fake_path(folder, "report.md.tmp", path);
    cr_assert_eq(symlink("/dev/full", path), 0);
    cr_expect_eq(fl_report_write(folder), 3);
    cr_expect(fake_exists(folder, "report.md"));
    cr_expect_not(fake_exists(folder, "report.md.tmp"));

    f->config.detail = FL_DETAIL_SUMMARY;
    write_fake(f, folder);
    cr_assert_eq(fl_report_write(folder), 0);
    report = fake_read(folder, "report.md", &bytes);
    expect_in_report(report, "holds no events");
    expect_in_report(report, "| **all together** | **$688,792.610002** | 100 % |\n");
    free(report);

    /* Nothing is said of what was not measured. */
    f->final[FAKE_JUDGED] = 0;
    write_fake(f, folder);
    cr_assert_eq(fl_report_write(folder), 0);
    report = fake_read(folder, "report.md", &bytes);
    expect_in_report(report, "| **all together** | **$598,792.610000** | 100 % |\n");
    cr_expect_null(strstr(report, "latent"));
    cr_expect_null(strstr(report, "with their collateral"));
    cr_expect_null(strstr(report, "due for liquidation"));
    free(report);
    fake_free(f);
    fake_remove(folder);
}

/* Sums that differ are a mistake of ours, and no report. */
Test(report, twins_whose_sums_differ)
{
    for (int twin = 0; twin < 2; twin++) {
        char folder[FAKE_PATH];
        struct fake *f = fake_new(FAKE_AS_IT_IS);
        f->final[FAKE_DEFICIT]++;
        if (twin == 1) f->final[FAKE_ADL]++; /* the sums are right, the records say otherwise */
        fake_folder(folder);
        write_fake(f, folder);
        const pid_t child = fork();
        if (child == 0) {
            fl_report_write(folder);
            _exit(0);
        }
        int status = 0;
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "twin %d", twin);
        cr_expect_not(fake_exists(folder, "report.md"));
        fake_free(f);
        fake_remove(folder);
    }
}

/* --- the figure ------------------------------------------------------------------------------------------ */

Test(place, avoids_what_is_there)
{
    struct fl_canvas *canvas = fl_canvas_new(400, 200);
    fl_canvas_line(canvas, 2, 0, 100, 400, 100);
    fl_canvas_line(canvas, 2, -1e300, 0, 1e300, 0); /* far outside: nothing to do, and no crash */
    const struct fl_spot spots[] = {{200, 100, 0}, {200, 150, 30}, {200, 50, 40}, {-500, 150, 0}};
    struct fl_spot best = fl_canvas_place(canvas, 80, 20, 4, spots, 4);
    cr_expect_float_eq(best.y, 150, 1e-9); /* not on the line */
    cr_expect_float_eq(best.x, 200, 1e-9); /* nor from outside */
    best = fl_canvas_place(canvas, 80, 20, 4, spots, 4);
    cr_expect_float_eq(best.y, 50, 1e-9); /* the first place is taken now */
    best = fl_canvas_place(canvas, 80, 20, 4, &(struct fl_spot){1000, -1000, 0}, 1);
    cr_expect(best.x <= 360 && best.y >= 10); /* moved inside */
    fl_canvas_free(canvas);
    cr_expect_lt(fl_text_width("iiii", 18, false), fl_text_width("WWWW", 18, false));
    cr_expect_float_eq(fl_text_width("\u00b7", 18, false), fl_text_width("\u20ac", 18, false),
                       1e-9);
}

Test(timeline, draws_the_same_picture_twice)
{
    static const char *const formats[] = {"png", "svg", "pdf"};
    char folder[FAKE_PATH], name[32];
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    fake_folder(folder);
    strcpy(f->config.name, "it's 100% \\odd_name\n`id`"); /* gnuplot reads it as text */
    write_fake(f, folder);
    for (int i = 0; i < 3; i++) {
        size_t bytes[2];
        char *picture[2];
        snprintf(name, sizeof name, "timeline.%s", formats[i]);
        for (int again = 0; again < 2; again++) {
            cr_assert_eq(plot(folder, formats[i]), 0);
            picture[again] = fake_read(folder, name, &bytes[again]);
        }
        cr_expect_gt(bytes[0], 10000);
        cr_expect(bytes[0] == bytes[1] && memcmp(picture[0], picture[1], bytes[0]) == 0, "%s",
                  name);
        free(picture[0]);
        free(picture[1]);
    }
    cr_expect(fake_exists(folder, "timeline.gp"));
    cr_expect(fake_exists(folder, "timeline.tsv"));
    fake_free(f);
    fake_remove(folder);
}

Test(timeline, into_a_folder_that_is_not_there_yet)
{
    char folder[FAKE_PATH], inner[2 * FAKE_PATH], path[4 * FAKE_PATH];
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    fake_folder(folder);
    write_fake(f, folder);
    fake_path(folder, "figures of it", inner);
    const char *const run = folder;
    const struct fl_plot job = {.folder = &run, .count = 1, .directory = inner, .format = "png"};
    cr_expect_eq(fl_plot(&job, "timeline", path, sizeof path), 0);
    static const char *const name[] = {"timeline.png", "timeline.gp", "timeline.tsv"};
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", inner, name[i]);
        cr_expect_eq(remove(path), 0, "%s", path);
    }
    cr_expect_eq(rmdir(inner), 0);
    fake_free(f);
    fake_remove(folder);
}

Test(timeline, draws_what_there_is_or_says_why_not)
{
    char folder[FAKE_PATH], path[2 * FAKE_PATH];
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    fake_folder(folder);
    /* Each series alone, then none. */
    for (uint32_t i = 0; i < FAKE_SERIES; i++) {
        const bool drawable = (i != 2 && i < 7) || i == FAKE_LATENT;
        f->config.observable_count = 1;
        f->config.observable = &f->observable[i];
        write_fake(f, folder);
        cr_expect_eq(plot(folder, "png"), drawable ? 0 : 3, "%s", fake_observables[i].name);
    }
    f->config.observable_count = 0;
    write_fake(f, folder);
    cr_expect_eq(plot(folder, "png"), 3);
    f->config.observable = f->observable;
    f->config.observable_count = FAKE_SERIES;
    for (uint32_t samples = 0; samples < 4; samples++) {
        f->result.sample_count = samples;
        write_fake(f, folder);
        cr_expect_eq(plot(folder, "png"), samples < 2 ? 3 : 0);
    }
    f->result.sample_count = FAKE_SAMPLES;
    write_fake(f, folder);
    cr_expect_eq(plot(folder, "gif"), 2);

    /* A gnuplot that fails, one that draws nothing, none at all: no picture. */
    fake_path(folder, "timeline.png", path);
    unlink(path);
    setenv("PATH", folder, 1);
    cr_expect_eq(plot(folder, "png"), 3);
    for (int status = 0; status < 2; status++) {
        fake_path(folder, "gnuplot", path);
        FILE *file = fopen(path, "w");
        fprintf(file, "#!/bin/sh\n: >timeline.png.tmp\nexit %d\n", status);
        fclose(file);
        chmod(path, 0755);
        cr_expect_eq(plot(folder, "png"), 3);
    }
    cr_expect_not(fake_exists(folder, "timeline.png"));
    cr_expect_not(fake_exists(folder, "timeline.png.tmp"));
    fake_free(f);
    fake_remove(folder);
}
