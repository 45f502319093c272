/* The durable facts of a run, in order, and the newest of each semantic key. */
#ifndef FL_RECORD_H
#define FL_RECORD_H
#include "sim/model.h"

struct fl_records;

struct fl_records *fl_records_new(void);
void fl_records_free(struct fl_records *records);

/* Appends a copy and returns its id: 1, 2, 3, ... */
uint32_t fl_records_add(struct fl_records *records, const struct fl_record *record);
uint32_t fl_records_count(const struct fl_records *records);
/* Lent until the next fl_records_add. */
const struct fl_record *fl_records_get(const struct fl_records *records, uint32_t id);
/* Newest id with that kind and key (v[0], v[1]); FL_NO_RECORD if there is none. */
uint32_t fl_records_find(const struct fl_records *records, uint16_t kind, int64_t key0,
                         int64_t key1);

#endif
