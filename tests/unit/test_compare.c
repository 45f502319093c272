/* analysis/difference, shift, compare*.c, comparison*.c: what differs between two archives and what
 * moved, against figures from elsewhere, slow twins, simulated families, and archives made by hand. */
#include "analysis/compare.h"
#include "analysis/figure.h"
#include "analysis/stream.h"
#include "sim/archive.h"
#include "sim/h5.h"
#include "tests/lib/archive_fixture.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <gsl/gsl_randist.h>
#include <math.h>

#define SEED 20260312

/* --- differences of scenarios ------------------------------------------------------------------- */

/* All differences as lines "path: text", a '!' before those a run may depend on; the caller frees. */
static char *differences(const char *a, const char *b)
{
    cJSON *one = cJSON_Parse(a), *other = cJSON_Parse(b);
    cr_assert(one && other, "%s\n%s", a, b);
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    struct fl_differences all;
    fl_differences_find(one, other, &all);
    for (size_t i = 0; i < all.count; i++) {
        char words[FL_DIFFERENCE_TEXT];
        fl_difference_text(&all.at[i], words);
        fprintf(out, "%s%s%s: %s\n", fl_difference_matters(&all.at[i]) ? "!" : "",
                all.at[i].of_model ? "~" : "", all.at[i].path, words);
    }
    fclose(out);
    fl_differences_free(&all);
    cJSON_Delete(one);
    cJSON_Delete(other);
    return text;
}

static void expect_differences(const char *a, const char *b, const char *expected)
{
    char *text = differences(a, b);
    cr_expect_str_eq(text, expected, "%s\n%s\ngives\n%s", a, b, text);
    free(text);
}

Test(difference, of_values_and_keys)
{
    expect_differences("{\"a\": 1, \"b\": {\"c\": [1, 2]}}", "{\"b\": {\"c\": [1, 2]}, \"a\": 1}",
                       "");
    expect_differences("{\"faults\": {\"oracle-stuck\": {\"to_s\": 37800, \"from_s\": 1}}}",
                       "{\"faults\": {\"oracle-stuck\": {\"from_s\": 1, \"to_s\": 39600}}}",
                       "!faults.oracle-stuck.to_s: 37800 -> 39600\n");
    expect_differences("{\"nodes\": {\"validator\": {\"count\": 4}}}",
                       "{\"nodes\": {\"validator\": {\"count\": 7}, \"keeper\": {\"count\": 1}}}",
                       "!nodes.validator.count: 4 -> 7\n!nodes.keeper: added {\"count\":1}\n");
    expect_differences("{\"x\": 0.000001, \"y\": true, \"z\": \"long\"}",
                       "{\"x\": 2.5, \"z\": \"short\"}",
                       "!x: 0.000001 -> 2.5\n!y: removed true\n!z: \"long\" -> \"short\"\n");
    expect_differences("{\"x\": {\"a\": 1}}", "{\"x\": 3}", "!x: {\"a\":1} -> 3\n");
}

/* Words come last, whatever their place, and make no other run; nor do traces and expectations. */
Test(difference, that_makes_no_other_run)
{
    expect_differences(
        "{\"name\": \"a\", \"why\": \"w\", \"nodes\": {\"name\": 1}, \"trace\": {\"sample_s\": 1}}",
        "{\"name\": \"b\", \"why\": \"v\", \"nodes\": {\"name\": 2}, \"trace\": {\"sample_s\": 2}, "
        "\"expect\": []}",
        "!nodes.name: 1 -> 2\ntrace.sample_s: 1 -> 2\nexpect: added []\n"
        "name: \"a\" -> \"b\"\nwhy: \"w\" -> \"v\"\n");
    expect_differences("{\"traces\": 1, \"expectation\": 1}", "{\"traces\": 2, \"expectation\": 2}",
                       "!traces: 1 -> 2\n!expectation: 1 -> 2\n");
}

/* Lists of objects by entry: one changed, one gone, one new; the order tells only if nothing else. */
Test(difference, of_lists_of_objects)
{
    expect_differences(
        "{\"expect\": [{\"path\": \"a\", \"op\": \">\", \"value\": 1}, {\"path\": \"b\", \"op\": "
        "\">\", \"value\": 1}]}",
        "{\"expect\": [{\"path\": \"c\", \"op\": \">\", \"value\": 1}, {\"path\": \"a\", \"op\": "
        "\">\", \"value\": 2}]}",
        "expect[0].value: 1 -> 2\nexpect[1]: removed {\"path\":\"b\",\"op\":\">\",\"value\":1}\n"
        "expect[0]: added {\"path\":\"c\",\"op\":\">\",\"value\":1}\n");
    expect_differences("{\"links\": [{\"from\": 1, \"to\": 2, \"loss\": 0.1}]}",
                       "{\"links\": [{\"from\": 1, \"to\": 2, \"loss\": 0.2}]}",
                       "!links[0].loss: 0.1 -> 0.2\n");
    expect_differences("{\"links\": [{\"a\": 1}, {\"b\": 1}]}",
                       "{\"links\": [{\"b\": 1}, {\"a\": 1}]}",
                       "!links: [{\"a\":1},{\"b\":1}] -> [{\"b\":1},{\"a\":1}]\n");
    /* Two equal entries are not one. */
    expect_differences("{\"l\": [{\"a\": 1}, {\"a\": 1}]}", "{\"l\": [{\"a\": 1}]}",
                       "!l[1]: removed {\"a\":1}\n");
}

Test(difference, of_long_price_paths_is_cut)
{
    expect_differences(
        "{\"points_usd\": [[0, 194.6], [4500, 192.7], [8100, 183.4], [9300, 187], [15300, 180]]}",
        "{\"points_usd\": [[0, 194.6], [4500, 192.7], [8100, 183.5], [9300, 187]]}",
        "!points_usd: 5 entries -> 4, the first other one [2]: [8100,183.4] -> [8100,183.5]\n");
    expect_differences("{\"p\": [1, 2]}", "{\"p\": [1, 3]}", "!p: [1,2] -> [1,3]\n");
    char long_a[400], *text;
    snprintf(long_a, sizeof long_a, "{\"why\": \"%0200d\"}", 0);
    text = differences(long_a, "{\"why\": \"\xc3\xa9\"}");
    cr_expect_lt(strlen(text), 150);
    cr_expect_not_null(strstr(text, "000... -> \"\xc3\xa9\""), "%s", text);
    free(text);
}

/* Keys of a model that was exchanged follow from the choice; those that both have do not. */
Test(difference, of_models)
{
    expect_differences(
        "{\"c\": {\"model\": \"ordered\", \"block_ms\": 1, \"latency_ms\": 5}}",
        "{\"c\": {\"model\": \"pbft\", \"block_ms\": 2, \"timeout_ms\": 9}}",
        "!c.model: \"ordered\" -> \"pbft\"\n!c.block_ms: 1 -> 2\n!~c.latency_ms: removed 5\n"
        "!~c.timeout_ms: added 9\n");
}

/* --- p --------------------------------------------------------------------------------------------- */

/* R 4.3 on its data set `sleep` (Student 1908): t.test(y, x, paired = TRUE) p-value = 0.002833, 0.7001142
 * to 2.4598858; t.test(y, x) t = 1.8608, df = 17.776, p-value = 0.07939, -0.2054832 to 3.3654832. */
static const double sleep_x[] = {0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2};
static const double sleep_y[] = {1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};

Test(shift, students_sleep)
{
    double difference[10];
    for (int i = 0; i < 10; i++) difference[i] = sleep_y[i] - sleep_x[i];
    struct fl_shift s = fl_shift_paired(difference, 10, 0.05);
    cr_expect_float_eq(s.difference.value, 1.58, 1e-12);
    cr_expect_float_eq(s.difference.low, 0.7001142, 5e-8);
    cr_expect_float_eq(s.difference.high, 2.4598858, 5e-8);
    cr_expect_float_eq(s.p, 0.002833, 5e-7);
    cr_expect(!s.constant);
    s = fl_shift_unpaired(sleep_x, 10, sleep_y, 10, 0.05);
    cr_expect_float_eq(s.difference.value, 1.58, 1e-12);
    cr_expect_float_eq(s.difference.low, -0.2054832, 5e-8);
    cr_expect_float_eq(s.difference.high, 3.3654832, 5e-8);
    cr_expect_float_eq(s.p, 0.07939, 5e-6);
}

/* Nothing varies, or there is too little: five equal signs by a fair coin 2/32; three and four values
 * apart by chance 2 of C(7, 3) = 35 ways. */
Test(shift, without_noise)
{
    const double same[5] = {3, 3, 3, 3, 3}, none[5] = {0}, other[4] = {7, 7, 7, 7};
    struct fl_shift s = fl_shift_paired(same, 5, 0.05);
    cr_expect_eq(s.difference.value, 3);
    cr_expect(isnan(s.difference.low) && isnan(s.difference.high) && s.constant);
    cr_expect_float_eq(s.p, 1.0 / 16, 1e-15);
    s = fl_shift_paired(none, 5, 0.05);
    cr_expect(s.p == 1 && !s.constant && s.difference.value == 0);
    s = fl_shift_paired(same, 1, 0.05);
    cr_expect(isnan(s.p) && isnan(s.difference.low) && s.difference.value == 3);
    s = fl_shift_paired(same, 0, 0.05);
    cr_expect(isnan(s.p) && isnan(s.difference.value));
    s = fl_shift_unpaired(same, 3, other, 4, 0.05);
    cr_expect_eq(s.difference.value, 4);
    cr_expect_float_eq(s.p, 2.0 / 35, 1e-12);
    cr_expect(s.constant);
    s = fl_shift_unpaired(same, 3, same, 2, 0.05);
    cr_expect(s.p == 1 && !s.constant);
    s = fl_shift_unpaired(same, 3, other, 1, 0.05);
    cr_expect(isnan(s.p));
    s = fl_shift_unpaired(same, 3, sleep_x, 10, 0.05); /* one of them varies: R gives df = 9 */
    cr_expect_float_eq(s.difference.high - s.difference.low, 2 * 2.262157163 * 1.78901 / sqrt(10),
                       1e-4);
}

/* By hand: 5 * .01, 4 * .02, 3 * .03, then no less than before; R's p.adjust(p, "holm") says the same. */
Test(holm, by_hand)
{
    const double p[] = {0.04, 0.01, NAN, 0.05, 0.03, 0.02},
                 expected[] = {0.09, 0.05, NAN, 0.09, 0.09, 0.08};
    double adjusted[6];
    fl_holm(p, 6, adjusted);
    for (int i = 0; i < 6; i++) {
        if (isnan(expected[i]))
            cr_expect(isnan(adjusted[i]));
        else
            cr_expect_float_eq(adjusted[i], expected[i], 1e-15, "%d: %g", i, adjusted[i]);
    }
    const double large[] = {0.5, 0.5, 0.9};
    fl_holm(large, 3, adjusted);
    cr_expect(adjusted[0] == 1 && adjusted[1] == 1 && adjusted[2] == 1);
    fl_holm(p, 0, adjusted);
}

/* Holm's own words (1979, section 3): walk up from the least p while p <= alpha / (those left), reject
 * these. The adjusted p must say the same at every alpha. */
Test(holm, as_a_walk)
{
    enum { MEMBERS = 12, FAMILIES = 2000 };
    printf("seed %d\n", SEED);
    gsl_rng *rng = fl_stream_new(SEED, 1);
    for (int f = 0; f < FAMILIES; f++) {
        double p[MEMBERS], adjusted[MEMBERS];
        for (int i = 0; i < MEMBERS; i++) p[i] = pow(gsl_rng_uniform(rng), 3) * (i % 3 ? 1 : 0.05);
        if (f % 2) p[3] = p[7]; /* a tie */
        const double alpha = 0.001 + gsl_rng_uniform(rng) / 2;
        bool rejected[MEMBERS] = {false};
        for (int left = MEMBERS; left > 0; left--) {
            int least = -1;
            for (int i = 0; i < MEMBERS; i++)
                if (!rejected[i] && (least < 0 || p[i] < p[least])) least = i;
            if (p[least] > alpha / left) break;
            rejected[least] = true;
        }
        fl_holm(p, MEMBERS, adjusted);
        for (int i = 0; i < MEMBERS; i++)
            cr_assert_eq(adjusted[i] <= alpha, rejected[i], "family %d, member %d", f, i);
    }
    gsl_rng_free(rng);
}

/* --- families of comparisons ----------------------------------------------------------------------- */

enum { POINTS = 6, METRICS = 4, FAMILY = POINTS * METRICS, SEEDS = 20, SWEEPS = 1000 };

/* One value of a sweep: what the seed does to all points, and noise of its own. Losses are none for
 * seven seeds of ten, else lognormal over two orders of magnitude; counts are small. */
enum law { NORMAL, LOSSES, COUNTS };

static double value_of(gsl_rng *rng, enum law law, double shared)
{
    switch (law) {
    case LOSSES:
        return gsl_rng_uniform(rng) < 0.3 ? exp(shared + gsl_ran_gaussian_ziggurat(rng, 1.5)) : 0;
    case COUNTS:
        return gsl_ran_poisson(rng, 4 * exp(shared / 2));
    case NORMAL:
        break;
    }
    return 3 * shared + gsl_ran_gaussian_ziggurat(rng, 1);
}

struct family {
    enum law law;
    bool paired;
    int seeds;    /* at most SEEDS */
    double shift; /* of one metric at one point of the second sweep */
};

struct found {
    int any, any_without_holm, shifted;
};

static struct fl_shift simulate_member(gsl_rng *rng, const struct family *family,
                                       double shared[2][SEEDS], double shift)
{
    double a[SEEDS], b[SEEDS], difference[SEEDS];
    for (int s = 0; s < family->seeds; s++) {
        a[s] = value_of(rng, family->law, shared[0][s]);
        b[s] = value_of(rng, family->law, shared[1][s]) + shift;
        difference[s] = b[s] - a[s];
    }
    const size_t count = (size_t)family->seeds;
    return family->paired ? fl_shift_paired(difference, count, 0.05)
                          : fl_shift_unpaired(a, count, b, count, 0.05);
}

/* Two sweeps under the same law but for the one member that is shifted. */
static struct found simulate(uint64_t owner, struct family family)
{
    enum { SHIFTED = 5 };
    gsl_rng *rng = fl_stream_new(SEED, owner);
    struct found found = {0};
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        double shared[2][SEEDS], p[FAMILY], adjusted[FAMILY];
        bool any = false, without = false;
        for (int s = 0; s < family.seeds; s++) {
            shared[0][s] = gsl_ran_gaussian_ziggurat(rng, 1);
            shared[1][s] = family.paired ? shared[0][s] : gsl_ran_gaussian_ziggurat(rng, 1);
        }
        for (int k = 0; k < FAMILY; k++) {
            p[k] = simulate_member(rng, &family, shared, k == SHIFTED ? family.shift : 0).p;
            without |= p[k] <= 0.05;
        }
        fl_holm(p, FAMILY, adjusted);
        for (int k = 0; k < FAMILY; k++) any |= adjusted[k] <= 0.05;
        found.any += any;
        found.any_without_holm += without;
        found.shifted += adjusted[SHIFTED] <= 0.05;
    }
    gsl_rng_free(rng);
    return found;
}

/* At most 5 % and 1.5 points, whatever the law; without the correction far more, so that this can
 * fail. */
Test(family, calls_nothing_moved_that_is_not)
{
    static const struct {
        const char *name;
        struct family family;
        int least_without_holm;
    } cases[] = {{"paired", {NORMAL, true, SEEDS, 0}, 500},
                 {"unpaired", {NORMAL, false, SEEDS, 0}, 100},
                 {"paired losses", {LOSSES, true, SEEDS, 0}, 200},
                 {"unpaired losses", {LOSSES, false, SEEDS, 0}, 200},
                 {"paired counts", {COUNTS, true, SEEDS, 0}, 500},
                 {"paired counts of five", {COUNTS, true, 5, 0}, 300}};
    printf("seed %d\n", SEED);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct found found = simulate(100 + i, cases[i].family);
        printf("%s: %d of %d families without a difference, without Holm %d\n", cases[i].name,
               found.any, SWEEPS, found.any_without_holm);
        cr_expect_leq(found.any, 65, "%s: %d", cases[i].name, found.any);
        cr_expect_geq(found.any_without_holm, cases[i].least_without_holm, "%s: %d", cases[i].name,
                      found.any_without_holm);
        /* Members that share nothing but seeds: near 5 %. */
        if (i == 0) cr_expect_geq(found.any, 20, "%d", found.any);
    }
}

/* A shift by 1.5 standard deviations of a difference, sqrt(2) in pairs and sqrt(20) in samples: with 20
 * seeds t is 1.5 sqrt(20) = 6.7 on the average, where Holm asks for about 3.6. */
Test(family, finds_what_moved)
{
    printf("seed %d\n", SEED);
    const struct found pairs = simulate(200, (struct family){NORMAL, true, SEEDS, 1.5 * sqrt(2)}),
                       little = simulate(201, (struct family){NORMAL, true, SEEDS, 0.1 * sqrt(2)}),
                       samples =
                           simulate(202, (struct family){NORMAL, false, SEEDS, 1.5 * sqrt(20)});
    printf("found: %d of %d; a fifteenth of it %d; unpaired %d\n", pairs.shifted, SWEEPS,
           little.shifted, samples.shifted);
    cr_expect_geq(pairs.shifted, 980, "%d", pairs.shifted);
    cr_expect_leq(little.shifted, 50, "%d", little.shifted);
    cr_expect_geq(samples.shifted, 980, "%d", samples.shifted);
}

/* --- exact numbers --------------------------------------------------------------------------------- */

static void expect_exact(const char *text, const char *back, const char *with_sign)
{
    struct fl_exact value;
    char out[FL_EXACT_TEXT];
    cr_assert(fl_exact_read(text, &value), "%s", text);
    fl_exact_text(value, false, out);
    cr_expect_str_eq(out, back);
    fl_exact_text(value, true, out);
    cr_expect_str_eq(out, with_sign);
}

Test(exact, reads_what_it_writes)
{
    expect_exact("0", "0", "0");
    expect_exact("-0.000001", "-0.000001", "-0.000001");
    expect_exact("1519571.164641", "1,519,571.164641", "+1,519,571.164641");
    expect_exact("9223372036854775807", "9,223,372,036,854,775,807", "+9,223,372,036,854,775,807");
    expect_exact("1000.10", "1,000.10", "+1,000.10");
    expect_exact("17.508267808", "17.508267808", "+17.508267808");
    struct fl_exact value;
    static const char *const wrong[] = {"",
                                        "-",
                                        "1.",
                                        ".5",
                                        "1e5",
                                        "1 ",
                                        "+1",
                                        "true",
                                        "0x10",
                                        "1.0123456789",
                                        "12345678901234567890",
                                        "1.2.3",
                                        "--1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect(!fl_exact_read(wrong[i], &value), "%s", wrong[i]);
}

/* --- two runs -------------------------------------------------------------------------------------- */

static void write_run(const struct fake *f, const char *folder)
{
    char hash[33];
    uint32_t failed;
    fl_archive_content_hash(&f->config, &f->result, hash);
    char *summary = fl_summary_text(&f->config, &f->result, hash, &failed);
    const char *problem = fl_archive_write(&f->config, &f->result, hash, summary, folder);
    cr_assert_null(problem, "%s", problem);
    free(summary);
}

static void clean(const char *folder)
{
    static const char *const names[] = {"sweep.h5",       "comparison.gp",  "comparison.tsv",
                                        "comparison.png", "comparison.svg", "comparison.pdf",
                                        "printed"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[2 * FAKE_PATH];
        fake_path(folder, names[i], path);
        unlink(path);
    }
    fake_remove(folder);
}

struct two {
    char a[FAKE_PATH], b[FAKE_PATH];
};

static struct two two_folders(void)
{
    struct two two;
    fake_folder(two.a);
    fake_folder(two.b);
    return two;
}

static void clean_two(const struct two *two)
{
    clean(two->a);
    clean(two->b);
}

/* What it prints, in a file, since other streams are Criterion's; the caller frees it. */
static char *printed(const struct two *two, const char *metric, double alpha, bool json,
                     int expected)
{
    char path[2 * FAKE_PATH];
    size_t bytes;
    fake_path(two->a, "printed", path);
    cr_assert_not_null(freopen(path, "w", stdout));
    const struct fl_compare job = {
        .directory = {two->a, two->b}, .metric = metric, .alpha = alpha, .json = json};
    cr_expect_eq(fl_compare(&job), expected);
    fflush(stdout);
    return fake_read(two->a, "printed", &bytes);
}

static cJSON *compared(const struct two *two, const char *metric)
{
    char *text = printed(two, metric, 0.05, true, 0);
    cJSON *json = cJSON_Parse(text);
    cr_assert_not_null(json, "%s", text);
    free(text);
    return json;
}

static const cJSON *at(const cJSON *json, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
    cr_assert_not_null(item, "%s", key);
    return item;
}

static const cJSON *entry_with(const cJSON *list, const char *key, const char *value)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (strcmp(at(item, key)->valuestring, value) == 0) return item;
    }
    cr_assert_fail("no %s is %s", key, value);
    return NULL;
}

static void expect_text(const cJSON *item, const char *key, const char *value)
{
    cr_expect_str_eq(at(item, key)->valuestring, value, "%s", key);
}

/* To the last unit: the integers that went in, subtracted here. */
Test(runs, every_number_exactly)
{
    struct two two = two_folders();
    struct fake *a = fake_new(FAKE_AS_IT_IS), *b = fake_new(FAKE_FAULT_INJECTED);
    b->final[4] = INT64_C(148792610000) + INT64_C(9000000000000001); /* bad debt: $9 bn and a bit */
    b->result.digest.lo++;
    b->config.resolved = "{\"name\": \"an-hour\", \"faults\": {\"x\": {\"to_s\": 3}}}";
    b->result.delivered = 7;
    write_run(a, two.a);
    write_run(b, two.b);
    cJSON *json = compared(&two, NULL);
    const cJSON *numbers = at(json, "numbers");
    const cJSON *debt = entry_with(numbers, "path", "ledger.bad_debt");
    const int64_t old = a->final[4];
    char text[48];
    snprintf(text, sizeof text, "%lld.%06lld", (long long)(old / 1000000),
             (long long)(old % 1000000));
    expect_text(debt, "A", text);
    const int64_t difference = b->final[4] - old;
    snprintf(text, sizeof text, "%lld.%06lld", (long long)(difference / 1000000),
             (long long)(difference % 1000000));
    expect_text(debt, "difference", text);
    cr_expect_float_eq(at(debt, "relative")->valuedouble, (double)difference / (double)old, 1e-9);
    const cJSON *delivered = entry_with(numbers, "path", "delivered");
    expect_text(delivered, "difference", "5");
    expect_text(entry_with(numbers, "path", "faults.feeds|stuck.injected"), "difference", "1");
    expect_text(entry_with(numbers, "path", "checks.solvency"), "A", "broken");
    cr_expect(cJSON_IsFalse(at(entry_with(numbers, "path", "checks.solvency"), "moved")));
    int moved = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, numbers) moved += cJSON_IsTrue(at(item, "moved"));
    cr_expect_eq(moved, 3);
    expect_text(json, "determinism", "other inputs");
    const cJSON *scenario = at(at(json, "differs"), "scenario");
    cr_expect_eq(cJSON_GetArraySize(scenario), 1);
    expect_text(cJSON_GetArrayItem(scenario, 0), "path", "faults");
    cJSON_Delete(json);
    fake_free(a);
    fake_free(b);
    clean_two(&two);
}

/* The oracle's price at sample 200, 2000 s, is one unit larger in B; then the series of a ledger later. */
Test(runs, where_they_part)
{
    struct two two = two_folders();
    struct fake *a = fake_new(FAKE_AS_IT_IS), *b = fake_new(FAKE_SAMPLE);
    b->series[6][201] += 5;
    b->series[3][200] += 7; /* at the same sample: the price comes first */
    b->config.resolved = "{\"name\": \"an-hour\", \"seconds\": 1}";
    write_run(a, two.a);
    write_run(b, two.b);
    cJSON *json = compared(&two, NULL);
    const cJSON *part = at(at(json, "series"), "part");
    cr_assert_eq(cJSON_GetArraySize(part), 3);
    const cJSON *first = cJSON_GetArrayItem(part, 0);
    expect_text(first, "series", "oracle.price");
    cr_expect_eq(at(first, "at_s")->valuedouble, 2000);
    cr_expect_eq(at(first, "B")->valuedouble - at(first, "A")->valuedouble, 1);
    expect_text(cJSON_GetArrayItem(part, 1), "series", "ledger.insurance_fund");
    expect_text(cJSON_GetArrayItem(part, 2), "series", "ledger.liquidated");
    cr_expect_eq(at(cJSON_GetArrayItem(part, 2), "at_s")->valuedouble, 2010);
    cr_expect_eq(at(at(json, "series"), "shared")->valuedouble, FAKE_SERIES);
    cr_expect_eq(at(at(json, "series"), "common_samples")->valuedouble, FAKE_SAMPLES);
    cJSON_Delete(json);
    char *text = printed(&two, NULL, 0.05, false, 0);
    cr_expect_not_null(strstr(text, "first difference: oracle.price at 0:33:20: $"), "%s", text);
    cr_expect_not_null(strstr(text, "at the same sample: 1 more, such as ledger.insurance_fund"));
    cr_expect_not_null(strstr(text, "one seed each: no interval"));
    cr_expect_null(strstr(text, "SAME INPUTS"));
    free(text);
    fake_free(a);
    fake_free(b);
    clean_two(&two);
}

/* What a check publishes tells of the check: it comes after all others, however early it differs. */
Test(runs, checks_look_on)
{
    struct two two = two_folders();
    struct fake *a = fake_new(FAKE_AS_IT_IS), *b = fake_new(FAKE_SAMPLE);
    b->series[3][7]++;
    b->config.resolved = "{\"name\": \"an-hour\", \"checks\": {\"rich\": {\"model\": \"ledger\"}}}";
    write_run(a, two.a);
    write_run(b, two.b);
    cJSON *json = compared(&two, NULL);
    const cJSON *part = at(at(json, "series"), "part");
    expect_text(cJSON_GetArrayItem(part, 0), "series", "oracle.price");
    expect_text(cJSON_GetArrayItem(part, 1), "series", "ledger.insurance_fund");
    cr_expect_eq(at(cJSON_GetArrayItem(part, 1), "at_s")->valuedouble, 70);
    cr_expect(cJSON_IsTrue(at(cJSON_GetArrayItem(part, 1), "of_check")));
    cJSON_Delete(json);
    fake_free(a);
    fake_free(b);
    clean_two(&two);
}

/* Samples at other times are no difference, but those at the same time are compared. */
Test(runs, with_other_samples)
{
    struct two two = two_folders();
    struct fake *a = fake_new(FAKE_AS_IT_IS), *b = fake_new(FAKE_SAMPLE_TIME);
    b->series[1][3] += 1000; /* at the time that A does not have */
    b->config.resolved = "{\"trace\": {\"sample_s\": 2}}";
    write_run(a, two.a);
    write_run(b, two.b);
    cJSON *json = compared(&two, NULL);
    cr_expect_eq(at(at(json, "series"), "common_samples")->valuedouble, FAKE_SAMPLES - 1);
    cr_expect_eq(cJSON_GetArraySize(at(at(json, "series"), "part")), 0);
    cJSON_Delete(json);
    fake_free(a);
    fake_free(b);
    clean_two(&two);
}

static void expect_determinism(enum fake_change change, int digest, char *resolved,
                               const char *expected, bool loud)
{
    struct two two = two_folders();
    struct fake *a = fake_new(FAKE_AS_IT_IS), *b = fake_new(change);
    b->result.digest.lo += (uint64_t)digest;
    b->config.resolved = resolved ? resolved : b->config.resolved;
    write_run(a, two.a);
    write_run(b, two.b);
    cJSON *json = compared(&two, NULL);
    cr_expect_str_eq(at(json, "determinism")->valuestring, expected, "change %d: %s", (int)change,
                     at(json, "determinism")->valuestring);
    cJSON_Delete(json);
    char *text = printed(&two, NULL, 0.05, false, 0);
    cr_expect_eq(strstr(text, "THE SAME INPUTS GAVE DIFFERENT RESULTS") != NULL, loud, "%s", text);
    free(text);
    fake_free(a);
    fake_free(b);
    clean_two(&two);
}

Test(runs, same_inputs_owe_the_same_results)
{
    static const char same[] = "same inputs, same results", broken[] = "same inputs, other results",
                      other[] = "other inputs";
    expect_determinism(FAKE_AS_IT_IS, 0, NULL, same, false);
    expect_determinism(FAKE_AS_IT_IS, 1, NULL, broken, true);
    /* The same events, but the archive holds something else. */
    expect_determinism(FAKE_SAMPLE, 0, NULL, broken, true);
    /* What is recorded, and how it is called, is no excuse for another digest. */
    static char traced[] = "{\"name\": \"other\", \"trace\": {\"detail\": \"summary\"}}";
    expect_determinism(FAKE_SAMPLE_TIME, 0, traced, same, false);
    expect_determinism(FAKE_SAMPLE_TIME, 1, traced, broken, true);
    expect_determinism(FAKE_AS_IT_IS, 1, "{\"name\": \"an-hour\", \"duration_s\": 5}", other,
                       false);
}

Test(runs, with_other_seeds_are_other_inputs)
{
    struct two two = two_folders();
    struct fake *a = fake_new(FAKE_AS_IT_IS), *b = fake_new(FAKE_AS_IT_IS);
    a->config.seed = UINT64_C(9007199254740993); /* no double tells these two apart */
    b->config.seed = UINT64_C(9007199254740992);
    a->config.resolved = "{\"name\": \"an-hour\", \"seed\": 9007199254740993}";
    b->config.resolved = "{\"name\": \"an-hour\", \"seed\": 9007199254740992}";
    b->result.digest.lo++;
    write_run(a, two.a);
    write_run(b, two.b);
    char *text = printed(&two, NULL, 0.05, false, 0);
    cr_expect_not_null(strstr(text, "seed: 9007199254740993 -> 9007199254740992"), "%s", text);
    cr_expect_null(strstr(text, "SAME INPUTS"));
    free(text);
    /* It is told once, not as a part of the scenario, too. */
    a->config.resolved = "{\"name\": \"an-hour\", \"seed\": 7}";
    write_run(a, two.a);
    cJSON *json = compared(&two, NULL);
    cr_expect_eq(cJSON_GetArraySize(at(at(json, "differs"), "scenario")), 0);
    cr_expect(cJSON_IsTrue(at(at(json, "differs"), "seed")));
    cJSON_Delete(json);
    fake_free(a);
    fake_free(b);
    clean_two(&two);
}

static void expect_complaint(const struct two *two, const char *metric, int status,
                             const char *part)
{
    char path[2 * FAKE_PATH];
    size_t bytes;
    fake_path(two->a, "complaint", path);
    FILE *old = freopen(path, "w", stderr);
    cr_assert_not_null(old);
    char *text = printed(two, metric, 0.05, false, status);
    fflush(stderr);
    cr_expect_str_eq(text, "");
    free(text);
    text = fake_read(two->a, "complaint", &bytes);
    cr_expect_not_null(strstr(text, part), "%s", text);
    cr_expect_eq(strncmp(text, "faultline: ", 11), 0, "%s", text);
    cr_expect_eq(strchr(text, '\n'), text + strlen(text) - 1, "more than a line: %s", text);
    free(text);
    unlink(path);
}

static void write_bytes(const char *folder, const char *name, const char *bytes)
{
    char path[2 * FAKE_PATH];
    fake_path(folder, name, path);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(bytes, file);
    fclose(file);
}

Test(compare, says_what_is_wrong)
{
    struct two two = two_folders();
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    expect_complaint(&two, NULL, 3, "neither trace.h5 of a run nor sweep.h5 of a sweep is there");
    write_run(f, two.a);
    expect_complaint(&two, NULL, 3, "neither trace.h5");
    write_bytes(two.b, "sweep.h5", "not looked at");
    expect_complaint(&two, NULL, 2, "is a run and ");
    struct two turned;
    strcpy(turned.a, two.b);
    strcpy(turned.b, two.a);
    expect_complaint(&turned, NULL, 2, "only two runs or two sweeps can be compared");
    write_bytes(two.b, "trace.h5", "not an archive");
    expect_complaint(&two, NULL, 3, "not an HDF5 file");
    write_run(f, two.b);
    expect_complaint(&two, "ledger.bad_det", 2, "did you mean \"ledger.bad_debt\"?");
    f->config.resolved = "{\"name\"";
    write_run(f, two.b);
    expect_complaint(&two, NULL, 3, "scenario_resolved_json is not JSON");
    fake_free(f);
    clean_two(&two);
}

/* --- two sweeps ------------------------------------------------------------------------------------ */

enum { HAND_POINTS = 3, HAND_SEEDS = 10, HAND_ROWS = HAND_POINTS * HAND_SEEDS };

/* A sweep over margin {0.1, 0.2, 0.3} with `sleep` at the first point, x or y of it, in USD. */
struct hand {
    const char *margin[HAND_POINTS];
    int64_t seed, usd[HAND_ROWS], count[HAND_ROWS];
    const char *word[HAND_ROWS];
    const char *plan;
    bool backwards; /* seeds */
    bool other_axis;
    int fewer; /* runs that the second point lacks */
};

static struct hand hand_new(bool y)
{
    struct hand hand = {.margin = {"0.1", "0.2", "0.3"}, .seed = 100, .plan = "{\"name\": \"h\"}"};
    for (int row = 0; row < HAND_ROWS; row++) {
        const double hours = y ? sleep_y[row % HAND_SEEDS] : sleep_x[row % HAND_SEEDS];
        hand.usd[row] = row < HAND_SEEDS ? llround(hours * 1e6) : row;
        hand.count[row] = row % HAND_SEEDS + (y ? 4 : 0);
        hand.word[row] = y && row == 2 ? "broken" : "holds";
    }
    return hand;
}

static void write_hand(const char *folder, const struct hand *hand)
{
    int64_t point[HAND_ROWS], replicate[HAND_ROWS], seed[HAND_ROWS], usd[HAND_ROWS],
        count[HAND_ROWS];
    char axis[HAND_ROWS][4], word[HAND_ROWS][6];
    memset(axis, 0, sizeof axis);
    memset(word, 0, sizeof word);
    uint64_t rows = 0;
    for (int row = 0; row < HAND_ROWS; row++) {
        const int r = row % HAND_SEEDS, from = hand->backwards ? row - r + HAND_SEEDS - 1 - r : row;
        const int64_t p = row / HAND_SEEDS;
        if (p == 1 && r >= HAND_SEEDS - hand->fewer) continue;
        point[rows] = p;
        replicate[rows] = r;
        seed[rows] = hand->seed + from % HAND_SEEDS;
        usd[rows] = hand->usd[from];
        count[rows] = hand->count[from];
        memcpy(axis[rows], hand->margin[p], strlen(hand->margin[p]));
        memcpy(word[rows], hand->word[from], strlen(hand->word[from]));
        rows++;
    }
    const int64_t version = 1;
    const hid_t file = fl_h5_new();
    cr_assert(fl_h5_attribute(file, "format_version", H5T_NATIVE_INT64, &version));
    static const char *const text[][2] = {{"faultline_version", "0.1.0"},
                                          {"name", "by-hand"},
                                          {"seed", "1"},
                                          {"content_hash", "00"},
                                          {"scenario_resolved_json", "{\"name\": \"s\"}"}};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        cr_assert(fl_h5_text(file, text[i][0], text[i][1]));
    cr_assert(fl_h5_text(file, "plan_json", hand->plan));
    cr_assert(fl_h5_group(file, "/axes", NULL) && fl_h5_group(file, "/metrics", NULL) &&
              fl_h5_group(file, "/rows", NULL));
    fake_put(file, "/axes/exchange.margin", "text", FL_COLUMN_TEXT, 4, rows, axis);
    if (hand->other_axis) fake_put(file, "/axes/faults.to_s", "1", FL_COLUMN_INT64, 8, rows, point);
    fake_put(file, "/rows/point", "id", FL_COLUMN_INT64, 8, rows, point);
    fake_put(file, "/rows/replicate", "id", FL_COLUMN_INT64, 8, rows, replicate);
    fake_put(file, "/rows/seed", "1", FL_COLUMN_INT64, 8, rows, seed);
    fake_put(file, "/metrics/ledger.deficit", "1e-6 USD", FL_COLUMN_INT64, 8, rows, usd);
    fake_put(file, "/metrics/keeper.attempts", "1", FL_COLUMN_INT64, 8, rows, count);
    fake_put(file, "/metrics/checks.solvency", "text", FL_COLUMN_TEXT, 6, rows, word);
    fake_publish(file, folder, "sweep.h5");
}

static const cJSON *move_of(const cJSON *json, const char *metric, const char *margin)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, at(json, "moves"))
    {
        if (strcmp(at(item, "metric")->valuestring, metric) == 0 &&
            strcmp(at(at(item, "axes"), "exchange.margin")->valuestring, margin) == 0)
            return item;
    }
    cr_assert_fail("%s at %s is not there", metric, margin);
    return NULL;
}

static void expect_number(const cJSON *item, const char *key, double value, double within)
{
    cr_expect_float_eq(at(item, key)->valuedouble, value, within, "%s is %.9g", key,
                       at(item, key)->valuedouble);
}

/* Points by value (0.10 is 0.1) in another order, runs by seed in another order. Six members: p of
 * `sleep` is 0.002833, of attempts, 4 more on each of ten seeds, 2^-9 thrice, of what is equal 1. */
Test(sweeps, paired_by_seed)
{
    struct two two = two_folders();
    struct hand a = hand_new(false), b = hand_new(true);
    write_hand(two.a, &a);
    b.backwards = true;
    write_hand(two.b, &b);
    cJSON *json = compared(&two, NULL);
    cr_expect(cJSON_IsTrue(at(json, "paired")));
    expect_number(json, "points", 3, 0);
    expect_number(json, "compared", 6, 0);
    expect_number(json, "moved", 4, 0);
    const cJSON *sleep = move_of(json, "ledger.deficit", "0.1");
    expect_number(sleep, "difference", 1.58, 1e-9);
    expect_number(sleep, "low", 0.7001142, 5e-8);
    expect_number(sleep, "high", 2.4598858, 5e-8);
    expect_number(sleep, "p", 0.002833, 5e-7);
    expect_number(sleep, "p_holm", 6.0 / 512, 1e-15); /* 3 p is less than the step before */
    expect_text(sleep, "unit", "USD");
    expect_text(sleep, "verdict", "moved");
    const cJSON *attempts = move_of(json, "keeper.attempts", "0.3");
    expect_number(attempts, "difference", 4, 0);
    expect_number(attempts, "p", 1.0 / 512, 1e-15);
    expect_number(attempts, "p_holm", 6.0 / 512, 1e-15);
    cr_expect(cJSON_IsTrue(at(attempts, "same_on_every_seed")));
    cr_expect(cJSON_IsNull(at(attempts, "low")));
    const cJSON *equal = move_of(json, "ledger.deficit", "0.2");
    expect_number(equal, "p", 1, 0);
    expect_text(equal, "verdict", "not moved");
    const cJSON *words = at(json, "words");
    expect_number(cJSON_GetArrayItem(words, 0), "pairs", 10, 0);
    expect_number(cJSON_GetArrayItem(words, 0), "differ", 1, 0);
    expect_number(cJSON_GetArrayItem(words, 1), "differ", 0, 0);
    /* The most significant first. */
    expect_text(cJSON_GetArrayItem(at(json, "moves"), 0), "metric", "keeper.attempts");
    expect_text(cJSON_GetArrayItem(at(json, "moves"), 3), "metric", "ledger.deficit");
    cJSON_Delete(json);
    clean_two(&two);
}

Test(sweeps, points_by_the_values_of_their_axes)
{
    struct two two = two_folders();
    struct hand a = hand_new(false), b = hand_new(true);
    b.margin[0] = "0.4";
    b.margin[2] = ".10"; /* as a number it is A's first */
    memcpy(b.usd + 20, b.usd, 10 * sizeof *b.usd);
    write_hand(two.a, &a);
    write_hand(two.b, &b);
    cJSON *json = compared(&two, "ledger.deficit");
    expect_number(json, "points", 2, 0);
    expect_number(json, "points_only_A", 1, 0);
    expect_number(json, "points_only_B", 1, 0);
    const cJSON *sleep = move_of(json, "ledger.deficit", "0.1");
    expect_number(sleep, "difference", 1.58, 1e-9);
    expect_number(sleep, "point_B", 2, 0);
    expect_number(sleep, "p_holm", 2 * 0.00283289, 3e-7);
    cJSON_Delete(json);
    char *text = printed(&two, NULL, 0.05, false, 0);
    cr_expect_not_null(strstr(text, "only in A: margin 0.3"), "%s", text);
    cr_expect_not_null(strstr(text, "only in B: margin 0.4"), "%s", text);
    free(text);
    clean_two(&two);
}

Test(sweeps, without_common_seeds)
{
    struct two two = two_folders();
    struct hand a = hand_new(false), b = hand_new(true);
    b.seed = 200;
    write_hand(two.a, &a);
    write_hand(two.b, &b);
    cJSON *json = compared(&two, "ledger.deficit");
    cr_expect(cJSON_IsFalse(at(json, "paired")));
    const cJSON *sleep = move_of(json, "ledger.deficit", "0.1");
    expect_number(sleep, "low", -0.2054832, 5e-8);
    expect_number(sleep, "high", 3.3654832, 5e-8);
    expect_number(sleep, "p", 0.07939, 5e-6);
    cJSON_Delete(json);
    char *text = printed(&two, NULL, 0.05, false, 0);
    cr_expect_not_null(strstr(text, "Not paired"), "%s", text);
    free(text);
    clean_two(&two);
}

/* Seeds 109 alone is common, or nine rows of a point crashed: nothing can be told of one pair. */
Test(sweeps, of_runs_that_crashed, .init = cr_redirect_stderr)
{
    struct two two = two_folders();
    struct hand a = hand_new(false), b = hand_new(true);
    for (int row = 1; row < HAND_SEEDS; row++) a.usd[row] = INT64_MIN;
    b.usd[25] = INT64_MIN;
    write_hand(two.a, &a);
    write_hand(two.b, &b);
    cJSON *json = compared(&two, "ledger.deficit");
    const cJSON *sleep = move_of(json, "ledger.deficit", "0.1");
    expect_number(sleep, "n_A", 1, 0);
    expect_number(sleep, "difference", 1.2, 1e-9);
    cr_expect(cJSON_IsNull(at(sleep, "p")) && cJSON_IsNull(at(sleep, "low")));
    expect_text(sleep, "verdict", "cannot tell");
    expect_number(json, "compared", 2, 0);
    expect_number(move_of(json, "ledger.deficit", "0.3"), "n_B", 9, 0);
    cJSON_Delete(json);
    clean_two(&two);
}

/* Three seeds agree: 2^-2 is no proof, and the table says so instead of "moved". */
Test(sweeps, the_same_on_too_few_seeds)
{
    struct two two = two_folders();
    struct hand a = hand_new(false), b = hand_new(true);
    b.seed = 107; /* of its seeds 107 to 116 A has three */
    for (int row = 0; row < HAND_ROWS; row++) {
        b.count[row] = 0;
        a.count[row] = row % HAND_SEEDS >= 7 ? 9 : 50;
    }
    write_hand(two.a, &a);
    write_hand(two.b, &b);
    cJSON *json = compared(&two, "keeper.attempts");
    expect_number(json, "common_seeds", 3, 0);
    expect_number(json, "moved", 0, 0);
    const cJSON *move = move_of(json, "keeper.attempts", "0.1");
    expect_number(move, "difference", -9, 0);
    expect_number(move, "p", 0.25, 1e-15);
    expect_text(move, "verdict", "the same on every seed, of too few");
    cJSON_Delete(json);
    char *text = printed(&two, "keeper.attempts", 0.05, false, 0);
    cr_expect_not_null(strstr(text, "too few to exclude chance"), "%s", text);
    free(text);
    clean_two(&two);
}

/* The four have an adjusted p of 6/512, 0.0117; the other two of 1. */
Test(sweeps, alpha_is_that_of_the_family)
{
    struct two two = two_folders();
    struct hand a = hand_new(false), b = hand_new(true);
    write_hand(two.a, &a);
    write_hand(two.b, &b);
    const double alpha[] = {0.0117, 0.0118, 0.3}, moved[] = {0, 4, 4};
    for (int i = 0; i < 3; i++) {
        char *text = printed(&two, NULL, alpha[i], true, 0);
        cJSON *json = cJSON_Parse(text);
        expect_number(json, "moved", moved[i], 0);
        cJSON_Delete(json);
        free(text);
    }
    clean_two(&two);
}

/* A plan with two looks, which stopped at four runs of the second point: p counts twice, and intervals
 * are at 97.5 %, where t with 9 degrees of freedom is 2.685. */
Test(sweeps, that_stop_at_looks)
{
    struct two two = two_folders();
    struct hand a = hand_new(false), b = hand_new(true);
    a.plan = "{\"name\": \"h\", \"looks\": [4, 10]}";
    a.fewer = 6;
    write_hand(two.a, &a);
    write_hand(two.b, &b);
    cJSON *json = compared(&two, "ledger.deficit");
    expect_number(json, "looks", 2, 0);
    const cJSON *sleep = move_of(json, "ledger.deficit", "0.1");
    expect_number(sleep, "low", 1.58 - 2.685 * 1.58 / 4.0621, 1e-3);
    expect_number(sleep, "p_holm", 3 * 2 * 0.00283289, 6e-7);
    expect_number(move_of(json, "ledger.deficit", "0.2"), "n_A", 4, 0);
    cJSON_Delete(json);
    char *text = printed(&two, NULL, 0.05, false, 0);
    cr_expect_not_null(strstr(text, "For the looks of the plans"), "%s", text);
    free(text);
    clean_two(&two);
}

Test(sweeps, says_what_is_wrong)
{
    struct two two = two_folders();
    struct hand a = hand_new(false), b = hand_new(true);
    write_hand(two.a, &a);
    write_hand(two.b, &b);
    expect_complaint(&two, "ledger.deficits", 2, "did you mean \"ledger.deficit\"?");
    b.margin[0] = "0.7";
    b.margin[1] = "0.8";
    b.margin[2] = "0.9";
    write_hand(two.b, &b);
    expect_complaint(&two, NULL, 2, "have no point in common");
    b = hand_new(true);
    b.margin[1] = "0.1"; /* points 0 and 1 differ on an axis that A does not have */
    b.other_axis = true;
    write_hand(two.b, &b);
    expect_complaint(&two, NULL, 2, "which has no axis faults.to_s");
    b = hand_new(true);
    b.plan = "{";
    write_hand(two.b, &b);
    expect_complaint(&two, NULL, 3, "plan_json is not JSON");
    clean_two(&two);
}

Test(sweeps, same_plans_owe_the_same_rows)
{
    struct two two = two_folders();
    struct hand a = hand_new(false);
    write_hand(two.a, &a);
    write_hand(two.b, &a);
    cJSON *json = compared(&two, NULL);
    expect_text(json, "determinism", "same inputs, same results");
    cJSON_Delete(json);
    a.plan = "{\"name\": \"h\", \"metrics\": [\"ledger.deficit\"]}";
    write_hand(two.b, &a);
    json = compared(&two, NULL);
    expect_text(json, "determinism", "other inputs");
    cJSON_Delete(json);
    clean_two(&two);
}

/* --- the figure ------------------------------------------------------------------------------------ */

static int draw(const struct two *two, const char *metric, const char *format, const char *into)
{
    const char *const folder[] = {two->a, two->b};
    const struct fl_plot plot = {
        .folder = folder, .count = 2, .metric = metric, .directory = into, .format = format};
    char path[4096] = "";
    return fl_plot(&plot, "comparison", path, sizeof path);
}

static void expect_same_picture(const struct two *two, const char *metric, const char *begins)
{
    static const char *const formats[] = {"png", "svg", "pdf"};
    for (int i = 0; i < 3; i++) {
        char name[32];
        size_t bytes[2];
        snprintf(name, sizeof name, "comparison.%s", formats[i]);
        cr_assert_eq(draw(two, metric, formats[i], NULL), 0);
        char *first = fake_read(two->a, name, &bytes[0]);
        cr_assert_eq(draw(two, metric, formats[i], two->b), 0);
        char *again = fake_read(two->b, name, &bytes[1]);
        cr_expect(bytes[0] == bytes[1] && memcmp(first, again, bytes[0]) == 0, "%s differs", name);
        cr_expect_gt(bytes[0], 5000);
        free(first);
        free(again);
    }
    size_t bytes;
    char *script = fake_read(two->a, "comparison.gp", &bytes);
    const char *title = strstr(script, "title_1 = '");
    cr_assert_not_null(title);
    cr_expect_eq(strncmp(title + 11, begins, strlen(begins)), 0, "%.200s", title);
    free(script);
}

Test(figure, of_two_runs)
{
    struct two two = two_folders();
    struct fake *a = fake_new(FAKE_AS_IT_IS), *b = fake_new(FAKE_SAMPLE);
    for (int i = 241; i < FAKE_SAMPLES; i++) {
        b->series[FAKE_DEFICIT][i] += 1670000000000;
        b->series[FAKE_FUND_PAID][i] += 1670000000000;
    }
    b->config.resolved =
        "{\"name\": \"it's 100% \\\\odd\", \"faults\": {\"x\": {\"to_s\": 2400}}, \"nodes\": 3}";
    strcpy(b->config.name, "it's 100% \\odd_name\n`id`"); /* gnuplot reads it as text */
    b->result.digest.lo++;
    write_run(a, two.a);
    write_run(b, two.b);
    expect_same_picture(&two, NULL, "B loses $1.7 M more than A, $1.9 M against $201 k: faults ");
    expect_same_picture(&two, "ledger.insurance_fund", "ledger.insurance_fund ends at ");
    cr_expect_eq(draw(&two, "ledger.nothing", "png", NULL), 2);
    fake_free(a);
    fake_free(b);
    clean_two(&two);
}

Test(figure, of_two_sweeps)
{
    struct two two = two_folders();
    struct hand a = hand_new(false), b = hand_new(true);
    write_hand(two.a, &a);
    write_hand(two.b, &b);
    expect_same_picture(&two, "ledger.deficit",
                        "deficit is higher at 1 of 3 points in B, by up to $1.58 at margin 0.1");
    expect_same_picture(&two, NULL,
                        "attempts is higher at 3 of 3 points in B, by up to 4 at margin 0.1");
    cr_expect_eq(draw(&two, "checks.solvency", "png", NULL), 2);
    clean_two(&two);
}

Test(figure, leaves_nothing_on_errors, .init = cr_redirect_stderr)
{
    struct two two = two_folders();
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    struct hand hand = hand_new(false);
    write_run(f, two.a);
    cr_expect_eq(draw(&two, NULL, "png", NULL), 3);
    write_hand(two.b, &hand);
    cr_expect_eq(draw(&two, NULL, "png", NULL), 2);
    const char *const one[] = {two.a};
    const struct fl_plot plot = {.folder = one, .count = 1, .format = "png"};
    char path[4096];
    cr_expect_eq(fl_plot(&plot, "comparison", path, sizeof path), 2);
    write_bytes(two.b, "trace.h5", "not an archive");
    cr_expect_eq(draw(&two, NULL, "png", NULL), 3);
    setenv("PATH", "/nonexistent", 1); /* no gnuplot */
    write_run(f, two.b);
    cr_expect_eq(draw(&two, NULL, "png", NULL), 3);
    cr_expect(!fake_exists(two.a, "comparison.png") && !fake_exists(two.a, "comparison.png.tmp"));
    fake_free(f);
    clean_two(&two);
}
