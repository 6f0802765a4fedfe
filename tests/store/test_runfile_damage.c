/* A damaged run file says so, or gives what was written; it never gives something else. */
#include "store/exemplars.h"
#include "store/records.h"
#include "store/tensors.h"
#include "tests/scratch.h"
#include "tests/store/faulty_disk.h"
#include "tests/suite.h"

#include "store/runfile.h"
#include <math.h>
#include <mneme/results.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const mn_tensor_origin kept_by_test = {"test", "", MN_ROLE_KEPT};

enum { WEIGHTS = 9000, IMAGE = 784, SLOTS = 60, ITEMS = 32 };

/* --- a run with something in every table ------------------------------------------------------ */

static float weights[WEIGHTS];

static void write_run(mn_runfile *file)
{
    mn_tensor *tensor;
    uint8_t image[IMAGE];
    for (int i = 0; i < WEIGHTS; i++)
        weights[i] = (float)i * 0.37F;
    for (int i = 0; i < IMAGE; i++)
        image[i] = (uint8_t)(i * 5);
    ck_assert_ok(mn_runfile_begin(file));
    ck_assert_ok(mn_runfile_set(file, "benchmark", "split-fmnist"));
    ck_assert_ok(mn_runfile_set(file, "status", "done"));
    for (int task = 0; task < 3; task++) {
        ck_assert_ok(mn_runfile_add_task(file, task, 12000, 2000));
        ck_assert_ok(mn_runfile_add_task_class(file, task, 2 * task, 1, "Trouser"));
        ck_assert_ok(mn_runfile_add_task_class(file, task, 2 * task + 1, 4, "Coat"));
        ck_assert_ok(mn_runfile_add_output(file, task, 0, weights, 300, 10));
        for (int on = 0; on <= task; on++)
            ck_assert_ok(mn_runfile_add_evaluation(file, 1200 * (task + 1), task, on, "class-il",
                                                   1900 - 100 * (task - on), 2000));
    }
    ck_assert_ok(mn_tensor_new(MN_F32, MN_SHAPE(WEIGHTS), &tensor));
    ck_assert_ok(mn_tensor_write(tensor, weights, sizeof weights));
    ck_assert_ok(mn_runfile_put_tensor(file, &kept_by_test, "main/0.weight", tensor));
    ck_assert_ok(mn_runfile_put_tensor(file, &kept_by_test, "main/1.weight", tensor));
    mn_tensor_free(tensor);
    for (int slot = 0; slot < SLOTS; slot++) {
        ck_assert_ok(mn_runfile_put_exemplar(file, &(mn_exemplar){.slot = slot,
                                                                  .seen = 17 * slot,
                                                                  .label = slot % 6,
                                                                  .labelled = true,
                                                                  .image = image,
                                                                  .image_bytes = IMAGE}));
        ck_assert_ok(mn_runfile_put_exemplar_column(file, slot, "logits", weights + slot, 10));
    }
    for (int step = 0; step < 300; step++)
        ck_assert_ok(mn_runfile_add_scalar(file, &(mn_scalar_place){step, 0, "train", "train"},
                                           "loss", 1.0 / (1 + step)));
    ck_assert_ok(mn_runfile_put_network(file, "host", "main", "mlp", 10, "{}"));
    ck_assert_ok(mn_runfile_put_int(file, "seen", 60000));
    ck_assert_ok(mn_runfile_put_real(file, "rate", 0.1));
    ck_assert_ok(mn_runfile_set_cursor(file, &(mn_cursor){.task = 3, .stage = 4, .step = 3600}));
    ck_assert_ok(mn_runfile_commit(file));
}

/* --- everything that can be read, item by item ------------------------------------------------ */

typedef struct reading {
    int count;
    uint64_t item[ITEMS]; /* a hash of what was read; 0: refused */
} reading;

static void add_bytes(uint64_t *hash, const void *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        *hash = (*hash ^ ((const unsigned char *)data)[i]) * 0x100000001b3u;
}

static void note(reading *all, mn_status status, const void *data, size_t bytes)
{
    uint64_t hash = 0xcbf29ce484222325u;
    add_bytes(&hash, data, bytes);
    ck_assert_int_lt(all->count, ITEMS);
    all->item[all->count++] = status == MN_OK ? hash : 0;
    if (status == MN_OK)
        return;
    ck_assert_msg(status == MN_CORRUPT || status == MN_WRONG_VERSION || status == MN_IO_FAILED,
                  "%s: %s", mn_status_text(status), mn_error());
    ck_assert_ptr_nonnull(strstr(mn_error(), scratch_path));
    ck_assert_ptr_null(strstr(mn_error(), "***")); /* a headline of SQLite's, which says nothing */
}

static mn_status hash_row(void *context, const mn_exemplar *e)
{
    const int64_t values[] = {e->slot, e->label, e->task, e->seen, e->labelled, e->source};
    add_bytes(context, values, sizeof values);
    add_bytes(context, e->image, e->image_bytes);
    return MN_OK;
}

static mn_status hash_column(void *context, int64_t slot, const char *name, const float *values,
                             int64_t width)
{
    add_bytes(context, &slot, sizeof slot);
    add_bytes(context, name, strlen(name));
    add_bytes(context, values, (size_t)width * sizeof *values);
    return MN_OK;
}

static void read_file(reading *all, mn_access access)
{
    mn_runfile *file;
    const mn_status opened = mn_runfile_open(scratch_path, access, &file);
    note(all, opened, NULL, 0);
    if (opened != MN_OK)
        return;
    char *text;
    const mn_status found = mn_runfile_find(file, "benchmark", &text);
    note(all, text == NULL && found == MN_OK ? MN_CORRUPT : found, text,
         text == NULL ? 0 : strlen(text));
    free(text);
    int64_t whole = 0;
    double real = 0;
    mn_cursor cursor = {0};
    note(all, mn_runfile_get_int(file, "seen", &whole), &whole, sizeof whole);
    note(all, mn_runfile_get_real(file, "rate", &real), &real, sizeof real);
    note(all, mn_runfile_get_cursor(file, &cursor), &cursor, sizeof cursor);
    mn_tensor *tensor;
    ck_assert_ok(mn_tensor_new(MN_F32, MN_SHAPE(WEIGHTS), &tensor));
    static const char *const names[] = {"main/0.weight", "main/1.weight"};
    for (int i = 0; i < 2; i++) {
        static float got[WEIGHTS];
        const mn_status status = mn_runfile_get_tensor(file, names[i], tensor);
        ck_assert_ok(mn_tensor_read(tensor, got, sizeof got));
        note(all, status, got, sizeof got);
    }
    mn_tensor_free(tensor);
    uint64_t hash = 1;
    const mn_exemplar_reader reader = {&hash, hash_row, hash_column};
    const mn_status status = mn_runfile_read_exemplars(file, &reader);
    note(all, status, &hash, sizeof hash);
    mn_runfile_close(file);
}

static void read_results(reading *all)
{
    mn_results *results;
    const mn_status opened = mn_results_open(scratch_path, &results);
    note(all, opened, NULL, 0);
    if (opened != MN_OK)
        return;
    const char *name;
    for (int i = 0; (name = mn_metric_name(i, NULL)) != NULL; i++) {
        const double value = mn_results_metric(results, name, MN_CLASS_IL);
        note(all, MN_OK, &value, sizeof value);
    }
    const char *classes = mn_results_task_classes(results, 2);
    note(all, MN_OK, classes, classes == NULL ? 0 : strlen(classes));
    const double accuracy = mn_results_accuracy(results, MN_CLASS_IL, 2, 0);
    note(all, MN_OK, &accuracy, sizeof accuracy);
    mn_buffer_count *counts;
    int64_t count;
    ck_assert_ok(mn_results_buffer(results, &counts, &count));
    for (int64_t i = 1; i < count; i++)
        counts[0].rows += counts[i].rows;
    note(all, MN_OK, &counts[0].rows, sizeof counts[0].rows);
    free(counts);
    mn_results_free(results);
}

/* Refused or the same, each item; returns whether everything was the same. */
static bool refused_or_same(const reading *found, const reading *intact, const char *what, long at)
{
    bool same = found->count == intact->count;
    for (int i = 0; i < found->count; i++) {
        ck_assert_msg(found->item[i] == 0 || found->item[i] == intact->item[i],
                      "%s at %ld: item %d was read as something else", what, at, i);
        same = same && found->item[i] != 0;
    }
    return same;
}

static void read_intact(reading *file, reading *results)
{
    *file = (reading){0};
    *results = (reading){0};
    read_file(file, MN_READ);
    read_results(results);
}

/* --- the damage ------------------------------------------------------------------------------- */

static unsigned char *content;
static long content_bytes;

static unsigned char *whole_file(const char *path, long *bytes)
{
    FILE *stream = fopen(path, "rb");
    ck_assert_ptr_nonnull(stream);
    ck_assert_int_eq(fseek(stream, 0, SEEK_END), 0);
    *bytes = ftell(stream);
    rewind(stream);
    unsigned char *data = malloc((size_t)*bytes);
    ck_assert_uint_eq(fread(data, 1, (size_t)*bytes, stream), (size_t)*bytes);
    fclose(stream);
    return data;
}

static void put_file(const char *path, const unsigned char *data, long bytes)
{
    FILE *stream = fopen(path, "wb");
    ck_assert_ptr_nonnull(stream);
    ck_assert_uint_eq(fwrite(data, 1, (size_t)bytes, stream), (size_t)bytes);
    fclose(stream);
}

static void flip(long at, int bit)
{
    FILE *stream = fopen(scratch_path, "r+b");
    ck_assert_int_eq(fseek(stream, at, SEEK_SET), 0);
    fputc(content[at] ^ 1 << bit, stream);
    fclose(stream);
}

static void make_run(void)
{
    mn_runfile *file;
    scratch_new();
    faulty_disk_install(); /* it never waits for the disk */
    ck_assert_ok(mn_runfile_create(scratch_path, &file));
    write_run(file);
    ck_assert_ok(mn_runfile_close(file));
    content = whole_file(scratch_path, &content_bytes);
}

static void end_run(void)
{
    free(content);
    scratch_remove();
}

typedef struct tally {
    reading file, results; /* of the intact run */
    int refused, same;
} tally;

static void try_reading(tally *all, const char *what, long at)
{
    reading file = {0}, results = {0};
    read_file(&file, MN_READ);
    read_results(&results);
    const bool same = refused_or_same(&file, &all->file, what, at);
    refused_or_same(&results, &all->results, what, at);
    all->same += same;
    all->refused += !same;
}

static void try_flip(tally *all, long at, int bit)
{
    flip(at, bit);
    try_reading(all, "a flipped bit", at);
    put_file(scratch_path, content, content_bytes); /* a log may have been folded in */
}

START_TEST(flipped_bits_are_noticed_or_harmless)
{
    make_run();
    tally all = {0};
    read_intact(&all.file, &all.results);
    for (long at = 0; at < 100; at++) /* the header of the file */
        for (int bit = (int)at % 3; bit < 8; bit += 3)
            try_flip(&all, at, bit);
    for (long page = 0; page < content_bytes; page += 16384) /* the head of every page */
        for (long at = page; at < page + 12; at++)
            try_flip(&all, at, (int)(at % 8));
    for (long at = 0; at < content_bytes; at += 2003) /* anywhere */
        try_flip(&all, at, (int)(at % 8));
    ck_assert_msg(all.refused > 150, "%d of %d", all.refused, all.refused + all.same);
    end_run();
}
END_TEST

/* Weights fill their pages: every flip in them must be found. */
START_TEST(a_flipped_bit_in_weights_names_the_tensor)
{
    make_run();
    tally all = {0};
    read_intact(&all.file, &all.results);
    const unsigned char *found = NULL;
    for (long at = 0; at + 400 < content_bytes && found == NULL; at++)
        if (memcmp(content + at, weights + 7000, 400) == 0)
            found = content + at;
    ck_assert_ptr_nonnull(found);
    flip(found - content + 123, 6);
    mn_runfile *file;
    mn_tensor *tensor;
    ck_assert_fails(mn_runfile_open(scratch_path, MN_WRITE, &file), MN_CORRUPT,
                    "'main/0.weight' is damaged");
    ck_assert_ok(mn_runfile_open(scratch_path, MN_READ, &file));
    ck_assert_ok(mn_tensor_new(MN_F32, MN_SHAPE(WEIGHTS), &tensor));
    ck_assert_fails(mn_runfile_get_tensor(file, "main/0.weight", tensor), MN_CORRUPT,
                    "'main/0.weight' is damaged");
    ck_assert_ok(mn_runfile_get_tensor(file, "main/1.weight", tensor));
    mn_tensor_free(tensor);
    ck_assert_ok(mn_runfile_close(file));
    end_run();
}
END_TEST

/* A name stands in the table and in its index, and a tensor must not be lost by either. */
START_TEST(a_flipped_bit_in_a_name_is_noticed)
{
    static const char name[] = "main/0.weight";
    make_run();
    tally all = {0};
    read_intact(&all.file, &all.results);
    for (long at = 0; at + (long)sizeof name < content_bytes; at++)
        if (memcmp(content + at, name, sizeof name - 1) == 0)
            for (int letter = 0; letter < 8; letter++)
                try_flip(&all, at + letter, 1);
    ck_assert_int_ge(all.refused, 2 * 8);
    ck_assert_int_eq(all.same, 0);
    end_run();
}
END_TEST

START_TEST(a_truncated_file_is_noticed)
{
    make_run();
    tally all = {0};
    read_intact(&all.file, &all.results);
    const long step = content_bytes / 60;
    for (long size = 1; size < content_bytes; size += size < 1000 ? 111 : step) {
        put_file(scratch_path, content, size);
        try_reading(&all, "truncated", size);
    }
    for (long size = 16384; size < content_bytes; size += 16384) { /* whole pages */
        put_file(scratch_path, content, size);
        try_reading(&all, "truncated", size);
    }
    ck_assert_int_eq(all.same, 0);
    end_run();
}
END_TEST

START_TEST(a_damaged_file_is_not_written_to_as_if_it_were_whole)
{
    make_run();
    tally all = {0};
    read_intact(&all.file, &all.results);
    int opened = 0, refused = 0;
    for (long at = 7; at < content_bytes; at += at < 100 ? 3 : 4093) {
        flip(at, (int)(at % 8));
        reading file = {0};
        read_file(&file, MN_WRITE);
        if (refused_or_same(&file, &all.file, "a flipped bit", at))
            opened++;
        else
            refused++;
        put_file(scratch_path, content, content_bytes);
    }
    ck_assert_int_gt(opened, 5);
    ck_assert_int_gt(refused, 20);
    end_run();
}
END_TEST

/* --- a damaged log ---------------------------------------------------------------------------- */

enum { COMMITS = 4 };

static void leave_a_log(void)
{
    mn_runfile *file;
    mn_tensor *tensor;
    if (mn_runfile_open(scratch_path, MN_WRITE, &file) != MN_OK ||
        mn_tensor_new(MN_F32, MN_SHAPE(WEIGHTS), &tensor) != MN_OK)
        _exit(1);
    for (int commit = 1; commit <= COMMITS; commit++) {
        weights[0] = (float)commit;
        if (mn_runfile_begin(file) != MN_OK ||
            mn_tensor_write(tensor, weights, sizeof weights) != MN_OK ||
            mn_runfile_put_tensor(file, &kept_by_test, "main/0.weight", tensor) != MN_OK ||
            mn_runfile_put_int(file, "seen", commit) != MN_OK || mn_runfile_commit(file) != MN_OK)
            _exit(1);
    }
    raise(SIGKILL);
}

static int64_t commit_in_file(void)
{
    mn_runfile *file;
    mn_tensor *tensor;
    int64_t seen;
    static float got[WEIGHTS];
    ck_assert_ok(mn_runfile_open(scratch_path, MN_WRITE, &file));
    ck_assert_ok(mn_runfile_get_int(file, "seen", &seen));
    ck_assert_ok(mn_tensor_new(MN_F32, MN_SHAPE(WEIGHTS), &tensor));
    ck_assert_ok(mn_runfile_get_tensor(file, "main/0.weight", tensor));
    ck_assert_ok(mn_tensor_read(tensor, got, sizeof got));
    mn_tensor_free(tensor);
    ck_assert_ok(mn_runfile_close(file));
    seen = seen == 60000 ? 0 : seen;
    ck_assert_int_eq((int)got[0], (int)seen);
    return seen;
}

START_TEST(a_damaged_log_gives_an_earlier_commit)
{
    make_run();
    const pid_t child = fork();
    if (child == 0)
        leave_a_log();
    int status, found[COMMITS + 1] = {0};
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    char log_path[200], index_path[200];
    snprintf(log_path, sizeof log_path, "%s-wal", scratch_path);
    snprintf(index_path, sizeof index_path, "%s-shm", scratch_path);
    long base_bytes, log_bytes;
    unsigned char *base = whole_file(scratch_path, &base_bytes);
    unsigned char *log = whole_file(log_path, &log_bytes);
    put_file(scratch_path, base, base_bytes);
    unlink(index_path);
    ck_assert_int_eq(commit_in_file(), COMMITS);
    for (long at = 0; at < log_bytes; at += log_bytes / 40) {
        put_file(scratch_path, base, base_bytes);
        put_file(log_path, log, at); /* cut short */
        unlink(index_path);
        found[commit_in_file()]++;
        put_file(scratch_path, base, base_bytes);
        log[at] ^= 16;
        put_file(log_path, log, log_bytes); /* a flipped bit */
        log[at] ^= 16;
        unlink(index_path);
        found[commit_in_file()]++;
    }
    for (int commit = 0; commit < COMMITS; commit++)
        ck_assert_int_gt(found[commit], 0);
    free(base);
    free(log);
    end_run();
}
END_TEST

MN_SUITE("runfile_damage", flipped_bits_are_noticed_or_harmless,
         a_flipped_bit_in_weights_names_the_tensor, a_flipped_bit_in_a_name_is_noticed,
         a_truncated_file_is_noticed, a_damaged_file_is_not_written_to_as_if_it_were_whole,
         a_damaged_log_gives_an_earlier_commit)
