/* statistics.c -- what several seeds say together.
 *
 * The bootstrap's random numbers have a fixed key, so the same values give the same interval
 * wherever and whenever it is computed.
 */
#include <mneme/random.h>
#include <mneme/statistics.h>

#include <math.h>
#include <stdlib.h>

enum { RESAMPLES = 10000 };

double mn_mean_of(const double *values, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += values[i];
    return n > 0 ? sum / (double)n : (double)NAN;
}

double mn_deviation_of(const double *values, int64_t n)
{
    const double mean = mn_mean_of(values, n);
    double squares = 0;
    for (int64_t i = 0; i < n; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    return n > 1 ? sqrt(squares / (double)(n - 1)) : (double)NAN;
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
    double means[RESAMPLES];
    const mn_key key = mn_key_of(0, "statistics.bootstrap");
    for (int64_t i = 0; i < RESAMPLES; i++)
        means[i] = resampled_mean(values, summary->n, mn_key_at(key, (uint64_t)i));
    qsort(means, RESAMPLES, sizeof *means, by_value);
    summary->low = quantile(means, RESAMPLES, 0.025);
    summary->high = quantile(means, RESAMPLES, 0.975);
}

/* The 97.5 % quantile of Student's t: exact for small samples, else Cornish and Fisher's expansion
 * about the normal's 1.96, which errs by less than 1e-4 there. */
static double student(int64_t freedom)
{
    static const double exact[] = {12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060};
    if (freedom <= (int64_t)(sizeof exact / sizeof exact[0]))
        return exact[freedom - 1];
    const double z = 1.959964, f = (double)freedom;
    return z + (pow(z, 3) + z) / (4 * f) + (5 * pow(z, 5) + 16 * pow(z, 3) + 3 * z) / (96 * f * f) +
           (3 * pow(z, 7) + 19 * pow(z, 5) + 17 * pow(z, 3) - 15 * z) / (384 * pow(f, 3));
}

mn_summary mn_summarise(const double *values, int64_t n)
{
    const double nan = (double)NAN;
    mn_summary summary = {
        .n = n, .mean = nan, .deviation = nan, .low = nan, .high = nan, .half = nan};
    if (n < 1)
        return summary;
    summary.mean = mn_mean_of(values, n);
    if (!isfinite(summary.mean))
        return summary;
    if (n > 1) {
        summary.deviation = mn_deviation_of(values, n);
        summary.half = student(n - 1) * summary.deviation / sqrt((double)n);
    }
    bootstrap(values, &summary);
    return summary;
}
