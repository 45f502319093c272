/* The index of the exchange against the scanning twin over 100,000 steps (tests/prop/test_watchlist.c). */
#define FL_WATCHLIST_STEPS 100000
#include "tests/prop/test_watchlist.c"
