/* Rankings of contingencies: the rows of the sweep, and who is behind them. */
#include "analysis/contingency.h"

#include "analysis/rows.h"
#include "analysis/wording.h"
#include "sim/alloc.h"
#include "sim/mistake.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2, EXIT_IO = 3, PATH_BYTES = 4096 };

static const char *const beside_metric[FL_BESIDES] = {
    "ledger.fund_paid", "ledger.missed_liquidations", "ledger.latent_bad_debt"};

/* While a ranking is open. */
struct fl_ranking_files {
    const char *directory;
    cJSON *json; /* contingencies.json */
    struct fl_trace *trace;
    struct fl_rows rows;
    double *loss, *beside[FL_BESIDES]; /* [point * replicates + replicate]; NULL: not there */
};

static int refuse(const char *directory, const char *why)
{
    fprintf(stderr, "faultline: %s/contingencies.json: %s\n", directory, why);
    return EXIT_IO;
}

/* --- contingencies.json ------------------------------------------------------------------------------ */

static char *read_text(const char *directory)
{
    char path[PATH_BYTES];
    fl_say(path, sizeof path, "%s/contingencies.json", directory);
    FILE *in = fopen(path, "rb");
    if (!in) {
        fprintf(stderr, "faultline: %s: %s; expected the folder of a `faultline rank`\n", path,
                strerror(errno));
        return NULL;
    }
    size_t count = 0, room = 1 << 16;
    char *text = fl_alloc(room, 1);
    for (size_t got = 1; got > 0; count += got) {
        if (count + 1 == room) {
            room *= 2;
            text = fl_realloc(text, room, 1);
        }
        got = fread(text + count, 1, room - count - 1, in);
    }
    text[count] = '\0';
    fclose(in);
    return text;
}

static char *word(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text ? fl_strdup(text) : NULL;
}

/* False if there is none. */
static bool number(const cJSON *object, const char *key, double *value)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    *value = cJSON_IsNumber(item) ? item->valuedouble : INFINITY;
    return cJSON_IsNumber(item) || cJSON_IsNull(item);
}

static bool read_parts(struct fl_ranking *ranking, const cJSON *list)
{
    bool ok = cJSON_IsArray(list);
    ranking->part = fl_alloc((size_t)cJSON_GetArraySize(list), sizeof *ranking->part);
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        struct fl_part_lost *part = &ranking->part[ranking->parts++];
        *part = (struct fl_part_lost){word(item, "kind"), word(item, "noun"), word(item, "name"),
                                      word(item, "also"), word(item, "members")};
        ok = ok && part->kind && part->noun && part->name && part->also && part->members;
    }
    return ok;
}

/* Point 0 is nobody, then come the parts one by one, then pairs. */
static bool read_points(struct fl_ranking *ranking, const cJSON *list)
{
    const size_t count = (size_t)cJSON_GetArraySize(list);
    if (!cJSON_IsArray(list) || count < 1 + ranking->parts ||
        cJSON_GetArraySize(list->child) != 0) {
        return false;
    }
    ranking->single = fl_alloc(ranking->parts, sizeof *ranking->single);
    ranking->pair = fl_alloc(count, sizeof *ranking->pair);
    size_t point = 1;
    for (const cJSON *item = list->child->next; item; item = item->next, point++) {
        struct fl_contingency c = {.point = point, .parts = (size_t)cJSON_GetArraySize(item)};
        size_t i = 0;
        const cJSON *part;
        cJSON_ArrayForEach(part, item)
        {
            if (!cJSON_IsNumber(part) || i == 2 || part->valuedouble < 0 ||
                part->valuedouble >= (double)ranking->parts) {
                return false;
            }
            c.part[i++] = (size_t)part->valuedouble;
        }
        if (point <= ranking->parts ? c.parts != 1 || c.part[0] != point - 1 : c.parts != 2) {
            return false;
        }
        if (c.parts == 1) {
            ranking->single[ranking->singles++] = c;
        } else {
            ranking->pair[ranking->pairs++] = c;
        }
    }
    return true;
}

static int read_json(struct fl_ranking *ranking, const char *directory)
{
    char *text = read_text(directory);
    if (!text) {
        return EXIT_IO;
    }
    cJSON *json = ranking->files->json = cJSON_Parse(text);
    free(text);
    double nested = 0;
    ranking->scenario = word(json, "scenario");
    const bool ok = ranking->scenario && number(json, "from_s", &ranking->from) &&
                    isfinite(ranking->from) && number(json, "to_s", &ranking->to) &&
                    number(json, "nested", &nested) && nested >= 0 && nested <= UINT32_MAX &&
                    read_parts(ranking, cJSON_GetObjectItemCaseSensitive(json, "components")) &&
                    read_points(ranking, cJSON_GetObjectItemCaseSensitive(json, "points"));
    ranking->nested = ok ? (size_t)nested : 0;
    return ok ? 0 : refuse(directory, "expected what `faultline rank` writes");
}

/* --- the sweep --------------------------------------------------------------------------------------- */

static int find_metric(struct fl_ranking *ranking, const char *wanted)
{
    struct fl_ranking_files *files = ranking->files;
    const char *asked =
        wanted ? wanted
               : cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(files->json, "metric"));
    if (!asked) {
        return refuse(files->directory, "it has no \"metric\"");
    }
    struct fl_guess guess = {.wanted = asked};
    for (size_t i = 0; i < files->rows.metrics && !ranking->metric; i++) {
        const char *name = files->rows.metric[i];
        fl_guess_offer(&guess, name);
        ranking->metric = strcmp(name, asked) == 0 ? name : NULL;
    }
    if (!ranking->metric) {
        fprintf(stderr, "faultline: --metric %s: not in this ranking%s\n", asked,
                fl_guess_hint(&guess).text);
        return EXIT_USAGE;
    }
    return 0;
}

static int read_rows(struct fl_ranking *ranking, const char *wanted)
{
    struct fl_ranking_files *files = ranking->files;
    char error[8192];
    files->trace = fl_trace_open_sweep(files->directory, error, sizeof error);
    if (!files->trace) {
        fprintf(stderr, "faultline: %s\n", error);
        return EXIT_IO;
    }
    if (!fl_rows_read(files->trace, files->directory, &files->rows)) {
        return EXIT_IO;
    }
    ranking->replicates = files->rows.replicates;
    if (files->rows.points != 1 + ranking->singles + ranking->pairs) {
        return refuse(files->directory, "it does not belong to the sweep beside it");
    }
    const int status = find_metric(ranking, wanted);
    if (status != 0) {
        return status;
    }
    files->loss = fl_rows_metric(files->trace, files->directory, &files->rows, ranking->metric,
                                 &ranking->unit);
    for (size_t i = 0; i < files->rows.metrics && files->loss; i++) {
        for (size_t k = 0; k < FL_BESIDES; k++) {
            const char *unit;
            if (strcmp(files->rows.metric[i], beside_metric[k]) == 0) {
                files->beside[k] = fl_rows_metric(files->trace, files->directory, &files->rows,
                                                  beside_metric[k], &unit);
            }
        }
    }
    return files->loss ? 0 : EXIT_IO;
}

/* --- estimates --------------------------------------------------------------------------------------- */

static const struct fl_estimate UNKNOWN = {NAN, NAN, NAN};

/* The mean of what is left of `values` without NAN. */
static struct fl_estimate mean_of(double *values, size_t count, double alpha, size_t *used)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        values[kept] = values[i];
        kept += isnan(values[i]) ? 0 : 1;
    }
    *used = kept;
    return kept > 0 ? fl_mean_at(values, kept, alpha) : UNKNOWN;
}

/* values[point] - values[0], replicate by replicate; NAN where one of the runs did not end well. */
static void differences(const double *values, size_t point, size_t replicates, double *out)
{
    for (size_t r = 0; r < replicates; r++) {
        out[r] = values[point * replicates + r] - values[r];
    }
}

static enum fl_contingency_verdict judge(const double *differences, size_t count,
                                         struct fl_estimate loss)
{
    size_t zeros = 0;
    for (size_t i = 0; i < count; i++) {
        zeros += differences[i] == 0;
    }
    return zeros == count  ? FL_NOTHING
           : loss.low > 0  ? FL_LOSES
           : loss.high < 0 ? FL_SAVES
                           : FL_UNTOLD;
}

static void estimate(struct fl_ranking *ranking, struct fl_contingency *c, double *work)
{
    const struct fl_ranking_files *files = ranking->files;
    const size_t replicates = ranking->replicates;
    size_t used;
    differences(files->loss, c->point, replicates, work);
    c->loss = mean_of(work, replicates, ranking->alpha, &c->pairs);
    c->verdict = judge(work, c->pairs, c->loss);
    for (size_t k = 0; k < FL_BESIDES; k++) {
        c->beside[k] = UNKNOWN;
        if (files->beside[k]) {
            differences(files->beside[k], c->point, replicates, work);
            c->beside[k] = mean_of(work, replicates, ranking->alpha, &used);
        }
    }
    c->synergy = UNKNOWN;
    if (c->parts == 2) {
        /* The part with index i alone is point i + 1. */
        const double *both = files->loss + c->point * replicates;
        const double *one = files->loss + (c->part[0] + 1) * replicates;
        const double *other = files->loss + (c->part[1] + 1) * replicates;
        for (size_t r = 0; r < replicates; r++) {
            work[r] = both[r] - one[r] - other[r] + files->loss[r];
        }
        c->synergy = mean_of(work, replicates, ranking->alpha, &used);
    }
}

/* Worst first; what is not known last; the order of the points where they cost the same. */
static int worst_first(const void *left, const void *right)
{
    const struct fl_contingency *a = left, *b = right;
    if ((a->pairs == 0) != (b->pairs == 0)) {
        return a->pairs == 0 ? 1 : -1;
    }
    if (a->pairs > 0 && a->loss.value != b->loss.value) {
        return a->loss.value < b->loss.value ? 1 : -1;
    }
    return a->point < b->point ? -1 : 1;
}

static void estimate_all(struct fl_ranking *ranking)
{
    const size_t replicates = ranking->replicates;
    double *work = fl_alloc(replicates, sizeof *work);
    for (size_t i = 0; i < ranking->singles; i++) {
        estimate(ranking, &ranking->single[i], work);
    }
    for (size_t i = 0; i < ranking->pairs; i++) {
        estimate(ranking, &ranking->pair[i], work);
    }
    for (size_t i = 0; i < ranking->files->rows.points * replicates; i++) {
        ranking->missing += isnan(ranking->files->loss[i]) ? 1 : 0;
    }
    size_t used;
    memcpy(work, ranking->files->loss, replicates * sizeof *work);
    ranking->base = mean_of(work, replicates, ranking->alpha, &used);
    free(work);
    qsort(ranking->single, ranking->singles, sizeof *ranking->single, worst_first);
    qsort(ranking->pair, ranking->pairs, sizeof *ranking->pair, worst_first);
}

size_t fl_verdicts(const struct fl_contingency *list, size_t count,
                   enum fl_contingency_verdict verdict)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        found += list[i].pairs > 0 && list[i].verdict == verdict;
    }
    return found;
}

static bool loses_alone(const struct fl_ranking *ranking, size_t part)
{
    for (size_t i = 0; i < ranking->singles; i++) {
        if (ranking->single[i].part[0] == part) {
            return ranking->single[i].pairs > 0 && ranking->single[i].verdict == FL_LOSES;
        }
    }
    FL_UNREACHABLE("every part is ranked alone");
}

bool fl_is_hidden(const struct fl_ranking *ranking, const struct fl_contingency *pair)
{
    return pair->pairs > 0 && pair->verdict == FL_LOSES && !loses_alone(ranking, pair->part[0]) &&
           !loses_alone(ranking, pair->part[1]);
}

bool fl_costs_more(const struct fl_contingency *pair)
{
    return pair->pairs > 0 && pair->verdict == FL_LOSES && pair->synergy.low > 0;
}

/* --- the whole --------------------------------------------------------------------------------------- */

int fl_ranking_read(const char *directory, const char *metric, double alpha,
                    struct fl_ranking *ranking)
{
    *ranking = (struct fl_ranking){.alpha = alpha};
    ranking->files = fl_alloc(1, sizeof *ranking->files);
    ranking->files->directory = directory;
    int status = read_json(ranking, directory);
    status = status ? status : read_rows(ranking, metric);
    if (status == 0) {
        estimate_all(ranking);
    }
    return status;
}

void fl_ranking_free(struct fl_ranking *ranking)
{
    for (size_t i = 0; i < ranking->parts; i++) {
        const struct fl_part_lost *part = &ranking->part[i];
        free(part->kind);
        free(part->noun);
        free(part->name);
        free(part->also);
        free(part->members);
    }
    free(ranking->part);
    free(ranking->single);
    free(ranking->pair);
    free(ranking->scenario);
    struct fl_ranking_files *files = ranking->files;
    free(files->loss);
    for (size_t k = 0; k < FL_BESIDES; k++) {
        free(files->beside[k]);
    }
    fl_rows_free(&files->rows);
    if (files->trace) {
        fl_trace_close(files->trace);
    }
    cJSON_Delete(files->json);
    free(files);
}
