/* A finished run made by hand, for tests of what becomes of it: an hour of prices, five reporters
 * stuck from 0:20 to 0:40, one liquidation that goes through the whole waterfall, and one more
 * deficit. Nothing is simulated. */
#ifndef ARCHIVE_FIXTURE_H
#define ARCHIVE_FIXTURE_H
#include "models/wire.h"
#include "sim/alloc.h"
#include "sim/h5.h"
#include "sim/world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FAKE_DEFICIT = 9,
    FAKE_FUND_PAID,
    FAKE_ADL,
    FAKE_SOCIALISED,
    FAKE_OUTSTANDING,
    FAKE_LATENT,
    FAKE_COLLATERAL,
    FAKE_JUDGED,
    FAKE_SERIES,
    FAKE_SAMPLES = 361,
    FAKE_MESSAGES = 3,
    FAKE_RAW_BYTES = 200000 /* HDF5's old attributes end at 64 KiB */
};

static const struct fl_observable fake_observables[] = {
    {"market.fundamental", "true price", FL_USD, FL_FIRST},
    {"oracle.price", "price in force", FL_USD, FL_FIRST},
    {"oracle.valid", "whether it may be used", FL_BOOL, FL_FIRST},
    {"ledger.insurance_fund", "what is left of it", FL_USD, FL_FIRST},
    {"ledger.bad_debt", "deficits the fund did not pay", FL_USD, FL_FIRST},
    {"ledger.due", "due for liquidation", FL_USD, FL_FIRST},
    {"ledger.liquidated", "liquidated so far", FL_USD, FL_FIRST},
    {"ledger.wait", "longest wait", FL_NANOSECOND, FL_MAX},
    {"ledger.share", "share of something", FL_PPM, FL_MAX},
    {"ledger.deficit", "losses beyond the collateral", FL_USD, FL_FIRST},
    {"ledger.fund_paid", "of it by the fund", FL_USD, FL_FIRST},
    {"ledger.adl", "of it by counterparties", FL_USD, FL_FIRST},
    {"ledger.socialised", "of it by all", FL_USD, FL_FIRST},
    {"ledger.outstanding", "of it by nobody", FL_USD, FL_FIRST},
    {"ledger.latent_bad_debt", "negative equity of open accounts", FL_USD, FL_FIRST},
    {"ledger.collateral_lost", "what the liquidated had", FL_USD, FL_FIRST},
    {"ledger.judged", "whether it was measured", FL_BOOL, FL_MAX},
    {NULL, NULL, 0, 0}};
static const struct fl_model fake_world = {.name = "fake", .observables = fake_observables};
static const struct fl_model fake_stuck = {.name = "stuck"}, fake_crash = {.name = "crash"};

struct fake {
    struct fl_config config;
    struct fl_result result;
    struct fl_group group[2];
    struct fl_part check[2];
    struct fl_fault_spec spec;
    struct fl_fault_result fault;
    uint32_t member[2];
    struct fl_observable_ref observable[FAKE_SERIES];
    struct fl_verdict verdict[2];
    struct fl_message_row message[FAKE_MESSAGES];
    fl_time at[FAKE_SAMPLES];
    int64_t series[FAKE_SERIES][FAKE_SAMPLES], final[FAKE_SERIES];
    int64_t *sample[FAKE_SERIES];
    struct fl_records *records;
    char raw[FAKE_RAW_BYTES + 1];
};

/* Parts of a run that the content hash must notice. */
enum fake_change {
    FAKE_AS_IT_IS,
    FAKE_SAMPLE,
    FAKE_SAMPLE_TIME,
    FAKE_RECORD_VALUE,
    FAKE_RECORD_TIME,
    FAKE_RECORD_PARENT,
    FAKE_RECORD_ENDPOINT,
    FAKE_RECORD_KIND,
    FAKE_FAULT_NAME,
    FAKE_FAULT_MODEL,
    FAKE_FAULT_GROUP,
    FAKE_FAULT_MEMBER,
    FAKE_FAULT_FROM,
    FAKE_FAULT_TO,
    FAKE_FAULT_RECORD,
    FAKE_FAULT_SUPPRESSED,
    FAKE_FAULT_INJECTED,
    FAKE_CHECK_NAME,
    FAKE_CHECK_KIND,
    FAKE_CHECK_VALUE,
    FAKE_CHECK_TIME,
    FAKE_CHECK_RECORD,
    FAKE_NODE_NAME,
    FAKE_MESSAGE_SENT,
    FAKE_MESSAGE_ARRIVES,
    FAKE_MESSAGE_WORD,
    FAKE_MESSAGE_FROM,
    FAKE_MESSAGE_TO,
    FAKE_MESSAGE_PARENT,
    FAKE_MESSAGE_RAW_PARENT,
    FAKE_MESSAGE_BLOB,
    FAKE_MESSAGE_KIND,
    FAKE_MESSAGE_COPY,
    FAKE_MESSAGE_FAMILY,
    FAKE_MESSAGE_FATE,
    FAKE_RESOLVED,
    FAKE_CHANGES
};

/* Fault edge, recovery, report, transaction, price, liquidation, two who take over what is left of it,
 * deficit; and a second deficit that no fault led to. Ids are 1 to 11. */
static inline void fake_records(struct fake *f, enum fake_change change)
{
    const struct fl_record rows[] = {
        {.kind = FL_RECORD_FAULT, .endpoint = UINT32_MAX, .at = 1200 * FL_SECOND},
        {.kind = FL_RECORD_RECOVERY,
         .parent = 1,
         .endpoint = 4,
         .v = {0, 4},
         .at = 2400 * FL_SECOND},
        {.kind = FL_RECORD_REPORT,
         .parent = 2,
         .endpoint = 4,
         .v = {99, 7, 131250000},
         .at = 2400 * FL_SECOND},
        {.kind = FL_RECORD_TX,
         .parent = 3,
         .endpoint = 4,
         .v = {4, 7, 0, 1},
         .at = 2401 * FL_SECOND},
        {.kind = FL_RECORD_PRICE,
         .parent = 4,
         .endpoint = UINT32_MAX,
         .v = {0, 8, 131250000, 168000000},
         .at = 2402 * FL_SECOND},
        {.kind = FL_RECORD_LIQUIDATION,
         .parent = 5,
         .endpoint = UINT32_MAX,
         .v = {747, 1, 0, 5050831730, 837057560000, -50000000000},
         .at = 2403 * FL_SECOND + 250 * FL_MILLISECOND},
        {.kind = FL_RECORD_DELEVERAGED,
         .parent = 6,
         .endpoint = UINT32_MAX,
         .v = {747, 1, 31, 1500000000, 271875000000, 75000000000},
         .at = 2403 * FL_SECOND + 250 * FL_MILLISECOND},
        {.kind = FL_RECORD_DELEVERAGED,
         .parent = 7,
         .endpoint = UINT32_MAX,
         .v = {747, 1, 8, 500000000, 90625000000, 25000000000},
         .at = 2403 * FL_SECOND + 250 * FL_MILLISECOND},
        {.kind = FL_RECORD_DEFICIT,
         .parent = 8,
         .endpoint = UINT32_MAX,
         .v = {747, 1, 50000000000, 100000000000, 47792610000, 0},
         .at = 2403 * FL_SECOND + 250 * FL_MILLISECOND},
        {.kind = FL_RECORD_TICK, .endpoint = 0, .v = {5, 0, 120000000}, .at = 3000 * FL_SECOND},
        {.kind = FL_RECORD_DEFICIT,
         .parent = 10,
         .endpoint = UINT32_MAX,
         .v = {3, 2, 0, 0, 0, 1000000000},
         .at = 3000 * FL_SECOND},
    };
    f->records = fl_records_new();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fl_record row = rows[i];
        if (i == 4) {
            row.v[3] += change == FAKE_RECORD_VALUE;
            row.at += change == FAKE_RECORD_TIME;
            row.parent -= change == FAKE_RECORD_PARENT;
            row.endpoint -= change == FAKE_RECORD_ENDPOINT;
            row.kind = change == FAKE_RECORD_KIND ? FL_RECORD_TICK : row.kind;
        }
        fl_records_add(f->records, &row);
    }
}

static inline void fake_series(struct fake *f, enum fake_change change)
{
    for (uint32_t i = 0; i < FAKE_SAMPLES; i++) {
        f->at[i] = i * 10 * FL_SECOND + (change == FAKE_SAMPLE_TIME && i == 3);
        const bool stuck = i >= 120 && i < 240, over = i >= 241;
        const int64_t price = 168000000 - (i > 120 ? (int64_t)(i - 120) * 150000 : 0);
        const int64_t values[FAKE_SERIES] = {price,
                                             stuck ? 168000000 : price,
                                             1,
                                             over ? 0 : 50000000000,
                                             over ? 148792610000 : 0,
                                             stuck ? (int64_t)(i - 120) * 10000000000 : 0,
                                             over ? 937057560000 : 0,
                                             -1,
                                             INT64_MIN,
                                             over ? 198792610000 : 0,
                                             over ? 50000000000 : 0,
                                             over ? 100000000000 : 0,
                                             over ? 47792610000 : 0,
                                             over ? 1000000000 : 0,
                                             over ? 2500000001 : 0,
                                             over ? 90000000002 : 0,
                                             1};
        for (int k = 0; k < FAKE_SERIES; k++) f->series[k][i] = values[k];
    }
    f->series[1][200] += change == FAKE_SAMPLE;
    for (int k = 0; k < FAKE_SERIES; k++) {
        f->sample[k] = f->series[k];
        f->final[k] = f->series[k][FAKE_SAMPLES - 1];
        f->observable[k] = (struct fl_observable_ref){&fake_world, (uint32_t)k, UINT32_MAX,
                                                      fake_observables[k].name};
    }
}

static inline void fake_fault(struct fake *f, enum fake_change change)
{
    f->member[0] = change == FAKE_FAULT_MEMBER ? 1 : 2;
    f->member[1] = 4;
    f->spec = (struct fl_fault_spec){
        .model = change == FAKE_FAULT_MODEL ? &fake_crash : &fake_stuck,
        .group = change != FAKE_FAULT_GROUP,
        .count = 2,
        .from = 1200 * FL_SECOND + (change == FAKE_FAULT_FROM),
        .to = 2400 * FL_SECOND + (change == FAKE_FAULT_TO),
    };
    strcpy(f->spec.name, change == FAKE_FAULT_NAME ? "frozen" : "feeds|stuck");
    f->fault = (struct fl_fault_result){.spec = &f->spec,
                                        .member = f->member,
                                        .count = 2,
                                        .from = f->spec.from,
                                        .to = f->spec.to,
                                        .opened = 1,
                                        .record = 1 + (change == FAKE_FAULT_RECORD),
                                        .suppressed = 1234567 + (change == FAKE_FAULT_SUPPRESSED),
                                        .injected = 5 + (change == FAKE_FAULT_INJECTED)};
}

static inline void fake_checks(struct fake *f, enum fake_change change)
{
    strcpy(f->check[0].name, change == FAKE_CHECK_NAME ? "accord" : "agreement");
    strcpy(f->check[1].name, "solvency");
    f->verdict[0] = (struct fl_verdict){
        .kind = change == FAKE_CHECK_KIND ? FL_NOT_APPLICABLE : FL_HOLDS, .what = "one chain"};
    f->verdict[1] = (struct fl_verdict){
        .kind = FL_BROKEN,
        .what = "bad debt {0} after {1} s",
        .value = {148792610000 + (change == FAKE_CHECK_VALUE), 2403250 * FL_MILLISECOND},
        .unit = {FL_USD, FL_NANOSECOND},
        .record = 9 + (change == FAKE_CHECK_RECORD),
        .at = 5 + (change == FAKE_CHECK_TIME)};
}

static inline void fake_messages(struct fake *f, enum fake_change change)
{
    for (uint32_t i = 0; i < FAKE_MESSAGES; i++)
        f->message[i] = (struct fl_message_row){.sent = i * FL_SECOND,
                                                .arrives = i * FL_SECOND + 60,
                                                .word = {UINT64_MAX - i, i, 3},
                                                .from = i,
                                                .to = 2,
                                                .parent = i + 1,
                                                .raw_parent = i,
                                                .blob_bytes = 512,
                                                .kind = 64,
                                                .copy = 1,
                                                .family = FL_CHAIN,
                                                .fate = FL_DELIVERED};
    struct fl_message_row *m = &f->message[1];
    m->sent += change == FAKE_MESSAGE_SENT;
    m->arrives += change == FAKE_MESSAGE_ARRIVES;
    m->word[2] += change == FAKE_MESSAGE_WORD;
    m->from += change == FAKE_MESSAGE_FROM;
    m->to += change == FAKE_MESSAGE_TO;
    m->parent += change == FAKE_MESSAGE_PARENT;
    m->raw_parent += change == FAKE_MESSAGE_RAW_PARENT;
    m->blob_bytes += change == FAKE_MESSAGE_BLOB;
    m->kind = (uint16_t)(m->kind + (change == FAKE_MESSAGE_KIND));
    m->copy = (uint16_t)(m->copy + (change == FAKE_MESSAGE_COPY));
    m->family = (uint8_t)(m->family + (change == FAKE_MESSAGE_FAMILY));
    m->fate = (uint8_t)(m->fate + (change == FAKE_MESSAGE_FATE));
}

static inline struct fake *fake_new(enum fake_change change)
{
    struct fake *f = fl_alloc(1, sizeof *f);
    fake_records(f, change);
    fake_series(f, change);
    fake_fault(f, change);
    fake_checks(f, change);
    fake_messages(f, change);
    strcpy(f->group[0].name, change == FAKE_NODE_NAME ? "ledger" : "market");
    strcpy(f->group[1].name, "reporter");
    f->group[0].count = 1;
    f->group[1].first = 1;
    f->group[1].count = 5;
    memset(f->raw, ' ', FAKE_RAW_BYTES - 1);
    f->raw[0] = '{';
    f->raw[FAKE_RAW_BYTES - 1] = '}';
    f->config = (struct fl_config){
        .name = "an-hour",
        .why = "To see what the files say.",
        .seed = UINT64_MAX,
        .end = 3600 * FL_SECOND,
        .group_count = 2,
        .group = f->group,
        .fault_count = 1,
        .fault = &f->spec,
        .check_count = 2,
        .check = f->check,
        .detail = FL_DETAIL_MESSAGES,
        .sample = 10 * FL_SECOND,
        .observable_count = FAKE_SERIES,
        .observable = f->observable,
        .raw = f->raw,
        .resolved = change == FAKE_RESOLVED ? "{\"name\": \"other\"}" : "{\"name\": \"an-hour\"}",
        .overrides = "a.b=1\nc=2",
    };
    f->result = (struct fl_result){
        .digest = {.lo = 0x0123456789abcdef, .hi = 0x00000000deadbeef},
        .end = 3600 * FL_SECOND,
        .events = UINT64_C(9007199254740993), /* 2^53 + 1: no double */
        .messages = FAKE_MESSAGES,
        .delivered = 2,
        .dropped = 1,
        .records = f->records,
        .sample_count = FAKE_SAMPLES,
        .sample_at = f->at,
        .sample = f->sample,
        .final = f->final,
        .fault_count = 1,
        .fault = &f->fault,
        .verdict = f->verdict,
        .message_count = FAKE_MESSAGES,
        .message = f->message,
    };
    return f;
}

static inline void fake_free(struct fake *f)
{
    fl_records_free(f->records);
    free(f);
}

/* --- folders ------------------------------------------------------------------------------------ */

enum { FAKE_PATH = 256 };

static inline void fake_folder(char path[FAKE_PATH])
{
    strcpy(path, "/tmp/faultline-test-XXXXXX");
    cr_assert_not_null(mkdtemp(path));
}

static inline void fake_path(const char *folder, const char *name, char path[2 * FAKE_PATH])
{
    cr_assert_lt(strlen(folder) + strlen(name) + 2, 2 * FAKE_PATH);
    strcat(strcat(strcpy(path, folder), "/"), name);
}

/* A column of a file that a test makes by hand, from fl_h5_new. */
static inline void fake_put(hid_t file, const char *path, const char *units,
                            enum fl_column_type type, uint32_t width, uint64_t count,
                            const void *values)
{
    const struct fl_h5_column column = {.path = path,
                                        .units = units,
                                        .long_name = "of a test",
                                        .type = type,
                                        .width = width,
                                        .count = count,
                                        .values = values};
    cr_assert(fl_h5_column(file, &column), "%s", path);
}

/* Closes it and writes it into a folder. */
static inline void fake_publish(hid_t file, const char *folder, const char *name)
{
    struct fl_h5_image image;
    char path[2 * FAKE_PATH];
    cr_assert(fl_h5_take(file, &image));
    cr_assert(H5Fclose(file) >= 0);
    fake_path(folder, name, path);
    FILE *out = fopen(path, "w");
    cr_assert_eq(fwrite(image.bytes, 1, image.count, out), image.count);
    fclose(out);
    free(image.bytes);
}

static inline bool fake_exists(const char *folder, const char *name)
{
    char path[2 * FAKE_PATH];
    fake_path(folder, name, path);
    return access(path, F_OK) == 0;
}

static inline void fake_remove(const char *folder)
{
    static const char *const names[] = {
        "summary.json", "build.json",   "trace.h5",      "summary.json.tmp", "build.json.tmp",
        "trace.h5.tmp", "report.md",    "report.md.tmp", "timeline.gp",      "timeline.tsv",
        "timeline.png", "timeline.pdf", "timeline.svg",  "timeline.png.tmp", "gnuplot"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[2 * FAKE_PATH];
        fake_path(folder, names[i], path);
        unlink(path);
    }
    cr_expect_eq(rmdir(folder), 0, "%s is not empty", folder);
}

/* The whole file with a NUL; the caller frees it. */
static inline char *fake_read(const char *folder, const char *name, size_t *bytes)
{
    char path[2 * FAKE_PATH];
    fake_path(folder, name, path);
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    fseek(file, 0, SEEK_END);
    const long size = ftell(file);
    rewind(file);
    char *content = fl_alloc((size_t)size + 1, 1);
    cr_assert_eq(fread(content, 1, (size_t)size, file), (size_t)size);
    fclose(file);
    *bytes = (size_t)size;
    return content;
}

#endif
