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
    double low, high;       /* Student's 95 % interval of the mean; NaN for n < 2 */
} mn_summary;
MN_API mn_summary mn_summarise(const double *values, int64_t n);

/* How probable a mean at least as far from 0 is where the true one is 0 (Student's two-sided p); NaN
 * for n < 2. */
MN_API double mn_probability_under_none(const mn_summary *summary);
/* The true mean whose 95 % interval would leave out 0 in about four of five studies with this
 * spread and n; NaN for n < 2. */
MN_API double mn_visible_difference(const mn_summary *summary);

/* Whether the true mean lies between `from` and `to` (which may be infinite): the whole interval
 * does, none of it does, or neither is shown.  With two ends a yes is two one-sided tests, each at
 * 2.5 %. */
typedef enum mn_verdict { MN_YES, MN_NO, MN_NOT_SHOWN } mn_verdict;
MN_API mn_verdict mn_verdict_on(const mn_summary *summary, double from, double to);

#ifdef __cplusplus
}
#endif
#endif
