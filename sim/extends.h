/* One tree of JSON from all that a scenario is made of: the files it extends, the file itself, the
 * --set arguments; later ones win. Objects merge key by key, everything else replaces. */
#ifndef FL_EXTENDS_H
#define FL_EXTENDS_H
#include "sim/json.h"

enum { FL_EXTENDS_MAX = 8 }; /* files in a chain, beside the first */

/* A file's content, freed by the caller. NULL if it cannot be read (errno tells why). Of a file that
 * is too large only the first FL_JSON_FILE_BYTES + 1 bytes are read. */
char *fl_file_read(const char *path, size_t *bytes);

/* NULL after a syntax error or a bad "extends"; mistakes in overrides leave the rest of the tree.
 * The text at `path` is always the first text of `json`. cJSON_Delete frees the tree. */
cJSON *fl_scenario_tree(struct fl_json *json, const char *content, size_t bytes, const char *path,
                        const char *const *overrides, size_t override_count);

#endif
