/* penalty.c -- losses in which a gradient stands, by first-order sweeps alone.
 *
 * What an op's backward does is not on the tape, so it cannot be differentiated.  But the gradient
 * of loss(d f / d x) is a derivative of f's ordinary gradient along one direction, and a difference
 * of two ordinary gradients is near enough: f twice more, and no op needs to know. */
#include <math.h>
#include <mneme/autograd.h>
#include <mneme/losses.h>
#include <stddef.h>

static const double largest_move = 0.01; /* of an element of x */

static mn_var *copy_of(mn_var *x)
{
    const float *elements = mn_host(x);
    return elements != NULL ? mn_input(mn_tape_of(x), mn_shape_of(x), elements, true) : x;
}

static double largest_of(mn_var *x)
{
    const float *elements = mn_host(x);
    double largest = 0;
    for (int64_t i = 0; elements != NULL && i < mn_shape_count(mn_shape_of(x)); i++)
        largest = fmax(largest, fabs((double)elements[i]));
    return largest;
}

mn_var *mn_loss_of_gradient(mn_scalar_of *f, mn_scalar_of *loss, void *context, mn_var *x)
{
    mn_var *input = copy_of(x);
    mn_var *gradient = copy_of(mn_gradient_of(f(input, context), input));
    mn_var *value = loss(gradient, context);
    mn_var *direction = mn_gradient_of(value, gradient);
    const double largest = largest_of(direction);
    if (!(largest > 0) || !isfinite(largest))
        return mn_detach(value);
    const double e = largest_move / largest;
    mn_var *ahead = f(mn_axpby(1, x, e, direction), context);
    mn_var *behind = f(mn_axpby(1, x, -e, direction), context);
    mn_var *slope = mn_scale(mn_sub(ahead, behind), 1 / (2 * e));
    /* Its value says less than the loss itself: two large numbers have been subtracted. */
    return mn_shift(slope, mn_item(value) - mn_item(slope));
}
