/* partial.h -- rows of floats in a file that grows, and whose growth may be interrupted.
 *
 * It begins with a text that says what the rows are of.  Who finds rows of the same goes on behind
 * them; rows of something else are begun anew. */
#ifndef MN_FEATURES_PARTIAL_H
#define MN_FEATURES_PARTIAL_H

#include <mneme/status.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct mn_partial {
    char path[4096];
    FILE *file;
    size_t text; /* bytes before the rows */
    int64_t width, rows;
    void *mapped; /* the rows; NULL: they are not */
} mn_partial;

/* Opens or begins it, as PATH.part; `rows` of it are there.  MN_BUSY: another process has it open.
 */
mn_status mn_partial_open(const char *path, const char *text, int64_t width, mn_partial *partial);
/* Cuts off what is behind the first so many, such as what was being written when a process ended.
 */
mn_status mn_partial_keep(mn_partial *partial, int64_t rows);
mn_status mn_partial_add(mn_partial *partial, const float *rows, int64_t count);
/* All of them, (rows, width), mapped until it is closed. */
mn_status mn_partial_rows(mn_partial *partial, const float **rows);
void mn_partial_close(mn_partial *partial, bool remove);

#endif
