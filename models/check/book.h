/* What checks remember of transactions, by account and nonce: the newest 65,536, in a ring with an index
 * of open addressing. */
#ifndef FL_CHECK_BOOK_H
#define FL_CHECK_BOOK_H
#include "models/wire.h"

#include <string.h>

enum { FL_BOOK_TXS = 1 << 16, FL_BOOK_SLOTS = 4 * FL_BOOK_TXS };

struct fl_booked {
    uint64_t nonce;
    fl_time at;      /* when it was handed in */
    uint64_t height; /* at which it was executed; 0: not yet */
    uint32_t account;
    uint32_t record; /* the client's note */
    uint16_t contract, kind;
    uint32_t used; /* 0: an empty place */
};

struct fl_book {
    uint64_t count;               /* booked so far; place of the next: count % FL_BOOK_TXS */
    uint32_t slot[FL_BOOK_SLOTS]; /* 1 + place; 0: free */
    struct fl_booked at[FL_BOOK_TXS];
};

static inline uint32_t fl_book_home(uint32_t account, uint64_t nonce)
{
    /* Fibonacci hashing (Knuth 6.4), as accounts and nonces are small and close together. */
    const uint64_t mixed = (nonce ^ (uint64_t)account << 40) * UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(mixed >> 32) % FL_BOOK_SLOTS;
}

/* Its slot, or the free one where it belongs. */
static inline uint32_t fl_book_slot(const struct fl_book *book, uint32_t account, uint64_t nonce)
{
    uint32_t i = fl_book_home(account, nonce);
    while (book->slot[i] != 0) {
        const struct fl_booked *const b = &book->at[book->slot[i] - 1];
        if (b->nonce == nonce && b->account == account) return i;
        i = (i + 1) % FL_BOOK_SLOTS;
    }
    return i;
}

/* NULL if it is not in the book. */
static inline struct fl_booked *fl_book_find(struct fl_book *book, uint32_t account, uint64_t nonce)
{
    const uint32_t place = book->slot[fl_book_slot(book, account, nonce)];
    return place == 0 ? NULL : &book->at[place - 1];
}

/* Deletion in open addressing without tombstones (Knuth 6.4, algorithm R). */
static inline void fl_book_forget(struct fl_book *book, struct fl_booked *b)
{
    uint32_t hole = fl_book_slot(book, b->account, b->nonce);
    for (uint32_t i = (hole + 1) % FL_BOOK_SLOTS; book->slot[i] != 0; i = (i + 1) % FL_BOOK_SLOTS) {
        const struct fl_booked *const other = &book->at[book->slot[i] - 1];
        const uint32_t home = fl_book_home(other->account, other->nonce);
        if ((i - home) % FL_BOOK_SLOTS < (i - hole) % FL_BOOK_SLOTS) continue;
        book->slot[hole] = book->slot[i];
        hole = i;
    }
    book->slot[hole] = 0;
    memset(b, 0, sizeof *b);
}

/* The one that the next to be booked will take the place of; NULL if it is empty. */
static inline struct fl_booked *fl_book_oldest(struct fl_book *book)
{
    struct fl_booked *const b = &book->at[book->count % FL_BOOK_TXS];
    return b->used ? b : NULL;
}

/* Books what is not in the book; the oldest is forgotten if there is no room. All else is zero. */
static inline struct fl_booked *fl_book_add(struct fl_book *book, uint32_t account, uint64_t nonce)
{
    struct fl_booked *const oldest = fl_book_oldest(book);
    if (oldest) fl_book_forget(book, oldest);
    const uint32_t place = (uint32_t)(book->count++ % FL_BOOK_TXS);
    const uint32_t slot = fl_book_slot(book, account, nonce);
    FL_ASSERT(book->slot[slot] == 0);
    book->slot[slot] = place + 1;
    struct fl_booked *const b = &book->at[place];
    b->account = account;
    b->nonce = nonce;
    b->used = 1;
    return b;
}

#endif
