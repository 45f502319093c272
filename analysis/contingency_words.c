/* Rankings of contingencies in words. */
#include "analysis/contingency.h"

#include "analysis/wording.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

void fl_total_text(struct fl_estimate total, const char *unit, char out[FL_QUANTITY_TEXT])
{
    if (total.low == total.high) {
        total.low = total.high = NAN;
    }
    fl_quantity_estimate(total, unit, out);
}

void fl_loss_text(struct fl_estimate loss, const char *unit, char out[FL_QUANTITY_TEXT])
{
    char text[FL_QUANTITY_TEXT];
    fl_total_text(loss, unit, text);
    fl_say(out, FL_QUANTITY_TEXT, "%s%.180s", loss.value > 0 ? "+" : "", text);
}

/* --- names ------------------------------------------------------------------------------------------- */

static bool is_node(const struct fl_part_lost *part)
{
    return strcmp(part->kind, "node") == 0;
}

void fl_lost_text(const struct fl_ranking *ranking, const struct fl_contingency *contingency,
                  const char *between, char out[FL_RANKING_TEXT])
{
    out[0] = '\0';
    for (size_t i = 0; i < contingency->parts; i++) {
        const struct fl_part_lost *part = &ranking->part[contingency->part[i]];
        const size_t length = strlen(out);
        fl_say(out + length, FL_RANKING_TEXT - length, "%s%s%s%s", i > 0 ? between : "",
               is_node(part) ? "" : part->noun, is_node(part) ? "" : " ", part->name);
    }
}

/* --- the sentence ------------------------------------------------------------------------------------ */

/* What loses, of one noun: by name if it is one, else how many. Names in the order of the ranking. */
static void name_noun(const struct fl_ranking *ranking, const char *noun, size_t first,
                      char out[FL_RANKING_TEXT])
{
    size_t count = 0;
    for (size_t i = 0; i < ranking->singles; i++) {
        const struct fl_contingency *c = &ranking->single[i];
        count += c->pairs > 0 && c->verdict == FL_LOSES &&
                 strcmp(ranking->part[c->part[0]].noun, noun) == 0;
    }
    if (count == 1) {
        fl_lost_text(ranking, &ranking->single[first], "", out);
    } else {
        char nouns[FL_WORDING];
        fl_plural(noun, nouns, sizeof nouns);
        fl_say(out, FL_RANKING_TEXT, "%zu %s", count, nouns);
    }
}

/* Did a worse one of the same noun lose, too? */
static bool is_repeated(const struct fl_ranking *ranking, size_t index)
{
    const char *noun = ranking->part[ranking->single[index].part[0]].noun;
    for (size_t i = 0; i < index; i++) {
        const struct fl_contingency *c = &ranking->single[i];
        if (c->verdict == FL_LOSES && strcmp(ranking->part[c->part[0]].noun, noun) == 0) {
            return true;
        }
    }
    return false;
}

void fl_ranking_sentence(const struct fl_ranking *ranking, char out[FL_RANKING_TEXT])
{
    enum { NOUNS_SHOWN = 8 };
    size_t at[NOUNS_SHOWN], count = 0;
    for (size_t i = 0; i < ranking->singles && count < NOUNS_SHOWN; i++) {
        const struct fl_contingency *c = &ranking->single[i];
        if (c->pairs > 0 && c->verdict == FL_LOSES && !is_repeated(ranking, i)) {
            at[count++] = i;
        }
    }
    if (count == 0) {
        fl_say(out, FL_RANKING_TEXT, "No single part of %zu is a point of failure",
               ranking->singles);
        return;
    }
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const size_t length = strlen(out);
        char name[FL_RANKING_TEXT];
        name_noun(ranking, ranking->part[ranking->single[at[i]].part[0]].noun, at[i], name);
        fl_say(out + length, FL_RANKING_TEXT - length, "%s%.200s",
               i == 0           ? ""
               : i + 1 == count ? " and "
                                : ", ",
               name);
    }
    const size_t length = strlen(out);
    const bool one = fl_verdicts(ranking->single, ranking->singles, FL_LOSES) == 1;
    fl_say(out + length, FL_RANKING_TEXT - length, "%s",
           one ? " is a single point of failure" : " are single points of failure");
    out[0] = (char)toupper((unsigned char)out[0]);
}

void fl_window_text(const struct fl_ranking *ranking, char out[FL_RANKING_TEXT])
{
    char from[FL_WORDING], to[FL_WORDING], span[FL_WORDING];
    fl_thousands((int64_t)ranking->from, from);
    if (!isfinite(ranking->to)) {
        fl_say(out, FL_RANKING_TEXT, "from second %s to the end", from);
        return;
    }
    fl_thousands((int64_t)ranking->to, to);
    fl_duration((fl_time)((ranking->to - ranking->from) * (double)FL_SECOND), span);
    fl_say(out, FL_RANKING_TEXT, "for %s, from second %s to %s", span, from, to);
}
