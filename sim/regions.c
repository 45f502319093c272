/* Measured delays between the ten regions of one public cloud.
 *
 * Source: IBM Cloud documentation, "Network latency" of Virtual Private Cloud, averages of
 * 3 February to 3 March 2024: github.com/ibm-cloud-docs/vpc, file
 * _include-segments/network-latency.md at commit 009bede4f2be2a4cdcbd27359cab8ecb76870fad, "Table 1"
 * (between regions, whole milliseconds) and "Table 2" to "Table 11" (between the three zones of one
 * region, hundredths).
 *
 * The tables say "average latency"; the figures are round trips: light in glass (204 km/ms) needs
 * 41 ms for the 8,300 km from Dallas to Frankfurt, 78 ms for the 15,900 km from London to Tokyo.
 * They stand here as printed, row = probing region; on the diagonal the mean of the three pairs of
 * zones. One way is taken as half of the round trip. */
#include "sim/regions.h"

const char *const fl_cloud_region[FL_CLOUD_REGIONS] = {
    "dallas", "toronto", "washington", "frankfurt", "london",
    "madrid", "osaka",   "sydney",     "tokyo",     "sao-paulo",
};

/* clang-format off */
/* Round trips, in hundredths of a millisecond. */
static const int32_t round_trip[FL_CLOUD_REGIONS][FL_CLOUD_REGIONS] = {
    {   196,  3400,  3200, 12300, 11300, 11800, 14900, 18500, 14200, 14400 },
    {  3400,   183,  1900,  9200,  8200, 10700, 17000, 21500, 16200, 13000 },
    {  3200,  1900,    85,  9800,  7500,  8700, 17400, 21500, 16700, 11900 },
    { 12300,  9200,  9800,    83,  1200,  2900, 24200, 26000, 23700, 19600 },
    { 11300,  8200,  7500,  1200,   208,  2600, 25300, 27200, 24700, 18600 },
    { 11800, 10700,  8700,  2900,  2600,    70, 26800, 28100, 26000, 20500 },
    { 14900, 17000, 17400, 24500, 25500, 26800,   168, 12400,   900, 29300 },
    { 18500, 21500, 21400, 26000, 27100, 28500, 12400,   175, 11700, 32900 },
    { 14100, 16400, 16700, 23700, 24600, 25900,   900, 11700,   175, 28600 },
    { 14500, 12800, 12000, 19600, 18500, 20600, 29200, 32600, 28500,   231 },
};
/* clang-format on */

fl_time fl_cloud_delay(uint32_t from, uint32_t to)
{
    FL_ASSERT(from < FL_CLOUD_REGIONS && to < FL_CLOUD_REGIONS);
    return round_trip[from][to] * (FL_MILLISECOND / 100 / 2);
}
