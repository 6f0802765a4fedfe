/* sight.h -- what a network sees of the images that it is shown: all of them, or less. */
#ifndef MN_NN_SIGHT_H
#define MN_NN_SIGHT_H

#include <mneme/network.h>

/* In the order of the option `sees`. */
typedef enum mn_sight {
    MN_SEES_ALL,
    MN_SEES_GREY, /* the mean of the channels, as they are normalised */
    MN_SEES_HALF, /* the means of 2 x 2 pixels; the last row and column of an odd size are lost */
    MN_SEES_GREY_HALF,
} mn_sight;

/* What is left of an image: (channels, height, width).  MN_BAD_OPTION where nothing would be. */
mn_status mn_sight_of(mn_sight sight, mn_shape image, mn_shape *seen);
/* The same of images x (B, channels, height, width); gradient flows back. */
mn_var *mn_see(mn_sight sight, mn_var *x);

#endif
