/* row.c -- rows are bytes in memory, in the buffer and in the run file; what the bytes mean is
 * their type's.  A float that once was a byte divided by 255 gives the network the same bits as the
 * byte. */
#include "data/stream/row.h"
#include "tensor/file/half.h"

#include <string.h>

size_t mn_row_bytes(mn_row_type type, int64_t values)
{
    static const size_t bytes[] = {
        [MN_ROW_U8] = 1, [MN_ROW_F32] = 4, [MN_ROW_F16] = 2, [MN_ROW_X] = 4};
    return (size_t)values * bytes[type];
}

const char *mn_row_type_name(mn_row_type type)
{
    static const char *const names[] = {
        [MN_ROW_U8] = "u8", [MN_ROW_F32] = "f32", [MN_ROW_F16] = "f16", [MN_ROW_X] = "x"};
    return names[type];
}

mn_row_type mn_row_type_in_batches(mn_row_type type)
{
    return type == MN_ROW_F16 ? MN_ROW_F32 : type;
}

mn_row_type mn_row_type_wider(mn_row_type a, mn_row_type b)
{
    return a == b ? a : MN_ROW_F32;
}

void mn_row_widen(mn_row_type type, const void *row, int64_t values, float *wide)
{
    const uint8_t *bytes = row;
    const uint16_t *halves = row;
    if (type == MN_ROW_F32 || type == MN_ROW_X)
        memcpy(wide, row, (size_t)values * sizeof *wide);
    for (int64_t i = 0; i < values && type == MN_ROW_U8; i++)
        wide[i] = (float)bytes[i] / 255.0f;
    for (int64_t i = 0; i < values && type == MN_ROW_F16; i++)
        wide[i] = mn_half_value(halves[i]);
}

void mn_row_convert(mn_row_type from, const void *row, int64_t values, mn_row_type to, void *out)
{
    if (from == to)
        memcpy(out, row, mn_row_bytes(from, values));
    else
        mn_row_widen(from, row, values, out);
}
