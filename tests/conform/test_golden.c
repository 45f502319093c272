/* One digest for each scenario: tests/golden/digests. `make golden` rewrites it; the commit says which
 * behaviour changed. The values come from this program: they detect change, not error. */
#include "tests/lib/run.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#define PATH "tests/golden/digests"
enum { TEXT = 1 << 14 };

static void digests(char *text)
{
    glob_t found;
    cr_assert_eq(glob("scenarios/*.json", 0, NULL, &found), 0);
    size_t used = 0;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        if (strstr(found.gl_pathv[i], ".schema.json")) continue;
        struct fl_problems problems = {.to = stderr};
        struct fl_config *config = fl_config_load(found.gl_pathv[i], NULL, 0, NULL, &problems);
        cr_assert_not_null(config);
        struct fl_world *world = fl_world_new(config);
        fl_world_run(world);
        const struct fl_digest d = fl_world_result(world)->digest;
        used += (size_t)snprintf(text + used, TEXT - used, "%016" PRIx64 "%016" PRIx64 "  %s\n",
                                 d.hi, d.lo, found.gl_pathv[i]);
        fl_world_free(world);
        fl_config_free(config);
    }
    globfree(&found);
}

Test(golden, digests_of_scenarios, .timeout = 1200)
{
    static char now[TEXT], then[TEXT];
    digests(now);
    const char *mode = getenv("FL_GOLDEN");
    const bool write = mode && strcmp(mode, "write") == 0;
    FILE *f = fopen(PATH, write ? "w" : "r");
    cr_assert_not_null(f, "%s cannot be opened", PATH);
    if (write)
        fputs(now, f);
    else
        then[fread(then, 1, TEXT - 1, f)] = '\0';
    fclose(f);
    if (!write)
        cr_assert_str_eq(now, then, "a digest moved; if that was meant, `make golden` and say why");
}
