/* synthetic.c -- a data set that is drawn, not read: for tests, and for machines without data.
 *
 * A class is a figure of three strokes; every class has VARIANTS drawings of it, shaken at the
 * corners.  An image is one of them, moved, dimmed and covered with noise.  All of it is integer
 * arithmetic on keyed random numbers, so that every machine draws the same bytes. */
#include <mneme/data.h>
#include <mneme/memory.h>
#include <string.h>

enum {
    CORNERS = 4,   /* three strokes, one after the other */
    VARIANTS = 16, /* drawings of a class */
    FINE = 16,     /* a pixel is 16 fine steps wide */
    NOISE = 96,    /* most that noise adds to a pixel */
    DIMMEST = 110, /* of 256: the weakest contrast */
};

typedef struct synthetic_options {
    int64_t classes, train_per_class, test_per_class, size, seed;
} synthetic_options;

static const mn_option options_table[] = {
    MN_INT(synthetic_options, classes, 10, 1, 1000, "how many classes"),
    MN_INT(synthetic_options, train_per_class, 600, 1, 100000, "training images of each class"),
    MN_INT(synthetic_options, test_per_class, 100, 1, 100000, "test images of each class"),
    MN_INT(synthetic_options, size, 28, 8, 256, "height and width of an image"),
    MN_INT(synthetic_options, seed, 0, 0, 1e15, "another seed draws other figures"),
    MN_END,
};

typedef struct point {
    int64_t x, y; /* in fine steps */
} point;

typedef struct figure {
    point corner[CORNERS];
} figure;

static int64_t least_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Squared distance from p to the stroke from a to b. */
static int64_t stroke_distance(point p, point a, point b)
{
    const point along = {b.x - a.x, b.y - a.y}, to = {p.x - a.x, p.y - a.y};
    const int64_t length = along.x * along.x + along.y * along.y;
    const int64_t dot = along.x * to.x + along.y * to.y;
    if (dot <= 0)
        return to.x * to.x + to.y * to.y;
    if (dot >= length)
        return (p.x - b.x) * (p.x - b.x) + (p.y - b.y) * (p.y - b.y);
    return to.x * to.x + to.y * to.y - dot * dot / length;
}

/* White within `thick` of a stroke, fading to black over as much again. */
static void draw(const figure *f, int64_t size, uint8_t *drawing /* (size, size) */)
{
    const int64_t thick = size * FINE / 20, inner = thick * thick, outer = 4 * inner;
    for (int64_t i = 0; i < size * size; i++) {
        const point p = {i % size * FINE + FINE / 2, i / size * FINE + FINE / 2};
        int64_t nearest = outer;
        for (int k = 0; k + 1 < CORNERS; k++)
            nearest = least_of(nearest, stroke_distance(p, f->corner[k], f->corner[k + 1]));
        drawing[i] = (uint8_t)least_of(255, 255 * (outer - nearest) / (outer - inner));
    }
}

static figure figure_of_class(mn_key key, int64_t class, int64_t size)
{
    const mn_key own = mn_key_at(key, (uint64_t) class);
    const int64_t margin = size * FINE / 6, room = size * FINE - 2 * margin;
    figure f;
    for (uint64_t k = 0; k < CORNERS; k++)
        f.corner[k] = (point){margin + mn_random_below(own, 2 * k, room),
                              margin + mn_random_below(own, 2 * k + 1, room)};
    return f;
}

static figure shaken(const figure *f, mn_key key, int64_t size)
{
    const int64_t most = size * FINE / 12;
    figure moved = *f;
    for (uint64_t k = 0; k < CORNERS; k++) {
        moved.corner[k].x += mn_random_below(key, 2 * k, 2 * most + 1) - most;
        moved.corner[k].y += mn_random_below(key, 2 * k + 1, 2 * most + 1) - most;
    }
    return moved;
}

static void draw_all(const synthetic_options *o,
                     uint8_t *drawings /* (classes, VARIANTS, size, size) */)
{
    const mn_key figures = mn_key_of((uint64_t)o->seed, "synthetic.figure");
    const mn_key shakes = mn_key_of((uint64_t)o->seed, "synthetic.shake");
    for (int64_t c = 0; c < o->classes; c++) {
        const figure f = figure_of_class(figures, c, o->size);
        for (int64_t v = 0; v < VARIANTS; v++) {
            const int64_t which = c * VARIANTS + v;
            const figure variant = shaken(&f, mn_key_at(shakes, (uint64_t)which), o->size);
            draw(&variant, o->size, drawings + which * o->size * o->size);
        }
    }
}

static void add_noise(mn_key key, int64_t pixels, uint8_t *image)
{
    for (int64_t i = 0; i < pixels; i += 16) { /* 128 bits are the noise of 16 pixels */
        uint32_t bits[4];
        mn_random_bits(key, (uint64_t)i, bits);
        for (int64_t k = 0; k < 16 && i + k < pixels; k++) {
            const int64_t noise = (bits[k / 4] >> 8 * (k % 4) & 0xFF) * NOISE / 256;
            image[i + k] = (uint8_t)least_of(255, image[i + k] + noise);
        }
    }
}

/* drawings (VARIANTS, size, size) of the image's class. */
static void draw_image(mn_key key, int64_t size, const uint8_t *drawings, uint8_t *image)
{
    uint32_t bits[4];
    mn_random_bits(key, UINT64_MAX, bits); /* noise counts from 0 */
    const int64_t reach = size / 14, steps = 2 * reach + 1;
    const int64_t right = bits[0] % steps - reach, down = bits[1] % steps - reach;
    const int64_t contrast = DIMMEST + bits[2] % (256 - DIMMEST);
    const uint8_t *drawing = drawings + bits[3] % VARIANTS * size * size;
    for (int64_t y = 0; y < size; y++)
        for (int64_t x = 0; x < size; x++) {
            const int64_t from_x = x - right, from_y = y - down;
            const bool inside = from_x >= 0 && from_x < size && from_y >= 0 && from_y < size;
            image[y * size + x] =
                inside ? (uint8_t)(drawing[from_y * size + from_x] * contrast / 256) : 0;
        }
    add_noise(key, size * size, image);
}

static mn_status draw_part(const synthetic_options *o, const char *purpose, int64_t per_class,
                           const uint8_t *drawings, mn_images *images)
{
    const int64_t pixels = o->size * o->size;
    const mn_key key = mn_key_of((uint64_t)o->seed, purpose);
    images->count = o->classes * per_class;
    images->pixels = mn_data_take((size_t)(images->count * pixels));
    images->labels = mn_data_take((size_t)images->count * sizeof *images->labels);
    if (images->pixels == NULL || images->labels == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for %lld synthetic images of %lldx%lld",
                       (long long)images->count, (long long)o->size, (long long)o->size);
    for (int64_t i = 0; i < images->count; i++) { /* round-robin over classes */
        const int64_t class = i % o->classes;
        images->labels[i] = (int32_t) class;
        draw_image(mn_key_at(key, (uint64_t)i), o->size, drawings + class * VARIANTS * pixels,
                   images->pixels + i * pixels);
    }
    return MN_OK;
}

static mn_status read_synthetic(const void *options, const char *folder, mn_dataset *dataset)
{
    const synthetic_options *o = options;
    (void)folder;
    dataset->channels = 1;
    dataset->height = dataset->width = o->size;
    dataset->classes = o->classes;
    uint8_t *drawings = mn_memory_take((size_t)(o->classes * VARIANTS * o->size * o->size), 1);
    if (drawings == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for synthetic figures");
    draw_all(o, drawings);
    mn_status status =
        draw_part(o, "synthetic.train", o->train_per_class, drawings, &dataset->train);
    if (status == MN_OK)
        status = draw_part(o, "synthetic.test", o->test_per_class, drawings, &dataset->test);
    mn_memory_give(drawings);
    return status;
}

MN_DATASET(synthetic) = {
    MN_DATASET_HEADER,
    .name = "synthetic",
    .summary =
        "figures of three strokes, drawn on the spot: for tests, and where there are no data",
    .options = options_table,
    .options_size = sizeof(synthetic_options),
    .read = read_synthetic,
};
