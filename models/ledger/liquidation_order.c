/* The exchange's own liquidations at the end of a block, and their order: lowest collateral over maintenance first, by
 * cross-multiplication, then the lower account; looked at again after each fill. */
#include "models/ledger/fall.h"

static uint32_t first_to_fall(const struct fl_fallen *all, uint32_t count)
{
    uint32_t first = UINT32_MAX;
    for (uint32_t i = 0; i < count; i++)
        if (!all[i].struck && (first == UINT32_MAX || fl_falls_before(&all[i], &all[first])))
            first = i;
    return first;
}

static void look_again(struct fl_desk *desk, struct fl_fallen *one)
{
    struct fl_opened account;
    if (one->struck) return;
    fl_account_open(desk, one->account, &account);
    const struct fl_risk risk = fl_opened_risk(desk, &account);
    one->collateral = risk.collateral;
    one->maintenance = risk.maintenance;
    one->struck = !account.priced || !fl_liquidatable(&risk);
}

/* Accounts that could not be liquidated: they are not tried again in this block. */
struct vain {
    uint32_t account[FL_ATTEMPTS_MAX], count;
};

static void leave_out(const struct vain *vain, struct fl_fallen *all, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < vain->count; k++)
            if (vain->account[k] == all[i].account) all[i].struck = 1;
}

void fl_liquidate_block(struct fl_desk *desk)
{
    if (desk->p->liquidations_per_block == 0) return;
    struct vain vain = {.count = 0};
    uint32_t count;
    struct fl_fallen *all = fl_watchlist_fallen(desk, &count);
    for (int64_t i = 0; i < desk->p->liquidations_per_block; i++) {
        const uint32_t first = first_to_fall(all, count);
        if (first == UINT32_MAX) return;
        struct fl_fall f = {.desk = desk, .own = true};
        if (fl_fall_liquidate(&f, all[first].account, 0) != 0) {
            all[first].struck = 1;
            vain.account[vain.count++] = all[first].account;
        }
        look_again(desk, &all[first]);
        if (f.socialised != 0) { /* others may have fallen by it */
            all = fl_watchlist_fallen(desk, &count);
            leave_out(&vain, all, count);
        }
        /* Deleveraging changes others, but none falls by it: margin.h has it leave them no worse. */
        for (uint32_t k = 0; k < count && f.taken_over; k++) look_again(desk, &all[k]);
    }
}
