/* change.c -- changes of images that a gradient flows through to the images: colours, places, and
 * what is cut out (the augmentations of Zhao and Bilen 2021, arXiv 2102.08259).
 *
 * Colours are sums and products along axes.  What moves by whole pixels or goes is an op of its
 * own, whose draws are whole numbers: the shape rule copies them into the tape's memory, so that
 * the caller's array may go. */
#include "autograd/memory.h"
#include "autograd/node.h"
#include "autograd/plain.h"
#include "autograd/rows.h"
#include "autograd/sweep.h"
#include "autograd/tape.h"
#include "tensor/image_kernels.h"

#include <inttypes.h>
#include <mneme/image_ops.h>
#include <stddef.h>
#include <string.h>

static mn_status check_images(mn_shape x)
{
    char text[64];
    return x.rank == 4 ? MN_OK
                       : mn_fail(MN_BAD_SHAPE, "%s, expected (B,C,H,W)", mn_shape_text(x, text));
}

/* --- colours ---------------------------------------------------------------------------------- */

static mn_status check_drawn(const mn_var *x, const mn_var *drawn)
{
    char text[64];
    if (x == NULL || drawn == NULL)
        return mn_fail(MN_BAD_VALUE, "operand %d is absent", x == NULL ? 1 : 2);
    MN_TRY(check_images(mn_shape_of(x)));
    const mn_shape shape = mn_shape_of(drawn);
    const int64_t images = mn_rows_of(x);
    return shape.rank == 1 && (shape.size[0] == 1 || shape.size[0] == images)
               ? MN_OK
               : mn_fail(MN_BAD_SHAPE, "what is drawn is %s, expected (1) or (%" PRId64 ")",
                         mn_shape_text(shape, text), images);
}

/* What is drawn for all images or for each, repeated along images: (1,1,1,1) or (B,1,1,1). */
static mn_var *along_images(const char *op, mn_var *x, mn_var *drawn)
{
    mn_tape *tape = mn_tape_of(x != NULL ? x : drawn);
    if (tape == NULL || mn_tape_status(tape) != MN_OK)
        return mn_tape_poison(tape);
    const mn_status status = check_drawn(x, drawn);
    return status == MN_OK ? mn_reshape(drawn, MN_SHAPE(mn_rows_of(drawn), 1, 1, 1))
                           : mn_tape_refuse(tape, op, status);
}

mn_var *mn_brightness(mn_var *x, mn_var *amount)
{
    return mn_broadcast_add(x, along_images("brightness", x, amount));
}

/* factor (x - mean) + mean, as factor x + (1 - factor) mean: a pass less over x, and x itself where
 * the factor is 1. */
static mn_var *about(mn_var *x, mn_var *mean, mn_var *factor)
{
    mn_var *rest = mn_shift(mn_scale(factor, -1), 1);
    return mn_broadcast_add(mn_broadcast_mul(x, factor), mn_broadcast_mul(mean, rest));
}

mn_var *mn_saturation(mn_var *x, mn_var *factor)
{
    mn_var *by = along_images("saturation", x, factor);
    if (mn_tape_status(mn_tape_of(by)) != MN_OK)
        return by;
    mn_shape shape = mn_shape_of(x);
    shape.size[1] = 1;
    return about(x, mn_reshape(mn_mean_axis(x, 1), shape), by);
}

mn_var *mn_contrast(mn_var *x, mn_var *factor)
{
    mn_var *by = along_images("contrast", x, factor);
    if (mn_tape_status(mn_tape_of(by)) != MN_OK)
        return by;
    const mn_shape shape = mn_shape_of(x);
    const mn_shape flat = MN_SHAPE(shape.size[0], mn_row_count(shape));
    mn_var *mean = mn_mean_axis(mn_reshape(x, flat), 1);
    return about(x, mn_reshape(mean, MN_SHAPE(shape.size[0], 1, 1, 1)), by);
}

mn_var *mn_normalise_images(mn_var *x, const float *mean, const float *deviation)
{
    mn_tape *tape = mn_tape_of(x);
    if (tape == NULL || mn_tape_status(tape) != MN_OK)
        return mn_tape_poison(tape);
    mn_status status = check_images(mn_shape_of(x));
    if (status == MN_OK && (mean == NULL || deviation == NULL))
        status = mn_fail(MN_BAD_VALUE, "there is no %s", mean == NULL ? "mean" : "deviation");
    const mn_shape channels = MN_SHAPE(mn_shape_of(x).size[1], 1, 1);
    for (int64_t c = 0; status == MN_OK && c < channels.size[0]; c++)
        if (!(deviation[c] > 0))
            status = mn_fail(MN_BAD_VALUE,
                             "the deviation of channel %" PRId64 " is %g, expected above 0", c,
                             (double)deviation[c]);
    if (status != MN_OK)
        return mn_tape_refuse(tape, "normalise_images", status);
    float *inverse = mn_tape_take(tape, 2 * (size_t)channels.size[0] * sizeof *inverse);
    if (inverse == NULL)
        return mn_tape_poison(tape);
    float *shift = inverse + channels.size[0];
    for (int64_t c = 0; c < channels.size[0]; c++) {
        inverse[c] = 1 / deviation[c];
        shift[c] = -mean[c] / deviation[c];
    }
    /* The sum comes last: its gradient becomes the product's without a copy. */
    return mn_broadcast_add(mn_broadcast_mul(x, mn_input(tape, channels, inverse, false)),
                            mn_input(tape, channels, shift, false));
}

/* --- places ----------------------------------------------------------------------------------- */

typedef struct places {
    const int64_t *at; /* (count, 2): down and across */
    int64_t count;     /* of images, or 1 for all of them */
    int64_t side;      /* of what is cut out */
} places;

static mn_status places_shape(mn_node *node, mn_shape *out)
{
    places *p = node->attributes;
    *out = mn_node_x_shape(node, 0);
    MN_TRY(check_images(*out));
    if (p->count != 1 && p->count != out->size[0])
        return mn_fail(MN_BAD_VALUE,
                       "%" PRId64 " places for %" PRId64 " images, expected 1 or one an image",
                       p->count, out->size[0]);
    if (p->at == NULL && p->count > 0)
        return mn_fail(MN_BAD_VALUE, "there are no places");
    if (p->side < 0)
        return mn_fail(MN_BAD_VALUE, "a side of %" PRId64 ", expected at least 0", p->side);
    int64_t *kept = mn_tape_take(node->output.tape, (size_t)p->count * 2 * sizeof *kept);
    if (kept == NULL)
        return MN_NO_MEMORY;
    if (p->count > 0)
        memcpy(kept, p->at, (size_t)p->count * 2 * sizeof *kept);
    p->at = kept;
    return MN_OK;
}

static mn_images_shape images_of(const mn_node *node)
{
    const mn_shape x = mn_node_x_shape(node, 0);
    return (mn_images_shape){x.size[0], x.size[1], x.size[2], x.size[3]};
}

static mn_status shift_images_forward(mn_node *node)
{
    const places *p = node->attributes;
    const mn_images_shape s = images_of(node);
    mn_kernel_shift_images(&s, p->at, p->count == 1, 1, mn_node_x(node, 0), mn_node_y(node), false);
    return MN_OK;
}

static mn_status shift_images_backward(mn_node *node) /* the other way */
{
    const places *p = node->attributes;
    const mn_images_shape s = images_of(node);
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        mn_kernel_shift_images(&s, p->at, p->count == 1, -1, mn_node_dy(node), dx, add);
    return MN_OK;
}

static const mn_op op_shift_images = {"shift_images", sizeof(places), places_shape,
                                      shift_images_forward, shift_images_backward};

mn_var *mn_shift_images(mn_var *x, const int64_t *by, int64_t count)
{
    return mn_rows_apart(mn_apply1(&op_shift_images, x, &(places){by, count, 0}));
}

static mn_status cutout_forward(mn_node *node)
{
    const places *p = node->attributes;
    const mn_images_shape s = images_of(node);
    mn_kernel_cutout(&s, p->at, p->count == 1, p->side, mn_node_x(node, 0), mn_node_y(node), false);
    return MN_OK;
}

static mn_status cutout_backward(mn_node *node)
{
    const places *p = node->attributes;
    const mn_images_shape s = images_of(node);
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        mn_kernel_cutout(&s, p->at, p->count == 1, p->side, mn_node_dy(node), dx, add);
    return MN_OK;
}

static const mn_op op_cutout = {"cutout", sizeof(places), places_shape, cutout_forward,
                                cutout_backward};

mn_var *mn_cutout(mn_var *x, const int64_t *corners, int64_t count, int64_t side)
{
    return mn_rows_apart(mn_apply1(&op_cutout, x, &(places){corners, count, side}));
}
