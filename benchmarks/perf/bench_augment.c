/* bench_augment.c -- random crop, flip and normalisation of a batch of 32x32 colour images:
 *
 *   bench_augment BATCH THREADS STEPS
 *
 * augment_torch.py prints the same for PyTorch. */
#include "bench.h"
#include <mneme/data.h>
#include <omp.h>

enum { IMAGE = 3 * 32 * 32, MOST_STEPS = 100000 };

int main(int argc, char **argv)
{
    static double seconds[MOST_STEPS];
    if (argc != 4) {
        fprintf(stderr, "usage: bench_augment BATCH THREADS STEPS\n");
        return 2;
    }
    const int64_t batch = atoi(argv[1]), steps = atoi(argv[3]);
    if (batch < 1 || steps < 1 || steps > MOST_STEPS)
        return 2;
    omp_set_num_threads(atoi(argv[2]));
    const mn_transform transform = {.channels = 3,
                                    .mean = {0.4914f, 0.4822f, 0.4465f},
                                    .deviation = {0.247f, 0.2435f, 0.2615f},
                                    .pad = 4,
                                    .flip = true};
    uint8_t *pixels = malloc((size_t)(batch * IMAGE));
    float *x = malloc((size_t)(batch * IMAGE) * sizeof *x);
    if (pixels == NULL || x == NULL)
        return EXIT_FAILURE;
    for (int64_t i = 0; i < batch * IMAGE; i++)
        pixels[i] = (uint8_t)(i * 31);
    for (int64_t i = 0; i < steps; i++) {
        const double before = mn_bench_now();
        mn_transform_apply(&transform, MN_SHAPE(3, 32, 32), batch, MN_ROW_U8, pixels,
                           mn_key_of((uint64_t)i, "augment"), NULL, x);
        seconds[i] = mn_bench_now() - before;
    }
    mn_bench_print_steps(seconds, steps);
    free(x);
    free(pixels);
    return 0;
}
