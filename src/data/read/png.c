/* png.c -- PNG by libpng's simplified interface, which needs neither callbacks nor setjmp.
 *
 * Pixels are read with alpha, and alpha is dropped: libpng would otherwise mix in a background. */
#include "data/read/png.h"

#include <errno.h>
#include <mneme/memory.h>
#include <png.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static mn_status read_pixels(const char *path, png_image *image, mn_picture *picture)
{
    MN_TRY(mn_picture_allocate(path, image->width, image->height, picture));
    const size_t pixels = (size_t)(picture->width * picture->height);
    uint8_t *rgba = mn_memory_take(4 * pixels, 1);
    if (rgba == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory", path);
    image->format = PNG_FORMAT_RGBA;
    image->flags |= PNG_IMAGE_FLAG_16BIT_sRGB; /* as 8-bit files are */
    const bool read = png_image_finish_read(image, NULL, rgba, 0, NULL) != 0;
    for (size_t i = 0; read && i < pixels; i++)
        for (size_t channel = 0; channel < 3; channel++)
            picture->rgb[3 * i + channel] = rgba[4 * i + channel];
    mn_memory_give(rgba);
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

static mn_status write_stream(const mn_picture *picture, const char *path, FILE *out)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)picture->width,
                       .height = (png_uint_32)picture->height,
                       .format = PNG_FORMAT_RGB};
    if (!png_image_write_to_stdio(&image, out, 0, picture->rgb, 0, NULL))
        return mn_fail(MN_IO_FAILED, "%s: %s", path, errno != 0 ? strerror(errno) : image.message);
    return MN_OK;
}

mn_status mn_png_write(const mn_picture *picture, const char *path)
{
    char part[4096];
    if (snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part)
        return mn_fail(MN_BAD_OPTION, "%.60s...: the path is too long", path);
    FILE *out = fopen(part, "wb");
    if (out == NULL)
        return mn_fail(MN_IO_FAILED, "%s: cannot be written: %s", path, strerror(errno));
    errno = 0;
    mn_status status = write_stream(picture, path, out);
    if (fclose(out) != 0 && status == MN_OK)
        status =
            mn_fail(errno == ENOSPC ? MN_DISK_FULL : MN_IO_FAILED, "%s: %s", path, strerror(errno));
    if (status == MN_OK && rename(part, path) != 0)
        status = mn_fail(MN_IO_FAILED, "%s: cannot be written: %s", path, strerror(errno));
    if (status != MN_OK)
        unlink(part);
    return status;
}
