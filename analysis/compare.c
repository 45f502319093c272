/* Two runs, or two sweeps: what differs between them, and what moved. */
#include "analysis/compare.h"

int fl_compare(const struct fl_compare *job)
{
    int status;
    switch (fl_folders_kind(job->directory, &status)) {
    case FL_FOLDER_RUN:
        return fl_compare_runs(job);
    case FL_FOLDER_SWEEP:
        return fl_compare_sweeps(job);
    }
    return status;
}
