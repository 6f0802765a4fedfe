/* images.h -- images of one class, and what the judge sees in them. */
#ifndef MN_JUDGE_IMAGES_H
#define MN_JUDGE_IMAGES_H

#include "run/rebuilt.h"

typedef struct mn_judge_images {
    int64_t count, room;
    uint8_t *pixels;          /* (count, image), of the run's row type */
    float *unit;              /* (count, image): values from 0 to 1 */
    float *features, *scores; /* (count, D), (count, classes): what the judge sees */
} mn_judge_images;

int64_t mn_judge_pixels(const mn_rebuilt *run); /* of an image, all channels */
mn_row_type mn_judge_row_type(const mn_rebuilt *run);
size_t mn_judge_row_bytes(const mn_rebuilt *run);

mn_status mn_judge_add_image(mn_judge_images *to, const uint8_t *pixels, size_t bytes);
void mn_judge_free_images(mn_judge_images *images);

/* The class's images that the run was trained on. */
mn_status mn_judge_collect_train(const mn_rebuilt *run, int32_t label, mn_judge_images *to);
/* Images that neither was trained on: test images, or what the run held out without what the judge,
 * which holds out others, was trained on. */
mn_status mn_judge_collect_real(const mn_rebuilt *run, const mn_rebuilt *judge, int32_t label,
                                mn_judge_images *to);

/* Sets unit, features (of `width`) and scores. */
mn_status mn_judge_look(const mn_rebuilt *judge, int64_t width, mn_judge_images *images);

#endif
