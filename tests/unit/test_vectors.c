/* build/vectors: every published case passes, and what does not pass is told apart and named. */
#define _XOPEN_SOURCE 700
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAID = 1 << 16, COMMAND = 512 };

/* Exit status of the program, and all it said, both streams. */
static int run(const char *files, char said[SAID])
{
    const char *build = getenv("FL_BUILD");
    char command[COMMAND];
    snprintf(command, sizeof command, "%s/vectors", build ? build : "build");
    cr_assert_eq(access(command, X_OK), 0, "%s is not there; run me through `make test`", command);
    snprintf(command, sizeof command, "%s/vectors %s 2>&1", build ? build : "build", files);
    FILE *from = popen(command, "r");
    cr_assert_not_null(from);
    said[fread(said, 1, SAID - 1, from)] = '\0';
    const int status = pclose(from);
    cr_assert(WIFEXITED(status), "%s", said);
    return WEXITSTATUS(status);
}

/* A file of one's own, with these cases. */
static void write_cases(char path[64], const char *cases)
{
    strcpy(path, "/tmp/faultline-vectors-XXXXXX");
    const int descriptor = mkstemp(path);
    cr_assert(descriptor >= 0);
    FILE *to = fdopen(descriptor, "w");
    fprintf(to, "{\"cases\": [%s]}", cases);
    fclose(to);
}

static int run_cases(const char *cases, char said[SAID])
{
    char path[64];
    write_cases(path, cases);
    const int status = run(path, said);
    remove(path);
    return status;
}

/* 115, 46 and 64 cases are in the files: counted there, not by the program. */
Test(vectors, every_published_case_passes)
{
    char said[SAID];
    const int status = run("tests/vectors/*.json", said);
    cr_expect_eq(status, 0, "%s", said);
    cr_expect_not_null(strstr(said, "\n225 passed, 0 failed\n"), "%s", said);
    cr_expect_not_null(strstr(said, "bankruptcy_price: 12 passed, 0 failed\n"), "%s", said);
}

#define NOTIONAL(price, expected)                                                             \
    "{\"kind\": \"net_notional\", \"name\": \"a name\", \"price\": " price                    \
    ", \"price_exponent\": 0, \"atomic_resolution\": -6, \"quantums\": \"3\", \"expected\": " \
    "\"" expected "\"}"

Test(vectors, a_wrong_answer_fails_by_name)
{
    char said[SAID];
    cr_expect_eq(run_cases(NOTIONAL("7", "22") "," NOTIONAL("7", "21"), said), 1);
    cr_expect_not_null(strstr(said, ": net_notional: a name: expected: expected 22, found 21\n"),
                       "%s", said);
    cr_expect_not_null(strstr(said, "net_notional: 1 passed, 1 failed\n1 passed, 1 failed\n"), "%s",
                       said);
}

/* 2^53 + 1 is no double; 3 (2^53 + 1) = 27021597764222979. */
Test(vectors, numbers_keep_every_digit)
{
    char said[SAID];
    cr_expect_eq(run_cases(NOTIONAL("9007199254740993", "27021597764222979"), said), 0, "%s", said);
    cr_expect_eq(run_cases(NOTIONAL("\"9007199254740993\"", "27021597764222979"), said), 0, "%s",
                 said);
    cr_expect_eq(run_cases(NOTIONAL("9007199254740992", "27021597764222979"), said), 1);
    cr_expect_eq(run_cases(NOTIONAL("1.5", "4"), said), 1);
    cr_expect_not_null(strstr(said, "1.5 is no integer"), "%s", said);
}

Test(vectors, an_unknown_kind_fails_by_name)
{
    char said[SAID];
    cr_expect_eq(
        run_cases(
            "{\"kind\": \"seance\", \"name\": \"x\"}, {\"kind\": \"seance\"}," NOTIONAL("7", "21"),
            said),
        1);
    cr_expect_not_null(strstr(said, "seance: 0 passed, 2 failed\n"), "%s", said);
    cr_expect_not_null(strstr(said, "\n1 passed, 2 failed\n"), "%s", said);
}

Test(vectors, what_a_case_lacks_fails_it)
{
    char said[SAID];
    cr_expect_eq(run_cases("{\"kind\": \"net_notional\", \"name\": \"x\"}", said), 1);
    cr_expect_not_null(strstr(said, "price is missing"), "%s", said);
    cr_expect_not_null(strstr(said, "net_notional: 0 passed, 1 failed\n"), "%s", said);
}

/* An error that is expected and does not come is a failure, and the other way round. */
Test(vectors, errors_are_expected_both_ways)
{
    char said[SAID];
    static const char *const head =
        "{\"kind\": \"bankruptcy_price\", \"name\": \"x\", \"perpetuals\": [{\"perpetual_id\": 4, "
        "\"price\": 5, \"price_exponent\": 0, \"atomic_resolution\": -6, "
        "\"initial_margin_ppm\": 1000000, \"maintenance_fraction_ppm\": 1000000, "
        "\"oi_lower_cap\": 0, \"oi_upper_cap\": 0}], \"perpetual_id\": 4, \"quote_balance\": -10, "
        "\"positions\": [{\"perpetual_id\": 4, \"quantums\": 2, \"funding_index\": 0}], ";
    char text[2048];
    snprintf(text, sizeof text, "%s\"delta_quantums\": -2, \"expected_error\": \"E\"}", head);
    cr_expect_eq(run_cases(text, said), 1);
    cr_expect_not_null(strstr(said, "expected E, found none"), "%s", said);
    snprintf(text, sizeof text, "%s\"delta_quantums\": 2, %s}", head,
             "\"expected_bankruptcy_price_quote_quantums\": 10");
    cr_expect_eq(run_cases(text, said), 1);
    cr_expect_not_null(strstr(said, "expected none, found a refusal"), "%s", said);
    snprintf(text, sizeof text, "%s\"delta_quantums\": -2, %s}", head,
             "\"expected_bankruptcy_price_quote_quantums\": 10");
    cr_expect_eq(run_cases(text, said), 0, "%s", said);
}

Test(vectors, what_cannot_be_read_is_status_3)
{
    char said[SAID];
    cr_expect_eq(run("/nonexistent/x.json tests/vectors/dydx_v4_funding.json", said), 3);
    cr_expect_not_null(strstr(said, "cannot read /nonexistent/x.json: No such file or directory\n"),
                       "%s", said);
    cr_expect_not_null(strstr(said, "46 passed, 0 failed\n"), "%s", said);
    cr_expect_eq(run_cases("{\"kind\": }", said), 3);
    cr_expect_not_null(strstr(said, "it is not JSON"), "%s", said);
    cr_expect_eq(run_cases("", said), 3);
    cr_expect_not_null(strstr(said, "no list `cases`"), "%s", said);
    cr_expect_eq(run("", said), 2);
}
