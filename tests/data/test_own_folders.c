/* Folders of images as a data set, and what is wrong with them. */
#include "base/json.h"
#include "tests/data/own_data.h"

#include <png.h>
#include <unistd.h>

/* A PNG of one colour. */
static void write_image(const char *name, int width, int height, int red, int green, int blue)
{
    static uint8_t pixels[64 * 64 * 3];
    const uint8_t colour[3] = {(uint8_t)red, (uint8_t)green, (uint8_t)blue};
    for (int i = 0; i < width * height * 3; i++)
        pixels[i] = colour[i % 3];
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (unsigned)width,
                       .height = (unsigned)height,
                       .format = PNG_FORMAT_RGB};
    ck_assert(png_image_write_to_file(&image, path_of(name), 0, pixels, 0, NULL));
}

static void write_pets(void)
{
    static const char *const folders[] = {"pets",           "pets/train",     "pets/test",
                                          "pets/train/dog", "pets/train/cat", "pets/test/dog",
                                          "pets/test/cat",  "pets/.hidden"};
    setup(8, folders);
    write_image("pets/train/dog/b.png", 4, 3, 10, 20, 30);
    write_image("pets/train/dog/a.PNG", 4, 3, 40, 50, 60);
    write_image("pets/train/cat/z.png", 4, 3, 70, 80, 90);
    write_image("pets/test/dog/1.png", 4, 3, 1, 2, 3);
    write_image("pets/test/cat/1.png", 4, 3, 4, 5, 6);
    write_file("pets/readme.txt", "hello", 5);
    write_file("pets/train/cat/.DS_Store", "x", 1);
}

START_TEST(a_folder_of_folders_is_a_data_set)
{
    write_pets();
    ck_assert_ok(open_data("folder", "pets", ""));
    ck_assert_int_eq(data->classes, 2);
    ck_assert_str_eq(data->class_names[0], "cat");
    ck_assert_str_eq(data->class_names[1], "dog");
    ck_assert_int_eq(data->train.count, 3);
    ck_assert_int_eq(data->test.count, 2);
    ck_assert_int_eq(data->channels, 3);
    ck_assert_int_eq(data->height, 3);
    ck_assert_int_eq(data->width, 4);
    static const uint8_t colours[3][3] = {{70, 80, 90}, {40, 50, 60}, {10, 20, 30}};
    for (int i = 0; i < 3; i++) { /* classes, then files, by name */
        ck_assert_int_eq(data->train.labels[i], i > 0);
        for (int k = 0; k < 36; k++)
            ck_assert_int_eq(data->train.pixels[i * 36 + k], colours[i][k / 12]);
    }
    close_data();
    ck_assert_ok(open_data("folder", "pets", "\"size\": 2, \"channels\": \"grey\""));
    ck_assert_int_eq(data->channels, 1);
    ck_assert_int_eq(data->width, 2);
    ck_assert_int_eq(data->train.pixels[0], 78); /* .299 70 + .587 80 + .114 90 = 78.15 */
    close_data();
    teardown();
}
END_TEST

START_TEST(a_folder_without_a_test_set_is_split_by_seed)
{
    static const char *const folders[] = {"all", "all/x", "all/y"};
    setup(3, folders);
    for (int i = 0; i < 20; i++) {
        char name[64];
        snprintf(name, sizeof name, "all/%s/%02d.png", i % 2 == 0 ? "x" : "y", i);
        write_image(name, 2, 2, i, 0, 0);
    }
    ck_assert_ok(open_data("folder", "all", "\"test_fraction\": 0.3"));
    ck_assert_int_eq(data->train.count, 14);
    ck_assert_int_eq(data->test.count, 6);
    int seen[20] = {0}, tests[2] = {0};
    for (int i = 0; i < 14; i++)
        seen[data->train.pixels[12 * i]]++;
    for (int i = 0; i < 6; i++) {
        const int id = data->test.pixels[12 * i];
        seen[id]++;
        ck_assert_int_eq(data->test.labels[i], id % 2);
        tests[id % 2]++;
    }
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(seen[i], 1);
    ck_assert_int_eq(tests[0], 3);
    const uint32_t digest = data->digest;
    close_data();
    ck_assert_ok(open_data("folder", "all", "\"test_fraction\": 0.3"));
    ck_assert_uint_eq(data->digest, digest);
    close_data();
    ck_assert_ok(open_data("folder", "all", "\"test_fraction\": 0.3, \"split_seed\": 1"));
    ck_assert_uint_ne(data->digest, digest);
    close_data();
    teardown();
}
END_TEST

START_TEST(a_folder_that_is_wrong_is_told_how)
{
    write_pets();
    ck_assert_fails(open_data("folder", "cats", ""), MN_NOT_FOUND, "folder.path: there is no");
    ck_assert_fails(mn_dataset_open("folder", "", NULL, &data), MN_BAD_OPTION,
                    "folder.path: is empty; say where the data are");
    ck_assert_fails(mn_dataset_open("folder", "{\"path\": \"no/such\"}", NULL, &data), MN_NOT_FOUND,
                    "there is no no/such in any of ., ");
    ck_assert_fails(open_data("folder", "pets/readme.txt", ""), MN_BAD_OPTION, "is no folder");
    ck_assert_fails(open_data("folder", "pets/train/cat", ""), MN_BAD_OPTION,
                    "has 0 folders of images; expected one a class, at least 2");
    write_image("pets/train/dog/c.png", 5, 3, 0, 0, 0);
    ck_assert_fails(open_data("folder", "pets", ""), MN_BAD_OPTION,
                    "dog/c.png: is 5x3, but the images before it are 4x3; give a size");
    ck_assert_ok(open_data("folder", "pets", "\"size\": 3"));
    close_data();
    write_file("pets/train/dog/d.gif", "GIF89a", 6);
    ck_assert_fails(open_data("folder", "pets", "\"size\": 3"), MN_BAD_OPTION,
                    "dog/d.gif: expected a .png, .jpg or .jpeg");
    unlink(path_of("pets/train/dog/d.gif"));
    write_file("pets/train/dog/d.jpg", "GIF89a", 6);
    ck_assert_fails(open_data("folder", "pets", "\"size\": 3"), MN_CORRUPT,
                    "dog/d.jpg: is neither PNG nor JPEG");
    unlink(path_of("pets/train/dog/d.jpg"));
    unlink(path_of("pets/test/cat/1.png"));
    ck_assert_fails(open_data("folder", "pets", "\"size\": 3"), MN_BAD_OPTION,
                    "test/cat: holds no images");
    rmdir(path_of("pets/test/cat"));
    ck_assert_fails(open_data("folder", "pets", ""), MN_BAD_OPTION, "test: has 1 folder of images");
    mkdir(path_of("pets/test/cow"), 0777);
    write_image("pets/test/cow/1.png", 4, 3, 4, 5, 6);
    ck_assert_fails(open_data("folder", "pets", ""), MN_BAD_OPTION,
                    "test: there is no class 'cat', which");
    mkdir(path_of("pets/test/cat"), 0777);
    write_image("pets/test/cat/1.png", 4, 3, 4, 5, 6);
    ck_assert_fails(open_data("folder", "pets", ""), MN_BAD_OPTION,
                    "train: there is no class 'cow', which");
    teardown();
}
END_TEST

/* The grey images of tests/data/field/png, with their pixels in truth.json. */
START_TEST(interlaced_images_of_16_bits_are_their_truth)
{
    char path[1024];
    cJSON *truth;
    snprintf(path, sizeof path, "%s/tests/data/field/png/grey16-adam7/truth.json",
             getenv("MNEME_SOURCE"));
    ck_assert_ok(mn_json_read(path, &truth));
    setup(0, NULL);
    ck_assert_ok(open_field("folder", "png/grey16-adam7/set", "\"test_fraction\": 0.5"));
    ck_assert_int_eq(data->train.count + data->test.count, 4);
    for (int64_t i = 0; i < 4; i++) {
        const mn_images *images = i < 2 ? &data->train : &data->test;
        const uint8_t *pixels = images->pixels + (i % 2) * 3 * 81;
        bool found = false;
        const cJSON *image, *value;
        cJSON_ArrayForEach(image, truth)
        {
            bool same = image->string[0] == '0' + images->labels[i % 2];
            for (int channel = 0; channel < 3; channel++) {
                int place = 0;
                cJSON_ArrayForEach(value, cJSON_GetArrayItem(image, channel)) same =
                    pixels[81 * channel + place++] == value->valueint && same;
            }
            found = found || same;
        }
        ck_assert(found);
    }
    cJSON_Delete(truth);
    close_data();
    ck_assert_ok(open_field("folder", "jpg/cmyk", ""));
    ck_assert_int_eq(data->train.count + data->test.count, 6);
    close_data();
    teardown();
}
END_TEST

START_TEST(images_in_folders_within_a_class_are_read)
{
    static const char *const folders[] = {
        "pets", "pets/cat", "pets/cat/old", "pets/cat/old/er", "pets/dog", "pets/cat/.thumbs"};
    setup(6, folders);
    write_image("pets/cat/1.png", 2, 2, 1, 0, 0);
    write_image("pets/cat/old/1.png", 2, 2, 2, 0, 0);
    write_image("pets/cat/old/er/1.png", 2, 2, 3, 0, 0);
    write_image("pets/cat/.thumbs/1.png", 2, 2, 4, 0, 0);
    write_image("pets/dog/1.png", 2, 2, 5, 0, 0);
    write_image("pets/dog/2.jfif", 2, 2, 6, 0, 0); /* told by content */
    ck_assert_ok(open_data("folder", "pets", ""));
    ck_assert_int_eq(data->train.count + data->test.count, 5);
    ck_assert_ptr_null(data->notes);
    int64_t sum = 0;
    for (int64_t i = 0; i < 5; i++)
        sum += i < data->train.count ? data->train.pixels[12 * i]
                                     : data->test.pixels[12 * (i - data->train.count)];
    ck_assert_int_eq(sum, 1 + 2 + 3 + 5 + 6);
    close_data();
    ck_assert_int_eq(symlink("..", path_of("pets/cat/old/loop")), 0);
    ck_assert_fails(open_data("folder", "pets", ""), MN_BAD_OPTION,
                    "folders deep; does a link go round in a circle?");
    teardown();
}
END_TEST

START_TEST(folders_of_domains_hold_those_of_classes)
{
    static const char *const folders[] = {"d",           "d/sketch",    "d/photo",
                                          "d/art",       "d/empty",     "d/sketch/cat",
                                          "d/photo/dog", "d/photo/cat", "d/art/dog"};
    setup(9, folders);
    write_image("d/sketch/cat/1.png", 2, 2, 1, 0, 0);
    write_image("d/photo/dog/1.png", 2, 2, 2, 0, 0);
    write_image("d/photo/cat/1.png", 2, 2, 3, 0, 0);
    write_image("d/photo/cat/2.png", 2, 2, 4, 0, 0);
    write_image("d/art/dog/1.png", 2, 2, 5, 0, 0);
    ck_assert_int_eq(open_data("folder", "d", "\"domains\": true"), MN_BAD_OPTION);
    ck_assert_ptr_nonnull(
        strstr(mn_error(), "d/empty: has no folders; expected those of the classes"));
    ck_assert_int_eq(rmdir(path_of("d/empty")), 0);
    ck_assert_ok(open_data("folder", "d", "\"domains\": true, \"test_fraction\": 0.4"));
    ck_assert_int_eq(data->classes, 2);
    ck_assert_int_eq(data->domains, 3);
    ck_assert_str_eq(data->domain_names[0], "art");
    ck_assert_str_eq(data->domain_names[1], "photo");
    ck_assert_str_eq(data->domain_names[2], "sketch");
    /* red says which file it is; by class, then by domain */
    static const int cat[] = {3, 4, 1}, cats_domain[] = {1, 1, 2}, dog[] = {5, 2},
                     dogs_domain[] = {0, 1};
    ck_assert_int_eq(data->train.count + data->test.count, 5);
    for (int part = 0; part < 2; part++) {
        const mn_images *images = part == 0 ? &data->train : &data->test;
        for (int64_t i = 0; i < images->count; i++) {
            const bool is_dog = images->labels[i] == 1;
            int at = 0;
            while ((is_dog ? dog : cat)[at] != images->pixels[i * 12])
                ck_assert_int_lt(++at, is_dog ? 2 : 3);
            ck_assert_int_eq(images->domains[i], (is_dog ? dogs_domain : cats_domain)[at]);
        }
    }
    close_data();
    ck_assert_int_eq(open_data("folder", "d/art", "\"domains\": true"), MN_BAD_OPTION);
    ck_assert_ptr_nonnull(strstr(mn_error(), "art/dog: has no folders"));
    ck_assert_int_eq(open_data("folder", "d/art/dog", "\"domains\": true"), MN_BAD_OPTION);
    ck_assert_ptr_nonnull(strstr(mn_error(), "art/dog: has no folders; expected one a domain"));
    teardown();
}
END_TEST

START_TEST(folders_of_domains_have_parts)
{
    static const char *const folders[] = {
        "d",           "d/train",       "d/test",        "d/train/a",     "d/test/a",
        "d/train/b",   "d/train/a/cat", "d/train/b/cat", "d/train/b/dog", "d/test/a/cat",
        "d/test/a/dog"};
    setup(11, folders);
    write_image("d/train/a/cat/1.png", 2, 2, 1, 0, 0);
    write_image("d/train/b/cat/1.png", 2, 2, 2, 0, 0);
    write_image("d/train/b/dog/1.png", 2, 2, 3, 0, 0);
    write_image("d/test/a/cat/1.png", 2, 2, 4, 0, 0);
    write_image("d/test/a/dog/1.png", 2, 2, 5, 0, 0);
    ck_assert_ok(open_data("folder", "d", "\"domains\": true"));
    static const int32_t train[] = {0, 1, 1};
    ck_assert_int_eq(data->train.count, 3);
    ck_assert_int_eq(data->test.count, 2);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(data->train.pixels[i * 12], i + 1);
        ck_assert_int_eq(data->train.domains[i], train[i]);
    }
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(data->test.pixels[i * 12], i + 4);
        ck_assert_int_eq(data->test.labels[i], i);
        ck_assert_int_eq(data->test.domains[i], 0);
    }
    close_data();
    teardown();
}
END_TEST

START_TEST(files_that_are_no_images_are_left_out_and_counted)
{
    static const char *const folders[] = {"pets", "pets/cat", "pets/dog"};
    static const char *const kinds[] = {"gif", "BMP", "webp", "tif"};
    setup(3, folders);
    write_image("pets/cat/1.png", 2, 2, 1, 0, 0);
    write_image("pets/cat/2.png", 2, 2, 1, 0, 0);
    write_image("pets/dog/1.png", 2, 2, 5, 0, 0);
    write_image("pets/dog/2.PNG", 2, 2, 5, 0, 0);
    write_text("pets/cat/Thumbs.db", "x");
    write_text("pets/dog/notes.txt", "x");
    write_text("pets/labels.csv", "x");
    write_text("pets/dog/no-ending", "x");
    write_text("pets/dog/.DS_Store", "x");
    write_text("pets/dog/._1.png", "x");
    ck_assert_ok(open_data("folder", "pets", ""));
    ck_assert_int_eq(data->train.count + data->test.count, 4);
    ck_assert_ptr_nonnull(strstr(data->notes, "/pets: 4 files are left out, as "));
    ck_assert_ptr_nonnull(strstr(data->notes, "pets/cat/Thumbs.db\n"));
    close_data();
    for (int i = 0; i < 4; i++) {
        char name[64], wanted[160];
        snprintf(name, sizeof name, "pets/dog/9.%s", kinds[i]);
        snprintf(wanted, sizeof wanted,
                 "dog/9.%s: expected a .png, .jpg or .jpeg; convert it, or take", kinds[i]);
        write_text(name, "x");
        ck_assert_fails(open_data("folder", "pets", ""), MN_BAD_OPTION, wanted);
        unlink(path_of(name));
    }
    unlink(path_of("pets/cat/1.png"));
    unlink(path_of("pets/cat/2.png"));
    ck_assert_fails(open_data("folder", "pets", ""), MN_BAD_OPTION,
                    "cat: holds no images; take it out, if it is no class");
    teardown();
}
END_TEST

START_TEST(folders_beside_the_parts_are_named)
{
    static const char *const folders[] = {"p",         "p/train", "p/train/a",
                                          "p/train/b", "p/test",  "p/test/a",
                                          "p/test/b",  "p/val",   "p/val/a"};
    setup(9, folders);
    write_image("p/train/a/1.png", 2, 2, 1, 0, 0);
    write_image("p/train/b/1.png", 2, 2, 1, 0, 0);
    write_image("p/test/a/1.png", 2, 2, 1, 0, 0);
    write_image("p/test/b/1.png", 2, 2, 1, 0, 0);
    ck_assert_ok(open_data("folder", "p", ""));
    ck_assert_ptr_nonnull(strstr(data->notes, "p/val: is not read; "));
    close_data();
    teardown();
}
END_TEST

START_TEST(folders_that_are_numbers_are_in_the_order_of_numbers)
{
    static const char *const folders[] = {"n", "n/10", "n/9", "n/1.5", "n/b", "n/-3"};
    setup(6, folders);
    for (int i = 1; i < 6; i++)
        for (int image = 0; image < 2; image++) {
            char name[64];
            snprintf(name, sizeof name, "%s/%d.png", folders[i], image);
            write_image(name, 2, 2, i, 0, 0);
        }
    ck_assert_ok(open_data("folder", "n", ""));
    static const char *const wanted[] = {"-3", "1.5", "9", "10", "b"};
    for (int c = 0; c < 5; c++)
        ck_assert_str_eq(data->class_names[c], wanted[c]);
    ck_assert_int_eq(data->train.pixels[0], 5); /* of -3 */
    close_data();
    teardown();
}
END_TEST

START_TEST(an_image_that_is_broken_is_named)
{
    static const char *const folders[] = {"n", "n/a", "n/b"};
    static const char *const broken[] = {"", "\x89PNG\r\n\x1a\n", "\xff\xd8\xff\xe0", "GIF89a"};
    static const size_t bytes[] = {0, 8, 4, 6};
    setup(3, folders);
    write_image("n/a/1.png", 2, 2, 1, 0, 0);
    write_image("n/a/2.png", 2, 2, 1, 0, 0);
    write_image("n/b/1.png", 2, 2, 1, 0, 0);
    for (int i = 0; i < 4; i++) {
        write_file("n/b/broken.png", broken[i], bytes[i]);
        ck_assert_fails(open_data("folder", "n", ""), MN_CORRUPT, "n/b/broken.png: ");
        ck_assert_ptr_nonnull(strstr(mn_error(), "; get it again, or take it out of its folder"));
    }
    teardown();
}
END_TEST

MN_SUITE("own_folders", images_in_folders_within_a_class_are_read,
         folders_of_domains_hold_those_of_classes, folders_of_domains_have_parts,
         files_that_are_no_images_are_left_out_and_counted, folders_beside_the_parts_are_named,
         folders_that_are_numbers_are_in_the_order_of_numbers, an_image_that_is_broken_is_named,
         interlaced_images_of_16_bits_are_their_truth, a_folder_of_folders_is_a_data_set,
         a_folder_without_a_test_set_is_split_by_seed, a_folder_that_is_wrong_is_told_how)
