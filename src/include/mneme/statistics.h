/* statistics.h -- what several seeds say together.
 */
#ifndef MNEME_STATISTICS_H
#define MNEME_STATISTICS_H

#include <mneme/status.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of `values` (n): NaN where n is 0, and the deviation also where n is 1. */
MN_API double mn_mean_of(const double *values, int64_t n);
MN_API double mn_deviation_of(const double *values, int64_t n); /* sample standard deviation */

typedef struct mn_summary {
    int64_t n;
    double mean, deviation; /* as above */
    double low, high;       /* 95 % bootstrap interval of the mean (10 000 resamples, fixed key) */
    double half;            /* of Student's 95 % interval, mean +- half; NaN for n < 2 */
} mn_summary;
MN_API mn_summary mn_summarise(const double *values, int64_t n);

#ifdef __cplusplus
}
#endif
#endif
