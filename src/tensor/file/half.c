/* half.c -- f32 to f16 and back, in integer arithmetic.
 *
 * Compilers for plain x86-64 have no _Float16, and outputs must have the same bits on every
 * machine; so the rounding is done here on the bits.
 */
#include "tensor/file/half.h"

#include <string.h>

uint16_t mn_half_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u); /* NaN */
    if (magnitude >= 0x477ff000u)
        return (uint16_t)(sign | 0x7c00u); /* 65520 and above round to infinity */
    /* A half has 10 bits of fraction, or fewer below 2^-14 where it loses one with each power. */
    const uint32_t exponent = magnitude >> 23;
    if (exponent < 102)
        return (uint16_t)sign; /* below half the least subnormal, 2^-25 */
    const uint32_t dropped = exponent >= 113 ? 13 : 126 - exponent;
    const uint32_t fraction = (magnitude & 0x7fffffu) | 0x800000u;
    uint32_t half = fraction >> dropped;
    const uint32_t rest = fraction & ((1u << dropped) - 1), middle = 1u << (dropped - 1);
    if (rest > middle || (rest == middle && (half & 1)))
        half++; /* a carry into the exponent is right */
    if (exponent >= 113)
        half += (exponent - 113) << 10; /* the leading one adds the last unit of the exponent */
    return (uint16_t)(sign | half);
}

float mn_half_value(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    const uint32_t exponent = half >> 10 & 31u, fraction = half & 0x3ffu;
    uint32_t bits;
    if (exponent == 31)
        bits = 0x7f800000u | fraction << 13;
    else if (exponent > 0)
        bits = (exponent + 112) << 23 | fraction << 13;
    else {
        const float subnormal = (float)fraction * 0x1p-24f;
        memcpy(&bits, &subnormal, sizeof bits);
    }
    bits |= sign;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
