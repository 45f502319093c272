/* The network of a scenario, from JSON to plain values: see config_network.h. */
#include "sim/config_network.h"
#include "sim/config_parts.h"
#include "sim/regions.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DELAY_MAX (1000000 * FL_SECOND)
#define COST_MAX (1000 * FL_SECOND)
#define OFFSET_MAX (1000000 * FL_SECOND)
#define DRIFT_MAX (FL_SECOND / 10) /* of a second: no clock is as wrong as this */
static const struct fl_range delay_range = {6, 0, DELAY_MAX}; /* milliseconds to nanoseconds */
static const struct fl_range cost_range = {3, 0, COST_MAX};   /* microseconds to nanoseconds */
static const struct fl_range offset_range = {6, -OFFSET_MAX, OFFSET_MAX};
static const struct fl_range drift_range = {3, -DRIFT_MAX, DRIFT_MAX}; /* 10^-6 to 10^-9 */
static const struct fl_range chance_range = {6, 0, 1000000};
static const struct fl_range bandwidth_range = {6, 1000, 1000000000000}; /* Mbit/s to bit/s */
/* So that time goes on, whatever the laws. */
#define STABILITY_LEAST FL_MILLISECOND
static const struct fl_range spell_range = {9, 0, FL_TIME_MAX};

/* Ethernet 14 + IPv4 20 + TCP 20, an Ed25519 signature 64, and of struct fl_msg what a sender has
 * to say: words 24, values 16, kind 2, copy 2, family 1. */
enum { HEADER_BYTES = 163, HEADER_BYTES_MAX = 65535 };
enum { REGIONS_MAX = 256, SIDES_MAX = 64 };

/* A law that may be absent: its kind is then 0. */
static bool read_law_key(struct fl_reading *reading, const cJSON *object, const char *key,
                         struct fl_range range, struct fl_law *law, cJSON *out)
{
    const cJSON *item = fl_member(object, key);
    cJSON *read = item ? fl_read_law(reading, item, range, law) : NULL;
    if (read) {
        fl_json_put(out, key, read);
    }
    return read != NULL;
}

/* A number that may be absent: what is resolved then does not have it either. */
static bool read_optional(struct fl_reading *reading, const cJSON *object, const char *key,
                          struct fl_range range, int64_t *value, cJSON *out)
{
    const cJSON *item = fl_member(object, key);
    cJSON *read = item ? fl_read_number(reading, item, range, value) : NULL;
    if (read) {
        fl_json_put(out, key, read);
    }
    return read != NULL;
}

/* ------------------------------------------------------------------------------------------------
 * Links
 * --------------------------------------------------------------------------------------------- */

/* What a link may have beside its ends and its delay; the network itself has them for all pairs. */
#define LINK_KEYS "loss", "duplicate", "reorder", "reorder_ms", "bandwidth_mbps"

static bool read_link_keys(struct fl_reading *reading, const cJSON *object, struct fl_link *link,
                           cJSON *out)
{
    bool any = read_optional(reading, object, "loss", chance_range, &link->loss_ppm, out);
    any |= read_optional(reading, object, "duplicate", chance_range, &link->duplicate_ppm, out);
    any |= read_optional(reading, object, "reorder", chance_range, &link->reorder_ppm, out);
    any |= read_law_key(reading, object, "reorder_ms", delay_range, &link->reorder, out);
    any |= read_optional(reading, object, "bandwidth_mbps", bandwidth_range, &link->bits_per_second,
                         out);
    const cJSON *reorder = fl_member(object, "reorder"); /* a link may inherit it: told there */
    if (reorder && link->reorder_ppm > 0 && !link->reorder.kind &&
        !fl_member(object, "reorder_ms")) {
        fl_mistake(&reading->json, reorder, FL_AT_VALUE,
                   "needs \"reorder_ms\": how much later such a message arrives");
    }
    return any;
}

/* The links of all pairs, made when the first does more than delay. */
static struct fl_link *links_of(struct fl_reading *reading, const struct fl_link *general)
{
    struct fl_config *config = reading->config;
    const size_t pairs = (size_t)config->group_count * config->group_count;
    if (!config->network.link) {
        config->network.link = fl_arena_alloc(reading->arena, pairs, sizeof *general);
        for (size_t i = 0; i < pairs; i++) {
            config->network.link[i] = *general;
        }
        config->network.more = true;
    }
    return config->network.link;
}

/* A required name of a group within a link. */
static cJSON *read_link_end(struct fl_reading *reading, const cJSON *link, const char *key,
                            uint32_t *index)
{
    const cJSON *item = fl_member(link, key);
    if (!item) {
        fl_missing(reading, link, key);
        return NULL;
    }
    return fl_read_group(reading, item, index);
}

static bool has_link_key(const cJSON *link)
{
    static const char *const keys[] = {LINK_KEYS, NULL};
    for (size_t i = 0; keys[i]; i++) {
        if (fl_member(link, keys[i])) {
            return true;
        }
    }
    return false;
}

/* What it does not name stays as it is for that pair. */
static void read_link(struct fl_reading *reading, const cJSON *link, cJSON *list)
{
    static const char *const keys[] = {"from", "to", "delay_ms", LINK_KEYS, NULL};
    static const struct fl_link perfect = {0};
    if (!fl_is_object(reading, link)) {
        return;
    }
    fl_check_keys(reading, link, keys, NULL, NULL);
    cJSON *out = fl_json_made(cJSON_CreateObject());
    fl_json_push(list, out);
    uint32_t from_index = 0, to_index = 0;
    cJSON *from = read_link_end(reading, link, "from", &from_index);
    cJSON *to = read_link_end(reading, link, "to", &to_index);
    const bool known = from && to;
    fl_json_put(out, "from", from ? from : cJSON_CreateNull());
    fl_json_put(out, "to", to ? to : cJSON_CreateNull());
    struct fl_config *config = reading->config;
    const size_t pair = (size_t)from_index * config->group_count + to_index;
    const cJSON *item = fl_member(link, "delay_ms");
    const bool more = has_link_key(link);
    if (!item && !more) {
        fl_missing(reading, link, "delay_ms");
    }
    struct fl_law law;
    cJSON *delay = item ? fl_read_law(reading, item, delay_range, &law) : NULL;
    if (delay) {
        fl_json_put(out, "delay_ms", delay);
    }
    if (delay && known) {
        config->network.delay[pair] = law;
    }
    if (more) {
        struct fl_link *links = links_of(reading, &perfect);
        struct fl_link changed = known ? links[pair] : perfect;
        read_link_keys(reading, link, &changed, out);
        if (known) {
            links[pair] = changed;
        }
    }
}

static void read_links(struct fl_reading *reading, const cJSON *network, cJSON *out)
{
    struct fl_link general = {0};
    if (network && read_link_keys(reading, network, &general, out)) {
        links_of(reading, &general);
    }
    const cJSON *links = fl_member(network, "links");
    cJSON *list = fl_json_made(cJSON_CreateArray());
    fl_json_put(out, "links", list);
    if (links && !cJSON_IsArray(links)) {
        fl_mistake(&reading->json, links, FL_AT_VALUE, "expected a list of links, found %s",
                   fl_json_type(links));
        return;
    }
    for (const cJSON *link = links ? links->child : NULL; link; link = link->next) {
        read_link(reading, link, list);
    }
}

/* Every pair of groups has the general delay, then links change some. With regions the distance
 * comes first, and the delay is what there is beside it. */
static void read_delay(struct fl_reading *reading, const cJSON *network, cJSON *out)
{
    struct fl_config *config = reading->config;
    const fl_time usual = config->network.distance ? 0 : 50 * FL_MILLISECOND;
    struct fl_law law = {.kind = FL_CONSTANT, .a = usual, .max = DELAY_MAX};
    const cJSON *item = fl_member(network, "delay_ms");
    cJSON *delay = item ? fl_read_law(reading, item, delay_range, &law)
                        : fl_number_item(law.a, delay_range.digits);
    if (delay) {
        fl_json_put(out, "delay_ms", delay);
    }
    const size_t pairs = (size_t)config->group_count * config->group_count;
    config->network.delay = fl_arena_alloc(reading->arena, pairs, sizeof law);
    for (size_t i = 0; i < pairs; i++) {
        config->network.delay[i] = law;
    }
}

/* ------------------------------------------------------------------------------------------------
 * Regions
 * --------------------------------------------------------------------------------------------- */

static void make_regions(struct fl_reading *reading, uint32_t count)
{
    struct fl_network *network = &reading->config->network;
    network->region_count = count;
    network->region = fl_arena_alloc(reading->arena, count, sizeof *network->region);
    network->distance =
        fl_arena_alloc(reading->arena, (size_t)count * count, sizeof *network->distance);
    network->more = true;
}

static cJSON *read_cloud(struct fl_reading *reading, const cJSON *item)
{
    static const char *const known[] = {"cloud", NULL};
    if (fl_read_choice(reading, item, known) == UINT32_MAX) {
        return NULL;
    }
    make_regions(reading, FL_CLOUD_REGIONS);
    struct fl_network *network = &reading->config->network;
    for (uint32_t i = 0; i < FL_CLOUD_REGIONS; i++) {
        strcpy(network->region[i], fl_cloud_region[i]);
        for (uint32_t j = 0; j < FL_CLOUD_REGIONS; j++) {
            network->distance[i * FL_CLOUD_REGIONS + j] = fl_cloud_delay(i, j);
        }
    }
    return fl_json_made(cJSON_CreateString("cloud"));
}

static bool read_region_names(struct fl_reading *reading, const cJSON *names, cJSON *out)
{
    if (!fl_is_list(reading, names, "names of regions")) {
        return false;
    }
    const int count = cJSON_GetArraySize(names);
    if (count < 1 || count > REGIONS_MAX) {
        fl_mistake(&reading->json, names, FL_AT_VALUE, "expected 1 to %d regions, found %d",
                   (int)REGIONS_MAX, count);
        return false;
    }
    make_regions(reading, (uint32_t)count);
    cJSON *list = fl_json_made(cJSON_CreateArray());
    fl_json_put(out, "names", list);
    uint32_t filled = 0;
    for (const cJSON *item = names->child; item; item = item->next) {
        const char *name = fl_read_word(reading, item);
        if (name && fl_check_name(reading, item, FL_AT_VALUE, name, false)) {
            strcpy(reading->config->network.region[filled++], name);
            fl_json_push(list, cJSON_CreateString(name));
        }
    }
    return filled == (uint32_t)count;
}

static void read_distances(struct fl_reading *reading, const cJSON *matrix, cJSON *out)
{
    struct fl_network *network = &reading->config->network;
    const int count = (int)network->region_count;
    if (!cJSON_IsArray(matrix) || cJSON_GetArraySize(matrix) != count) {
        fl_mistake(&reading->json, matrix, FL_AT_VALUE,
                   "expected %d rows, one for each region that sends", count);
        return;
    }
    cJSON *rows = fl_json_made(cJSON_CreateArray());
    fl_json_put(out, "delay_ms", rows);
    fl_time *distance = network->distance;
    for (const cJSON *row = matrix->child; row; row = row->next) {
        if (!cJSON_IsArray(row) || cJSON_GetArraySize(row) != count) {
            fl_mistake(&reading->json, row, FL_AT_VALUE,
                       "expected %d delays, one for each region that receives", count);
            return;
        }
        cJSON *list = fl_json_made(cJSON_CreateArray());
        fl_json_push(rows, list);
        for (const cJSON *item = row->child; item; item = item->next) {
            cJSON *read = fl_read_number(reading, item, delay_range, distance++);
            fl_json_push(list, read ? read : cJSON_CreateNull());
        }
    }
}

static cJSON *read_matrix(struct fl_reading *reading, const cJSON *item)
{
    static const char *const keys[] = {"names", "delay_ms", NULL};
    if (!cJSON_IsObject(item)) {
        fl_mistake(&reading->json, item, FL_AT_VALUE,
                   "expected \"cloud\" or {\"names\": [...], \"delay_ms\": [[...], ...]}");
        return NULL;
    }
    fl_check_keys(reading, item, keys, NULL, NULL);
    cJSON *out = fl_json_made(cJSON_CreateObject());
    const cJSON *names = fl_member(item, "names"), *matrix = fl_member(item, "delay_ms");
    if (!names || !matrix) {
        fl_missing(reading, item, names ? "delay_ms" : "names");
    } else if (read_region_names(reading, names, out)) {
        read_distances(reading, matrix, out);
    }
    return out;
}

static void read_regions(struct fl_reading *reading, const cJSON *network, cJSON *out)
{
    const cJSON *item = fl_member(network, "regions");
    if (!item) {
        return;
    }
    cJSON *read = cJSON_IsString(item) ? read_cloud(reading, item) : read_matrix(reading, item);
    if (read) {
        fl_json_put(out, "regions", read);
    }
}

cJSON *fl_read_region(struct fl_reading *reading, const cJSON *item, uint32_t *index)
{
    struct fl_guess guess = {.wanted = fl_read_word(reading, item)};
    const struct fl_network *network = &reading->config->network;
    for (uint32_t i = 0; guess.wanted && i < network->region_count; i++) {
        if (strcmp(guess.wanted, network->region[i]) == 0) {
            *index = i;
            return fl_json_made(cJSON_CreateString(guess.wanted));
        }
        fl_guess_offer(&guess, network->region[i]);
    }
    if (guess.wanted) {
        fl_mistake(&reading->json, item, FL_AT_VALUE, "no region is called \"%.*s\"%s",
                   FL_QUOTED_BYTES, guess.wanted, fl_guess_hint(&guess).text);
    }
    return NULL;
}

/* Where the members are: all in one region, or in several, in turn. */
static void read_place(struct fl_reading *reading, const cJSON *object, struct fl_group *group,
                       cJSON *out)
{
    const cJSON *one = fl_member(object, "region"), *several = fl_member(object, "regions");
    const cJSON *given = one ? one : several;
    if (!given || !reading->config->network.distance || (one && several)) {
        if (given) {
            fl_mistake(&reading->json, given, FL_AT_KEY, "%s",
                       one && several ? "expected either \"region\" or \"regions\", not both"
                                      : "the network has no \"regions\"");
        } else if (reading->config->network.distance) {
            fl_missing(reading, object, "region");
        }
        return;
    }
    if (several && !fl_is_list(reading, several, "names of regions")) {
        return;
    }
    if (several && !several->child) {
        fl_mistake(&reading->json, several, FL_AT_VALUE, "expected at least one region");
        return;
    }
    const int count = one ? 1 : cJSON_GetArraySize(several);
    group->region = fl_arena_alloc(reading->arena, (size_t)count, sizeof *group->region);
    cJSON *list = fl_json_made(cJSON_CreateArray());
    for (const cJSON *item = one ? one : several->child; item; item = one ? NULL : item->next) {
        cJSON *name = fl_read_region(reading, item, &group->region[group->region_count]);
        group->region_count += name != NULL;
        fl_json_push(list, name ? name : cJSON_CreateNull());
    }
    fl_json_put(out, "regions", list);
}

/* ------------------------------------------------------------------------------------------------
 * The network
 * --------------------------------------------------------------------------------------------- */

/* Partial synchrony: the two bounds together, or neither. */
static void read_synchrony(struct fl_reading *reading, const cJSON *network, cJSON *out)
{
    struct fl_network *into = &reading->config->network;
    const cJSON *gst = fl_member(network, "gst_s"), *delta = fl_member(network, "delta_ms");
    const cJSON *before = fl_member(network, "before_gst_ms");
    if (!gst && !delta && !before) {
        return;
    }
    if (!gst || !delta) {
        fl_missing(reading, network, gst ? "delta_ms" : "gst_s");
        return;
    }
    into->bounded = into->more = true;
    read_optional(reading, network, "gst_s", FL_SECONDS(0), &into->gst, out);
    read_optional(reading, network, "delta_ms", delay_range, &into->delta, out);
    read_law_key(reading, network, "before_gst_ms", delay_range, &into->before_gst, out);
}

void fl_read_network(struct fl_reading *reading, const cJSON *scenario, cJSON *out)
{
    static const char *const keys[] = {"delay_ms", "links",         "sign_us", "verify_us",
                                       LINK_KEYS,  "header_bytes",  "regions", "gst_s",
                                       "delta_ms", "before_gst_ms", NULL};
    const cJSON *network = fl_member(scenario, "network");
    if (network && !fl_is_object(reading, network)) {
        network = NULL;
    }
    if (network) {
        fl_check_keys(reading, network, keys, NULL, NULL);
    }
    cJSON *object = fl_json_made(cJSON_CreateObject());
    fl_json_put(out, "network", object);
    read_regions(reading, network, object);
    read_delay(reading, network, object);
    read_links(reading, network, object);
    struct fl_network *into = &reading->config->network;
    into->sign = fl_read_number_key(reading, network, "sign_us", cost_range, 0, object);
    into->verify = fl_read_number_key(reading, network, "verify_us", cost_range, 0, object);
    int64_t header = HEADER_BYTES;
    read_optional(reading, network, "header_bytes", (struct fl_range){0, 0, HEADER_BYTES_MAX},
                  &header, object);
    into->header_bytes = (uint32_t)header;
    read_synchrony(reading, network, object);
}

/* ------------------------------------------------------------------------------------------------
 * What groups have of it
 * --------------------------------------------------------------------------------------------- */

static void read_clock(struct fl_reading *reading, const cJSON *item, struct fl_group *group,
                       cJSON *out)
{
    static const char *const keys[] = {"offset_ms", "drift_ppm", NULL};
    if (!fl_is_object(reading, item)) {
        return;
    }
    fl_check_keys(reading, item, keys, NULL, NULL);
    cJSON *clock = fl_json_made(cJSON_CreateObject());
    fl_json_put(out, "clock", clock);
    read_law_key(reading, item, "offset_ms", offset_range, &group->clock_offset, clock);
    read_law_key(reading, item, "drift_ppm", drift_range, &group->clock_drift, clock);
    reading->config->network.more = true;
}

/* A relay's link is part of the key of its draws: struct fl_message_key. */
static void read_overlay(struct fl_reading *reading, const cJSON *item, struct fl_group *group,
                         cJSON *out)
{
    static const char *const keys[] = {"model", "degree", NULL};
    static const char *const models[] = {"full", "gossip", NULL};
    if (!fl_is_object(reading, item)) {
        return;
    }
    fl_check_keys(reading, item, keys, NULL, NULL);
    const cJSON *model = fl_member(item, "model"), *degree = fl_member(item, "degree");
    if (!model) {
        fl_missing(reading, item, "model");
        return;
    }
    const uint32_t choice = fl_read_choice(reading, model, models);
    if (choice == UINT32_MAX) {
        return;
    }
    cJSON *overlay = fl_json_made(cJSON_CreateObject());
    fl_json_put(out, "overlay", overlay);
    fl_json_put(overlay, "model", cJSON_CreateString(models[choice]));
    if (choice == 0 && degree) {
        fl_mistake(&reading->json, degree, FL_AT_KEY, "a full mesh has no degree");
    } else if (choice == 1) {
        if (!degree) {
            fl_missing(reading, item, "degree");
        }
        int64_t neighbours = 0;
        read_optional(reading, item, "degree", (struct fl_range){0, 2, FL_HOP_MAX - 1}, &neighbours,
                      overlay);
        group->gossip_degree = (uint32_t)neighbours;
        reading->config->network.more = true;
    }
}

void fl_read_group_network(struct fl_reading *reading, const cJSON *object, struct fl_group *group,
                           cJSON *out)
{
    read_place(reading, object, group, out);
    if (read_law_key(reading, object, "processing_us", cost_range, &group->processing, out)) {
        reading->config->network.more = true;
    }
    const cJSON *clock = fl_member(object, "clock"), *overlay = fl_member(object, "overlay");
    if (clock) {
        read_clock(reading, clock, group, out);
    }
    if (overlay) {
        read_overlay(reading, overlay, group, out);
    }
}

/* ------------------------------------------------------------------------------------------------
 * What faults have of it
 * --------------------------------------------------------------------------------------------- */

/* "group", "group[index]" or "group[index]~", its twin. */
struct side_name {
    uint32_t group, first, count; /* endpoints first .. first + count - 1 */
};

static bool read_member(struct fl_reading *reading, const cJSON *item, const char *bracket,
                        struct side_name *name)
{
    const struct fl_config *config = reading->config;
    const struct fl_group *group = &config->group[name->group];
    const size_t digits = strcspn(bracket + 1, "]");
    const char *after = bracket + 1 + digits;
    const bool twin = strcmp(after, "]~") == 0;
    int64_t index = 0;
    if ((!twin && strcmp(after, "]") != 0) || !fl_decimal(bracket + 1, digits, 0, &index) ||
        index < 0 || index >= group->count) {
        fl_mistake(&reading->json, item, FL_AT_VALUE,
                   "expected a group, or a member as \"%s[0]\" to \"%s[%" PRIu32 "]\"", group->name,
                   group->name, group->count - 1);
        return false;
    }
    name->first = group->first + (uint32_t)index;
    name->count = 1;
    if (!twin) {
        return true;
    }
    uint32_t i = 0;
    while (i < config->twin_count && config->twin_of[i] != name->first) {
        i++;
    }
    if (i == config->twin_count) {
        fl_mistake(&reading->json, item, FL_AT_VALUE, "no fault gives this member a twin");
        return false;
    }
    name->first = config->facts.endpoints - config->twin_count + i;
    return true;
}

static bool read_endpoints(struct fl_reading *reading, const cJSON *item, struct side_name *found)
{
    const char *name = fl_read_word(reading, item);
    if (!name) {
        return false;
    }
    const struct fl_config *config = reading->config;
    const char *bracket = strchr(name, '[');
    const size_t length = bracket ? (size_t)(bracket - name) : strlen(name);
    struct fl_guess guess = {.wanted = name};
    uint32_t g = 0;
    while (g < config->group_count && (strlen(config->group[g].name) != length ||
                                       memcmp(config->group[g].name, name, length) != 0)) {
        fl_guess_offer(&guess, config->group[g++].name);
    }
    if (g == config->group_count) {
        fl_mistake(&reading->json, item, FL_AT_VALUE, "no group of nodes is called \"%.*s\"%s",
                   (int)(length < FL_QUOTED_BYTES ? length : FL_QUOTED_BYTES), name,
                   fl_guess_hint(&guess).text);
        return false;
    }
    if (!reading->sized[g]) {
        return false; /* its count was wrong, which has been said */
    }
    *found = (struct side_name){g, config->group[g].first, config->group[g].count};
    return !bracket || read_member(reading, item, bracket, found);
}

/* One side; its mistakes may leave nobody on it. */
static void read_side(struct fl_reading *reading, const cJSON *side, uint32_t number,
                      struct fl_fault_spec *fault, cJSON *out)
{
    for (const cJSON *item = side->child; item; item = item->next) {
        struct side_name name;
        if (!read_endpoints(reading, item, &name)) {
            continue;
        }
        if (fault->group == UINT32_MAX) {
            fault->group = name.group;
        }
        for (uint32_t e = name.first; e < name.first + name.count; e++) {
            fault->side[e] |= (uint64_t)1 << number;
        }
        fl_json_push(out, cJSON_CreateString(item->valuestring));
    }
}

/* A twin that no side names is where its original is. */
static void list_sides(struct fl_reading *reading, struct fl_fault_spec *fault)
{
    const struct fl_config *config = reading->config;
    const uint32_t endpoints = config->facts.endpoints, first = endpoints - config->twin_count;
    for (uint32_t i = 0; i < config->twin_count; i++) {
        if (fault->side[first + i] == 0) {
            fault->side[first + i] = fault->side[config->twin_of[i]];
        }
    }
    uint32_t *member = fl_arena_alloc(reading->arena, endpoints, sizeof *member);
    for (uint32_t e = 0; e < endpoints; e++) {
        if (fault->side[e]) {
            member[fault->count++] = e;
        }
    }
    fault->member = member;
}

void fl_read_sides(struct fl_reading *reading, const cJSON *list, struct fl_fault_spec *fault,
                   cJSON *out)
{
    if (!fl_is_list(reading, list, "sides")) {
        return;
    }
    const int count = cJSON_GetArraySize(list);
    if (count < 2 || count > SIDES_MAX) {
        fl_mistake(&reading->json, list, FL_AT_VALUE, "expected 2 to %d sides, found %d",
                   (int)SIDES_MAX, count);
        return;
    }
    if (reading->crowded) {
        return;
    }
    fault->side =
        fl_arena_alloc(reading->arena, reading->config->facts.endpoints, sizeof *fault->side);
    cJSON *sides = fl_json_made(cJSON_CreateArray());
    fl_json_put(out, "sides", sides);
    uint32_t number = 0;
    for (const cJSON *side = list->child; side; side = side->next) {
        cJSON *names = fl_json_made(cJSON_CreateArray());
        fl_json_push(sides, names);
        if (!cJSON_IsArray(side) || !side->child) {
            fl_mistake(&reading->json, side, FL_AT_VALUE,
                       "expected a list of groups and members, such as [\"validator[0]\"]");
            continue;
        }
        read_side(reading, side, number++, fault, names);
    }
    list_sides(reading, fault);
}

void fl_read_spells(struct fl_reading *reading, const cJSON *object, struct fl_fault_spec *fault,
                    cJSON *out)
{
    const cJSON *struck = fl_member(object, "mttr_s"), *well = fl_member(object, "mtbf_s");
    const cJSON *stability = fl_member(object, "stability_s");
    if (!struck && !well && !stability) {
        return;
    }
    if (!struck || !well) {
        fl_missing(reading, object, struck ? "mtbf_s" : "mttr_s");
        return;
    }
    read_law_key(reading, object, "mttr_s", spell_range, &fault->struck, out);
    read_law_key(reading, object, "mtbf_s", spell_range, &fault->well, out);
    fault->stability = STABILITY_LEAST;
    read_optional(reading, object, "stability_s", FL_SECONDS(STABILITY_LEAST), &fault->stability,
                  out);
}
