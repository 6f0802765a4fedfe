/* view_colour.h -- changes to the colours of an image (view_ops.h). */
#ifndef MN_DATA_AUGMENT_VIEW_COLOUR_H
#define MN_DATA_AUGMENT_VIEW_COLOUR_H

#include "data/augment/view_ops.h"

void mn_view_brightness(const mn_canvas *canvas, float factor);
void mn_view_contrast(const mn_canvas *canvas, float factor);
/* Three channels; others have no colour, and stay. */
void mn_view_saturation(const mn_canvas *canvas, float factor);
void mn_view_hue(const mn_canvas *canvas, float turn); /* 1: once about the wheel; from -1 to 1 */
void mn_view_solarise(const mn_canvas *canvas, float threshold);
void mn_view_equalise(const mn_canvas *canvas);

#endif
