/* positions.c -- a grid of vectors becomes a grid of another size, one axis after the other. */
#include "nn/positions.h"

#include <math.h>
#include <mneme/memory.h>
#include <string.h>

/* Rows of a grid, and of one row; 0: it is none. */
typedef struct grid {
    int64_t down, across;
} grid;

static grid square(int64_t rows)
{
    const int64_t side = llround(sqrt((double)rows));
    return side * side == rows ? (grid){side, side} : (grid){0, 0};
}

static grid of_image(int64_t rows, mn_shape image)
{
    if (image.rank != 3)
        return (grid){0, 0};
    const double ratio = (double)image.size[1] / (double)image.size[2];
    const int64_t down = llround(sqrt((double)rows * ratio));
    return down > 0 && rows % down == 0 ? (grid){down, rows / down} : (grid){0, 0};
}

bool mn_positions_fit(mn_shape there, mn_shape here, mn_shape image)
{
    return there.rank == 3 && here.rank == 3 && there.size[0] == 1 && here.size[0] == 1 &&
           there.size[2] == here.size[2] && there.size[1] > 1 &&
           square(there.size[1] - 1).down > 0 && of_image(here.size[1] - 1, image).down > 0;
}

/* Keys's cubic (1981) */
static double cubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/* (outer, from, inner) -> (outer, to, inner) */
static void resample_axis(int64_t outer, int64_t from, int64_t to, int64_t inner, const float *x,
                          float *y)
{
    const double step = (double)from / (double)to, widened = step > 1 ? step : 1;
    for (int64_t i = 0; i < to; i++) {
        const double centre = step * ((double)i + 0.5);
        const int64_t first = (int64_t)fmax(0, centre - 2 * widened + 0.5);
        const int64_t end = (int64_t)fmin((double)from, centre + 2 * widened + 0.5);
        double sum = 0;
        for (int64_t j = first; j < end; j++)
            sum += cubic(((double)j + 0.5 - centre) / widened);
        for (int64_t o = 0; o < outer; o++)
            for (int64_t k = 0; k < inner; k++) {
                double value = 0;
                for (int64_t j = first; j < end; j++)
                    value += cubic(((double)j + 0.5 - centre) / widened) / sum *
                             (double)x[(o * from + j) * inner + k];
                y[(o * to + i) * inner + k] = (float)value;
            }
    }
}

mn_status mn_positions_resample(const float *values, mn_shape there, mn_shape image,
                                mn_tensor *positions)
{
    const mn_shape here = mn_tensor_shape(positions);
    const int64_t width = here.size[2];
    const grid from = square(there.size[1] - 1), to = of_image(here.size[1] - 1, image);
    const size_t between = (size_t)(from.down * to.across * width);
    const size_t whole = (size_t)(here.size[1] * width);
    float *work = mn_memory_take(between + whole, sizeof *work);
    if (work == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for positions");
    float *made = work + between;
    memcpy(made, values, (size_t)width * sizeof *made);
    resample_axis(from.down, from.across, to.across, width, values + width, work);
    resample_axis(1, from.down, to.down, to.across * width, work, made + width);
    const mn_status status = mn_tensor_write(positions, made, whole * sizeof *made);
    mn_memory_give(work);
    return status;
}
