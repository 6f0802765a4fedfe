/* vicreg.c -- variance and covariance of the columns of embeddings.  The diagonal of the covariance
 * is taken out by zeros, not by subtraction, so that columns that do not go together cost exactly
 * 0.
 */
#include "strategies/shared/vicreg.h"

static const double epsilon = 1e-4;

mn_var *mn_vicreg_deviations(mn_var *z)
{
    return mn_sqrt(mn_shift(mn_variance_axis(z, 0, true), epsilon));
}

mn_var *mn_vicreg_variance(mn_var *z)
{
    return mn_mean(mn_hinge(mn_vicreg_deviations(z), 1));
}

static mn_var *centred(mn_var *z)
{
    return mn_broadcast_add(z, mn_scale(mn_mean_axis(z, 0), -1));
}

mn_var *mn_vicreg_standardised(mn_var *z)
{
    mn_var *deviation = mn_vicreg_deviations(z); /* above 0 by epsilon */
    return mn_broadcast_mul(centred(z), mn_exp(mn_scale(mn_log(deviation), -1)));
}

/* x (D, D) with zeros on its diagonal */
static mn_var *without_diagonal(mn_var *x)
{
    int32_t own[MN_VICREG_MOST];
    mn_tape *tape = mn_tape_of(x);
    const int64_t width = mn_rows_of(x);
    if (mn_tape_status(tape) != MN_OK)
        return x;
    if (width > MN_VICREG_MOST)
        return mn_tape_refuse(tape, "covariance",
                              mn_fail(MN_UNSUPPORTED, "%lld columns; expected at most %d",
                                      (long long)width, MN_VICREG_MOST));
    for (int64_t i = 0; i < width; i++)
        own[i] = (int32_t)i;
    mn_var *others = mn_shift(mn_scale(mn_one_hot(tape, own, width, width), -1), 1);
    return mn_mul(x, others);
}

static mn_var *covariances(mn_var *z)
{
    const double rows = (double)mn_rows_of(z);
    mn_var *apart = centred(z);
    return without_diagonal(
        mn_scale(mn_matmul(mn_transpose(apart), apart), 1 / (rows > 1 ? rows - 1 : 1)));
}

mn_var *mn_vicreg_covariance(mn_var *z)
{
    mn_var *covariance = covariances(z);
    return mn_scale(mn_sum(mn_square(covariance)), 1 / (double)mn_rows_of(covariance));
}

mn_var *mn_vicreg_correlation(mn_var *z)
{
    mn_var *correlation = covariances(mn_vicreg_standardised(mn_detach(z)));
    const double width = (double)mn_rows_of(correlation);
    return mn_scale(mn_sum(mn_abs(correlation)), 1 / (width > 1 ? width * (width - 1) : 1));
}
