/* The JSON Schema (draft-07) of scenarios, for editors: every key with its type, range, default and
 * doc. Keys of models come from their parameter rows, so a new model needs no line here.
 *
 * The reader (sim/config.h) has the last word: a schema cannot say that names exist or that a list is
 * as long as its group. What the schema refuses, the reader refuses too. */
#ifndef FL_SCHEMA_H
#define FL_SCHEMA_H

/* The schema as text with a newline at the end; the caller frees it. */
char *fl_schema_text(void);

#endif
