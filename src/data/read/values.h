/* values.h -- numbers of any kind made into the rows that a data set holds. */
#ifndef MN_DATA_VALUES_H
#define MN_DATA_VALUES_H

#include <mneme/data.h>

/* The option that says what measurements are kept as, in the order of mn_row_type. */
extern const char *const mn_row_type_choices[];
#define MN_ROW_TYPE(type, member)                                                                  \
    MN_CHOICE(                                                                                     \
        type, member, 0, mn_row_type_choices,                                                      \
        "what values are kept as, in memory, buffer and run file: u8, features as bytes and "      \
        "images as pixels; f32 or f16, floats of 32 or 16 bits, as they are")

/* Values of rows, asked for one by one: place i of row r is i + r * (values of a row). */
typedef struct mn_values {
    int64_t rows;
    double (*at)(const void *from, int64_t i);
    const void *from;
    const char *path; /* for messages */
} mn_values;

/* Fills images->pixels with round(255 * value / white); a value outside 0..white: MN_BAD_VALUE. */
mn_status mn_values_to_pixels(const mn_values *values, double white, const mn_dataset *dataset,
                              mn_images *images);

/* Fills the rows of both parts, of the data set's type, and its offset and scale: every place of a
 * row is measured on its own, from its least value to its greatest.  `test` may have no rows.
 * `standardise`: each place has mean 0 and deviation 1 over the training rows.  Otherwise a place
 * whose values lie so far from 0 that a float would blur them has its training rows' mean taken
 * off, and a note says so. */
mn_status mn_values_measure(const mn_values *train, const mn_values *test, bool standardise,
                            mn_dataset *dataset);

#endif
