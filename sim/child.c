/* Children of a sweep or a search: see child.h. */
#include "sim/child.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { EXIT_ORPHAN = 3 };

void fl_child_settle(pid_t parent, int talk)
{
    static const int left_to_parent[] = {SIGINT, SIGTERM, SIGHUP};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(EXIT_ORPHAN);
    }
    for (size_t i = 0; i < sizeof left_to_parent / sizeof *left_to_parent; i++) {
        signal(left_to_parent[i], SIG_IGN);
    }
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); /* a thousand runs, a thousand cores */
    dup2(talk, STDOUT_FILENO);
    dup2(talk, STDERR_FILENO);
}
