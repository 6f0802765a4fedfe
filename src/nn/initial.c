/* initial.c -- the distributions that parameters start from.
 *
 * Numbers are looked up by (key, position), so the order in which parameters are filled, and by how
 * many threads, does not matter. */
#include "nn/initial.h"

#include <math.h>
#include <mneme/memory.h>

/* The product of the axes from `first` on. */
static int64_t product_from(mn_shape shape, int first)
{
    int64_t product = 1;
    for (int axis = first; axis < shape.rank; axis++)
        product *= shape.size[axis];
    return product;
}

int64_t mn_initial_fan_in(mn_shape shape)
{
    return product_from(shape, 1);
}

static int64_t fan_out_of(mn_shape shape)
{
    return shape.rank == 0 ? 1 : shape.size[0] * product_from(shape, 2);
}

static void fill_uniform(float *values, int64_t count, double bound, mn_key key)
{
    for (int64_t i = 0; i < count; i++)
        values[i] = (float)(bound * (2 * mn_random_uniform(key, (uint64_t)i) - 1));
}

static void fill_normal(float *values, int64_t count, double deviation, mn_key key)
{
    for (int64_t i = 0; i < count; i++)
        values[i] = (float)(deviation * mn_random_normal(key, (uint64_t)i));
}

static mn_status fill_randomly(mn_tensor *value, mn_initial initial, double fan_in, mn_key key)
{
    const mn_shape shape = mn_tensor_shape(value);
    const int64_t count = mn_shape_count(shape);
    float *values = mn_memory_take((size_t)count, sizeof *values);
    if (values == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for initial weights");
    if (initial == MN_INITIAL_XAVIER_UNIFORM)
        fill_uniform(values, count, sqrt(6 / (fan_in + (double)fan_out_of(shape))), key);
    else if (initial == MN_INITIAL_KAIMING_NORMAL)
        fill_normal(values, count, sqrt(2 / fan_in), key);
    else if (initial == MN_INITIAL_NORMAL)
        fill_normal(values, count, 1, key);
    else
        fill_uniform(values, count, 1 / sqrt(fan_in), key);
    const mn_status status = mn_tensor_write(value, values, (size_t)count * sizeof *values);
    mn_memory_give(values);
    return status;
}

mn_status mn_initial_fill(mn_tensor *value, mn_initial initial, int64_t fan_in, mn_key key)
{
    switch (initial) {
    case MN_INITIAL_ZERO: return mn_tensor_fill(value, 0);
    case MN_INITIAL_ONE: return mn_tensor_fill(value, 1);
    case MN_INITIAL_XAVIER_UNIFORM:
    case MN_INITIAL_KAIMING_NORMAL:
    case MN_INITIAL_NORMAL:
    case MN_INITIAL_PYTORCH_UNIFORM: return fill_randomly(value, initial, (double)fan_in, key);
    }
    return mn_fail(MN_BAD_VALUE, "%d is no initial distribution", (int)initial);
}
