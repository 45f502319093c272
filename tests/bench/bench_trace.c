/* What a trace costs: the same runs with every trace detail, from the scenario to the closed archive. */
#include "sim/archive.h"
#include "tests/lib/bench.h"
#include "tests/lib/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct traced {
    const char *name, *detail, *file; /* PBFT if there is no file */
};
enum { RECORDS, ROWS, BYTES };

static void give_up(const char *why)
{
    fprintf(stderr, "bench: %s\n", why);
    exit(EXIT_FAILURE);
}

static struct fl_test_run run_of(const struct traced *t)
{
    char detail[64];
    const char *const override = detail;
    if (!t->file) return fl_test_run(fl_bench_pbft(16, "300", t->detail), NULL, 0, 1);
    snprintf(detail, sizeof detail, "trace.detail=%s", t->detail);
    return fl_test_run_file(t->file, &override, 1, 1);
}

static uint64_t take_away(const char *folder)
{
    static const char *const files[] = {"trace.h5", "summary.json", "build.json"};
    uint64_t bytes = 0;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        FILE *const f = fopen(path, "rb");
        if (!f || fseek(f, 0, SEEK_END) != 0) give_up("an archive lacks a file");
        if (i == 0) bytes = (uint64_t)ftell(f);
        fclose(f);
        unlink(path);
    }
    rmdir(folder);
    return bytes;
}

static struct fl_bench trace(const void *what)
{
    char folder[] = "/tmp/faultline-bench-XXXXXX", hash[33];
    if (!mkdtemp(folder)) give_up("no folder for archives");
    const double start = fl_bench_now();
    struct fl_test_run run = run_of(what);
    uint32_t failed;
    fl_archive_content_hash(run.config, run.result, hash);
    char *const summary = fl_summary_text(run.config, run.result, hash, &failed);
    const char *const wrong = fl_archive_write(run.config, run.result, hash, summary, folder);
    if (wrong) give_up(wrong);
    struct fl_bench m = {
        .seconds = fl_bench_now() - start,
        .count = {fl_records_count(run.result->records), run.result->message_count},
    };
    m.count[BYTES] = take_away(folder);
    free(summary);
    fl_test_run_free(&run);
    return m;
}

int main(void)
{
    static const char flagship[] = "scenarios/eth-crash-2020-03-12.json";
    static const struct traced all[] = {
        {"flagship", "summary", flagship},  {"flagship", "events", flagship},
        {"flagship", "messages", flagship}, {"PBFT, n = 16", "summary", NULL},
        {"PBFT, n = 16", "events", NULL},   {"PBFT, n = 16", "messages", NULL}};
    double plain = 0;
    fl_bench_title("Traces, archive included", "build/tests/bench/bench_trace");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const struct fl_bench m = fl_bench_median(trace, &all[i]);
        const uint64_t rows = i % 3 == 0 ? 0 : m.count[RECORDS] + m.count[ROWS];
        if (i % 3 == 0) plain = m.seconds;
        printf("%-12s  %-8s  %7.3f s  %+6.1f %%  %8" PRIu64 " rows", all[i].name, all[i].detail,
               m.seconds, 100 * (m.seconds / plain - 1), rows);
        if (rows > 0) printf("  %6.2f M rows/s more", (double)rows / (m.seconds - plain) / 1e6);
        printf("  %8" PRIu64 " bytes\n", m.count[BYTES]);
    }
    return 0;
}
