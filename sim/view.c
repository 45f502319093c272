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
