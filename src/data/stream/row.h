/* row.h -- the values of a row, whatever it is kept as. */
#ifndef MN_DATA_ROW_H
#define MN_DATA_ROW_H

#include <mneme/data.h>

/* The type that batches have rows of `type` as. */
mn_row_type mn_row_type_in_batches(mn_row_type type);
/* Of two types of batches, the one that loses nothing of either. */
mn_row_type mn_row_type_wider(mn_row_type a, mn_row_type b);
/* `values` of them as the floats that MN_ROW_F32 has: of bytes, byte / 255. */
void mn_row_widen(mn_row_type type, const void *row, int64_t values, float *wide);
/* From rows of one type of batches, or of MN_ROW_F16, to the same or a wider one. */
void mn_row_convert(mn_row_type from, const void *row, int64_t values, mn_row_type to, void *out);

#endif
