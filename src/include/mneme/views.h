/* views.h -- random views of images, as contrastive and multi-view methods train on them.
 *
 * A view is a crop of an image, resized, mirrored and changed in colour, each by chance.  How much
 * it changes is a spec: one const struct.  Benchmarks have one in their section `views`, which
 * users change; a method whose paper fixes the strengths brings its own.
 */
#ifndef MNEME_VIEWS_H
#define MNEME_VIEWS_H

#include <mneme/data.h>

#ifdef __cplusplus
extern "C" {
#endif

/* In the order in which the changes are made; zeros are no change.  A number without comment is the
 * probability that a view is changed so.  Each change is what torchvision.transforms.functional
 * does to a float image; crops are resized as PIL resizes, with the triangle widened where they
 * shrink. */
typedef struct mn_view_spec {
    int64_t size;                      /* height and width in pixels; 0: those of the image */
    double area_least, area_most;      /* of the crop, in parts of the image's; 0: no crop */
    double aspect_least, aspect_most;  /* width / height of the crop */
    double flip;                       /* left to right */
    double jitter;                     /* the four below, in random order */
    double brightness, contrast, saturation; /* factors from 1 - this (not below 0) to 1 + this */
    double hue;                        /* turned by -this to this of the whole wheel; up to 0.5 */
    double grey;                       /* loss of colour */
    double blur;                       /* Gaussian */
    int64_t blur_kernel;               /* pixels, odd */
    double sigma_least, sigma_most;    /* of the Gaussian, in pixels */
    double solarise;                   /* negative of all at or above a threshold on [0, 1) */
    double equalise;                   /* each channel's histogram made level, in 256 steps */
    double cutout;                     /* a square at a random place becomes the mean colour */
    double cutout_size;                /* its side, in parts of the view's shorter one */
    int64_t small_size;                /* of small views: pixels; 0: 9/16 of the image's side */
    double small_area_least, small_area_most;
} mn_view_spec;

/* The spec of small views: the same changes, with the small size and area. */
MN_API mn_view_spec mn_small_view(const mn_view_spec *spec, mn_shape image);
/* MN_BAD_OPTION, with the key, unless images of this shape have such views. */
MN_API mn_status mn_view_check(const mn_view_spec *spec, mn_shape image);
/* The shape of a view. */
MN_API mn_shape mn_view_shape(const mn_view_spec *spec, mn_shape image);

/* rows (count, image) of `type` -> x (views, count, view), normalised as `transform` says, whose random
 * part is not used.  View v of row r is drawn from mn_key_at(mn_key_at(key, r), v): it depends on
 * neither the other rows nor the threads.  Images without three channels have no colour to change;
 * measurements are no pictures, and come as they are. */
MN_API mn_status mn_views_apply(const mn_view_spec *spec, const mn_transform *transform,
                                mn_shape image, int64_t count, mn_row_type type,
                                const void *rows, int64_t views, mn_key key, float *x);

#ifdef __cplusplus
}
#endif
#endif
