/* Memory for what is set up once: out of memory ends the program with a message and exit code 3. */
#ifndef FL_ALLOC_H
#define FL_ALLOC_H
#include "sim/base.h"

#include <stdio.h>

/* Zeroed; never NULL, not even for zero bytes. Freed with free(). */
void *fl_alloc(size_t count, size_t bytes);
/* Keeps the old content; what is new is not zeroed. */
void *fl_realloc(void *old, size_t count, size_t bytes);
/* `old` with room for one more than `count`; `room` doubles when it is full. */
void *fl_grow(void *old, uint32_t count, uint32_t *room, size_t bytes);
char *fl_strdup(const char *text);
char *fl_strndup(const char *text, size_t bytes);

/* A stream whose text grows in memory; *text and *bytes are there when it is closed, and the caller frees
 * *text. */
FILE *fl_text_open(char **text, size_t *bytes);
void fl_text_close(FILE *stream);

/* Says so on stderr and exits with 3. */
_Noreturn void fl_out_of_memory(void);

/* Blocks that are freed together: what a configuration owns. Start with a zeroed one. */
struct fl_arena {
    struct fl_arena_block *newest;
};
void *fl_arena_alloc(struct fl_arena *arena, size_t count, size_t bytes); /* zeroed, never NULL */
char *fl_arena_text(struct fl_arena *arena, const char *text);            /* a copy */
void fl_arena_free(struct fl_arena *arena);

#endif
