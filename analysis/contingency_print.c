/* Rankings of contingencies: a table for people, JSON for programs. */
#include "analysis/analysis.h"
#include "analysis/contingency.h"
#include "analysis/wording.h"
#include "sim/alloc.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS_SHOWN = 20 };

/* --- for people -------------------------------------------------------------------------------------- */

enum column {
    COLUMN_RANK,
    COLUMN_MARK,
    COLUMN_LOST,
    COLUMN_LOSS,
    COLUMN_BESIDE,
    COLUMN_LAST,
    COLUMNS
};
struct line {
    char cell[COLUMNS][FL_RANKING_TEXT];
};
struct lines {
    size_t count;
    struct line *at;
};

/* "fund paid +$1.20 M, missed +41": what changes beside the metric. */
static void beside_text(const struct fl_contingency *c, char out[FL_RANKING_TEXT])
{
    static const char *const name[FL_BESIDES] = {"fund paid", "missed", "latent"};
    static const char *const unit[FL_BESIDES] = {"USD", "", "USD"};
    out[0] = '\0';
    for (int k = 0; k < FL_BESIDES; k++) {
        char amount[FL_QUANTITY_TEXT];
        const size_t length = strlen(out);
        if (isfinite(c->beside[k].value) && c->beside[k].value != 0) {
            fl_loss_text((struct fl_estimate){c->beside[k].value, NAN, NAN}, unit[k], amount);
            fl_say(out + length, FL_RANKING_TEXT - length, "%s%s %s", length > 0 ? ", " : "",
                   name[k], amount);
        }
    }
}

static void fill(const struct fl_ranking *ranking, const struct fl_contingency *c, size_t rank,
                 struct line *line)
{
    static const char *const mark[] = {
        [FL_LOSES] = "!", [FL_SAVES] = "-", [FL_UNTOLD] = "?", [FL_NOTHING] = ""};
    fl_say(line->cell[COLUMN_RANK], FL_RANKING_TEXT, "%zu", rank);
    fl_say(line->cell[COLUMN_MARK], FL_RANKING_TEXT, "%s", c->pairs > 0 ? mark[c->verdict] : "");
    fl_lost_text(ranking, c, " and ", line->cell[COLUMN_LOST]);
    char amount[FL_QUANTITY_TEXT] = "no two runs ended well";
    if (c->pairs > 0) {
        fl_loss_text(c->loss, ranking->unit, amount);
        beside_text(c, line->cell[COLUMN_BESIDE]);
    }
    fl_say(line->cell[COLUMN_LOSS], FL_RANKING_TEXT, "%s", amount);
    if (c->parts == 1) {
        const struct fl_part_lost *part = &ranking->part[c->part[0]];
        const bool also = *part->also != '\0';
        fl_say(line->cell[COLUMN_LAST], FL_RANKING_TEXT, "%.200s%s%.200s%s", part->members,
               also ? " (also " : "", part->also, also ? ")" : "");
    } else if (isfinite(c->synergy.value)) {
        fl_loss_text(c->synergy, ranking->unit, amount);
        fl_say(line->cell[COLUMN_LAST], FL_RANKING_TEXT, "of it %s beyond the two alone", amount);
    }
}

static void print_lines(const struct lines *lines)
{
    int width[COLUMNS] = {0};
    for (size_t i = 0; i < lines->count; i++) {
        for (int k = 0; k < COLUMN_LAST; k++) {
            const int length = (int)strlen(lines->at[i].cell[k]);
            width[k] = length > width[k] ? length : width[k];
        }
    }
    for (size_t i = 0; i < lines->count; i++) {
        const struct line *line = &lines->at[i];
        printf("  %*s %-*s %-*s  %-*s  %-*s%s%s\n", width[COLUMN_RANK], line->cell[COLUMN_RANK],
               width[COLUMN_MARK], line->cell[COLUMN_MARK], width[COLUMN_LOST],
               line->cell[COLUMN_LOST], width[COLUMN_LOSS], line->cell[COLUMN_LOSS],
               *line->cell[COLUMN_LAST] ? width[COLUMN_BESIDE] : 0, line->cell[COLUMN_BESIDE],
               *line->cell[COLUMN_LAST] ? "  " : "", line->cell[COLUMN_LAST]);
    }
}

static bool changes_something(const struct fl_contingency *c)
{
    return c->pairs == 0 || c->verdict != FL_NOTHING;
}

/* Those of which `shown` is true, as far as there are so many. */
static void print_list(const struct fl_ranking *ranking, const struct fl_contingency *list,
                       size_t count, size_t most, bool (*shown)(const struct fl_contingency *))
{
    struct lines lines = {0, fl_alloc(count, sizeof *lines.at)};
    size_t all = 0;
    for (size_t i = 0; i < count; i++) {
        if (shown(&list[i]) && all++ < most) {
            fill(ranking, &list[i], all, &lines.at[lines.count++]);
        }
    }
    print_lines(&lines);
    if (all > lines.count) {
        printf("  and %zu more, which --json has\n", all - lines.count);
    }
    free(lines.at);
}

static void print_verdicts(const struct fl_contingency *list, size_t count)
{
    printf("%zu of %zu change nothing; lose less (-): %zu; not told (?): %zu\n",
           fl_verdicts(list, count, FL_NOTHING), count, fl_verdicts(list, count, FL_SAVES),
           fl_verdicts(list, count, FL_UNTOLD));
}

static void print_singles(const struct fl_ranking *ranking)
{
    char sentence[FL_RANKING_TEXT];
    print_list(ranking, ranking->single, ranking->singles, ranking->singles, changes_something);
    fl_ranking_sentence(ranking, sentence);
    printf("%s (!): %zu of %zu parts\n", sentence,
           fl_verdicts(ranking->single, ranking->singles, FL_LOSES), ranking->singles);
    print_verdicts(ranking->single, ranking->singles);
}

/* What a pair costs that one of its parts costs anyway is no news. */
static void print_pairs(const struct fl_ranking *ranking)
{
    size_t hidden = 0, more = 0;
    for (size_t i = 0; i < ranking->pairs; i++) {
        hidden += fl_is_hidden(ranking, &ranking->pair[i]);
        more += fl_costs_more(&ranking->pair[i]);
    }
    puts("\ntwo parts at once, if that costs more than the two alone");
    print_list(ranking, ranking->pair, ranking->pairs, PAIRS_SHOWN, fl_costs_more);
    printf(
        "%zu of %zu pairs cost more than the two alone; of %zu neither part alone loses anything "
        "that is told\n",
        more, ranking->pairs, hidden);
    print_verdicts(ranking->pair, ranking->pairs);
    if (ranking->nested > 0) {
        printf("%zu pairs of which one part lies within the other are left out\n", ranking->nested);
    }
}

static size_t decided_by_intervals(const struct fl_ranking *ranking)
{
    return ranking->singles + ranking->pairs -
           fl_verdicts(ranking->single, ranking->singles, FL_NOTHING) -
           fl_verdicts(ranking->pair, ranking->pairs, FL_NOTHING);
}

static void print(const struct fl_ranking *ranking)
{
    char window[FL_RANKING_TEXT], base[FL_QUANTITY_TEXT];
    fl_window_text(ranking, window);
    fl_total_text(ranking->base, ranking->unit, base);
    printf("%s: what each part adds to %s if it is down %s\n", ranking->scenario, ranking->metric,
           window);
    printf("  %zu seeds, [intervals] at %.6g %%; the scenario as it is: %s\n\n",
           ranking->replicates, 100 * (1 - ranking->alpha), base);
    print_singles(ranking);
    if (ranking->pairs > 0) {
        print_pairs(ranking);
    }
    if (decided_by_intervals(ranking) > 1) {
        printf("\nEach interval is for itself, whatever their number: of parts that differ by "
               "chance alone "
               "%.3g %% are\ntold to lose, and as many to lose less.\n",
               50 * ranking->alpha);
    }
}

/* --- for programs ------------------------------------------------------------------------------------ */

/* null where there is no number, or none that is finite */
static void add_number(cJSON *object, const char *name, double value)
{
    if (isfinite(value)) {
        cJSON_AddNumberToObject(object, name, value);
    } else {
        cJSON_AddNullToObject(object, name);
    }
}

static void add_estimate(cJSON *object, const char *name, struct fl_estimate e)
{
    cJSON *item = cJSON_AddObjectToObject(object, name);
    add_number(item, "value", e.value);
    add_number(item, "low", e.low);
    add_number(item, "high", e.high);
}

static cJSON *contingency_json(const struct fl_ranking *ranking, const struct fl_contingency *c)
{
    static const char *const word[] = {[FL_LOSES] = "loses",
                                       [FL_SAVES] = "saves",
                                       [FL_UNTOLD] = "not told",
                                       [FL_NOTHING] = "nothing"};
    static const char *const beside[FL_BESIDES] = {"fund_paid", "missed_liquidations",
                                                   "latent_bad_debt"};
    cJSON *item = cJSON_CreateObject();
    cJSON_AddNumberToObject(item, "point", (double)c->point);
    cJSON *parts = cJSON_AddArrayToObject(item, "parts");
    for (size_t i = 0; i < c->parts; i++) {
        const struct fl_part_lost *part = &ranking->part[c->part[i]];
        cJSON *one = cJSON_CreateObject();
        cJSON_AddItemToArray(parts, one);
        cJSON_AddStringToObject(one, "kind", part->kind);
        cJSON_AddStringToObject(one, "noun", part->noun);
        cJSON_AddStringToObject(one, "name", part->name);
        cJSON_AddStringToObject(one, "also", part->also);
        cJSON_AddStringToObject(one, "members", part->members);
    }
    cJSON_AddNumberToObject(item, "n", (double)c->pairs);
    if (c->pairs == 0) {
        return item;
    }
    cJSON_AddStringToObject(item, "verdict", word[c->verdict]);
    add_estimate(item, "loss", c->loss);
    for (int k = 0; k < FL_BESIDES; k++) {
        add_estimate(item, beside[k], c->beside[k]);
    }
    if (c->parts == 2) {
        add_estimate(item, "synergy", c->synergy);
    }
    return item;
}

static void add_list(cJSON *object, const char *name, const struct fl_ranking *ranking,
                     const struct fl_contingency *list, size_t count)
{
    cJSON *items = cJSON_AddArrayToObject(object, name);
    for (size_t i = 0; i < count; i++) {
        cJSON_AddItemToArray(items, contingency_json(ranking, &list[i]));
    }
}

static void print_json(const struct fl_ranking *ranking)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "scenario", ranking->scenario);
    cJSON_AddStringToObject(json, "metric", ranking->metric);
    cJSON_AddStringToObject(json, "unit", ranking->unit);
    cJSON_AddNumberToObject(json, "alpha", ranking->alpha);
    cJSON_AddNumberToObject(json, "replicates", (double)ranking->replicates);
    cJSON_AddNumberToObject(json, "not_ended_well", (double)ranking->missing);
    add_number(json, "from_s", ranking->from);
    add_number(json, "to_s", ranking->to);
    add_estimate(json, "as_it_is", ranking->base);
    cJSON_AddNumberToObject(json, "single_points_of_failure",
                            (double)fl_verdicts(ranking->single, ranking->singles, FL_LOSES));
    add_list(json, "single", ranking, ranking->single, ranking->singles);
    add_list(json, "pairs", ranking, ranking->pair, ranking->pairs);
    cJSON_AddNumberToObject(json, "nested_pairs_left_out", (double)ranking->nested);
    char *text = cJSON_Print(json);
    puts(text);
    free(text);
    cJSON_Delete(json);
}

int fl_ranking(const struct fl_ranking_table *table)
{
    struct fl_ranking ranking;
    const int status = fl_ranking_read(table->directory, NULL, table->alpha, &ranking);
    if (status == 0 && table->json) {
        print_json(&ranking);
    } else if (status == 0) {
        print(&ranking);
    }
    if (status == 0 && ranking.missing > 0) {
        fprintf(stderr, "faultline: %zu of %zu runs did not end well and are left out\n",
                ranking.missing, ranking.replicates * (1 + ranking.singles + ranking.pairs));
    }
    fl_ranking_free(&ranking);
    return status;
}
