/* array.h -- arrays of numbers: NumPy's, or out of safetensors. */
#ifndef MN_DATA_ARRAY_H
#define MN_DATA_ARRAY_H

#include <mneme/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MN_ARRAY_MAX_RANK = 4 };

typedef enum mn_array_type {
    MN_ARRAY_BOOL, /* bytes of 0 and 1 */
    MN_ARRAY_UNSIGNED,
    MN_ARRAY_SIGNED,
    MN_ARRAY_FLOAT,
} mn_array_type;

typedef struct mn_array {
    mn_array_type type;
    int64_t item; /* bytes of a value: 1, 2, 4, 8 */
    int rank;
    int64_t size[MN_ARRAY_MAX_RANK], count; /* count: of all values */
    const uint8_t *values;                  /* inside `block`, at any alignment, little-endian, rows
                                             * first */
    uint8_t *block;                         /* from mn_memory_take() */
} mn_array;

void mn_array_free(mn_array *array);

/* Value i; integers beyond 2^53 lose their last bits. */
double mn_array_value(const mn_array *array, int64_t i);

#endif
