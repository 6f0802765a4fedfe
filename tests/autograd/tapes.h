/* tapes.h -- tapes and tensors for tests of the tape. */
#ifndef MN_TESTS_TAPES_H
#define MN_TESTS_TAPES_H

#include "tests/suite.h"

#include <math.h>
#include <mneme/losses.h>

static inline mn_tape *new_tape(void)
{
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    return tape;
}

static inline mn_tensor *new_tensor(mn_shape shape, const float *elements)
{
    mn_tensor *tensor;
    ck_assert_ok(mn_tensor_new(MN_F32, shape, &tensor));
    if (elements != NULL)
        ck_assert_ok(mn_tensor_write(tensor, elements, mn_tensor_bytes(tensor)));
    return tensor;
}

static inline void ck_elements(const mn_tensor *tensor, const float *expected)
{
    float elements[64];
    ck_assert_ok(mn_tensor_read(tensor, elements, mn_tensor_bytes(tensor)));
    for (int64_t i = 0; i < mn_tensor_count(tensor); i++)
        ck_assert_msg(fabsf(elements[i] - expected[i]) < 1e-6f, "element %d: %g, expected %g",
                      (int)i, (double)elements[i], (double)expected[i]);
}

#endif
