/* Which observables a scenario has: those of every model in use, over all that run it, and those of one
 * group, contract or check alone ("eth/market.fundamental").
 *
 * Where several parts publish what cannot be combined (FL_FIRST), each has its own without being asked:
 * the first one's says nothing of the others. The rest are there if the scenario names them. */
#include "sim/config_parts.h"

#include <stdlib.h>
#include <string.h>

uint32_t fl_config_observable(const struct fl_config *config, const char *name)
{
    for (uint32_t i = 0; i < config->observable_count; i++) {
        if (strcmp(config->observable[i].name, name) == 0) {
            return i;
        }
    }
    return UINT32_MAX;
}

/* ------------------------------------------------------------------------------------------------
 * Who may run a model: groups, contracts or checks, as its family says
 * --------------------------------------------------------------------------------------------- */

static uint32_t part_count(const struct fl_config *config, const struct fl_model *model)
{
    return model->family < FL_LAYERS      ? config->group_count
           : model->family == FL_CONTRACT ? config->contract_count
                                          : config->check_count;
}

static const char *part_name(const struct fl_config *config, const struct fl_model *model,
                             uint32_t part)
{
    return model->family < FL_LAYERS      ? config->group[part].name
           : model->family == FL_CONTRACT ? config->contract[part].name
                                          : config->check[part].name;
}

static bool runs(const struct fl_config *config, uint32_t part, const struct fl_model *model)
{
    return model == (model->family < FL_LAYERS      ? config->group[part].layer[model->family].model
                     : model->family == FL_CONTRACT ? config->contract[part].model
                                                    : config->check[part].model);
}

static const char *part_kind(const struct fl_model *model)
{
    return model->family < FL_LAYERS      ? "group of nodes"
           : model->family == FL_CONTRACT ? "contract"
                                          : "check";
}

/* ------------------------------------------------------------------------------------------------
 * The list
 * --------------------------------------------------------------------------------------------- */

/* The list grows on the heap while the scenario is read, then moves to the arena. */
static uint32_t add(struct fl_reading *reading, struct fl_observable_ref ref)
{
    struct fl_config *config = reading->config;
    config->observable = fl_grow(config->observable, config->observable_count,
                                 &reading->observable_room, sizeof ref);
    config->observable[config->observable_count] = ref;
    return config->observable_count++;
}

static void add_model(struct fl_reading *reading, const struct fl_model *model)
{
    const struct fl_config *config = reading->config;
    for (uint32_t i = 0; i < config->observable_count; i++) {
        if (config->observable[i].model == model) {
            return;
        }
    }
    for (uint32_t i = 0; model && model->observables && model->observables[i].name; i++) {
        add(reading, (struct fl_observable_ref){model, i, UINT32_MAX, model->observables[i].name});
    }
}

/* In the trace a part's series are beside those of time. `item` names the part. */
static uint32_t add_of_part(struct fl_reading *reading, const cJSON *item,
                            const struct fl_model *model, uint32_t index, uint32_t part)
{
    const char *of = part_name(reading->config, model, part),
               *name = model->observables[index].name;
    if (strcmp(of, "time") == 0 || strcmp(of, "t_s") == 0) {
        fl_mistake(
            &reading->json, item, FL_AT_VALUE,
            "\"%s\" is a series of every trace: what has series of its own needs another name", of);
        return UINT32_MAX;
    }
    char *whole = fl_arena_alloc(reading->arena, strlen(of) + strlen(name) + 2, 1);
    strcat(strcat(strcpy(whole, of), "/"), name);
    return add(reading, (struct fl_observable_ref){model, index, part, whole});
}

static void add_each(struct fl_reading *reading, const cJSON *section, const struct fl_model *model)
{
    const struct fl_config *config = reading->config;
    const uint32_t count = part_count(config, model);
    uint32_t running = 0;
    for (uint32_t part = 0; part < count; part++) {
        running += runs(config, part, model);
    }
    for (uint32_t part = 0; running > 1 && part < count; part++) {
        const cJSON *item = fl_member(section, part_name(config, model, part));
        for (uint32_t i = 0; runs(config, part, model) && model->observables[i].name; i++) {
            if (model->observables[i].combine == FL_FIRST &&
                add_of_part(reading, item ? item : section, model, i, part) == UINT32_MAX) {
                break; /* the same holds of the rest */
            }
        }
    }
}

void fl_collect_observables(struct fl_reading *reading, const cJSON *scenario)
{
    const struct fl_config *config = reading->config;
    for (uint32_t i = 0; i < config->group_count; i++) {
        for (int family = FL_CONSENSUS; family < FL_LAYERS; family++) {
            add_model(reading, config->group[i].layer[family].model);
        }
    }
    for (uint32_t i = 0; i < config->contract_count; i++) {
        add_model(reading, config->contract[i].model);
    }
    for (uint32_t i = 0; i < config->check_count; i++) {
        add_model(reading, config->check[i].model);
    }
    const uint32_t combined = config->observable_count;
    for (uint32_t i = 0; i < combined; i++) {
        const struct fl_model *model = config->observable[i].model;
        if (config->observable[i].index == 0) {
            add_each(reading,
                     fl_member(scenario, model->family < FL_LAYERS      ? "nodes"
                                         : model->family == FL_CONTRACT ? "contracts"
                                                                        : "checks"),
                     model);
        }
    }
}

void fl_keep_observables(struct fl_reading *reading)
{
    struct fl_config *config = reading->config;
    struct fl_observable_ref *grown = config->observable;
    const size_t bytes = config->observable_count * sizeof *grown;
    config->observable = fl_arena_alloc(reading->arena, 1, bytes);
    if (bytes > 0) {
        memcpy(config->observable, grown, bytes);
    }
    free(grown);
}

/* ------------------------------------------------------------------------------------------------
 * By name
 * --------------------------------------------------------------------------------------------- */

static void report_observable(struct fl_reading *reading, const cJSON *item, const char *wanted)
{
    const struct fl_config *config = reading->config;
    struct fl_guess guess = {.wanted = wanted};
    for (uint32_t i = 0; i < config->observable_count; i++) {
        if (config->observable[i].part == UINT32_MAX) {
            fl_guess_offer(&guess, config->observable[i].name);
        }
    }
    fl_mistake(&reading->json, item, FL_AT_VALUE, "no model in use has an observable \"%.*s\"%s",
               FL_QUOTED_BYTES, wanted, fl_guess_hint(&guess).text);
}

/* There is no such part, or it is spelt well but runs another model. */
static void report_part(struct fl_reading *reading, const cJSON *item,
                        const struct fl_observable_ref *ref, const char *wanted)
{
    const struct fl_config *config = reading->config;
    struct fl_guess guess = {.wanted = wanted};
    char known[4 * FL_QUOTED_BYTES] = "";
    bool found = false;
    for (uint32_t part = 0; part < part_count(config, ref->model); part++) {
        const char *name = part_name(config, ref->model, part);
        found |= strcmp(name, wanted) == 0;
        if (runs(config, part, ref->model)) {
            fl_guess_offer(&guess, name);
            const size_t used = strlen(known);
            snprintf(known + used, sizeof known - used, "%s%s", used > 0 ? ", " : "", name);
        }
    }
    if (found) {
        fl_mistake(&reading->json, item, FL_AT_VALUE,
                   "%s \"%.*s\" does not publish \"%s\"; published by: %s", part_kind(ref->model),
                   FL_QUOTED_BYTES, wanted, ref->name, known);
    } else {
        fl_mistake(&reading->json, item, FL_AT_VALUE, "no %s is called \"%.*s\"%s",
                   part_kind(ref->model), FL_QUOTED_BYTES, wanted, fl_guess_hint(&guess).text);
    }
}

/* "GROUP/OBSERVABLE", which nobody has named yet. */
static uint32_t name_of_part(struct fl_reading *reading, const cJSON *item, const char *slash)
{
    const struct fl_config *config = reading->config;
    const uint32_t all = fl_config_observable(config, slash + 1);
    if (all == UINT32_MAX || config->observable[all].part != UINT32_MAX) {
        report_observable(reading, item, slash + 1);
        return UINT32_MAX;
    }
    const struct fl_observable_ref ref = config->observable[all];
    char *wanted = fl_strndup(item->valuestring, (size_t)(slash - item->valuestring));
    uint32_t part = 0;
    while (part < part_count(config, ref.model) &&
           (strcmp(part_name(config, ref.model, part), wanted) != 0 ||
            !runs(config, part, ref.model))) {
        part++;
    }
    uint32_t handle = UINT32_MAX;
    if (part < part_count(config, ref.model)) {
        handle = add_of_part(reading, item, ref.model, ref.index, part);
    } else {
        report_part(reading, item, &ref, wanted);
    }
    free(wanted);
    return handle;
}

uint32_t fl_name_observable(struct fl_reading *reading, const cJSON *item)
{
    const char *name = item->valuestring, *slash = strchr(name, '/');
    const uint32_t handle = fl_config_observable(reading->config, name);
    if (handle == UINT32_MAX && slash) {
        return name_of_part(reading, item, slash);
    }
    if (handle == UINT32_MAX) {
        report_observable(reading, item, name);
    }
    return handle;
}
