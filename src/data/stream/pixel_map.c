/* pixel_map.c -- the two ways in which a domain stream moves pixels. */
#include "data/stream/pixel_map.h"

#include <math.h>

/* Fisher-Yates inside out, as mn_random_permutation: here on 32 bits, in place. */
void mn_permutation_map(mn_key key, int64_t pixels, int32_t *map)
{
    for (int64_t i = 0; i < pixels; i++) {
        const int64_t j = mn_random_below(key, (uint64_t)i, i + 1);
        map[i] = map[j];
        map[j] = (int32_t)i;
    }
}

/* Each pixel asks for the one under its centre after turning back, as Pillow's Image.rotate does:
 * coordinates are of pixel centres, the pivot is the middle of the image. */
void mn_rotation_map(double degrees, int64_t height, int64_t width, int32_t *map)
{
    const double radians = degrees * (3.14159265358979323846 / 180);
    const double cosine = cos(radians), sine = sin(radians);
    const double middle_x = (double)width / 2, middle_y = (double)height / 2;
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++) {
            const double right = (double)x + 0.5 - middle_x, down = (double)y + 0.5 - middle_y;
            const double from_x = floor(cosine * right - sine * down + middle_x);
            const double from_y = floor(sine * right + cosine * down + middle_y);
            const bool inside =
                from_x >= 0 && from_x < (double)width && from_y >= 0 && from_y < (double)height;
            map[y * width + x] = inside ? (int32_t)((int64_t)from_y * width + (int64_t)from_x) : -1;
        }
}
