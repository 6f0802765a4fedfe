/* bench_views.c -- random views of a batch of images, two of each:
 *
 *   bench_views xder|full|small BATCH THREADS STEPS
 *
 * xder: X-DER's, of 1x28x28; full and small: NNCSL's for CIFAR, 32 and 18 pixels a side.
 * views_torch.py prints the same for torchvision. */
#include "bench.h"
#include <mneme/views.h>
#include <omp.h>
#include <string.h>

enum { MOST_STEPS = 100000, VIEWS = 2 };

static const mn_view_spec xder = {.area_least = 0.2,
                                  .area_most = 1,
                                  .aspect_least = 0.75,
                                  .aspect_most = 4.0 / 3,
                                  .jitter = 0.8,
                                  .brightness = 0.4,
                                  .contrast = 0.4,
                                  .saturation = 0.4,
                                  .hue = 0.1,
                                  .grey = 0.2};
static const mn_view_spec full = {.area_least = 0.75,
                                  .area_most = 1,
                                  .aspect_least = 0.75,
                                  .aspect_most = 4.0 / 3,
                                  .flip = 0.5,
                                  .jitter = 0.8,
                                  .brightness = 0.4,
                                  .contrast = 0.4,
                                  .saturation = 0.4,
                                  .hue = 0.1,
                                  .solarise = 0.2,
                                  .equalise = 0.2,
                                  .small_size = 18,
                                  .small_area_least = 0.3,
                                  .small_area_most = 0.75};

int main(int argc, char **argv)
{
    static double seconds[MOST_STEPS];
    if (argc != 5) {
        fprintf(stderr, "usage: bench_views xder|full|small BATCH THREADS STEPS\n");
        return 2;
    }
    const bool grey = strcmp(argv[1], "xder") == 0, small = strcmp(argv[1], "small") == 0;
    const int64_t batch = atoi(argv[2]), steps = atoi(argv[4]);
    const mn_shape image = grey ? MN_SHAPE(1, 28, 28) : MN_SHAPE(3, 32, 32);
    const mn_view_spec spec = grey ? xder : small ? mn_small_view(&full, image) : full;
    if (batch < 1 || steps < 1 || steps > MOST_STEPS)
        return 2;
    omp_set_num_threads(atoi(argv[3]));
    const mn_transform transform = {.channels = image.size[0],
                                    .mean = {0.4914f, 0.4822f, 0.4465f},
                                    .deviation = {0.2023f, 0.1994f, 0.201f}};
    const int64_t values = batch * mn_shape_count(image);
    uint8_t *pixels = malloc((size_t)values);
    float *x = malloc((size_t)(VIEWS * values) * sizeof *x);
    if (pixels == NULL || x == NULL)
        return EXIT_FAILURE;
    for (int64_t i = 0; i < values; i++)
        pixels[i] = (uint8_t)(i * 31);
    for (int64_t i = 0; i < steps; i++) {
        const double before = mn_bench_now();
        mn_bench_demand(mn_views_apply(&spec, &transform, image, batch, MN_ROW_U8, pixels, VIEWS,
                                       mn_key_of((uint64_t)i, "views"), x));
        seconds[i] = mn_bench_now() - before;
    }
    mn_bench_print_steps(seconds, steps);
    free(x);
    free(pixels);
    return 0;
}
