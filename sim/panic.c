/* Stops the run loudly when our own invariant is broken. */
#include "sim/base.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void fl_panic(const char *cond, const char *file, int line)
{
    fprintf(stderr,
            "%s:%d: broken invariant: %s\n"
            "This is a fault of faultline itself, not of the scenario; please report it.\n",
            file, line, cond);
    abort();
}
