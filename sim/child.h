/* What a process that simulates for another one does first. */
#ifndef FL_CHILD_H
#define FL_CHILD_H
#include "sim/base.h"

#include <sys/types.h>

/* In the child, just after fork: it dies with its parent, whatever ends that, leaves the signals of a
 * terminal to it, writes no core, and says what it says (stdout, stderr) into `talk`. Its own end is for
 * the parent to judge. */
void fl_child_settle(pid_t parent, int talk);

#endif
