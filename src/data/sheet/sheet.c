/* sheet.c -- contact sheets: rows of small images with a label in front, as one PNG.
 *
 * Rows are collected first, because the widest label and the longest row decide how large the sheet
 * is; then everything is painted at once. */
#include "data/sheet/sheet.h"
#include "base/escape.h"
#include "data/read/picture.h"
#include "data/read/png.h"
#include "data/sheet/font.h"

#include <mneme/memory.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    MOST_CHANNELS = 4,
    LABEL_BYTES = 128,
    LETTER = 2,      /* a point of a letter is so many pixels wide */
    MARGIN = 8,      /* around the sheet, and behind labels */
    GAP = 3,         /* between images */
    BAR = 4,         /* height of a bar */
    USUAL_SIDE = 64, /* an image is enlarged up to this */
};
static const int64_t MOST_PIXELS = (int64_t)1 << 28;

static const uint8_t paper[3] = {255, 255, 255}, ink[3] = {40, 40, 40}, trough[3] = {225, 225, 225},
                     bar[3] = {214, 96, 24};

typedef struct row {
    char label[LABEL_BYTES];
    int64_t images, capacity;
    uint8_t *pixels; /* (images, image) */
    double *part;    /* (images) */
} row;

struct mn_sheet {
    mn_shape image;
    int64_t zoom_x, zoom_y;
    row *rows;
    int64_t count, capacity;
};

mn_status mn_sheet_new(mn_shape image, mn_sheet **sheet)
{
    const int64_t height = image.size[1], width = image.size[2];
    const int64_t side = height > width ? height : width;
    *sheet = NULL;
    if (image.size[0] > MOST_CHANNELS)
        return mn_fail(MN_UNSUPPORTED, "rows of %lld channels are no images that could be drawn",
                       (long long)image.size[0]);
    *sheet = mn_memory_take_zeroed(1, sizeof **sheet);
    if (*sheet == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a sheet");
    (*sheet)->image = image;
    (*sheet)->zoom_x = side < USUAL_SIDE ? USUAL_SIDE / side : 1;
    (*sheet)->zoom_y = height > 1 ? (*sheet)->zoom_x : USUAL_SIDE / 4; /* features are one line */
    return MN_OK;
}

void mn_sheet_free(mn_sheet *sheet)
{
    if (sheet == NULL)
        return;
    for (int64_t i = 0; i < sheet->count; i++) {
        mn_memory_give(sheet->rows[i].pixels);
        mn_memory_give(sheet->rows[i].part);
    }
    mn_memory_give(sheet->rows);
    mn_memory_give(sheet);
}

mn_status mn_sheet_row(mn_sheet *sheet, const char *format, ...)
{
    if (sheet->count == sheet->capacity) {
        const int64_t capacity = sheet->capacity > 0 ? 2 * sheet->capacity : 16;
        row *larger = mn_memory_resize(sheet->rows, (size_t)capacity, sizeof *larger);
        if (larger == NULL)
            return mn_fail(MN_NO_MEMORY, "out of memory for a sheet");
        sheet->rows = larger;
        sheet->capacity = capacity;
    }
    row *added = &sheet->rows[sheet->count++];
    *added = (row){.images = 0};
    char label[LABEL_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(label, sizeof label, format, arguments);
    va_end(arguments);
    mn_visible(label, added->label, sizeof added->label);
    return MN_OK;
}

mn_status mn_sheet_image(mn_sheet *sheet, const uint8_t *pixels, double part)
{
    row *last = &sheet->rows[sheet->count - 1];
    const size_t bytes = (size_t)mn_shape_count(sheet->image);
    if (last->images == last->capacity) {
        const int64_t capacity = last->capacity > 0 ? 2 * last->capacity : 16;
        uint8_t *more_pixels = mn_memory_resize(last->pixels, (size_t)capacity * bytes, 1);
        if (more_pixels != NULL)
            last->pixels = more_pixels;
        double *more_parts = mn_memory_resize(last->part, (size_t)capacity, sizeof *more_parts);
        if (more_parts != NULL)
            last->part = more_parts;
        if (more_pixels == NULL || more_parts == NULL)
            return mn_fail(MN_NO_MEMORY, "out of memory for a sheet");
        last->capacity = capacity;
    }
    memcpy(last->pixels + (size_t)last->images * bytes, pixels, bytes);
    last->part[last->images++] = part;
    return MN_OK;
}

/* --- painting -----------------------------------------------------------------------------------
 */

static void fill(mn_picture *p, int64_t left, int64_t top, int64_t width, int64_t height,
                 const uint8_t colour[3])
{
    for (int64_t y = top; y < top + height; y++)
        for (int64_t x = left; x < left + width; x++)
            memcpy(p->rgb + (y * p->width + x) * 3, colour, 3);
}

static void write_letter(mn_picture *p, int64_t left, int64_t top, char letter)
{
    for (int y = 0; y < MN_FONT_HEIGHT; y++)
        for (int x = 0; x < MN_FONT_WIDTH; x++)
            if (mn_font_ink(letter, x, y))
                fill(p, left + x * LETTER, top + y * LETTER, LETTER, LETTER, ink);
}

/* A character of UTF-8 is one letter, though its bytes are several. */
static bool begins_letter(char byte)
{
    return ((unsigned char)byte & 0xc0u) != 0x80u;
}

static void write_text(mn_picture *p, int64_t left, int64_t top, const char *text)
{
    for (; *text != '\0'; text++)
        if (begins_letter(*text)) {
            write_letter(p, left, top, *text);
            left += MN_FONT_ADVANCE * LETTER;
        }
}

static int64_t text_width(const char *text)
{
    int64_t letters = 0;
    for (; *text != '\0'; text++)
        letters += begins_letter(*text);
    return letters * MN_FONT_ADVANCE * LETTER;
}

static void paint_image(const mn_sheet *sheet, mn_picture *p, int64_t left, int64_t top,
                        const uint8_t *pixels)
{
    const int64_t height = sheet->image.size[1], width = sheet->image.size[2];
    const int64_t plane = sheet->image.size[0] >= 3 ? height * width : 0; /* else all are grey */
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++) {
            const uint8_t *pixel = pixels + y * width + x;
            const uint8_t colour[3] = {pixel[0], pixel[plane], pixel[2 * plane]};
            fill(p, left + x * sheet->zoom_x, top + y * sheet->zoom_y, sheet->zoom_x, sheet->zoom_y,
                 colour);
        }
}

static bool has_bars(const row *r)
{
    return r->images > 0 && r->part[0] >= 0;
}

static int64_t row_height(const mn_sheet *sheet, const row *r)
{
    if (r->images == 0)
        return MN_FONT_HEIGHT * LETTER + 3 * GAP;
    return sheet->image.size[1] * sheet->zoom_y + GAP + (has_bars(r) ? BAR + GAP : 0);
}

static void paint_row(const mn_sheet *sheet, mn_picture *p, const row *r, int64_t top, int64_t left)
{
    const int64_t width = sheet->image.size[2] * sheet->zoom_x;
    const int64_t height = sheet->image.size[1] * sheet->zoom_y;
    const int64_t middle = r->images > 0 ? (height - MN_FONT_HEIGHT * LETTER) / 2 : 2 * GAP;
    write_text(p, MARGIN, top + middle, r->label);
    for (int64_t i = 0; i < r->images; i++, left += width + GAP) {
        paint_image(sheet, p, left, top, r->pixels + i * mn_shape_count(sheet->image));
        if (r->part[i] < 0)
            continue;
        const double part = r->part[i] < 1 ? r->part[i] : 1;
        fill(p, left, top + height + 1, width, BAR, trough);
        fill(p, left, top + height + 1, (int64_t)(part * (double)width + 0.5), BAR, bar);
    }
}

mn_status mn_sheet_write(const mn_sheet *sheet, const char *path)
{
    int64_t label = 0, text = 0, images = 0, height = 2 * MARGIN;
    for (int64_t i = 0; i < sheet->count; i++) {
        const row *r = &sheet->rows[i];
        const int64_t width = text_width(r->label) + MARGIN;
        if (r->images > 0 && width > label)
            label = width;
        if (r->images == 0 && width > text)
            text = width;
        images = r->images > images ? r->images : images;
        height += row_height(sheet, r);
    }
    const int64_t tile = sheet->image.size[2] * sheet->zoom_x + GAP;
    int64_t width = label + images * tile;
    width = 2 * MARGIN + (width > text ? width : text);
    if (width > MOST_PIXELS / height)
        return mn_fail(MN_UNSUPPORTED, "%s: a sheet of %lldx%lld pixels is too large", path,
                       (long long)width, (long long)height);
    mn_picture picture = {width, height, mn_memory_take((size_t)(width * height * 3), 1)};
    if (picture.rgb == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a sheet of %lldx%lld pixels",
                       (long long)width, (long long)height);
    fill(&picture, 0, 0, width, height, paper);
    int64_t top = MARGIN;
    for (int64_t i = 0; i < sheet->count; top += row_height(sheet, &sheet->rows[i]), i++)
        paint_row(sheet, &picture, &sheet->rows[i], top, MARGIN + label);
    const mn_status status = mn_png_write(&picture, path);
    mn_picture_free(&picture);
    return status;
}
