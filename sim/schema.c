/* Parameter rows to JSON Schema.
 *
 * A scenario that extends another may leave out what the other has. So each object comes in two
 * forms: whole, and as a part ("agent" and "agent-part"), which differ in what they require. What they
 * share, the keys of one model, is written once ("agent.keeper"). */
#include "sim/schema.h"

#include "sim/alloc.h"
#include "sim/config_parts.h"
#include "sim/klines.h"
#include "sim/schema_keys.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------
 * Building
 * --------------------------------------------------------------------------------------------- */

static cJSON *object_new(void)
{
    return fl_json_made(cJSON_CreateObject());
}

static void put_text(cJSON *object, const char *key, const char *text)
{
    fl_json_put(object, key, cJSON_CreateString(text));
}

static void put_raw(cJSON *object, const char *key, const char *json)
{
    fl_json_put(object, key, cJSON_CreateRaw(json));
}

static cJSON *add_object(cJSON *object, const char *key)
{
    cJSON *inner = object_new();
    fl_json_put(object, key, inner);
    return inner;
}

static cJSON *add_list(cJSON *object, const char *key)
{
    cJSON *list = fl_json_made(cJSON_CreateArray());
    fl_json_put(object, key, list);
    return list;
}

static cJSON *push_object(cJSON *list)
{
    cJSON *object = object_new();
    fl_json_push(list, object);
    return object;
}

static void push_text(cJSON *list, const char *text)
{
    fl_json_push(list, cJSON_CreateString(text));
}

__attribute__((format(printf, 2, 3))) static void put_ref(cJSON *object, const char *format, ...)
{
    char name[128], ref[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    snprintf(ref, sizeof ref, "#/definitions/%s", name);
    put_text(object, "$ref", ref);
}

/* ------------------------------------------------------------------------------------------------
 * Values
 * --------------------------------------------------------------------------------------------- */

/* Above 2^53 a number must be a string, and what a string holds no schema can bound. */
static void put_bound(cJSON *schema, const char *keyword, int64_t bound, uint32_t digits)
{
    cJSON *number = fl_number_item(bound, digits);
    if (cJSON_IsString(number)) {
        put_raw(schema, keyword, bound < 0 ? "-9007199254740992" : "9007199254740992");
        cJSON_Delete(number);
    } else {
        fl_json_put(schema, keyword, number);
    }
}

static void put_number(cJSON *schema, struct fl_range range)
{
    put_raw(schema, "type",
            range.digits > 0 ? "[\"number\", \"string\"]" : "[\"integer\", \"string\"]");
    put_bound(schema, "minimum", range.min, range.digits);
    put_bound(schema, "maximum", range.max, range.digits);
    put_text(schema, "pattern", FL_SCHEMA_NUMBER);
}

static void push_law(cJSON *list, const struct fl_law_form *form, struct fl_range range)
{
    cJSON *law = push_object(list);
    cJSON *keys = add_object(law, "properties");
    put_raw(keys, "$comment", "true");
    put_text(add_object(keys, "law"), "const", form->name);
    put_number(add_object(keys, form->a), fl_law_first_range(form, range));
    if (form->b) {
        put_number(add_object(keys, form->b), fl_law_second_range(form, range));
    }
    put_number(add_object(keys, "at_least"), range);
    put_number(add_object(keys, "at_most"), range);
    cJSON *required = add_list(law, "required");
    push_text(required, "law");
    push_text(required, form->a);
    if (form->b) {
        push_text(required, form->b);
    }
    put_raw(law, "additionalProperties", "false");
}

/* Measured values (sim/empirical.h). */
static void push_empirical(cJSON *list, struct fl_range range)
{
    cJSON *law = push_object(list);
    cJSON *keys = add_object(law, "properties");
    put_raw(keys, "$comment", "true");
    put_text(add_object(keys, "law"), "const", "empirical");
    cJSON *values = add_object(keys, "values");
    put_text(values, "type", "array");
    put_number(add_object(values, "items"), range);
    put_raw(values, "minItems", "1");
    put_text(add_object(keys, "csv"), "type", "string");
    push_text(add_list(law, "required"), "law");
    cJSON *either = add_list(law, "oneOf");
    push_text(add_list(push_object(either), "required"), "values");
    push_text(add_list(push_object(either), "required"), "csv");
    put_raw(law, "additionalProperties", "false");
}

/* A number, or an object that is one of the laws. */
static void put_law(cJSON *schema, struct fl_range range)
{
    put_raw(add_object(schema, "if"), "type", "\"object\"");
    cJSON *then = add_object(schema, "then");
    cJSON *laws = add_list(then, "oneOf");
    for (const struct fl_law_form *form = fl_law_forms; form->name; form++) {
        push_law(laws, form, range);
    }
    push_empirical(laws, range);
    put_number(add_object(schema, "else"), range);
}

/* sim/klines.h */
static void put_klines(cJSON *schema)
{
    put_text(schema, "type", "object");
    cJSON *keys = add_object(schema, "properties");
    put_raw(keys, "$comment", "true");
    put_text(add_object(keys, "kline_csv"), "type", "string");
    cJSON *words = add_list(add_object(keys, "price"), "enum");
    for (const char *const *word = fl_kline_prices; *word; word++) {
        push_text(words, *word);
    }
    cJSON *required = add_list(schema, "required");
    push_text(required, "kline_csv");
    push_text(required, "price");
    put_raw(schema, "additionalProperties", "false");
}

static void put_list(cJSON *schema, const struct fl_param *row)
{
    put_text(schema, "type", "array");
    cJSON *point = add_object(schema, "items");
    put_text(point, "type", "array");
    cJSON *both = add_list(point, "items");
    put_number(push_object(both), (struct fl_range){row->digits, INT64_MIN, INT64_MAX});
    put_number(push_object(both), (struct fl_range){row->digits_y, row->min, row->max});
    put_raw(point, "minItems", "2");
    put_raw(point, "maxItems", "2");
}

static void put_rows(cJSON *properties, const struct fl_param *row);

/* As a part, without what each entry needs: see require_entries. */
static void put_entries(cJSON *schema, const struct fl_param *row)
{
    put_text(schema, "type", "object");
    put_raw(add_object(schema, "properties"), "$comment", "true");
    cJSON *entry = add_object(add_object(schema, "patternProperties"), FL_SCHEMA_NAME);
    put_text(entry, "type", "object");
    cJSON *properties = add_object(entry, "properties");
    put_raw(properties, "$comment", "true");
    put_rows(properties, row->of);
    put_raw(entry, "additionalProperties", "false");
    put_raw(schema, "additionalProperties", "false");
}

static void put_points(cJSON *schema, const struct fl_param *row)
{
    if (!row->candles) {
        put_list(schema, row);
        return;
    }
    put_raw(add_object(schema, "if"), "type", "\"object\"");
    put_klines(add_object(schema, "then"));
    put_list(add_object(schema, "else"), row);
}

static void put_type(cJSON *schema, const struct fl_param *row)
{
    const struct fl_range range = {row->type == FL_INTEGER ? 0 : row->digits, row->min, row->max};
    const bool nullable = row->fallback && strcmp(row->fallback, "null") == 0;
    switch (row->type) {
    case FL_INTEGER:
    case FL_DECIMAL:
        put_number(schema, range);
        return;
    case FL_BOOLEAN:
        put_text(schema, "type", "boolean");
        return;
    case FL_LAW:
        put_law(schema, range);
        return;
    case FL_POINTS:
        put_points(schema, row);
        return;
    case FL_ROWS:
        put_entries(schema, row);
        return;
    case FL_GROUP_NAMES:
    case FL_OBSERVABLE_NAMES:
    case FL_ENTRY_NAMES:
        put_text(schema, "type", "array");
        put_text(add_object(schema, "items"), "type", "string");
        return;
    case FL_GROUP_NAME:
    case FL_CONTRACT_NAME:
    case FL_OBSERVABLE_NAME:
    case FL_ENTRY_NAME:
        put_raw(schema, "type", nullable ? "[\"string\", \"null\"]" : "\"string\"");
        return;
    case FL_SUBMODEL: {
        /* As a part: where it stands may be a part itself. */
        cJSON *any = add_list(schema, "anyOf");
        put_ref(push_object(any), "%s-part", fl_family_name(row->family));
        if (nullable) {
            put_text(push_object(any), "type", "null");
        }
        return;
    }
    }
    FL_UNREACHABLE("parameter row without a type");
}

/* What a default or description says beside a value; a schema with "$ref" has room for neither. */
static void put_notes(cJSON *schema, const struct fl_param *row)
{
    if (row->doc) {
        put_text(schema, "description", row->doc);
    }
    if (row->fallback && *row->fallback) {
        put_raw(schema, "default", row->fallback);
    }
}

static void put_rows(cJSON *properties, const struct fl_param *row)
{
    for (; row && row->key; row++) {
        cJSON *schema = add_object(properties, row->key);
        put_notes(schema, row);
        put_type(schema, row);
    }
}

static void put_keys(cJSON *properties, const struct fl_schema_key *key)
{
    for (; key->row.key; key++) {
        cJSON *schema = add_object(properties, key->row.key);
        put_notes(schema, &key->row);
        if (key->row.type) {
            put_type(schema, &key->row);
        }
        for (size_t i = 0; i < FL_SCHEMA_KEYWORDS && key->also[i].name; i++) {
            if (strcmp(key->also[i].name, "$ref") == 0) { /* hides what stands beside it */
                cJSON *all = add_list(schema, "allOf");
                put_raw(push_object(all), "$ref", key->also[i].text);
            } else {
                put_raw(schema, key->also[i].name, key->also[i].text);
            }
        }
    }
}

static bool any_required(const struct fl_param *row)
{
    while (row && row->key && row->fallback) {
        row++;
    }
    return row && row->key;
}

static void push_required(cJSON *list, const struct fl_schema_key *key)
{
    for (; key->row.key; key++) {
        if (!key->row.fallback) {
            push_text(list, key->row.key);
        }
    }
}

/* A closed object of structural keys. */
static void add_section(cJSON *definitions, const char *name, const struct fl_schema_key *keys)
{
    cJSON *section = add_object(definitions, name);
    put_text(section, "type", "object");
    cJSON *properties = add_object(section, "properties");
    put_raw(properties, "$comment", "true");
    put_keys(properties, keys);
    push_required(add_list(section, "required"), keys);
    put_raw(section, "additionalProperties", "false");
}

/* Some that are known by name, or a matrix. */
static void add_regions(cJSON *definitions)
{
    add_section(definitions, "regions-matrix", fl_schema_regions_keys);
    cJSON *regions = add_object(definitions, "regions");
    put_text(add_object(regions, "if"), "type", "string");
    push_text(add_list(add_object(regions, "then"), "enum"), "cloud");
    put_ref(add_object(regions, "else"), "regions-matrix");
}

/* ------------------------------------------------------------------------------------------------
 * Models
 * --------------------------------------------------------------------------------------------- */

static bool cuts_links(const struct fl_model *model)
{
    return model->fault && model->fault->carries;
}

/* The keys of one model, required or not. */
static void add_model(cJSON *definitions, const struct fl_model *model)
{
    char name[128];
    snprintf(name, sizeof name, "%s.%s", fl_family_name(model->family), model->name);
    cJSON *schema = add_object(definitions, name);
    if (model->doc) {
        put_text(schema, "description", model->doc);
    }
    cJSON *properties = add_object(schema, "properties");
    put_raw(properties, "$comment", "true");
    put_raw(properties, "model", "true");
    for (const struct fl_schema_key *key = fl_schema_fault_keys;
         model->family == FL_FAULT && key->row.key; key++) {
        put_raw(properties, key->row.key, "true"); /* see "fault-keys" */
    }
    if (cuts_links(model)) {
        put_keys(properties, fl_schema_sides_keys);
    }
    put_rows(properties, model->params);
    put_raw(schema, "additionalProperties", "false");
}

/* Who may be struck, and who or how many of those; or sides. */
static void put_victims(cJSON *schema, bool links)
{
    cJSON *all = add_list(schema, "allOf");
    put_raw(
        push_object(all), "oneOf",
        "[{\"required\": [\"members\"]}, {\"required\": [\"count\"]}, {\"required\": [\"stake\"]}, "
        "{\"not\": {\"anyOf\": [{\"required\": [\"members\"]}, {\"required\": [\"count\"]}, "
        "{\"required\": [\"stake\"]}]}}]");
    cJSON *any = add_list(push_object(all), "anyOf");
    static const char *const ways[] = {"members", "count", "stake", "largest", "split"};
    for (size_t i = 0; i < (links ? 5 : 4); i++) {
        cJSON *required = add_list(push_object(any), "required");
        push_text(required, "group");
        push_text(required, ways[i]);
    }
    static const char *const pools[] = {"role", "region", "labels", "sides"};
    for (size_t i = 0; i < (links ? 4 : 3); i++) {
        push_text(add_list(push_object(any), "required"), pools[i]);
    }
}

/* What a whole object has beside the right keys: those that have no default, and the same in each of
 * the objects it names. */
static void require_rows(cJSON *all, const struct fl_param *rows)
{
    if (any_required(rows)) {
        cJSON *required = add_list(push_object(all), "required");
        for (const struct fl_param *row = rows; row->key; row++) {
            if (!row->fallback) {
                push_text(required, row->key);
            }
        }
    }
    for (const struct fl_param *row = rows; row && row->key; row++) {
        if (row->type == FL_ROWS) {
            cJSON *list = add_object(add_object(push_object(all), "properties"), row->key);
            fl_json_put(list, "minProperties", fl_number_item(row->min, 0));
            cJSON *entry = add_object(add_object(list, "patternProperties"), FL_SCHEMA_NAME);
            require_rows(add_list(entry, "allOf"), row->of);
        }
    }
}

/* If the object says it is this model, it has this model's keys. */
static void push_choice(cJSON *list, const struct fl_model *model, bool part)
{
    cJSON *choice = push_object(list);
    cJSON *condition = add_object(choice, "if");
    put_text(add_object(add_object(condition, "properties"), "model"), "const", model->name);
    push_text(add_list(condition, "required"), "model");
    cJSON *all = add_list(add_object(choice, "then"), "allOf");
    put_ref(push_object(all), "%s.%s", fl_family_name(model->family), model->name);
    if (!part && model->family == FL_FAULT) {
        put_ref(push_object(all), cuts_links(model) ? "victims-of-links" : "victims");
    }
    if (!part) {
        require_rows(all, model->params);
    }
}

static void offer_key(cJSON *keys, const char *key)
{
    const cJSON *known;
    cJSON_ArrayForEach(known, keys)
    {
        if (strcmp(known->valuestring, key) == 0) {
            return;
        }
    }
    push_text(keys, key);
}

/* A part that does not say which model it is has keys that some model of the family has. */
static void push_unnamed(cJSON *list, enum fl_family family)
{
    cJSON *choice = push_object(list);
    push_text(add_list(add_object(choice, "if"), "required"), "model");
    cJSON *unnamed = add_object(choice, "else");
    cJSON *keys = add_list(add_object(unnamed, "propertyNames"), "enum");
    push_text(keys, "$comment");
    for (const struct fl_schema_key *key = fl_schema_sides_keys; family == FL_FAULT && key->row.key;
         key++) {
        push_text(keys, key->row.key);
    }
    for (const struct fl_schema_key *key = fl_schema_fault_keys; family == FL_FAULT && key->row.key;
         key++) {
        push_text(keys, key->row.key);
    }
    for (const struct fl_model *const *model = fl_models; *model; model++) {
        for (const struct fl_param *row = (*model)->params;
             (*model)->family == family && row && row->key; row++) {
            offer_key(keys, row->key);
        }
    }
}

/* A bare name is a model with its defaults; a fault needs to say whom it strikes. */
static void put_bare_names(cJSON *schema, enum fl_family family, bool part)
{
    put_text(add_object(schema, "if"), "type", "string");
    cJSON *names = add_list(add_object(schema, "then"), "enum");
    for (const struct fl_model *const *model = fl_models; *model; model++) {
        const bool whole = !any_required((*model)->params) && family != FL_FAULT;
        if ((*model)->family == family && (part || whole)) {
            push_text(names, (*model)->name);
        }
    }
}

static void put_family(cJSON *schema, enum fl_family family, bool part)
{
    put_bare_names(schema, family, part);
    cJSON *object = add_object(schema, "else");
    put_text(object, "type", "object");
    cJSON *model_key = add_object(add_object(object, "properties"), "model");
    cJSON *names = add_list(model_key, "enum");
    if (!part) {
        cJSON *required = add_list(object, "required");
        push_text(required, "model");
    }
    cJSON *choices = add_list(object, "allOf");
    if (family == FL_FAULT) {
        put_ref(push_object(choices), "fault-keys");
    }
    for (const struct fl_model *const *model = fl_models; *model; model++) {
        if ((*model)->family == family) {
            push_text(names, (*model)->name);
            push_choice(choices, *model, part);
        }
    }
    if (part) {
        push_unnamed(choices, family);
    }
}

static bool has_models(enum fl_family family)
{
    for (const struct fl_model *const *model = fl_models; *model; model++) {
        if ((*model)->family == family) {
            return true;
        }
    }
    return false;
}

static void add_family(cJSON *definitions, enum fl_family family, bool part)
{
    char name[64];
    snprintf(name, sizeof name, "%s%s", fl_family_name(family), part ? "-part" : "");
    if (has_models(family)) {
        put_family(add_object(definitions, name), family, part);
    } else {
        put_raw(definitions, name, "false");
    }
}

/* ------------------------------------------------------------------------------------------------
 * Groups, and the whole
 * --------------------------------------------------------------------------------------------- */

static void add_group(cJSON *definitions, bool part)
{
    cJSON *group = add_object(definitions, part ? "group-part" : "group");
    put_text(group, "type", "object");
    cJSON *properties = add_object(group, "properties");
    put_raw(properties, "$comment", "true");
    put_keys(properties, fl_schema_group_keys);
    cJSON *any = part ? NULL : add_list(group, "anyOf");
    for (int family = FL_CONSENSUS; family < FL_LAYERS; family++) {
        const char *name = fl_family_name((enum fl_family)family);
        put_ref(add_object(properties, name), "%s%s", name, part ? "-part" : "");
        if (!part) {
            push_text(add_list(push_object(any), "required"), name);
        }
    }
    put_raw(group, "additionalProperties", "false");
}

/* An object whose keys are names somebody chose. */
static void put_named(cJSON *properties, const char *key, const char *of, bool part)
{
    cJSON *schema = add_object(properties, key);
    put_raw(add_object(schema, "properties"), "$comment", "true");
    put_ref(add_object(add_object(schema, "patternProperties"), FL_SCHEMA_NAME), "%s%s", of,
            part ? "-part" : "");
    put_raw(schema, "additionalProperties", "false");
}

static void put_sections(cJSON *schema, bool part)
{
    cJSON *properties = add_object(schema, "properties");
    put_named(properties, "nodes", "group", part);
    put_named(properties, "contracts", fl_family_name(FL_CONTRACT), part);
    put_named(properties, "faults", fl_family_name(FL_FAULT), part);
    put_named(properties, "checks", fl_family_name(FL_CHECK), part);
}

/* A link says something of its pair. */
static void require_any(cJSON *section, const struct fl_schema_key *keys)
{
    cJSON *any = add_list(section, "anyOf");
    for (; keys->row.key; keys++) {
        if (keys->row.fallback) {
            push_text(add_list(push_object(any), "required"), keys->row.key);
        }
    }
}

static void add_definitions(cJSON *schema)
{
    cJSON *definitions = add_object(schema, "definitions");
    add_section(definitions, "network", fl_schema_network_keys);
    add_section(definitions, "link", fl_schema_link_keys);
    require_any(cJSON_GetObjectItemCaseSensitive(definitions, "link"), fl_schema_link_keys);
    add_section(definitions, "clock", fl_schema_clock_keys);
    add_section(definitions, "overlay", fl_schema_overlay_keys);
    add_section(definitions, "trace", fl_schema_trace_keys);
    add_regions(definitions);
    put_keys(add_object(add_object(definitions, "fault-keys"), "properties"), fl_schema_fault_keys);
    put_victims(add_object(definitions, "victims"), false);
    put_victims(add_object(definitions, "victims-of-links"), true);
    add_section(definitions, "trigger", fl_schema_trigger_keys);
    add_section(definitions, "expectation", fl_schema_expectation_keys);
    for (int part = 0; part <= 1; part++) {
        add_group(definitions, part);
        for (int family = FL_CONSENSUS; family < FL_FAMILIES; family++) {
            add_family(definitions, (enum fl_family)family, part);
        }
    }
    for (const struct fl_model *const *model = fl_models; *model; model++) {
        add_model(definitions, *model);
    }
}

/* On one line what fits there: a schema is mostly small objects. */
static void print(FILE *out, const cJSON *item, size_t indent)
{
    enum { WIDTH = 160 };
    char *line = cJSON_PrintUnformatted(item);
    if (!line) {
        fl_out_of_memory();
    }
    const bool object = cJSON_IsObject(item);
    if (indent + strlen(line) <= WIDTH || (!object && !cJSON_IsArray(item))) {
        fputs(line, out);
        free(line);
        return;
    }
    free(line);
    fputc(object ? '{' : '[', out);
    for (const cJSON *child = item->child; child; child = child->next) {
        fprintf(out, "\n%*s", (int)indent + 1, "");
        if (object) {
            fprintf(out, "\"%s\": ", child->string); /* keys of ours: nothing to escape */
        }
        print(out, child, indent + 1);
        fputs(child->next ? "," : "", out);
    }
    fprintf(out, "\n%*s%c", (int)indent, "", object ? '}' : ']');
}

char *fl_schema_text(void)
{
    cJSON *schema = object_new();
    put_text(schema, "$schema", "http://json-schema.org/draft-07/schema#");
    put_text(schema, "$comment", "Generated by `faultline schema`; `make golden` rewrites it.");
    put_text(schema, "title", "faultline scenario");
    put_text(schema, "type", "object");
    cJSON *properties = add_object(schema, "properties");
    put_raw(properties, "$comment", "true");
    put_keys(properties, fl_schema_scenario_keys);
    put_raw(schema, "additionalProperties", "false");
    push_text(add_list(add_object(schema, "if"), "required"), "extends");
    put_sections(add_object(schema, "then"), true);
    cJSON *whole = add_object(schema, "else");
    push_required(add_list(whole, "required"), fl_schema_scenario_keys);
    put_sections(whole, false);
    add_definitions(schema);
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = fl_text_open(&text, &bytes);
    print(out, schema, 0);
    fputc('\n', out);
    fl_text_close(out);
    cJSON_Delete(schema);
    return text;
}
