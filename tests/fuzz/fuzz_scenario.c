/* Anything at all, read as a scenario (libFuzzer): it is refused with a message, or it is accepted and
 * then what is in force reads as itself. `make fuzz` runs it.
 *
 * The input is the file; each "\n--set " in it begins an argument of the command line. "extends" finds
 * the files of tests/fuzz/extends. */
#include "sim/alloc.h"
#include "sim/config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define PATH "tests/fuzz/extends/input.json"
static const char mark[] = "\n--set ";
enum { MARK = sizeof mark - 1, OVERRIDES_MAX = 16 };

/* Messages go nowhere, but they are made. */
static struct fl_config *read_text(const char *text, size_t bytes, const char *const *overrides,
                                   size_t count)
{
    char *said = NULL;
    size_t said_bytes = 0;
    struct fl_problems problems = {.to = open_memstream(&said, &said_bytes)};
    struct fl_config *config =
        fl_config_parse(text, bytes, PATH, overrides, count, NULL, &problems);
    fclose(problems.to);
    FL_ASSERT((config != NULL) == (problems.count == 0));
    FL_ASSERT((said_bytes > 0) == (problems.count > 0));
    free(said);
    return config;
}

/* Cuts the text at its marks: the file ends at the first, each argument at the next. */
static size_t cut(char *text, size_t bytes, const char **overrides, size_t *file_bytes)
{
    size_t count = 0;
    *file_bytes = bytes;
    for (size_t at = 0; at + MARK <= bytes && count < OVERRIDES_MAX; at++) {
        if (memcmp(text + at, mark, MARK) == 0) {
            *file_bytes = count == 0 ? at : *file_bytes;
            text[at] = '\0';
            overrides[count++] = text + at + MARK;
        }
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    const char *overrides[OVERRIDES_MAX];
    char *text = fl_strndup((const char *)data, bytes);
    size_t file_bytes;
    const size_t count = cut(text, bytes, overrides, &file_bytes);
    struct fl_config *config = read_text(text, file_bytes, overrides, count);
    if (config) {
        struct fl_config *again = read_text(config->resolved, strlen(config->resolved), NULL, 0);
        FL_ASSERT(again); /* what is in force was refused */
        FL_ASSERT(strcmp(config->resolved, again->resolved) == 0);
        fl_config_free(again);
    }
    fl_config_free(config);
    free(text);
    return 0;
}
