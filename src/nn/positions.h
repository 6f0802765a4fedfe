/* positions.h -- a transformer's positions for images of another size than they were learned on. */
#ifndef MN_NN_POSITIONS_H
#define MN_NN_POSITIONS_H

#include <mneme/tensor.h>
#include <stdbool.h>

/* Whether positions (1, 1 + rows, D) of a square grid can become those of a network that sees such
 * images (C, H, W), cut into square patches: also (1, 1 + rows, D), of as many D. */
bool mn_positions_fit(mn_shape there, mn_shape here, mn_shape image);
/* Writes them into `positions`: the first row, the class token's, as it is; the grid bicubically,
 * as timm does and PIL did before (a = -1/2, widened where the grid shrinks). */
mn_status mn_positions_resample(const float *values, mn_shape there, mn_shape image,
                                mn_tensor *positions);

#endif
