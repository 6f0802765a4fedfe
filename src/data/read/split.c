/* split.c -- a test set for data that come without one.
 *
 * Which images are taken depends on the seed and on each class's images alone, so that a class
 * added to the data moves no other class's split. */
#include "data/read/split.h"
#include "data/read/pictures.h"
#include "data/read/reader.h"

#include <math.h>
#include <mneme/memory.h>
#include <string.h>

/* Marks the test images of one class; members (count) are its places. */
static mn_status mark_class(const mn_dataset *dataset, int64_t class, const int64_t *members,
                            int64_t count, double fraction, int64_t seed, int64_t *order,
                            uint8_t *is_test)
{
    const char *name = dataset->class_names != NULL ? dataset->class_names[class] : NULL;
    int64_t taken = llround(fraction * (double)count);
    if (count == 0)
        return mn_fail(MN_BAD_OPTION,
                       "data set '%s': no image is of class %lld, though there are %lld classes; "
                       "number them without gaps",
                       dataset->name, (long long)class, (long long)dataset->classes);
    if (count < 2)
        return mn_fail(MN_BAD_OPTION,
                       "data set '%s': class %lld%s%s%s has %lld images; a test set takes at least "
                       "one and leaves at least one",
                       dataset->name, (long long)class, name != NULL ? ", " : "",
                       name != NULL ? name : "", name != NULL ? "," : "", (long long)count);
    if (taken < 1)
        taken = 1;
    if (taken > count - 1)
        taken = count - 1;
    mn_random_permutation(mn_key_at(mn_key_of((uint64_t)seed, "data.split"), (uint64_t) class),
                          count, order);
    for (int64_t i = 0; i < taken; i++)
        is_test[members[order[i]]] = 1;
    return MN_OK;
}

static mn_status mark(const mn_dataset *dataset, double fraction, int64_t seed, int64_t *members,
                      int64_t *order, uint8_t *is_test)
{
    for (int64_t class = 0; class < dataset->classes; class ++) {
        int64_t count = 0;
        for (int64_t i = 0; i < dataset->train.count; i++)
            if (dataset->train.labels[i] == class)
                members[count++] = i;
        MN_TRY(mark_class(dataset, class, members, count, fraction, seed, order, is_test));
    }
    return MN_OK;
}

/* Copies the marked rows to the test set and closes the gaps they leave: rows of pixels, or numbers
 * of pictures in files. */
static void move(mn_dataset *dataset, const uint8_t *is_test, uint8_t *of_train, uint8_t *of_test,
                 size_t row)
{
    mn_images *train = &dataset->train, *test = &dataset->test;
    const int64_t all = train->count;
    int64_t kept = 0, moved = 0;
    for (int64_t i = 0; i < all; i++) {
        const int64_t at = is_test[i] ? moved++ : kept++;
        memmove((is_test[i] ? of_test : of_train) + (size_t)at * row, of_train + (size_t)i * row,
                row);
        (is_test[i] ? test : train)->labels[at] = train->labels[i];
        if (train->domains != NULL)
            (is_test[i] ? test : train)->domains[at] = train->domains[i];
    }
    train->count = kept;
}

static mn_status make_room_and_move(mn_dataset *dataset, const uint8_t *is_test)
{
    mn_images *test = &dataset->test;
    const size_t image =
        mn_row_bytes(dataset->type, dataset->channels * dataset->height * dataset->width);
    int64_t **pictures = mn_pictures_numbers(dataset, MN_TEST_PART);
    const size_t row = pictures != NULL ? sizeof **pictures : image;
    for (int64_t i = 0; i < dataset->train.count; i++)
        test->count += is_test[i];
    void *rows = mn_data_take((size_t)test->count * row);
    if (pictures != NULL)
        *pictures = rows;
    else
        test->pixels = rows;
    test->labels = mn_data_take((size_t)test->count * sizeof *test->labels);
    if (dataset->train.domains != NULL)
        test->domains = mn_data_take((size_t)test->count * sizeof *test->domains);
    if (rows == NULL || test->labels == NULL ||
        (dataset->train.domains != NULL && test->domains == NULL))
        return mn_fail(MN_NO_MEMORY, "out of memory for %lld images", (long long)test->count);
    void *from = pictures != NULL ? (void *)*mn_pictures_numbers(dataset, MN_TRAIN_PART)
                                  : dataset->train.pixels;
    move(dataset, is_test, from, rows, row);
    return MN_OK;
}

mn_status mn_split_test_off(mn_dataset *dataset, double fraction, int64_t seed)
{
    const size_t count = (size_t)dataset->train.count;
    int64_t *members = mn_memory_take(count, sizeof *members),
            *order = mn_memory_take(count, sizeof *order);
    uint8_t *is_test = mn_memory_take_zeroed(count, 1);
    mn_status status = members != NULL && order != NULL && is_test != NULL
                           ? mark(dataset, fraction, seed, members, order, is_test)
                           : mn_fail(MN_NO_MEMORY, "out of memory for a split");
    if (status == MN_OK)
        status = make_room_and_move(dataset, is_test);
    mn_memory_give(members);
    mn_memory_give(order);
    mn_memory_give(is_test);
    return status;
}

mn_status mn_split_not_needed(mn_dataset *dataset, double fraction, int64_t seed)
{
    static const char why[] = "there is a test set already";
    MN_TRY(mn_note_idle(dataset, fraction != MN_SPLIT_FRACTION, "test_fraction", why));
    return mn_note_idle(dataset, seed != 0, "split_seed", why);
}
