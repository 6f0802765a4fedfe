/* neighbours.c -- cosines, and classification by soft nearest neighbours, put together from ops.
 *
 * Probabilities are sharpened as softmax(log(p) / T), which is p^(1/T) / sum p^(1/T) without a
 * power that could underflow. */
#include <float.h>
#include <mneme/losses.h>

static const double least = 1e-30; /* a probability below it counts as this much */

static mn_var *logs_of(mn_var *probabilities)
{
    return mn_log(mn_clamp(probabilities, least, (double)FLT_MAX));
}

mn_var *mn_cosines(mn_var *x, mn_var *y)
{
    mn_var *directions = mn_row_normalise(x);
    return mn_matmul(directions, mn_transpose(mn_row_normalise(y)));
}

static mn_status check_temperature(double temperature)
{
    return temperature > 0
               ? MN_OK
               : mn_fail(MN_BAD_VALUE, "a temperature of %g; expected one above 0", temperature);
}

mn_var *mn_soft_neighbours(mn_var *queries, mn_var *supports, mn_var *labels, double temperature)
{
    const mn_status status = check_temperature(temperature);
    if (status != MN_OK)
        return mn_tape_refuse(mn_tape_of(queries), "soft_neighbours", status);
    mn_var *likeness = mn_cosines(queries, supports); /* (B, S) */
    return mn_matmul(mn_softmax(mn_scale(likeness, 1 / temperature)), labels);
}

mn_var *mn_sharpen(mn_var *probabilities, double temperature)
{
    const mn_status status = check_temperature(temperature);
    if (status != MN_OK)
        return mn_tape_refuse(mn_tape_of(probabilities), "sharpen", status);
    return mn_softmax(mn_scale(logs_of(probabilities), 1 / temperature));
}

mn_var *mn_smooth_labels(mn_var *one_hot, double smoothing)
{
    const mn_shape shape = mn_shape_of(one_hot);
    const int64_t classes = shape.rank == 2 && shape.size[1] > 0 ? shape.size[1] : 1;
    return mn_shift(mn_scale(one_hot, 1 - smoothing), smoothing / (double)classes);
}

mn_var *mn_soft_cross_entropy(mn_var *probabilities, mn_var *targets)
{
    return mn_scale(mn_mean(mn_row_sum(mn_mul(targets, logs_of(probabilities)))), -1);
}

mn_var *mn_mean_negentropy(mn_var *probabilities)
{
    const int64_t rows = mn_rows_of(probabilities);
    mn_var *sums = mn_row_sum(mn_transpose(probabilities)); /* (K) */
    mn_var *mean = mn_scale(sums, rows > 0 ? 1 / (double)rows : 0);
    return mn_sum(mn_mul(mean, logs_of(mean)));
}
