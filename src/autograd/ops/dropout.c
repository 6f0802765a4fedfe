/* dropout.c -- elements or whole rows set to 0 at random, the others made larger by as much as is
 * lost on average (Srivastava et al. 2014; of rows, as stochastic depth has it, Huang et al. 2016).
 *
 * What is dropped is looked up by key and place, not drawn from a state: a run that goes on drops
 * the same. */
#include "autograd/node.h"
#include "tensor/kernels.h"

#include <mneme/ops.h>

enum { OF_BLOCK = 4 }; /* random numbers that one look-up gives */

static void draw_factors(int64_t count, double rate, mn_key key, float *factors)
{
    const double dropped = rate * 4294967296.0; /* of the 2^32 numbers there are */
    const float kept = (float)(1 / (1 - rate));
    uint32_t bits[OF_BLOCK] = {0};
    for (int64_t i = 0; i < count; i++) {
        if (i % OF_BLOCK == 0)
            mn_random_bits(key, (uint64_t)(i / OF_BLOCK), bits);
        factors[i] = (double)bits[i % OF_BLOCK] < dropped ? 0 : kept;
    }
}

/* Constants of that shape, 0 or 1 / (1 - rate); the tape's poison after an error. */
static mn_var *factors_of(mn_var *x, const char *name, mn_shape shape, double rate, mn_key key)
{
    mn_tape *tape = mn_tape_of(x);
    if (!(rate >= 0 && rate < 1))
        return mn_tape_refuse(
            tape, name,
            mn_fail(MN_BAD_VALUE, "a rate of %g, expected at least 0 and below 1", rate));
    mn_var *factors = mn_zeros(tape, shape);
    if (mn_tape_status(tape) == MN_OK)
        draw_factors(mn_shape_count(shape), rate, key, mn_tensor_floats(&factors->value));
    return factors;
}

mn_var *mn_dropout(mn_var *x, double rate, mn_key key)
{
    return rate == 0 ? x : mn_mul(x, factors_of(x, "dropout", mn_shape_of(x), rate, key));
}

mn_var *mn_drop_rows(mn_var *x, double rate, mn_key key)
{
    mn_shape shape = mn_shape_of(x);
    for (int i = 1; i < shape.rank; i++)
        shape.size[i] = 1;
    return rate == 0 ? x : mn_broadcast_mul(x, factors_of(x, "drop_rows", shape, rate, key));
}
