/* projection.h -- rows in the coordinates of a few orthonormal directions. */
#ifndef MN_DATA_PROJECTION_H
#define MN_DATA_PROJECTION_H

#include <mneme/random.h>

typedef struct mn_projection {
    int64_t values, directions;
    float *direction; /* R, (values, directions): its columns are orthonormal */
} mn_projection;

/* Draws R by key, uniformly among all such bases; directions <= values. */
mn_status mn_projection_draw(mn_key key, int64_t values, int64_t directions,
                             mn_projection *projection);
void mn_projection_free(mn_projection *projection);
/* z = x R: row (values), coordinates (directions). */
void mn_projection_apply(const mn_projection *projection, const float *row, float *coordinates);
/* z R', the row nearest to x of all that have these coordinates alone. */
void mn_projection_back(const mn_projection *projection, const float *coordinates, float *row);

#endif
