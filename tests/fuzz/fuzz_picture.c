/* Whatever bytes a PNG or JPEG holds, decoding it ends in pixels or in one line of why not; and
 * pixels can be resized to anything. */
#include "data/read/decode.h"
#include "data/read/resize.h"
#include "tests/fuzz/fuzz.h"

#include "data/read/picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    mn_picture picture;
    const mn_status status = mn_picture_decode("picture", bytes, count, &picture);
    demand((status == MN_OK) == (picture.rgb != NULL), "pixels without success, or the reverse");
    demand_message(status);
    if (status != MN_OK)
        return 0;
    int64_t sum = 0;
    for (int64_t i = 0; i < picture.width * picture.height * 3; i++)
        sum += picture.rgb[i];
    demand(sum >= 0, "a sum of bytes below zero");
    uint8_t small[3 * 9 * 8];
    const mn_resize resize = count % 2 == 0 ? MN_RESIZE_AREA : MN_RESIZE_BILINEAR;
    const mn_fit fit = count % 3 == 0 ? MN_FIT_CROP : MN_FIT_STRETCH;
    const mn_raster raster = mn_raster_of_picture(&picture);
    demand(mn_raster_place(&raster, resize, fit, count % 5 == 0 ? 1 : 3, 9, 8, small) == MN_OK,
           "a picture that cannot be resized");
    mn_picture_free(&picture);
    return 0;
}
