/* pixel_map.h -- pixels moved about. */
#ifndef MN_DATA_STREAM_PIXEL_MAP_H
#define MN_DATA_STREAM_PIXEL_MAP_H

#include <mneme/random.h>

/* map (pixels): a permutation drawn from `key`. */
void mn_permutation_map(mn_key key, int64_t pixels, int32_t *map);
/* Counter-clockwise by `degrees` about the centre, nearest neighbour, black outside. */
void mn_rotation_map(double degrees, int64_t height, int64_t width, int32_t *map);

#endif
