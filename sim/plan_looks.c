/* When a point has been run often enough. */
#include "sim/plan_reading.h"
#include "sim/student.h"
#include "sim/unit_text.h"

#include <gmp.h>
#include <inttypes.h>
#include <string.h>

enum { ALPHA_DIGITS = 6, ALPHA_USUAL = 50000, ALPHA_ONE = 1000000, T_ONE = 1000000 }; /* ppm */

/* --- reading ------------------------------------------------------------------------------------- */

static void read_look(struct fl_planning *p, const cJSON *item)
{
    struct fl_plan *plan = p->plan;
    const struct fl_range range = {0, 2, FL_REPLICATES_MAX};
    int64_t value = 0;
    const uint32_t before = plan->look_count > 0 ? plan->look[plan->look_count - 1] : 0;
    cJSON *read = fl_read_number(&p->reading, item, range, &value);
    if (read && value <= before) {
        fl_mistake(&p->reading.json, item, FL_AT_VALUE,
                   "expected more than %" PRIu32 ", the look before", before);
    }
    cJSON_Delete(read);
    plan->look[plan->look_count++] = (uint32_t)value;
}

void fl_plan_read_looks(struct fl_planning *p, const cJSON *looks)
{
    struct fl_plan *plan = p->plan;
    const int count = cJSON_GetArraySize(looks);
    if (!cJSON_IsArray(looks) || count == 0 || count > FL_LOOKS_MAX) {
        fl_mistake(&p->reading.json, looks, FL_AT_VALUE,
                   "expected a list of 1 to %d numbers of replicates, such as [30, 60, 120]",
                   (int)FL_LOOKS_MAX);
        return;
    }
    plan->look = fl_arena_alloc(&plan->arena, (size_t)count, sizeof *plan->look);
    for (const cJSON *item = looks->child; item; item = item->next) {
        read_look(p, item);
    }
    const uint32_t last = plan->look[plan->look_count - 1];
    plan->replicates = last > 0 ? last : 1;
}

static void read_metric(struct fl_planning *p, const cJSON *item)
{
    const struct fl_plan *plan = p->plan;
    const char *word = fl_read_word(&p->reading, item);
    struct fl_guess guess = {.wanted = word};
    for (uint32_t i = 0; word && i < plan->metric_count; i++) {
        if (strcmp(plan->metric[i], word) == 0) {
            p->plan->stop.metric = i;
            return;
        }
        fl_guess_offer(&guess, plan->metric[i]);
    }
    if (word) {
        fl_mistake(&p->reading.json, item, FL_AT_VALUE, "not among the plan's metrics%s",
                   fl_guess_hint(&guess).text);
    }
}

void fl_plan_read_stop(struct fl_planning *p, const cJSON *tree)
{
    static const char *const keys[] = {"metric", "half_width", "alpha", NULL};
    const cJSON *looks = fl_member(tree, "looks"), *stop = fl_member(tree, "stop");
    if (!looks != !stop) {
        fl_mistake(&p->reading.json, looks ? looks : stop, FL_AT_KEY, "%s",
                   looks ? "looks need a rule, such as \"stop\": {\"metric\": "
                           "\"ledger.bad_debt\", \"half_width\": \"100.0\"}"
                         : "a rule needs looks, such as \"looks\": [30, 60, 120]");
    }
    if (!looks || !stop || !fl_is_object(&p->reading, stop)) {
        return;
    }
    fl_check_keys(&p->reading, stop, keys, NULL, NULL);
    const cJSON *metric = fl_member(stop, "metric"), *alpha = fl_member(stop, "alpha");
    const bool whole = metric && fl_member(stop, "half_width");
    if (!whole) {
        fl_missing(&p->reading, stop, metric ? "half_width" : "metric");
    }
    if (metric) {
        read_metric(p, metric);
    }
    int64_t ppm = ALPHA_USUAL;
    if (alpha) {
        const struct fl_range range = {ALPHA_DIGITS, 1, ALPHA_ONE - 1};
        cJSON_Delete(fl_read_number(&p->reading, alpha, range, &ppm));
    }
    p->plan->stop.alpha_ppm = (uint32_t)ppm;
}

void fl_plan_read_half_width(struct fl_planning *p, const cJSON *tree)
{
    struct fl_plan *plan = p->plan;
    const cJSON *stop = fl_member(tree, "stop");
    if (!stop) {
        return;
    }
    const enum fl_unit unit = plan->unit[plan->stop.metric];
    if (!unit) {
        fl_mistake(&p->reading.json, fl_member(stop, "metric"), FL_AT_VALUE,
                   "words have no mean: expected a metric with numbers");
        return;
    }
    const struct fl_range range = {fl_unit_digits(unit), 1, INT64_MAX};
    cJSON_Delete(
        fl_read_number(&p->reading, fl_member(stop, "half_width"), range, &plan->stop.half_width));
}

/* --- deciding ------------------------------------------------------------------------------------ */

uint32_t fl_plan_next_look(const struct fl_plan *plan, uint32_t done)
{
    for (uint32_t i = 0; i < plan->look_count; i++) {
        if (plan->look[i] > done) {
            return plan->look[i];
        }
    }
    return done < plan->replicates ? plan->replicates : 0;
}

/* n * sum of squares - square of the sum = n (n - 1) s^2 */
static void spread(const int64_t *values, uint32_t count, mpz_t out)
{
    mpz_t value, sum;
    mpz_inits(value, sum, NULL);
    mpz_set_ui(out, 0);
    for (uint32_t i = 0; i < count; i++) {
        mpz_set_si(value, values[i]);
        mpz_add(sum, sum, value);
        mpz_addmul(out, value, value);
    }
    mpz_mul_ui(out, out, count);
    mpz_submul(out, sum, sum);
    mpz_clears(value, sum, NULL);
}

/* t s / sqrt(n) <= h, squared: t^2 (n (n - 1) s^2) <= h^2 n^2 (n - 1), in integers; t is in millionths. */
bool fl_plan_enough(const struct fl_plan *plan, const int64_t *values, uint32_t count)
{
    if (plan->look_count == 0 || count < 2) {
        return false;
    }
    const uint64_t t = fl_student_millionths(plan->stop.alpha_ppm, plan->look_count, count - 1);
    mpz_t left, right;
    mpz_inits(left, right, NULL);
    spread(values, count, left);
    mpz_mul_ui(left, left, t);
    mpz_mul_ui(left, left, t);
    mpz_set_si(right, plan->stop.half_width);
    mpz_mul_ui(right, right, T_ONE);
    mpz_mul_ui(right, right, count);
    mpz_mul(right, right, right);
    mpz_mul_ui(right, right, count - 1);
    const bool enough = mpz_cmp(left, right) <= 0;
    mpz_clears(left, right, NULL);
    return enough;
}
