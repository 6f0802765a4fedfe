/* rows.h -- what the values of a row of data are kept as: in data sets, batches and the buffer.
 */
#ifndef MNEME_ROWS_H
#define MNEME_ROWS_H

#include <mneme/status.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mn_row_type {
    MN_ROW_U8,  /* a byte: of a pixel, black is 0 and white 255; of a measurement, one of 256 steps */
    MN_ROW_F32, /* the value itself; where the data set has bytes, what a byte / 255 would be */
    MN_ROW_F16, /* the same as a half float, in data sets and buffers; batches have it as MN_ROW_F32 */
    MN_ROW_X,   /* no image: floats that a network sees as they are, which a strategy has made */
} mn_row_type;
MN_API size_t mn_row_bytes(mn_row_type type, int64_t values); /* of a row of so many */
MN_API const char *mn_row_type_name(mn_row_type type);        /* "u8", "f32", "f16", "x" */

#ifdef __cplusplus
}
#endif
#endif
