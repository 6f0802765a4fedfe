/* statistics.c -- what several seeds say together.
 *
 * The bootstrap's random numbers have a fixed key, so the same values give the same interval
 * wherever and whenever it is computed.
 */
#include <mneme/random.h>
#include <mneme/results.h>

#include <math.h>
#include <stdlib.h>

enum { RESAMPLES = 10000 };

static double mean_of(const double *values, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += values[i];
    return sum / (double)n;
}

static double deviation_of(const double *values, int64_t n, double mean)
{
    double squares = 0;
    for (int64_t i = 0; i < n; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    return sqrt(squares / (double)(n - 1));
}

static double resampled_mean(const double *values, int64_t n, mn_key key)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += values[mn_random_below(key, (uint64_t)i, n)];
    return sum / (double)n;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of sorted values, between neighbours in proportion (Hyndman and Fan's definition 7). */
static double quantile(const double *sorted, int64_t n, double fraction)
{
    const double position = fraction * (double)(n - 1);
    const int64_t below = (int64_t)position;
    if (below + 1 >= n)
        return sorted[n - 1];
    return sorted[below] + (position - (double)below) * (sorted[below + 1] - sorted[below]);
}

static void bootstrap(const double *values, mn_summary *summary)
{
    double *means = malloc(RESAMPLES * sizeof *means);
    if (means == NULL)
        return;
    const mn_key key = mn_key_of(0, "statistics.bootstrap");
    for (int64_t i = 0; i < RESAMPLES; i++)
        means[i] = resampled_mean(values, summary->n, mn_key_at(key, (uint64_t)i));
    qsort(means, RESAMPLES, sizeof *means, by_value);
    summary->low = quantile(means, RESAMPLES, 0.025);
    summary->high = quantile(means, RESAMPLES, 0.975);
    free(means);
}

mn_summary mn_summarise(const double *values, int64_t n)
{
    const double nan = (double)NAN;
    mn_summary summary = {.n = n, .mean = nan, .deviation = nan, .low = nan, .high = nan};
    if (n < 1)
        return summary;
    summary.mean = mean_of(values, n);
    if (!isfinite(summary.mean))
        return summary;
    if (n > 1)
        summary.deviation = deviation_of(values, n, summary.mean);
    bootstrap(values, &summary);
    return summary;
}
