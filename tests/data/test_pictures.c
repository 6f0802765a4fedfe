/* PNG and JPEG, sound and damaged, and pictures made into images of another size. */
#include "data/read/decode.h"
#include "data/read/picture.h"
#include "data/read/resize.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <png.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

enum { WIDTH = 23, HEIGHT = 17, MOST = 1 << 16 };

static uint8_t rgb[HEIGHT][WIDTH][3], grey[HEIGHT][WIDTH];
static uint8_t packed[MOST];
static size_t packed_bytes;

static void paint(void)
{
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            rgb[y][x][0] = (uint8_t)(11 * x);
            rgb[y][x][1] = (uint8_t)(15 * y);
            rgb[y][x][2] = grey[y][x] = (uint8_t)(128 + 5 * x - 3 * y);
        }
}

static void pack_png(png_uint_32 format, const void *pixels)
{
    png_image image = {
        .version = PNG_IMAGE_VERSION, .width = WIDTH, .height = HEIGHT, .format = format};
    packed_bytes = sizeof packed;
    ck_assert(png_image_write_to_memory(&image, packed, &packed_bytes, 0, pixels, 0, NULL));
}

static void pack_jpeg(int quality, bool progressive, bool in_grey)
{
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    unsigned char *out = NULL;
    unsigned long bytes = 0;
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, &out, &bytes);
    info.image_width = WIDTH;
    info.image_height = HEIGHT;
    info.input_components = in_grey ? 1 : 3;
    info.in_color_space = in_grey ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, quality, TRUE);
    if (progressive)
        jpeg_simple_progression(&info);
    jpeg_start_compress(&info, TRUE);
    for (int y = 0; y < HEIGHT; y++) {
        JSAMPROW row = in_grey ? grey[y] : rgb[y][0];
        jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    ck_assert_uint_le(bytes, sizeof packed);
    memcpy(packed, out, bytes);
    packed_bytes = bytes;
    free(out);
}

static mn_status decode(mn_picture *picture)
{
    return mn_picture_decode("picture", packed, packed_bytes, picture);
}

START_TEST(a_png_gives_back_every_pixel)
{
    paint();
    mn_picture picture;
    pack_png(PNG_FORMAT_RGB, rgb);
    ck_assert_ok(decode(&picture));
    ck_assert_int_eq(picture.width, WIDTH);
    ck_assert_int_eq(picture.height, HEIGHT);
    ck_assert_mem_eq(picture.rgb, rgb, sizeof rgb);
    mn_picture_free(&picture);

    uint8_t with_alpha[HEIGHT][WIDTH][4];
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            memcpy(with_alpha[y][x], rgb[y][x], 3);
            with_alpha[y][x][3] = (uint8_t)(255 - x); /* never 0: libpng forgets such colours */
        }
    pack_png(PNG_FORMAT_RGBA, with_alpha);
    ck_assert_ok(decode(&picture));
    ck_assert_mem_eq(picture.rgb, rgb, sizeof rgb); /* alpha is dropped */
    mn_picture_free(&picture);
    pack_png(PNG_FORMAT_GRAY, grey);
    ck_assert_ok(decode(&picture));
    for (int i = 0; i < WIDTH * HEIGHT * 3; i++)
        ck_assert_int_eq(picture.rgb[i], grey[i / 3 / WIDTH][i / 3 % WIDTH]);
    mn_picture_free(&picture);
}
END_TEST

START_TEST(a_jpeg_gives_back_nearly_every_pixel)
{
    paint();
    for (int progressive = 0; progressive < 2; progressive++) {
        mn_picture picture;
        pack_jpeg(100, progressive, false);
        ck_assert_ok(decode(&picture));
        ck_assert_int_eq(picture.width, WIDTH);
        int64_t off = 0;
        for (int i = 0; i < WIDTH * HEIGHT * 3; i++)
            off += abs(picture.rgb[i] - (&rgb[0][0][0])[i]);
        ck_assert_int_lt(off, 6 * WIDTH * HEIGHT * 3); /* colours are kept at half the width */
        mn_picture_free(&picture);
    }
    mn_picture picture;
    pack_jpeg(100, false, true);
    ck_assert_ok(decode(&picture));
    for (int x = 0; x < WIDTH; x++) {
        ck_assert_int_le(abs(picture.rgb[3 * x] - grey[0][x]), 4);
        ck_assert_int_eq(picture.rgb[3 * x], picture.rgb[3 * x + 2]);
    }
    mn_picture_free(&picture);
}
END_TEST

/* Every cut is refused, and no flip reads or writes out of bounds; returns how many were seen. */
static int damage(void)
{
    static uint8_t sound[MOST];
    const size_t count = packed_bytes;
    memcpy(sound, packed, count);
    mn_picture picture;
    for (packed_bytes = 0; packed_bytes + 2 < count; packed_bytes++) {
        /* From another address each time, so that a sanitizer sees a read past the end. */
        uint8_t *cut = malloc(packed_bytes + 1);
        memcpy(cut, sound, packed_bytes);
        const mn_status status = mn_picture_decode("cut", cut, packed_bytes, &picture);
        if (status == MN_OK) { /* what is cut must be no pixels: libpng needs no last chunk */
            ck_assert_uint_ge(packed_bytes + 16, count);
            mn_picture_free(&picture);
        }
        ck_assert(status == MN_OK || strncmp(mn_error(), "cut: ", 5) == 0);
        free(cut);
    }
    packed_bytes = count;
    int refused = 0;
    for (size_t bit = 0; bit < 8 * count; bit++) {
        packed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (decode(&picture) == MN_OK)
            mn_picture_free(&picture);
        else
            refused++;
        packed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    return refused;
}

START_TEST(a_damaged_png_is_refused)
{
    paint();
    pack_png(PNG_FORMAT_RGB, rgb);
    ck_assert_int_gt(damage(), (int)packed_bytes * 6); /* of 8: all that has to do with pixels */
}
END_TEST

START_TEST(a_damaged_jpeg_is_refused_where_it_shows)
{
    paint();
    pack_jpeg(90, false, false);
    ck_assert_int_gt(damage(), (int)packed_bytes / 2);
    pack_jpeg(90, true, false);
    damage();
}
END_TEST

START_TEST(what_is_no_picture_is_named)
{
    mn_picture picture;
    packed_bytes = 0;
    ck_assert_fails(decode(&picture), MN_CORRUPT, "picture: is empty, expected a PNG or JPEG");
    memcpy(packed, "GIF89a..........", packed_bytes = 16);
    ck_assert_fails(decode(&picture), MN_CORRUPT, "picture: is neither PNG nor JPEG");
    paint();
    pack_png(PNG_FORMAT_RGB, rgb);
    packed[16] = 0x40; /* the width, and its checksum is now wrong as well */
    ck_assert_fails(decode(&picture), MN_CORRUPT, "picture: not a sound PNG");
}
END_TEST

/* --- resizing --------------------------------------------------------------------------------- */

/* The mean over a rectangle of fractional size, in double precision. */
static double mean_of(int channel, double top, double left, double height, double width)
{
    double sum = 0;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            const double down = (y + 1 < top + height ? y + 1 : top + height) - (y > top ? y : top);
            const double right =
                (x + 1 < left + width ? x + 1 : left + width) - (x > left ? x : left);
            if (down > 0 && right > 0)
                sum += down * right * rgb[y][x][channel];
        }
    return sum / (height * width);
}

/* The height at `at` of a triangle about `centre` that ends `reach` to each side. */
static double under(double at, double centre, double reach)
{
    const double apart = fabs(at - centre) / reach;
    return apart < 1 ? 1 - apart : 0;
}

/* The mean under a triangle, of the picture's pixels alone. */
static double between(int channel, double y, double x, double down, double right)
{
    double sum = 0, total = 0;
    for (int row = 0; row < HEIGHT; row++)
        for (int column = 0; column < WIDTH; column++) {
            const double weight =
                under(row + 0.5, y, fmax(down, 1)) * under(column + 0.5, x, fmax(right, 1));
            sum += weight * rgb[row][column][channel];
            total += weight;
        }
    return sum / total;
}

START_TEST(resized_pixels_are_those_of_the_definition)
{
    static const int sizes[][2] = {{5, 7}, {17, 23}, {40, 31}, {1, 1}, {64, 3}};
    paint();
    const mn_picture picture = {.width = WIDTH, .height = HEIGHT, .rgb = rgb[0][0]};
    const mn_raster raster = mn_raster_of_picture(&picture);
    static uint8_t made[3 * 64 * 64];
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (int bilinear = 0; bilinear < 2; bilinear++) {
            const int height = sizes[s][0], width = sizes[s][1];
            const double down = (double)HEIGHT / height, right = (double)WIDTH / width;
            ck_assert_ok(mn_raster_place(&raster, (mn_resize)bilinear, MN_FIT_STRETCH, 3, height,
                                         width, made));
            for (int i = 0; i < 3 * height * width; i++) {
                const int c = i / (height * width), y = i / width % height, x = i % width;
                const double want =
                    bilinear ? between(c, (y + 0.5) * down, (x + 0.5) * right, down, right)
                             : mean_of(c, y * down, x * right, down, right);
                ck_assert_msg(made[i] > want - 0.50001 && made[i] < want + 0.50001,
                              "%dx%d %s (%d, %d, %d): %d, not %g", width, height,
                              bilinear ? "bilinear" : "area", c, y, x, made[i], want);
            }
        }
}
END_TEST

START_TEST(a_crop_takes_the_middle_and_grey_is_a_mix)
{
    paint();
    const mn_picture picture = {.width = WIDTH, .height = HEIGHT, .rgb = rgb[0][0]};
    const mn_raster raster = mn_raster_of_picture(&picture);
    static uint8_t made[3 * HEIGHT * HEIGHT];
    ck_assert_ok(mn_raster_place(&raster, MN_RESIZE_AREA, MN_FIT_CROP, 3, HEIGHT, HEIGHT, made));
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < HEIGHT; x++)
            ck_assert_int_eq(made[HEIGHT * HEIGHT + y * HEIGHT + x],
                             rgb[y][x + (WIDTH - HEIGHT) / 2][1]);
    ck_assert_ok(
        mn_raster_place(&raster, MN_RESIZE_BILINEAR, MN_FIT_CROP, 1, HEIGHT, HEIGHT, made));
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < HEIGHT; x++) {
            const uint8_t *from = rgb[y][x + (WIDTH - HEIGHT) / 2];
            const double mix = 0.299 * from[0] + 0.587 * from[1] + 0.114 * from[2];
            ck_assert(made[y * HEIGHT + x] > mix - 0.51 && made[y * HEIGHT + x] < mix + 0.51);
        }
}
END_TEST

/* Any number of channels stays, and is resized like those of a picture. */
START_TEST(channels_of_an_image_are_resized_alike)
{
    enum { SIDE = 9 };
    static uint8_t planes[4][HEIGHT][WIDTH], of_picture[3 * SIDE * SIDE], of_image[4 * SIDE * SIDE];
    paint();
    const mn_picture picture = {.width = WIDTH, .height = HEIGHT, .rgb = rgb[0][0]};
    for (int c = 0; c < 4; c++)
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++)
                planes[c][y][x] = rgb[y][x][c % 3];
    for (int resize = 0; resize < 2; resize++)
        for (int fit = 0; fit < 2; fit++) {
            const mn_raster one = mn_raster_of_picture(&picture);
            const mn_raster other = mn_raster_of_image(planes[0][0], 4, HEIGHT, WIDTH);
            ck_assert_ok(
                mn_raster_place(&one, (mn_resize)resize, (mn_fit)fit, 3, SIDE, SIDE, of_picture));
            ck_assert_ok(
                mn_raster_place(&other, (mn_resize)resize, (mn_fit)fit, 4, SIDE, SIDE, of_image));
            ck_assert_mem_eq(of_picture, of_image, sizeof of_picture);
            ck_assert_mem_eq(of_picture, of_image + 3 * SIDE * SIDE, SIDE * SIDE);
        }
}
END_TEST

static int digit(int c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* Every kind of PNG and JPEG against the pixels that PIL sees: tests/data/pictures/make.py. */
START_TEST(pictures_are_what_pil_sees)
{
    static char line[1 << 14], path[1024];
    char name[64];
    int width, height, from, count = 0;
    snprintf(path, sizeof path, "%s/tests/data/pictures/truth.txt", getenv("MNEME_SOURCE"));
    FILE *truth = fopen(path, "r");
    ck_assert_ptr_nonnull(truth);
    for (; fgets(line, sizeof line, truth) != NULL; count++) {
        mn_picture picture;
        ck_assert_int_eq(sscanf(line, "%63s %d %d %n", name, &width, &height, &from), 3);
        snprintf(path, sizeof path, "%s/tests/data/pictures/%s", getenv("MNEME_SOURCE"), name);
        ck_assert_ok(mn_picture_read(path, &picture));
        ck_assert_int_eq(picture.width, width);
        ck_assert_int_eq(picture.height, height);
        for (int i = 0; i < 3 * width * height; i++)
            ck_assert_msg(picture.rgb[i] ==
                              16 * digit(line[from + 2 * i]) + digit(line[from + 2 * i + 1]),
                          "%s: byte %d", name, i);
        mn_picture_free(&picture);
    }
    fclose(truth);
    ck_assert_int_eq(count, 54);
}
END_TEST

MN_SUITE("pictures", pictures_are_what_pil_sees, a_png_gives_back_every_pixel,
         a_jpeg_gives_back_nearly_every_pixel, a_damaged_png_is_refused,
         a_damaged_jpeg_is_refused_where_it_shows, what_is_no_picture_is_named,
         resized_pixels_are_those_of_the_definition, channels_of_an_image_are_resized_alike,
         a_crop_takes_the_middle_and_grey_is_a_mix)
