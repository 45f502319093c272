/* Exploration: counts against exact formulas, the reduced search against the plain one, Bracha's
 * broadcast proven at n = 4, its mutants found, and every way that is found followed again. */
#include "sim/explore.h"
#include "sim/search.h"
#include "sim/world.h"
#include "tests/lib/bracha_mutants.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* --- scenarios ------------------------------------------------------------------------------------- */

/* A group of n members with one protocol, faults and checks. */
struct setup {
    const char *protocol;
    uint32_t n, f;
    const char *faults, *checks;
};

#define LIAR "\"liar\": {\"model\": \"babble\", \"group\": \"member\", \"count\": 1, \"to_s\": 11}"
#define JUDGES \
    "\"agreement\": \"agreement\", \"totality\": {\"model\": \"totality\", \"group\": \"member\"}"

static struct fl_config *configured(const struct setup *s)
{
    char text[4096];
    snprintf(text, sizeof text,
             "{\"name\": \"explored\", \"seed\": 7, \"duration_s\": 10,"
             " \"network\": {\"delay_ms\": 20},"
             " \"nodes\": {\"member\": {\"count\": %u, \"faulty_max\": %u,"
             "   \"consensus\": {\"model\": \"%s\", \"bytes\": 16}}},"
             " \"faults\": {%s}, \"checks\": {%s}}",
             s->n, s->f, s->protocol, s->faults, s->checks);
    struct fl_problems problems = {.to = stderr};
    struct fl_config *config =
        fl_config_parse(text, strlen(text), "explored.json", NULL, 0, NULL, &problems);
    cr_assert_not_null(config, "%s", text);
    return config;
}

static struct fl_exploration explored(const struct setup *s, const struct fl_bounds *bounds)
{
    struct fl_config *config = configured(s);
    struct fl_exploration e;
    fl_explore(config, bounds, &e);
    fl_config_free(config);
    return e;
}

static struct fl_bounds plain_bounds(void)
{
    struct fl_bounds b = fl_bounds_default();
    b.every_order = true;
    return b;
}

/* --- counts ------------------------------------------------------------------------------------------ */

static uint64_t power(uint64_t base, uint32_t exponent)
{
    uint64_t product = 1;
    while (exponent-- > 0) product *= base;
    return product;
}

/* With f = n nobody is ever ready: the sender speaks (its initial and its echo), and each of m = n - 1
 * receivers echoes to m peers once it has the initial. Before the sender speaks there is one position.
 * After it, for each receiver: has the sender's echo come or not (2), and either the initial has not
 * (1), or each of the m echoes that it then sent has come or not (2^m). So 1 + (2 (1 + 2^m))^m.
 * Reduced: only the m initials are ever heard by themselves, 1 + 2^m. */
Test(explore, as_many_positions_as_there_are)
{
    const struct fl_bounds plain = plain_bounds(), reduced = fl_bounds_default();
    for (uint32_t m = 1; m <= 3; m++) {
        const struct setup s = {"bracha", m + 1, m + 1, "", "\"witness\": \"witness\""};
        struct fl_exploration e = explored(&s, &plain);
        cr_expect_eq(e.states, 1 + power(2 * (1 + power(2, m)), m), "m %u: %" PRIu64, m, e.states);
        cr_expect_eq(e.depth, 1 + 2 * m + m * m, "m %u: depth %u", m, e.depth);
        cr_expect(e.cut == 0 && !e.broken && e.seen == 1 && e.ends == 1);
        fl_exploration_free(&e);
        e = explored(&s, &reduced);
        cr_expect_eq(e.states, 1 + power(2, m), "m %u: %" PRIu64, m, e.states);
        cr_expect(e.cut == 0 && !e.broken && e.seen == 1 && e.ends == 1);
        fl_exploration_free(&e);
    }
}

/* What a bound cuts off is said, and what is within it is all there. */
Test(explore, bounds_cut_and_say_so)
{
    const struct setup s = {"bracha", 4, 4, "", "\"witness\": \"witness\""};
    struct fl_bounds b = plain_bounds();
    b.depth = 2;
    struct fl_exploration e = explored(&s, &b);
    /* The start; the sender has spoken; one of three initials or of three echoes has come. */
    cr_expect_eq(e.states, 1 + 1 + 6);
    cr_expect_eq(e.cut, FL_CUT_DEPTH);
    fl_exploration_free(&e);
    b = plain_bounds();
    b.states = 100;
    e = explored(&s, &b);
    cr_expect_eq(e.states, 100);
    cr_expect_eq(e.cut, FL_CUT_STATES);
    cr_expect_lt(e.complete, e.depth + 1);
    fl_exploration_free(&e);
    b.states = 5833;
    e = explored(&s, &b);
    cr_expect_eq(e.cut, 0, "there are just as many");
    fl_exploration_free(&e);
}

/* A member delivers on 3 of 4 readies, its own among them: it can do without one message, whichever
 * that is, but not without two readies. */
Test(explore, a_lost_message_is_borne_and_two_are_not)
{
    const struct setup s = {"bracha", 4, 1, "",
                            "\"totality\": {\"model\": \"totality\", \"group\": \"member\","
                            " \"least\": 1}"};
    for (uint32_t drops = 0; drops <= 2; drops++) {
        struct fl_bounds b = fl_bounds_default();
        b.drops = drops;
        struct fl_exploration e = explored(&s, &b);
        cr_expect_eq(e.cut, 0);
        cr_expect_eq(e.broken, drops == 2, "%u lost", drops);
        cr_expect_eq(e.at_rest, drops == 2);
        fl_exploration_free(&e);
    }
}

/* --- the reduction ------------------------------------------------------------------------------------ */

static void same_to_the_checks(const struct setup *s, struct fl_bounds bounds)
{
    bounds.every_order = false;
    struct fl_exploration a = explored(s, &bounds);
    bounds.every_order = true;
    struct fl_exploration b = explored(s, &bounds);
    cr_expect(a.cut == 0 && b.cut == 0);
    cr_expect_eq(a.seen, b.seen, "%s: %" PRIu64 " and %" PRIu64, s->protocol, a.seen, b.seen);
    cr_expect_eq(a.ends, b.ends, "%s: %" PRIu64 " and %" PRIu64, s->protocol, a.ends, b.ends);
    cr_expect(fl_digest_equal(a.seen_sum, b.seen_sum), "%s", s->protocol);
    cr_expect(fl_digest_equal(a.ends_sum, b.ends_sum), "%s", s->protocol);
    cr_expect_eq(a.broken, b.broken, "%s", s->protocol);
    cr_expect_eq(a.events, b.events, "%s: %u and %u", s->protocol, a.events, b.events);
    cr_expect_lt(a.states, b.states);
    fprintf(stderr,
            "%-20s %7" PRIu64 " of %7" PRIu64 " states, %2" PRIu64 " seen, %2" PRIu64
            " at rest, %s\n",
            s->protocol, a.states, b.states, a.seen, a.ends, a.broken ? "broken" : "holds");
    fl_exploration_free(&a);
    fl_exploration_free(&b);
}

static const char *const liars[] = {
    LIAR,
    "\"liar\": {\"model\": \"equivocate\", \"group\": \"member\", \"count\": 1, \"to_s\": 11}",
    "\"dies\": {\"model\": \"crash\", \"group\": \"member\", \"count\": 1, \"from_s\": 1, "
    "\"to_s\": "
    "2}",
    "\"double\": {\"model\": \"twins\", \"group\": \"member\", \"count\": 1}",
    "\"silent\": {\"model\": \"mute\", \"group\": \"member\", \"count\": 1, \"from_s\": 1}",
};

/* Three members of which one may be anything: with the reduction and without, checks can come to see
 * exactly the same decisions, in mid-course and at rest. */
Test(explore, the_reduction_leaves_nothing_out)
{
    for (size_t k = 0; k < sizeof liars / sizeof *liars; k++)
        for (uint32_t drops = 0; drops <= 1; drops++) {
            struct fl_bounds bounds = fl_bounds_default();
            bounds.drops = drops;
            const struct setup s = {"bracha", 3, 1, liars[k], "\"witness\": \"witness\""};
            const struct setup safety = {"bracha", 3, 1, liars[k], "\"onlooker\": \"onlooker\""};
            same_to_the_checks(&s, bounds);
            if (drops == 0) same_to_the_checks(&safety, bounds);
        }
    for (const struct bracha_mutant *m = bracha_mutants; m->model; m++) {
        const struct setup s = {m->model, 3, 1, LIAR, "\"witness\": \"witness\""};
        same_to_the_checks(&s, fl_bounds_default());
    }
}

/* Every position by making every move for real, one after the other, remembering nothing but where it
 * has been. */
static uint64_t positions_one_by_one(const struct setup *s)
{
    struct fl_config *config = configured(s);
    uint32_t sent, edges, position[FL_POSITION_MAX], move[256], bytes;
    struct fl_stage *stage = fl_stage_open(config, &sent, &edges);
    const size_t size = fl_position_words(stage) * sizeof *position;
    struct fl_pool been = {0};
    fl_position_start(stage, sent, edges, position);
    fl_pool_put(&been, position, size);
    for (uint32_t i = 1; i <= been.count; i++) {
        const void *at = fl_pool_get(&been, i, &bytes);
        cr_assert_leq(fl_position_moves(stage, at, 0, NULL), 256);
        const uint32_t count = fl_position_moves(stage, at, 0, move);
        for (uint32_t k = 0; k < count; k++) {
            memcpy(position, at, size);
            fl_position_make(stage, position, move[k]);
            fl_pool_put(&been, position, size);
        }
    }
    const uint64_t count = been.count;
    fl_pool_free(&been);
    fl_stage_close(stage);
    fl_config_free(config);
    return count;
}

/* A step that is remembered is the step that would be made: whatever it depends on is in its name. */
Test(explore, nothing_is_remembered_wrongly)
{
    static const char *const kinds[] = {"babble\"",
                                        "equivocate\"",
                                        "crash\", \"from_s\": 1, \"to_s\": 2",
                                        "twins\", \"from_s\": 1",
                                        "mute\", \"from_s\": 1, \"to_s\": 2",
                                        "equivocate\", \"from_s\": 1, \"to_s\": 2"};
    const struct fl_bounds plain = plain_bounds();
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (uint32_t member = 0; member < 3; member += 2) {
            char fault[200];
            snprintf(fault, sizeof fault,
                     "\"x\": {\"group\": \"member\", \"members\": [%u], \"model\": \"%s}", member,
                     kinds[i]);
            const struct setup s = {"bracha", 3, 1, fault, "\"witness\": \"witness\""};
            struct fl_exploration e = explored(&s, &plain);
            const uint64_t slowly = positions_one_by_one(&s);
            cr_expect_eq(e.states, slowly, "%s: %" PRIu64 " and %" PRIu64, fault, e.states, slowly);
            cr_expect_gt(slowly, 100);
            fl_exploration_free(&e);
        }
}

/* The same violation, by as many events. */
Test(explore, the_reduction_finds_as_short_a_way)
{
    for (const struct bracha_mutant *m = bracha_mutants; m->model; m++) {
        const struct setup s = {m->model, 3, 1, LIAR, JUDGES};
        struct fl_bounds reduced = fl_bounds_default(), plain = plain_bounds();
        struct fl_exploration a = explored(&s, &reduced), b = explored(&s, &plain);
        cr_expect(a.broken && b.broken, "n = 3f is too few");
        cr_expect_eq(a.events, b.events, "%s: %u and %u", m->model, a.events, b.events);
        cr_expect_eq(a.at_rest, b.at_rest);
        fl_exploration_free(&a);
        fl_exploration_free(&b);
    }
}

/* --- Bracha's broadcast at n = 4 ----------------------------------------------------------------------- */

/* Bracha 1987, theorem: n > 3f. One of four, the sender or another, says anything at any time about two
 * payloads of its own and whatever it hears. A third payload would be one more that not all can come to
 * support: what is said for it is said for neither of two that conflict. */
Test(explore, bracha_is_safe_with_one_byzantine_of_four)
{
    const struct setup s = {"bracha", 4, 1, LIAR, JUDGES};
    const struct fl_bounds bounds = fl_bounds_default();
    struct fl_exploration e = explored(&s, &bounds);
    cr_expect(!e.broken, "%s\n%s", e.evidence, e.trace);
    cr_expect_eq(e.cut, 0);
    cr_expect_eq(e.placements, 4);
    cr_expect_gt(e.ends, 4, "it is decided this way and that");
    fprintf(stderr, "%" PRIu64 " states, %" PRIu64 " transitions, depth %u\n", e.states,
            e.transitions, e.depth);
    fl_exploration_free(&e);
}

/* What the sender says if nothing goes wrong. */
static void payload_of_sender(struct fl_digest *digest)
{
    const struct setup s = {"bracha", 4, 1, "", ""};
    struct fl_config *config = configured(&s);
    struct fl_world *world = fl_world_new(config);
    fl_world_run(world);
    const struct fl_records *records = fl_world_result(world)->records;
    const struct fl_record *last = fl_records_get(records, fl_records_count(records));
    cr_assert_eq(last->kind, FL_RECORD_DECIDED);
    *digest = (struct fl_digest){(uint64_t)last->v[2], (uint64_t)last->v[3]};
    fl_world_free(world);
    fl_config_free(config);
}

/* An honest sender: everybody honest delivers its payload and no other. */
static struct setup with_honest_sender(const char *protocol)
{
    static char checks[400];
    struct fl_digest d;
    payload_of_sender(&d);
    snprintf(checks, sizeof checks,
             JUDGES ", \"validity\": {\"model\": \"honest_sender\", \"low\": \"%" PRId64
                    "\", \"high\": \"%" PRId64 "\"},"
                    " \"delivery\": {\"model\": \"totality\", \"group\": \"member\", \"least\": 1}",
             (int64_t)d.lo, (int64_t)d.hi);
    return (struct setup){protocol, 4, 1,
                          "\"liar\": {\"model\": \"babble\", \"group\": \"member\", \"members\": "
                          "[1], \"to_s\": 11}",
                          checks};
}

Test(explore, bracha_delivers_what_an_honest_sender_says)
{
    const struct setup s = with_honest_sender("bracha");
    const struct fl_bounds bounds = fl_bounds_default();
    struct fl_exploration e = explored(&s, &bounds);
    cr_expect(!e.broken, "%s\n%s", e.evidence, e.trace);
    cr_expect_eq(e.cut, 0);
    cr_expect_eq(e.ends, 1, "there is one way it can end");
    fl_exploration_free(&e);
}

/* --- mutants --------------------------------------------------------------------------------------------- */

/* Told again from its own text, the way leads to the same. */
static void replays(const struct setup *s, const struct fl_exploration *found)
{
    struct fl_config *config = configured(s);
    struct fl_exploration again;
    const struct fl_bounds bounds = fl_bounds_default();
    char *wrong = fl_explore_replay(config, found->trace, &bounds, &again);
    cr_assert_null(wrong, "%s: %s\n%s", s->protocol, wrong, found->trace);
    cr_expect(again.broken && again.check == found->check && again.at_rest == found->at_rest);
    cr_expect_eq(again.events, found->events);
    cr_expect_str_eq(again.evidence, found->evidence);
    cr_expect_str_eq(again.trace, found->trace);
    fl_exploration_free(&again);
    fl_config_free(config);
}

static bool finds(const struct setup *s, const struct bracha_mutant *m)
{
    const struct fl_bounds bounds = fl_bounds_default();
    struct fl_exploration e = explored(s, &bounds);
    cr_expect_eq(e.cut, 0);
    if (e.broken) {
        fprintf(stderr, "%s (%s): after %u events%s, %" PRIu64 " states: %s\n", m->model, m->what,
                e.events, e.at_rest ? " at rest" : "", e.states, e.evidence);
        replays(s, &e);
    }
    const bool found = e.broken;
    fl_exploration_free(&e);
    return found;
}

Test(explore, every_mutant_of_bracha_is_found)
{
    for (const struct bracha_mutant *m = bracha_mutants; m->model; m++) {
        const struct setup any = {m->model, 4, 1, LIAR, JUDGES};
        const struct setup honest = with_honest_sender(m->model);
        const bool by_any = finds(&any, m), by_honest = finds(&honest, m);
        cr_expect(by_any || by_honest, "%s: %s", m->model, m->what);
    }
}

/* Time is what exploration has none of. */
Test(explore, what_cannot_be_explored_is_refused)
{
    const struct setup looks = {"bracha", 4, 1,
                                "\"x\": {\"model\": \"mute\", \"group\": \"member\","
                                " \"largest\": \"consensus.delivered\", \"count\": 1}",
                                ""},
                       large = {"bracha", 65, 1, "", ""}, plain = {"bracha", 64, 1, "", ""};
    const struct setup *const setups[] = {&looks, &large, &plain};
    static const char *const says[] = {"observables", "at most 64", NULL};
    for (size_t i = 0; i < 3; i++) {
        struct fl_config *config = configured(setups[i]);
        const char *wrong = fl_explore_refuses(config);
        cr_expect(says[i] ? wrong && strstr(wrong, says[i]) : !wrong, "%s", wrong);
        fl_config_free(config);
    }
}

/* A trace that does not fit is refused, and says where. */
Test(explore, a_trace_must_fit)
{
    const struct setup s = {"bracha_readies_f", 4, 1, LIAR, JUDGES},
                       other = {"bracha", 4, 1, "", ""};
    const struct fl_bounds bounds = fl_bounds_default();
    struct fl_exploration e = explored(&s, &bounds), again;
    cr_assert(e.broken);
    struct fl_config *config = configured(&other);
    char *wrong = fl_explore_replay(config, e.trace, &bounds, &again);
    cr_expect_not_null(strstr(wrong, "no placement"), "%s", wrong);
    free(wrong);
    fl_exploration_free(&again);
    wrong = fl_explore_replay(config, "1. member[0] hears member[9]: nonsense\n", &bounds, &again);
    cr_expect_not_null(strstr(wrong, "event 1 cannot happen there: member[0] hears member[9]"),
                       "%s", wrong);
    free(wrong);
    fl_exploration_free(&again);
    fl_config_free(config);
    fl_exploration_free(&e);
}

/* --- the command ----------------------------------------------------------------------------------------- */

#define SCENARIO "scenarios/explore-bracha-n4.json"

/* Exit status of `faultline explore ARGUMENTS`; what it prints comes back in *said, to be freed. */
static int faultline(const char *arguments, char **said)
{
    const char *build = getenv("FL_BUILD");
    char command[512];
    size_t bytes;
    snprintf(command, sizeof command, "%s/faultline explore %s 2>&1", build ? build : "build",
             arguments);
    FILE *from = popen(command, "r"), *to = open_memstream(said, &bytes);
    cr_assert(from && to);
    for (int c; (c = fgetc(from)) != EOF;) fputc(c, to);
    fclose(to);
    return WEXITSTATUS(pclose(from));
}

static void says(const char *arguments, int status, const char *text)
{
    char *said;
    const int was = faultline(arguments, &said);
    cr_expect_eq(was, status, "%s: %d\n%s", arguments, was, said);
    cr_expect_not_null(strstr(said, text), "%s: no \"%s\" in\n%s", arguments, text, said);
    free(said);
}

Test(explore, what_the_command_says)
{
    char trace[] = "/tmp/faultline-explore-XXXXXX", arguments[256];
    cr_assert_geq(mkstemp(trace), 0);
    says(SCENARIO, 0, "exhausted");
    says(SCENARIO " --states 100", 0, "--states cut it");
    says(SCENARIO " --depth 3", 0, "all of up to 3 events was looked at: --depth cut it");
    snprintf(arguments, sizeof arguments, SCENARIO " --set nodes.member.count=3 -o %s", trace);
    says(arguments, 1, "BROKEN   totality at rest, after 8 events");
    snprintf(arguments, sizeof arguments, SCENARIO " --set nodes.member.count=3 --replay %s",
             trace);
    says(arguments, 1, "BROKEN   totality at rest");
    snprintf(arguments, sizeof arguments, SCENARIO " --replay %s", trace);
    says(arguments, 2, "event");
    remove(trace);
    says(SCENARIO " --depth two", 2, "--depth two: expected a number");
    says(SCENARIO " --set nodes.member.count=65", 2, "of at most 64");
    says(SCENARIO " --replay /nowhere/trace", 3, "/nowhere/trace");
    says(SCENARIO " --set nodes.member.count=3 -o /nowhere/trace", 3, "/nowhere/trace");
    says("nowhere.json", 3, "nowhere.json");
}

static double number(const cJSON *o, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);
    cr_assert(cJSON_IsNumber(item), "%s", key);
    return item->valuedouble;
}

Test(explore, json_has_the_same_numbers)
{
    struct fl_problems problems = {.to = stderr};
    struct fl_config *config = fl_config_load(SCENARIO, NULL, 0, NULL, &problems);
    cr_assert_not_null(config);
    const struct fl_bounds bounds = fl_bounds_default();
    struct fl_exploration e;
    fl_explore(config, &bounds, &e);
    char *said;
    cr_expect_eq(faultline(SCENARIO " --json", &said), 0);
    cJSON *o = cJSON_Parse(said);
    cr_assert_not_null(o, "%s", said);
    cr_expect_eq(number(o, "states"), (double)e.states);
    cr_expect_eq(number(o, "transitions"), (double)e.transitions);
    cr_expect_eq(number(o, "depth"), (double)e.depth);
    cr_expect_eq(number(o, "seen_at_rest"), (double)e.ends);
    cr_expect(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, "exhausted")));
    cr_expect(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(o, "broken")));
    cJSON_Delete(o);
    free(said);
    fl_exploration_free(&e);
    fl_config_free(config);
}
