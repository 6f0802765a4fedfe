/* jpeg.c -- JPEG by libjpeg.
 *
 * libjpeg reports errors by a callback that must not return, hence setjmp; and it only warns of
 * data that end early or make no sense, painting the rest grey.  Such a picture is refused. */
#include "data/read/jpeg.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h> /* jpeglib.h needs it */

#include <jerror.h>
#include <jpeglib.h>
#include <mneme/memory.h>

enum { MOST_SCANS = 200 }; /* a progressive file of thousands is an attack on time */

typedef struct decoder {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    uint8_t
        *inks; /* (width, 4) a line of cyan, magenta, yellow and black; NULL: of other colours */
    jmp_buf leave;
    char message[JMSG_LENGTH_MAX];
} decoder;

static void stop(j_common_ptr info)
{
    decoder *d = (decoder *)info->client_data;
    info->err->format_message(info, d->message);
    longjmp(d->leave, 1);
}

static void warn(j_common_ptr info, int level)
{
    const int code = info->err->msg_code;
    const bool damaged = code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER ||
                         code == JWRN_HUFF_BAD_CODE || code == JWRN_MUST_RESYNC ||
                         code == JWRN_BOGUS_PROGRESSION;
    if (level < 0 && damaged)
        stop(info);
}

static void watch(j_common_ptr info)
{
    decoder *d = (decoder *)info->client_data;
    if (d->info.input_scan_number > MOST_SCANS) {
        snprintf(d->message, sizeof d->message, "more than %d scans", MOST_SCANS);
        longjmp(d->leave, 1);
    }
}

/* a * b / 255, rounded. */
static int product(int a, int b)
{
    const int scaled = a * b + 128;
    return ((scaled >> 8) + scaled) >> 8;
}

/* Files of four inks hold them inverted, as Photoshop has it: 255 is no ink. */
static void print_inks(const uint8_t *inks, int64_t width, uint8_t *rgb)
{
    for (int64_t i = 0; i < width; i++)
        for (int colour = 0; colour < 3; colour++) {
            const int light =
                inks[4 * i + 3] - product(255 - inks[4 * i + colour], inks[4 * i + 3]);
            rgb[3 * i + colour] = (uint8_t)(light > 0 ? light : 0);
        }
}

static mn_status read_lines(const char *path, decoder *d, mn_picture *picture)
{
    const bool inks = d->info.num_components == 4;
    d->info.out_color_space = inks ? JCS_CMYK : JCS_RGB;
    d->info.dct_method = JDCT_ISLOW; /* exact: the same bytes whatever the processor */
    if (inks)
        d->inks = mn_memory_take((size_t)picture->width, 4);
    if (inks && d->inks == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory", path);
    jpeg_start_decompress(&d->info);
    while (d->info.output_scanline < d->info.output_height) {
        uint8_t *rgb = picture->rgb + (size_t)d->info.output_scanline * d->info.output_width * 3;
        JSAMPROW row = inks ? d->inks : rgb;
        jpeg_read_scanlines(&d->info, &row, 1);
        if (inks)
            print_inks(d->inks, picture->width, rgb);
    }
    jpeg_finish_decompress(&d->info);
    return MN_OK;
}

/* Everything that may jump; what it allocates hangs on the decoder or the picture. */
static mn_status decode(const char *path, decoder *d, const uint8_t *bytes, size_t count,
                        mn_picture *picture)
{
    if (setjmp(d->leave) != 0)
        return d->errors.msg_code == JERR_OUT_OF_MEMORY
                   ? mn_fail(MN_NO_MEMORY, "%s: out of memory", path)
                   : mn_fail(MN_CORRUPT, "%s: not a sound JPEG: %s", path, d->message);
    jpeg_create_decompress(&d->info);
    d->info.client_data = d;
    d->info.progress = &d->progress;
    jpeg_mem_src(&d->info, bytes, count);
    jpeg_read_header(&d->info, TRUE);
    MN_TRY(mn_picture_allocate(path, d->info.image_width, d->info.image_height, picture));
    return read_lines(path, d, picture);
}

mn_status mn_jpeg_decode(const char *path, const uint8_t *bytes, size_t count, mn_picture *picture)
{
    decoder *d = mn_memory_take_zeroed(1, sizeof *d);
    if (d == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory", path);
    d->info.err = jpeg_std_error(&d->errors);
    d->errors.error_exit = stop;
    d->errors.emit_message = warn;
    d->progress.progress_monitor = watch;
    d->info.client_data = d;
    const mn_status status = decode(path, d, bytes, count, picture);
    jpeg_destroy_decompress(&d->info);
    mn_memory_give(d->inks);
    mn_memory_give(d);
    return status;
}
