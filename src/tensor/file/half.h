/* half.h -- IEEE 754 half floats, in which outputs are kept. */
#ifndef MN_TENSOR_HALF_H
#define MN_TENSOR_HALF_H

#include <stdint.h>

uint16_t mn_half_of(float value); /* nearest, ties to even; beyond the range: infinity */
float mn_half_value(uint16_t half);

#endif
