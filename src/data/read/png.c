/* png.c -- PNG by libpng.
 *
 * It is read by libpng's full interface: the simplified one decodes interlaced images of 16 bits
 * wrongly.  Transparency is dropped, and the gamma that a file names is not applied, as PIL and
 * torchvision have it; 16 bits are rounded to 8. */
#include "data/read/png.h"
#include "base/folder.h"

#include <errno.h>
#include <mneme/memory.h>
#include <png.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- reading ---------------------------------------------------------------------------------- */

typedef struct decoder {
    png_structp png;
    png_infop info;
    const uint8_t *at;
    size_t left;
    png_bytep *row; /* (height) where each line of the picture goes */
    jmp_buf leave;
    char message[128];
    bool ran_out; /* of memory, which libpng's messages do not always say */
} decoder;

static void stop(png_structp png, png_const_charp message)
{
    decoder *d = png_get_error_ptr(png);
    snprintf(d->message, sizeof d->message, "%s", message);
    longjmp(d->leave, 1);
}

/* Only of what does not touch the pixels. */
static void warn(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void *take(png_structp png, png_alloc_size_t bytes)
{
    decoder *d = png_get_mem_ptr(png);
    void *memory = mn_memory_take(bytes, 1);
    d->ran_out = d->ran_out || memory == NULL;
    return memory;
}

static void give(png_structp png, void *memory)
{
    (void)png;
    mn_memory_give(memory);
}

static void read_bytes(png_structp png, png_bytep to, size_t count)
{
    decoder *d = png_get_io_ptr(png);
    if (count > d->left)
        png_error(png, "it ends too early");
    memcpy(to, d->at, count);
    d->at += count;
    d->left -= count;
}

/* Everything that may jump; what it allocates hangs on the decoder or the picture. */
static mn_status decode(const char *path, decoder *d, mn_picture *picture)
{
    if (setjmp(d->leave) != 0)
        return d->ran_out ? mn_fail(MN_NO_MEMORY, "%s: out of memory", path)
                          : mn_fail(MN_CORRUPT, "%s: not a sound PNG: %s", path, d->message);
    png_set_read_fn(d->png, d, read_bytes);
    png_read_info(d->png, d->info);
    const int64_t width = png_get_image_width(d->png, d->info);
    const int64_t height = png_get_image_height(d->png, d->info);
    MN_TRY(mn_picture_allocate(path, width, height, picture));
    d->row = mn_memory_take((size_t)height, sizeof *d->row);
    if (d->row == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory", path);
    for (int64_t y = 0; y < height; y++)
        d->row[y] = picture->rgb + 3 * width * y;
    png_set_expand(d->png);
    png_set_scale_16(d->png);
    png_set_strip_alpha(d->png);
    png_set_gray_to_rgb(d->png);
    png_set_interlace_handling(d->png);
    png_read_update_info(d->png, d->info);
    if (png_get_rowbytes(d->png, d->info) != (size_t)(3 * width))
        png_error(d->png, "its lines are not of 3 bytes a pixel");
    png_read_image(d->png, d->row);
    return MN_OK;
}

mn_status mn_png_decode(const char *path, const uint8_t *bytes, size_t count, mn_picture *picture)
{
    decoder *d = mn_memory_take_zeroed(1, sizeof *d);
    if (d == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory", path);
    d->at = bytes;
    d->left = count;
    d->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, d, stop, warn, d, take, give);
    if (d->png != NULL)
        d->info = png_create_info_struct(d->png);
    const mn_status status = d->info != NULL ? decode(path, d, picture)
                                             : mn_fail(MN_NO_MEMORY, "%s: out of memory", path);
    png_destroy_read_struct(&d->png, &d->info, NULL);
    mn_memory_give(d->row);
    mn_memory_give(d);
    return status;
}

/* --- writing ---------------------------------------------------------------------------------- */

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
    if (status == MN_OK)
        status = mn_folder_take_name(part, path);
    if (status != MN_OK)
        unlink(part);
    return status;
}
