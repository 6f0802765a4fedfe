/* sight.c -- images lose their colour, or half their size, on the way into a network. */
#include "nn/sight.h"

#include <mneme/image_ops.h>
#include <mneme/ops.h>

mn_status mn_sight_of(mn_sight sight, mn_shape image, mn_shape *seen)
{
    const bool halves = sight == MN_SEES_HALF || sight == MN_SEES_GREY_HALF;
    char text[64];
    *seen = image;
    if (sight == MN_SEES_ALL)
        return MN_OK;
    if (image.rank != 3 || (halves && (image.size[1] < 2 || image.size[2] < 2)))
        return mn_fail(MN_BAD_OPTION,
                       "sees: rows of %s have nothing to lose; expected images (channels, height, "
                       "width) of at least 2 x 2 pixels; leave the option out",
                       mn_shape_text(image, text));
    if (sight != MN_SEES_HALF && image.size[0] == 1)
        return mn_fail(MN_BAD_OPTION, "sees: these images are grey already; %s",
                       halves ? "sees=half takes half their size" : "leave the option out");
    if (sight != MN_SEES_HALF)
        seen->size[0] = 1;
    if (halves) {
        seen->size[1] /= 2;
        seen->size[2] /= 2;
    }
    return MN_OK;
}

mn_var *mn_see(mn_sight sight, mn_var *x)
{
    const mn_shape shape = mn_shape_of(x);
    if (sight == MN_SEES_HALF || sight == MN_SEES_GREY_HALF)
        x = mn_average_pool_2d(x, 2, 2, 0);
    if (sight == MN_SEES_HALF || sight == MN_SEES_ALL || shape.rank != 4)
        return x;
    const mn_shape seen = mn_shape_of(x);
    return mn_reshape(mn_mean_axis(x, 1), MN_SHAPE(seen.size[0], 1, seen.size[2], seen.size[3]));
}
