/* `faultline explore`: what it prints, and its exit status. */
#include "sim/explore.h"

#include "sim/alloc.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EXIT_BROKEN = 1, EXIT_USAGE = 2, EXIT_IO = 3 };

static int64_t milliseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- text ------------------------------------------------------------------------------------------------ */

static void print_bounds(const struct fl_bounds *b)
{
    printf("  bounds   ");
    if (b->depth != UINT32_MAX) printf("%" PRIu32 " events, ", b->depth);
    printf("%" PRIu32 " states a placement, %" PRIu32 " lost, %" PRIu32 " early timeouts%s\n",
           b->states, b->drops, b->timeouts, b->every_order ? ", no reduction" : "");
}

static void print_counts(const struct fl_exploration *e, int64_t ms)
{
    printf("  explored %" PRIu64 " placement%s, %" PRIu64 " states, %" PRIu64
           " transitions (%" PRIu64 " to a known state), %" PRIu64
           " orders left out, depth %" PRIu32 ", %" PRIu64 " steps made, %" PRId64 ".%03" PRId64
           " s\n",
           e->placements, e->placements == 1 ? "" : "s", e->states, e->transitions, e->known,
           e->reduced, e->depth, e->steps, ms / 1000, ms % 1000);
    printf("  seen     %" PRIu64 " different things by the checks, %" PRIu64 " of them at rest\n",
           e->seen, e->ends);
}

static void print_verdict(const struct fl_config *config, const struct fl_exploration *e)
{
    if (e->broken) {
        printf("  BROKEN   %s%s, after %" PRIu32 " events: %s\n%s", config->check[e->check].name,
               e->at_rest ? " at rest" : "", e->events, e->evidence, e->trace);
    } else if (e->cut == 0) {
        printf("  holds    exhausted: no check can be broken within these bounds\n");
    } else {
        printf("  nothing found; all of up to %" PRIu32 " events was looked at:%s%s%s%s\n",
               e->complete, e->cut & FL_CUT_DEPTH ? " --depth cut it" : "",
               e->cut & FL_CUT_STATES ? " --states cut it" : "",
               e->cut & FL_CUT_BYTES ? " nodes and checks take up 4 GiB" : "",
               e->cut & FL_CUT_LEDGER ? " the ledger merged old versions" : "");
    }
}

/* --- JSON ------------------------------------------------------------------------------------------------ */

static void add(cJSON *object, const char *key, cJSON *item)
{
    if (!item || !cJSON_AddItemToObject(object, key, item)) fl_out_of_memory();
}

/* Counts of a search stay far below 2^53, the largest that a reader's double takes. */
static void add_count(cJSON *object, const char *key, uint64_t count)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, count);
    add(object, key, cJSON_CreateRaw(text));
}

static cJSON *bounds_json(const struct fl_bounds *b)
{
    cJSON *o = cJSON_CreateObject();
    if (!o) fl_out_of_memory();
    if (b->depth != UINT32_MAX) add_count(o, "depth", b->depth);
    add_count(o, "states", b->states);
    add_count(o, "drops", b->drops);
    add_count(o, "timeouts", b->timeouts);
    add(o, "every_order", cJSON_CreateBool(b->every_order));
    return o;
}

static void print_json(const struct fl_config *config, const struct fl_bounds *bounds,
                       const struct fl_exploration *e)
{
    cJSON *o = cJSON_CreateObject();
    if (!o) fl_out_of_memory();
    add(o, "scenario", cJSON_CreateString(config->name));
    add(o, "bounds", bounds_json(bounds));
    add_count(o, "placements", e->placements);
    add_count(o, "states", e->states);
    add_count(o, "transitions", e->transitions);
    add_count(o, "known", e->known);
    add_count(o, "reduced", e->reduced);
    add_count(o, "steps", e->steps);
    add_count(o, "depth", e->depth);
    if (e->cut) add_count(o, "complete_to_depth", e->complete);
    add_count(o, "seen", e->seen);
    add_count(o, "seen_at_rest", e->ends);
    add(o, "exhausted", cJSON_CreateBool(e->cut == 0 && !e->broken));
    add(o, "cut_by_depth", cJSON_CreateBool((e->cut & FL_CUT_DEPTH) != 0));
    add(o, "cut_by_states", cJSON_CreateBool((e->cut & FL_CUT_STATES) != 0));
    add(o, "cut_by_memory", cJSON_CreateBool((e->cut & FL_CUT_BYTES) != 0));
    add(o, "cut_by_ledger", cJSON_CreateBool((e->cut & FL_CUT_LEDGER) != 0));
    add(o, "broken",
        e->broken ? cJSON_CreateString(config->check[e->check].name) : cJSON_CreateNull());
    if (e->broken) {
        add(o, "at_rest", cJSON_CreateBool(e->at_rest));
        add_count(o, "events", e->events);
        add(o, "evidence", cJSON_CreateString(e->evidence));
        add(o, "trace", cJSON_CreateString(e->trace));
    }
    char *text = cJSON_Print(o);
    if (!text) fl_out_of_memory();
    puts(text);
    free(text);
    cJSON_Delete(o);
}

/* --- files ----------------------------------------------------------------------------------------------- */

static int write_trace(const struct fl_explore_command *c, const struct fl_exploration *e)
{
    FILE *to = fopen(c->output, "w");
    bool good = to != NULL;
    if (good) {
        fprintf(to, "%s, seed %" PRIu64 ": %s%s\n%s", c->config->name, c->config->seed,
                c->config->check[e->check].name, e->at_rest ? " is broken at rest" : " is broken",
                e->trace);
        good = !ferror(to);
        good = fclose(to) == 0 && good;
    }
    if (!good) fprintf(stderr, "faultline: cannot write %s\n", c->output);
    return good ? 0 : EXIT_IO;
}

static char *read_trace(const char *path)
{
    FILE *from = fopen(path, "r");
    char *text = NULL;
    size_t room = 0;
    const ssize_t length = from ? getdelim(&text, &room, '\0', from) : -1;
    const bool good = from && !ferror(from) && length > 0 && strlen(text) == (size_t)length;
    if (from) fclose(from);
    if (good) return text;
    fprintf(stderr, "faultline: %s cannot be read, or is not the text of a trace\n", path);
    free(text);
    return NULL;
}

/* --- the command ----------------------------------------------------------------------------------------- */

static int replay(const struct fl_explore_command *c)
{
    char *trace = read_trace(c->replay);
    if (!trace) return EXIT_IO;
    struct fl_exploration e;
    char *wrong = fl_explore_replay(c->config, trace, &c->bounds, &e);
    free(trace);
    fputs(e.trace ? e.trace : "", stdout);
    int status = e.broken ? EXIT_BROKEN : 0;
    if (wrong) {
        fprintf(stderr, "faultline: %s: %s\n", c->replay, wrong);
        status = EXIT_USAGE;
    } else if (e.broken) {
        printf("  BROKEN   %s%s: %s\n", c->config->check[e.check].name, e.at_rest ? " at rest" : "",
               e.evidence);
    } else {
        printf("  no check is broken there\n");
    }
    free(wrong);
    fl_exploration_free(&e);
    return status;
}

static int explore(const struct fl_explore_command *c)
{
    struct fl_exploration e;
    const int64_t start = milliseconds();
    fl_explore(c->config, &c->bounds, &e);
    const int64_t ms = milliseconds() - start;
    if (c->json) {
        print_json(c->config, &c->bounds, &e);
    } else {
        printf("%s\n", c->config->name);
        print_bounds(&c->bounds);
        print_counts(&e, ms);
        print_verdict(c->config, &e);
    }
    int status = e.broken ? EXIT_BROKEN : 0;
    if (e.broken && c->output && write_trace(c, &e) != 0) status = EXIT_IO;
    fl_exploration_free(&e);
    return status;
}

int fl_explore_command(const struct fl_explore_command *c)
{
    const char *wrong = fl_explore_refuses(c->config);
    if (wrong) {
        fprintf(stderr, "faultline: %s: %s\n", c->config->name, wrong);
        return EXIT_USAGE;
    }
    return c->replay ? replay(c) : explore(c);
}
