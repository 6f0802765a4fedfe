/* sized.c -- images in memory that are made another size when they are asked for. */
#include "data/read/sized.h"

#include <mneme/memory.h>
#include <zlib.h>

typedef struct sized {
    uint8_t *pixels[MN_PARTS]; /* (count, channels, height, width) */
    int64_t height, width;
    mn_resize resize;
    mn_fit fit;
} sized;

static void sized_close(void *from)
{
    sized *s = from;
    mn_memory_give(s->pixels[MN_TRAIN_PART]);
    mn_memory_give(s->pixels[MN_TEST_PART]);
    mn_memory_give(s);
}

static mn_status read_sized(const mn_dataset *dataset, int part, int64_t i, uint8_t *pixels)
{
    const sized *s = dataset->source->from;
    const int64_t bytes = dataset->channels * s->height * s->width;
    const mn_raster raster =
        mn_raster_of_image(s->pixels[part] + i * bytes, dataset->channels, s->height, s->width);
    return mn_raster_place(&raster, s->resize, s->fit, dataset->channels, dataset->height,
                           dataset->width, pixels);
}

/* They are in memory: reading all of them is quick, making them all another size is not. */
static uint64_t stamp(const mn_dataset *dataset, uint64_t hash)
{
    const sized *s = dataset->source->from;
    const int64_t made[] = {s->height, s->width, s->resize, s->fit};
    const size_t bytes = (size_t)(dataset->channels * s->height * s->width);
    const int64_t counts[] = {dataset->train.count, dataset->test.count};
    hash = mn_hash(hash, made, sizeof made);
    for (int part = 0; part < MN_PARTS; part++) {
        const uLong sum =
            crc32_z(crc32_z(0, NULL, 0), s->pixels[part], (size_t)counts[part] * bytes);
        hash = mn_hash(hash, &sum, sizeof sum);
    }
    return hash;
}

mn_status mn_sized_new(mn_dataset *dataset, int64_t height, int64_t width, mn_resize resize,
                       mn_fit fit)
{
    sized *s = mn_memory_take(1, sizeof *s);
    mn_image_source *source = mn_memory_take_zeroed(1, sizeof *source);
    if (s == NULL || source == NULL) {
        mn_memory_give(s);
        mn_memory_give(source);
        return mn_fail(MN_NO_MEMORY, "out of memory for a data set");
    }
    *s = (sized){.pixels = {dataset->train.pixels, dataset->test.pixels},
                 .height = dataset->height,
                 .width = dataset->width,
                 .resize = resize,
                 .fit = fit};
    *source =
        (mn_image_source){.read = read_sized, .stamp = stamp, .close = sized_close, .from = s};
    dataset->source = source;
    dataset->train.pixels = dataset->test.pixels = NULL;
    dataset->height = height;
    dataset->width = width;
    return MN_OK;
}
