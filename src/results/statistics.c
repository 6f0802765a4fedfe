/* statistics.c -- what several seeds say together.
 *
 * Student's interval, at any number of seeds: resampling few values makes an interval too narrow,
 * and of many values both say the same.
 */
#include <mneme/statistics.h>

#include <math.h>

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

/* --- Student's t --- */

static const double right_angle = 1.57079632679489662;

/* P(|t| <= sqrt(freedom) tan(angle)), a finite sum (Abramowitz and Stegun 26.7.3 and 26.7.4). */
static double inner_probability(double angle, int64_t freedom)
{
    const double c = cos(angle);
    const int odd = freedom % 2 != 0;
    double term = odd ? c : 1, sum = 0;
    for (int64_t k = 2 + odd; k <= freedom; k += 2) {
        sum += term;
        term *= c * c * (double)(k - 1) / (double)k;
    }
    return odd ? (angle + sin(angle) * sum) / right_angle : sin(angle) * sum;
}

/* The t with P(|t'| <= t) = inner.  Its angle lies in a known range, so halving always finds it. */
static double student(double inner, int64_t freedom)
{
    double low = 0, high = right_angle;
    for (int i = 0; i < 60; i++) {
        const double middle = (low + high) / 2;
        *(inner_probability(middle, freedom) < inner ? &low : &high) = middle;
    }
    return sqrt((double)freedom) * tan(low);
}

static double standard_error(const mn_summary *summary)
{
    return summary->deviation / sqrt((double)summary->n);
}

mn_summary mn_summarise(const double *values, int64_t n)
{
    const double nan = (double)NAN;
    mn_summary summary = {.n = n, .mean = nan, .deviation = nan, .low = nan, .high = nan};
    if (n < 1)
        return summary;
    summary.mean = mn_mean_of(values, n);
    if (!isfinite(summary.mean) || n < 2)
        return summary;
    summary.deviation = mn_deviation_of(values, n);
    const double half = student(0.95, n - 1) * standard_error(&summary);
    summary.low = summary.mean - half;
    summary.high = summary.mean + half;
    return summary;
}

double mn_probability_under_none(const mn_summary *summary)
{
    if (summary->n < 2 || !isfinite(summary->deviation))
        return (double)NAN;
    if (summary->mean == 0)
        return 1;
    const double freedom = (double)(summary->n - 1);
    const double t = fabs(summary->mean) / standard_error(summary); /* infinite without spread */
    return 1 - inner_probability(atan(t / sqrt(freedom)), summary->n - 1);
}

double mn_visible_difference(const mn_summary *summary)
{
    if (summary->n < 2)
        return (double)NAN;
    /* 80 % of all t lie below what 60 % lie within */
    return (student(0.95, summary->n - 1) + student(0.6, summary->n - 1)) * standard_error(summary);
}

mn_verdict mn_verdict_on(const mn_summary *summary, double from, double to)
{
    if (summary->low >= from && summary->high <= to)
        return MN_YES;
    return summary->high < from || summary->low > to ? MN_NO : MN_NOT_SHOWN;
}
