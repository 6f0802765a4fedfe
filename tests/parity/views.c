/* views.c -- one change of a view on a given image, for parity with torchvision. */
#include "data/augment/view_colour.h"
#include "data/augment/view_ops.h"
#include "data/augment/view_resample.h"
#include "data/read/resize.h"
#include "tests/parity/driver.h"

#include <stdlib.h>
#include <string.h>

static double number(const cJSON *described, const char *name)
{
    const cJSON *member = cJSON_GetObjectItem(described, name);
    return cJSON_IsNumber(member) ? member->valuedouble : 0;
}

static mn_status crop(const cJSON *described, mn_shape image, const float *values,
                      const mn_canvas *canvas, float *scratch)
{
    const int64_t count = mn_shape_count(image);
    uint8_t *pixels = malloc((size_t)count);
    if (pixels == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory");
    for (int64_t i = 0; i < count; i++)
        pixels[i] = (uint8_t)(values[i] * 255 + 0.5f);
    const mn_crop part = {(int64_t)number(described, "top"), (int64_t)number(described, "left"),
                          (int64_t)number(described, "height"),
                          (int64_t)number(described, "width")};
    mn_view_resized_crop(MN_ROW_U8, pixels, image.size[1], image.size[2], part,
                         number(described, "flip") > 0, canvas, scratch);
    free(pixels);
    return MN_OK;
}

static mn_status change(const cJSON *described, mn_shape image, const float *values,
                        const mn_canvas *canvas, float *scratch)
{
    static const struct {
        const char *name;
        void (*apply)(const mn_canvas *canvas, float strength);
    } changes[] = {{"brightness", mn_view_brightness},
                   {"contrast", mn_view_contrast},
                   {"saturation", mn_view_saturation},
                   {"hue", mn_view_hue},
                   {"solarise", mn_view_solarise}};
    const char *op = cJSON_GetStringValue(cJSON_GetObjectItem(described, "op"));
    const float strength = (float)number(described, "strength");
    if (strcmp(op, "crop") == 0)
        return crop(described, image, values, canvas, scratch);
    memcpy(canvas->x, values, (size_t)mn_shape_count(image) * sizeof *values);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        if (strcmp(op, changes[i].name) == 0) {
            changes[i].apply(canvas, strength);
            return MN_OK;
        }
    if (strcmp(op, "equalise") == 0)
        mn_view_equalise(canvas);
    else if (strcmp(op, "blur") == 0)
        mn_view_blur(canvas, (int64_t)number(described, "kernel"), strength, scratch);
    else
        return mn_fail(MN_NOT_FOUND, "no change of a view is called '%s'", op);
    return MN_OK;
}

mn_status parity_resize(exchange *e, const cJSON *described, cJSON *result)
{
    mn_shape from;
    const float *values;
    MN_TRY(exchange_floats(e, cJSON_GetObjectItem(described, "image"), &from, &values));
    const mn_shape to = MN_SHAPE(from.size[0], (int64_t)number(described, "height"),
                                 (int64_t)number(described, "width"));
    const int64_t read = mn_shape_count(from), made = mn_shape_count(to);
    uint8_t *pixels = malloc((size_t)(read + made));
    float *x = malloc((size_t)made * sizeof *x);
    mn_status status = pixels != NULL && x != NULL ? MN_OK : mn_fail(MN_NO_MEMORY, "out of memory");
    for (int64_t i = 0; status == MN_OK && i < read; i++)
        pixels[i] = (uint8_t)values[i];
    const mn_raster raster = mn_raster_of_image(pixels, from.size[0], from.size[1], from.size[2]);
    if (status == MN_OK)
        status = mn_raster_place(&raster, (mn_resize)number(described, "bilinear"), MN_FIT_STRETCH,
                                 to.size[0], to.size[1], to.size[2], pixels + read);
    for (int64_t i = 0; status == MN_OK && i < made; i++)
        x[i] = (float)pixels[read + i];
    if (status == MN_OK)
        status = exchange_put(e, cJSON_AddArrayToObject(result, "image"), to, x);
    free(pixels);
    free(x);
    return status;
}

mn_status parity_view(exchange *e, const cJSON *described, cJSON *result)
{
    mn_shape image;
    const float *values;
    MN_TRY(exchange_floats(e, cJSON_GetObjectItem(described, "image"), &image, &values));
    const int64_t size = (int64_t)number(described, "size");
    const mn_shape view = size > 0 ? MN_SHAPE(image.size[0], size, size) : image;
    const int64_t room = mn_view_scratch(image.size[1], image.size[2], view.size[1], view.size[2]);
    float *x = malloc((size_t)(mn_shape_count(view) + room) * sizeof *x);
    if (x == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory");
    const mn_canvas canvas = {x, view.size[0], view.size[1], view.size[2]};
    mn_status status = change(described, image, values, &canvas, x + mn_shape_count(view));
    if (status == MN_OK)
        status = exchange_put(e, cJSON_AddArrayToObject(result, "view"), view, x);
    free(x);
    return status;
}
