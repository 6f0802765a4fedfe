/* png.c -- PNG by libpng's simplified interface, which needs neither callbacks nor setjmp.
 *
 * Pixels are read with alpha, and alpha is dropped: libpng would otherwise mix in a background. */
#include "data/picture.h"

#include <png.h>
#include <stdbool.h>
#include <stdlib.h>

static mn_status read_pixels(const char *path, png_image *image, mn_picture *picture)
{
    MN_TRY(mn_picture_allocate(path, image->width, image->height, picture));
    const size_t pixels = (size_t)(picture->width * picture->height);
    uint8_t *rgba = malloc(4 * pixels);
    if (rgba == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory", path);
    image->format = PNG_FORMAT_RGBA;
    image->flags |= PNG_IMAGE_FLAG_16BIT_sRGB; /* as 8-bit files are */
    const bool read = png_image_finish_read(image, NULL, rgba, 0, NULL) != 0;
    for (size_t i = 0; read && i < pixels; i++)
        for (size_t channel = 0; channel < 3; channel++)
            picture->rgb[3 * i + channel] = rgba[4 * i + channel];
    free(rgba);
    return read
               ? MN_OK
               : mn_fail(MN_CORRUPT, "%s: not a sound PNG: %s; get it again", path, image->message);
}

mn_status mn_png_decode(const char *path, const uint8_t *bytes, size_t count, mn_picture *picture)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    if (!png_image_begin_read_from_memory(&image, bytes, count))
        return mn_fail(MN_CORRUPT, "%s: not a sound PNG: %s; get it again", path, image.message);
    const mn_status status = read_pixels(path, &image, picture);
    png_image_free(&image);
    return status;
}
