/* CIFAR's binary records: read from files and archives of every kind, and every damage named. */
#include "data/read/cifar.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>
#include <zlib.h>

enum { RECORD = 2 + 3072, FILES = 3, MOST_BYTES = 200 * 1024 };

static const mn_cifar_layout layout = {
    .folder = "set-bin",
    .archive = "set-binary",
    .file = {"one.bin", "two.bin", "test.bin"},
    .files = FILES,
    .train_images = 3,
    .test_images = 2,
    .labels = 2,
    .classes = {2, 7},
};
static uint8_t sound[FILES][3 * RECORD + 1];
static const size_t sound_bytes[FILES] = {3 * RECORD, 3 * RECORD, 2 * RECORD};
static uint8_t packed[MOST_BYTES];

static void make_sound(void)
{
    uint32_t state = 1;
    for (int f = 0; f < FILES; f++)
        for (size_t i = 0; i < sound_bytes[f]; i++) {
            state = state * 1664525 + 1013904223;
            sound[f][i] = (uint8_t)(state >> 29); /* few values: something to compress */
            if (i % RECORD < 2)
                sound[f][i] =
                    (uint8_t)((i / RECORD + (size_t)f) % (size_t)layout.classes[i % RECORD]);
        }
}

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", scratch_folder, name);
    return path;
}

static void write_file(const char *name, const void *bytes, size_t count)
{
    unlink(path_of(name)); /* a new file; ext4 would wait for the disk where one is cut to zero */
    FILE *out = fopen(path_of(name), "wb");
    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(bytes, 1, count, out), count);
    fclose(out);
}

static size_t read_file(const char *name)
{
    FILE *in = fopen(path_of(name), "rb");
    ck_assert_ptr_nonnull(in);
    const size_t got = fread(packed, 1, sizeof packed, in);
    fclose(in);
    ck_assert_uint_lt(got, sizeof packed);
    return got;
}

static void add_member(struct archive *archive, const char *name, const void *bytes, size_t count)
{
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_size(entry, (la_int64_t)count);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    ck_assert_int_eq(archive_write_header(archive, entry), ARCHIVE_OK);
    ck_assert_int_eq(archive_write_data(archive, bytes, count), (la_ssize_t)count);
    archive_entry_free(entry);
}

/* What ends in .tar.gz is made by tar and gzip, and so on; "raw" formats hold one file alone. */
typedef struct packing {
    const char *ending;
    int format, filter;
    bool checksum; /* whether the contents have one */
    const char *options;
} packing;

static const packing archives[] = {
    {".tar.gz", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP, true, NULL},
    {".tgz", ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE, ARCHIVE_FILTER_GZIP, true, NULL},
    {".tar.xz", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_XZ, true, NULL},
    {".tar.bz2", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_BZIP2, true, NULL},
    {".tar.zst", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_ZSTD, false, NULL},
    {".tar", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, false, NULL},
    {".zip", ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, true, "zip:compression=deflate"},
    {".zip", ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, true, "zip:compression=store"},
};
enum { ARCHIVES = sizeof archives / sizeof archives[0], PLAIN_TAR = 5 };

static struct archive *begin(const packing *with, const char *name)
{
    struct archive *archive = archive_write_new();
    ck_assert_int_eq(archive_write_set_format(archive, with->format), ARCHIVE_OK);
    ck_assert_int_eq(archive_write_add_filter(archive, with->filter), ARCHIVE_OK);
    if (with->options != NULL)
        ck_assert_int_eq(archive_write_set_options(archive, with->options), ARCHIVE_OK);
    unlink(path_of(name));
    ck_assert_int_eq(archive_write_open_filename(archive, path_of(name)), ARCHIVE_OK);
    return archive;
}

/* All files but the one numbered `missing`, in a folder, with others around them. */
static void write_archive(const packing *with, int missing)
{
    char name[64];
    snprintf(name, sizeof name, "set-binary%s", with->ending);
    struct archive *archive = begin(with, name);
    add_member(archive, "set-bin/batches.meta.txt", "cat\ndog\n", 8);
    for (int f = FILES - 1; f >= 0; f--) { /* in another order than the layout's */
        snprintf(name, sizeof name, "set-bin/%s", layout.file[f]);
        if (f != missing)
            add_member(archive, name, sound[f], sound_bytes[f]);
    }
    add_member(archive, "set-bin/readme.html", "<html>", 6);
    ck_assert_int_eq(archive_write_free(archive), ARCHIVE_OK);
}

static void write_compressed(const char *name, int filter, const void *bytes, size_t count)
{
    const packing with = {"", ARCHIVE_FORMAT_RAW, filter, true, NULL};
    struct archive *archive = begin(&with, name);
    add_member(archive, "data", bytes, count);
    ck_assert_int_eq(archive_write_free(archive), ARCHIVE_OK);
}

static void write_plain(void)
{
    for (int f = 0; f < FILES; f++)
        write_file(layout.file[f], sound[f], sound_bytes[f]);
}

static void free_data(mn_dataset *dataset)
{
    mn_images *parts[] = {&dataset->train, &dataset->test};
    for (int i = 0; i < 2; i++) {
        free(parts[i]->pixels);
        free(parts[i]->labels);
    }
}

static void check_images(const mn_images *images, int64_t at, int f, int label)
{
    for (int64_t i = 0; i < (int64_t)(sound_bytes[f] / RECORD); i++) {
        ck_assert_int_eq(images->labels[at + i], sound[f][i * RECORD + label]);
        ck_assert_mem_eq(images->pixels + (at + i) * 3072, sound[f] + i * RECORD + 2, 3072);
    }
}

/* Reads the folder; what is read must be what was written. */
static mn_status read_here(int label)
{
    mn_dataset dataset = {.classes = 0};
    const mn_status status = mn_cifar_read(&layout, scratch_folder, label, &dataset);
    if (status == MN_OK) {
        ck_assert_int_eq(dataset.classes, label == 0 ? 2 : 7);
        ck_assert_int_eq(dataset.train.count, 6);
        ck_assert_int_eq(dataset.test.count, 2);
        check_images(&dataset.train, 0, 0, label);
        check_images(&dataset.train, 3, 1, label);
        check_images(&dataset.test, 0, 2, label);
    }
    free_data(&dataset);
    return status;
}

static void setup(void)
{
    make_sound();
    scratch_new();
}

START_TEST(plain_and_compressed_files_are_read_with_either_label)
{
    setup();
    write_plain();
    ck_assert_ok(read_here(0));
    ck_assert_ok(read_here(1));
    unlink(path_of("two.bin"));
    write_compressed("two.bin.xz", ARCHIVE_FILTER_XZ, sound[1], sound_bytes[1]);
    ck_assert_ok(read_here(1));
    unlink(path_of("test.bin"));
    write_compressed("test.bin.gz", ARCHIVE_FILTER_GZIP, sound[2], sound_bytes[2]);
    ck_assert_ok(read_here(1));
    unlink(path_of("one.bin"));
    write_compressed("one.bin.zst", ARCHIVE_FILTER_ZSTD, sound[0], sound_bytes[0]);
    ck_assert_ok(read_here(1));
    scratch_remove();
}
END_TEST

START_TEST(every_kind_of_archive_is_read_in_place)
{
    setup();
    for (int i = 0; i < ARCHIVES; i++) {
        write_archive(&archives[i], -1);
        ck_assert_msg(read_here(1) == MN_OK, "%d: %s", i, mn_error());
        write_archive(&archives[i], 1);
        ck_assert_fails(read_here(1), MN_CORRUPT, "holds no two.bin; is it the binary version?");
        scratch_remove();
        scratch_new();
    }
    scratch_remove();
}
END_TEST

START_TEST(the_archives_own_folder_is_looked_into)
{
    setup();
    char inner[128];
    snprintf(inner, sizeof inner, "%s/set-bin", scratch_folder);
    ck_assert_int_eq(mkdir(inner, 0777), 0);
    for (int f = 0; f < FILES; f++) {
        char name[64];
        snprintf(name, sizeof name, "set-bin/%s", layout.file[f]);
        write_file(name, sound[f], sound_bytes[f]);
    }
    ck_assert_ok(read_here(1));
    unlink(path_of("set-bin/two.bin"));
    ck_assert_fails(read_here(1), MN_NOT_FOUND, "there is no two.bin in");
    unlink(path_of("set-bin/one.bin"));
    unlink(path_of("set-bin/test.bin"));
    ck_assert_fails(read_here(1), MN_NOT_FOUND, "neither one.bin nor set-binary.tar.gz in");
    ck_assert_int_eq(rmdir(inner), 0);
    scratch_remove();
}
END_TEST

START_TEST(a_file_cut_anywhere_is_refused)
{
    setup();
    write_plain();
    for (size_t bytes = 0; bytes < sound_bytes[1]; bytes += bytes % RECORD == 0 ? 1 : 613) {
        write_file("two.bin", sound[1], bytes);
        ck_assert_fails(read_here(1), MN_CORRUPT, "two.bin: ends in image");
    }
    write_file("two.bin", sound[1], sound_bytes[1] + 1);
    ck_assert_fails(read_here(1), MN_CORRUPT, "two.bin: goes on after the 3 images");
    scratch_remove();
}
END_TEST

/* Cuts and flips what `name` holds in many places; nothing wrong may be read. */
static void damage(const char *name, bool flips)
{
    const size_t count = read_file(name);
    for (size_t bytes = 0; bytes < count; bytes += count / 199 + 1) {
        write_file(name, packed, bytes);
        const mn_status status = read_here(1); /* the tail of an archive is no data of ours */
        ck_assert_msg(status == MN_CORRUPT || (status == MN_OK && bytes > count / 2),
                      "%s cut at %zu of %zu: %s", name, bytes, count, mn_error());
    }
    int refused = 0, tried = 0;
    for (size_t bit = 0; flips && bit < 8 * count; bit += count / 61 + 1, tried++) {
        packed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        write_file(name, packed, count);
        refused += read_here(1) != MN_OK; /* compares every byte where it was read */
        packed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    ck_assert_int_ge(refused, tried / 2);
}

START_TEST(a_damaged_archive_is_never_believed)
{
    setup();
    for (int i = 0; i < ARCHIVES; i++) {
        char name[64];
        snprintf(name, sizeof name, "set-binary%s", archives[i].ending);
        write_archive(&archives[i], -1);
        damage(name, archives[i].checksum);
        scratch_remove();
        scratch_new();
    }
    scratch_remove();
}
END_TEST

/* A tar may end in any amount of padding, and the checksum of the gzip around it comes after. */
START_TEST(a_checksum_behind_padding_is_compared)
{
    setup();
    write_archive(&archives[PLAIN_TAR], -1);
    const size_t count = read_file("set-binary.tar");
    unlink(path_of("set-binary.tar"));
    gzFile out = gzopen(path_of("set-binary.tar.gz"), "wb");
    ck_assert_int_eq(gzwrite(out, packed, (unsigned)count), (int)count);
    memset(packed, 0, sizeof packed);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(gzwrite(out, packed, sizeof packed), (int)sizeof packed);
    ck_assert_int_eq(gzclose(out), Z_OK);
    ck_assert_ok(read_here(1));
    const size_t bytes = read_file("set-binary.tar.gz");
    packed[bytes - 8] ^= 1; /* CRC-32, then the length */
    write_file("set-binary.tar.gz", packed, bytes);
    ck_assert_fails(read_here(1), MN_CORRUPT, "set-binary.tar.gz: ");
    scratch_remove();
}
END_TEST

START_TEST(a_damaged_xz_is_never_believed)
{
    setup();
    write_plain();
    unlink(path_of("two.bin"));
    write_compressed("two.bin.xz", ARCHIVE_FILTER_XZ, sound[1], sound_bytes[1]);
    damage("two.bin.xz", true);
    scratch_remove();
}
END_TEST

START_TEST(a_label_that_cannot_be_is_named)
{
    setup();
    write_plain();
    sound[1][RECORD + 1] = 7;
    write_file("two.bin", sound[1], sound_bytes[1]);
    ck_assert_fails(read_here(0), MN_CORRUPT, "two.bin: label 7 of image 1 is not one of 0 to 6");
    sound[1][RECORD] = 2; /* the coarse label comes first */
    write_archive(&archives[0], -1);
    unlink(path_of("one.bin"));
    ck_assert_fails(read_here(1), MN_CORRUPT,
                    "set-binary.tar.gz: two.bin: label 2 of image 1 is not one of 0 to 1");
    scratch_remove();
}
END_TEST

START_TEST(the_real_data_have_the_classes_that_are_announced)
{
    mn_dataset *dataset;
    const mn_status status = mn_dataset_open("cifar10-small", NULL, NULL, &dataset);
    if (status == MN_NOT_FOUND) {
        printf("skipped: %s\n", mn_error());
        return;
    }
    ck_assert_ok(status);
    int64_t count[10] = {0};
    for (int64_t i = 0; i < dataset->train.count; i++)
        count[dataset->train.labels[i]]++;
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(count[i], 1000);
    ck_assert_str_eq(dataset->class_names[9], "truck");
    mn_dataset_free(dataset);
}
END_TEST

/* The five fine classes of each coarse one, as the data set's page lists them. */
START_TEST(fine_and_coarse_names_belong_together)
{
    static const struct {
        const char *fine, *coarse;
    } known[] = {{"beaver", "aquatic_mammals"},
                 {"shark", "fish"},
                 {"rose", "flowers"},
                 {"plate", "food_containers"},
                 {"sweet_pepper", "fruit_and_vegetables"},
                 {"lamp", "household_electrical_devices"},
                 {"wardrobe", "household_furniture"},
                 {"cockroach", "insects"},
                 {"wolf", "large_carnivores"},
                 {"castle", "large_man-made_outdoor_things"},
                 {"sea", "large_natural_outdoor_scenes"},
                 {"kangaroo", "large_omnivores_and_herbivores"},
                 {"skunk", "medium_mammals"},
                 {"worm", "non-insect_invertebrates"},
                 {"woman", "people"},
                 {"crocodile", "reptiles"},
                 {"squirrel", "small_mammals"},
                 {"willow_tree", "trees"},
                 {"bicycle", "vehicles_1"},
                 {"lawn_mower", "vehicles_2"}};
    const char *root = getenv("MNEME_DATA");
    char folder[4096];
    snprintf(folder, sizeof folder, "%s/cifar100-small", root != NULL ? root : "../shared/data");
    const mn_cifar_layout small = {.file = {"test.bin", "test.bin"},
                                   .files = 2,
                                   .train_images = 5000,
                                   .test_images = 5000,
                                   .labels = 2,
                                   .classes = {20, 100}};
    mn_dataset fine = {.classes = 0}, coarse = {.classes = 0};
    const mn_status status = mn_cifar_read(&small, folder, 1, &fine);
    if (status == MN_NOT_FOUND) {
        printf("skipped: %s\n", mn_error());
        free_data(&fine);
        return;
    }
    ck_assert_ok(status);
    ck_assert_ok(mn_cifar_read(&small, folder, 0, &coarse));
    for (int64_t i = 0; i < 5000; i++)
        for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
            if (strcmp(mn_cifar100_names[fine.test.labels[i]], known[k].fine) == 0)
                ck_assert_str_eq(mn_cifar20_names[coarse.test.labels[i]], known[k].coarse);
    free_data(&fine);
    free_data(&coarse);
}
END_TEST

MN_SUITE("cifar", plain_and_compressed_files_are_read_with_either_label,
         every_kind_of_archive_is_read_in_place, the_archives_own_folder_is_looked_into,
         a_file_cut_anywhere_is_refused, a_damaged_archive_is_never_believed,
         a_checksum_behind_padding_is_compared, a_damaged_xz_is_never_believed,
         a_label_that_cannot_be_is_named, the_real_data_have_the_classes_that_are_announced,
         fine_and_coarse_names_belong_together)
