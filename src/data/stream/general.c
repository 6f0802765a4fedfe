/* general.c -- general continual learning: a stream without tasks, in which classes come and go and
 * their images turn (MNIST-360, Buzzega et al. 2020).
 *
 * In each round every two consecutive classes, the last and the first among them, come together:
 * 0 and 1, 1 and 2, ..., C-1 and 0.  So a class comes twice a round, and its images, in one random
 * order, are cut into 2 rounds pieces.  The two pieces of a pair are mixed in proportion to what is
 * left of each, which does not depend on the size of batches.  Image s of the n of class c is
 * turned by 60 (c - 1) + 360 s / n degrees; where images are only evaluated, by 360 s / n. */
#include "data/stream/general.h"

#include <mneme/memory.h>
#include <string.h>

/* The images of all classes, class by class. */
typedef struct sorted {
    int64_t *first;  /* (classes + 1) into places */
    int64_t *places; /* (count) */
    int64_t *order;  /* scratch: (count) */
    int64_t *pieces; /* (classes) that have come */
} sorted;

static void sorted_free(sorted *s)
{
    mn_memory_give(s->first);
    mn_memory_give(s->places);
    mn_memory_give(s->order);
    mn_memory_give(s->pieces);
}

static int32_t class_of(const mn_class_images *images, int64_t i)
{
    return images->arrival[images->labels[images->places[i]]];
}

static mn_status sorted_fill(const mn_class_images *images, sorted *s)
{
    const size_t count = (size_t)images->count, classes = (size_t)images->classes;
    s->first = mn_memory_take_zeroed(classes + 2, sizeof *s->first);
    s->places = mn_memory_take_zeroed(count + 1, sizeof *s->places);
    s->order = mn_memory_take_zeroed(count + 1, sizeof *s->order);
    s->pieces = mn_memory_take_zeroed(classes + 1, sizeof *s->pieces);
    if (s->first == NULL || s->places == NULL || s->order == NULL || s->pieces == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a stream of %lld images",
                       (long long)images->count);
    for (int64_t i = 0; i < images->count; i++) /* counted two places on: see below */
        s->first[class_of(images, i) + 2]++;
    for (int64_t c = 0; c < images->classes; c++)
        s->first[c + 2] += s->first[c + 1];
    for (int64_t i = 0; i < images->count; i++)
        s->places[s->first[class_of(images, i) + 1]++] = images->places[i]; /* begin becomes end */
    return MN_OK;
}

/* Puts each class in a random order of its own. */
static void shuffle(const mn_class_images *images, sorted *s, mn_key key)
{
    for (int64_t c = 0; c < images->classes; c++) {
        int64_t *own = s->places + s->first[c];
        const int64_t n = s->first[c + 1] - s->first[c];
        mn_random_permutation(mn_key_at(key, (uint64_t)c), n, s->order);
        for (int64_t i = 0; i < n; i++)
            s->order[i] = own[s->order[i]];
        memcpy(own, s->order, (size_t)n * sizeof *own);
    }
}

static void turn(const mn_class_images *images, const sorted *s, double between, float *angles)
{
    for (int64_t c = 0; c < images->classes; c++) {
        const int64_t n = s->first[c + 1] - s->first[c];
        for (int64_t i = 0; i < n; i++)
            angles[s->places[s->first[c] + i]] =
                (float)(between * (double)(c - 1) + 360 * (double)i / (double)n);
    }
}

/* The next piece of a class: its places and how many. */
static const int64_t *next_piece(sorted *s, int64_t class, int64_t pieces, int64_t *count)
{
    const int64_t n = s->first[class + 1] - s->first[class], k = s->pieces[class]++;
    const int64_t begin = k * n / pieces;
    *count = (k + 1) * n / pieces - begin;
    return s->places + s->first[class] + begin;
}

/* Mixes the next pieces of two classes into `to`; returns where they end. */
static int64_t *mix(sorted *s, int64_t one, int64_t other, int64_t pieces, int64_t *to)
{
    int64_t m, n, i = 0, j = 0;
    const int64_t *a = next_piece(s, one, pieces, &m), *b = next_piece(s, other, pieces, &n);
    while (i < m || j < n) /* whichever is behind by its share */
        *to++ = j == n || (i < m && (2 * i + 1) * n <= (2 * j + 1) * m) ? a[i++] : b[j++];
    return to;
}

mn_status mn_general_order(const mn_class_images *images, int64_t rounds, mn_key key, float *angles)
{
    static const double between = 60; /* degrees from class to class */
    sorted s = {NULL, NULL, NULL, NULL};
    const mn_status status = sorted_fill(images, &s);
    if (status == MN_OK) {
        shuffle(images, &s, key);
        turn(images, &s, between, angles);
    }
    int64_t *to = images->places;
    for (int64_t round = 0; round < rounds && status == MN_OK; round++)
        for (int64_t c = 0; c < images->classes; c++)
            to = mix(&s, c, (c + 1) % images->classes, 2 * rounds, to);
    sorted_free(&s);
    return status;
}

mn_status mn_general_angles(const mn_class_images *images, float *angles)
{
    sorted s = {NULL, NULL, NULL, NULL};
    const mn_status status = sorted_fill(images, &s);
    if (status == MN_OK)
        turn(images, &s, 0, angles);
    sorted_free(&s);
    return status;
}
