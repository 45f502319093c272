/* The engine's side of a view: what a model or a check may read, and nothing more. */
#include "sim/state.h"

enum fl_read_status fl_read(const struct fl_view *view, const struct fl_query *query, void *out,
                            size_t bytes)
{
    if (view->version.i == 0) return FL_READ_UNAVAILABLE;
    return fl_ledger_query(view->reader->world->ledger, view->version, query, out, bytes);
}

const void *fl_blob_data(const struct fl_view *view, fl_blob blob, uint32_t *bytes)
{
    return fl_blobs_data(view->reader->world->blobs, blob, bytes);
}

int64_t fl_watch_observe(const struct fl_watch *watch, uint32_t observable)
{
    return fl_observe(watch->view.reader->world, observable);
}

bool fl_watch_honest(const struct fl_watch *watch, uint32_t endpoint)
{
    const struct fl_world *w = watch->view.reader->world;
    return endpoint < w->config->facts.endpoints && w->node[endpoint].honest;
}

bool fl_watch_struck(const struct fl_watch *watch, uint32_t endpoint, fl_time from)
{
    const struct fl_world *w = watch->view.reader->world;
    for (uint32_t i = 0; i < w->config->fault_count; i++) {
        const struct fl_fault_result *f = &w->fault[i].result;
        if (f->spec->to <= from) continue;
        for (uint32_t m = 0; m < f->count; m++)
            if (f->member[m] == endpoint) return true;
    }
    return false;
}

const struct fl_self *fl_watch_self(const struct fl_watch *watch, uint32_t endpoint)
{
    const struct fl_world *w = watch->view.reader->world;
    if (endpoint >= w->config->facts.endpoints) return NULL;
    return &w->actor[(size_t)endpoint * FL_LAYERS].self;
}
