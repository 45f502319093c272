/* Memory for what is set up once. Nobody can carry on without it, so nobody has to check. */
#include "sim/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fl_arena_block {
    struct fl_arena_block *older;
    _Alignas(16) unsigned char bytes[];
};

void fl_out_of_memory(void)
{
    fputs("faultline: out of memory\n", stderr);
    exit(3);
}

/* Zero bytes become one, so that NULL always means failure. */
static size_t size_of(size_t count, size_t bytes)
{
    if (bytes > 0 && count > SIZE_MAX / bytes) {
        fl_out_of_memory();
    }
    return count * bytes > 0 ? count * bytes : 1;
}

void *fl_alloc(size_t count, size_t bytes)
{
    void *memory = calloc(1, size_of(count, bytes));
    if (!memory) {
        fl_out_of_memory();
    }
    return memory;
}

void *fl_realloc(void *old, size_t count, size_t bytes)
{
    void *memory = realloc(old, size_of(count, bytes));
    if (!memory) {
        fl_out_of_memory();
    }
    return memory;
}

void *fl_grow(void *old, uint32_t count, uint32_t *room, size_t bytes)
{
    if (count < *room) {
        return old;
    }
    if (*room > UINT32_MAX / 2) {
        fl_out_of_memory();
    }
    *room = *room ? *room * 2 : 16;
    return fl_realloc(old, *room, bytes);
}

char *fl_strndup(const char *text, size_t bytes)
{
    if (bytes == SIZE_MAX) {
        fl_out_of_memory();
    }
    char *copy = fl_alloc(bytes + 1, 1);
    memcpy(copy, text, bytes);
    return copy;
}

char *fl_strdup(const char *text)
{
    return fl_strndup(text, strlen(text));
}

void *fl_arena_alloc(struct fl_arena *arena, size_t count, size_t bytes)
{
    const size_t size = size_of(count, bytes);
    if (size > SIZE_MAX - sizeof(struct fl_arena_block)) {
        fl_out_of_memory();
    }
    struct fl_arena_block *block = fl_alloc(1, sizeof *block + size);
    block->older = arena->newest;
    arena->newest = block;
    return block->bytes;
}

char *fl_arena_text(struct fl_arena *arena, const char *text)
{
    const size_t bytes = strlen(text) + 1;
    return memcpy(fl_arena_alloc(arena, bytes, 1), text, bytes);
}

void fl_arena_free(struct fl_arena *arena)
{
    while (arena->newest) {
        struct fl_arena_block *block = arena->newest;
        arena->newest = block->older;
        free(block);
    }
}

FILE *fl_text_open(char **text, size_t *bytes)
{
    FILE *stream = open_memstream(text, bytes);
    if (!stream) {
        fl_out_of_memory();
    }
    return stream;
}

void fl_text_close(FILE *stream)
{
    if (fclose(stream) != 0) {
        fl_out_of_memory();
    }
}
