/* The run file: what goes in comes out, all or nothing, refusals in one line. */
#include "store/exemplars.h"
#include "store/records.h"
#include "store/tensors.h"
#include "tests/rights.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include "store/filesystem.h"
#include "store/query.h"
#include "store/runfile.h"
#include "tensor/file/half.h"
#include <math.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const mn_tensor_origin kept_by_test = {"test", "", MN_ROLE_KEPT};

static mn_runfile *created(void)
{
    mn_runfile *file;
    scratch_new();
    ck_assert_ok(mn_runfile_create(scratch_path, &file));
    return file;
}

static void reopen(mn_runfile **file, mn_access access)
{
    ck_assert_ok(mn_runfile_close(*file));
    ck_assert_ok(mn_runfile_open(scratch_path, access, file));
}

/* A value of the run table; NULL: there is none. */
static char *value_of(mn_runfile *file, const char *key)
{
    char *value;
    ck_assert_ok(mn_runfile_find(file, key, &value));
    return value;
}

static void finish(mn_runfile *file)
{
    ck_assert_ok(mn_runfile_close(file));
    scratch_remove();
}

static void with_sqlite(const char *sql)
{
    sqlite3 *database;
    ck_assert_int_eq(sqlite3_open(scratch_path, &database), SQLITE_OK);
    const int code = sqlite3_exec(database, sql, NULL, NULL, NULL);
    ck_assert_msg(code == SQLITE_OK, "%s", sqlite3_errmsg(database));
    sqlite3_close(database);
}

static bool beside(const char *suffix)
{
    char name[160];
    snprintf(name, sizeof name, "%s%s", scratch_path, suffix);
    return access(name, F_OK) == 0;
}

/* --- what goes in comes out ------------------------------------------------------------------- */

START_TEST(settings_numbers_and_the_cursor)
{
    mn_runfile *file = created();
    mn_cursor back;
    ck_assert_fails(mn_runfile_get_cursor(file, &back), MN_NOT_FOUND, "has not begun");
    ck_assert_ok(mn_runfile_set(file, "benchmark", "split-mnist"));
    ck_assert_ok(mn_runfile_set(file, "benchmark", "split-fmnist"));
    ck_assert_ok(mn_runfile_put_int(file, "er/seen", INT64_MIN));
    ck_assert_ok(mn_runfile_put_real(file, "er/rate", 1.0));
    ck_assert_ok(mn_runfile_put_real(file, "er/tiny", 0x1p-1074));
    ck_assert_ok(mn_runfile_put_real(file, "er/infinite", (double)-INFINITY));
    ck_assert_ok(mn_runfile_put_real(file, "er/undefined", (double)NAN));
    const mn_cursor cursor = {1, 2, 3, 4, 5, INT64_C(1) << 53, 7};
    ck_assert_ok(mn_runfile_set_cursor(file, &(mn_cursor){.task = 9}));
    ck_assert_ok(mn_runfile_set_cursor(file, &(mn_cursor){.stage = MN_STAGE_DONE + 1}));
    ck_assert_fails(mn_runfile_get_cursor(file, &back), MN_CORRUPT, "stage 5, expected 0 to 4");
    ck_assert_ok(mn_runfile_set_cursor(file, &cursor));
    reopen(&file, MN_READ);

    char *value = value_of(file, "benchmark");
    ck_assert_str_eq(value, "split-fmnist");
    free(value);
    ck_assert_ptr_null(value_of(file, "absent"));
    int64_t whole;
    double real;
    ck_assert_ok(mn_runfile_get_int(file, "er/seen", &whole));
    ck_assert_int_eq(whole, INT64_MIN);
    ck_assert_ok(mn_runfile_get_real(file, "er/rate", &real));
    ck_assert_double_eq(real, 1.0);
    ck_assert_ok(mn_runfile_get_real(file, "er/tiny", &real));
    ck_assert_double_eq(real, 0x1p-1074);
    ck_assert_ok(mn_runfile_get_real(file, "er/infinite", &real));
    ck_assert_double_eq(real, (double)-INFINITY);
    ck_assert_ok(mn_runfile_get_real(file, "er/undefined", &real));
    ck_assert(isnan(real));
    ck_assert_fails(mn_runfile_get_int(file, "er/rate", &whole), MN_BAD_VALUE, "real number");
    ck_assert_fails(mn_runfile_get_real(file, "er/seen", &real), MN_BAD_VALUE, "whole number");
    ck_assert_fails(mn_runfile_get_int(file, "er/no", &whole), MN_NOT_FOUND, "er/no");
    ck_assert_ok(mn_runfile_get_cursor(file, &back));
    ck_assert_mem_eq(&back, &cursor, sizeof cursor);
    finish(file);
}
END_TEST

static mn_tensor *filled(mn_dtype dtype, mn_shape shape, unsigned char first)
{
    mn_tensor *tensor;
    ck_assert_ok(mn_tensor_new(dtype, shape, &tensor));
    const size_t bytes = mn_tensor_bytes(tensor);
    unsigned char *data = malloc(bytes + 1);
    for (size_t i = 0; i < bytes; i++)
        data[i] = (unsigned char)(first + i * 7);
    ck_assert_ok(mn_tensor_write(tensor, data, bytes));
    free(data);
    return tensor;
}

static void same_tensor(const mn_tensor *a, const mn_tensor *b)
{
    const size_t bytes = mn_tensor_bytes(a);
    unsigned char *x = malloc(bytes + 1), *y = malloc(bytes + 1);
    ck_assert_ok(mn_tensor_read(a, x, bytes));
    ck_assert_ok(mn_tensor_read(b, y, bytes));
    ck_assert(memcmp(x, y, bytes) == 0);
    free(x);
    free(y);
}

/* Files of earlier versions are resumed by these numbers. */
START_TEST(a_stage_keeps_its_number_for_ever)
{
    ck_assert_int_eq(MN_STAGE_START, 0);
    ck_assert_int_eq(MN_STAGE_BEFORE_TASK, 1);
    ck_assert_int_eq(MN_STAGE_PHASE, 2);
    ck_assert_int_eq(MN_STAGE_AFTER_TASK, 3);
    ck_assert_int_eq(MN_STAGE_DONE, 4);
}
END_TEST

START_TEST(tensors_of_every_type_and_shape)
{
    const struct {
        mn_dtype dtype;
        mn_shape shape;
    } kinds[] = {{MN_F32, MN_SHAPE(100, 784)}, {MN_BF16, MN_SHAPE(3, 5)}, {MN_U8, MN_SHAPE(7)},
                 {MN_I32, MN_SHAPE(2, 2, 2)},  {MN_F32, MN_SCALAR},       {MN_F32, MN_SHAPE(0, 4)}};
    enum { KINDS = sizeof kinds / sizeof kinds[0] };
    mn_runfile *file = created();
    char name[32];
    mn_tensor *put[KINDS];
    for (int i = 0; i < KINDS; i++) {
        snprintf(name, sizeof name, "w%d", i);
        put[i] = filled(kinds[i].dtype, kinds[i].shape, (unsigned char)i);
        ck_assert_ok(mn_runfile_put_tensor(file, &kept_by_test, name, put[i]));
    }
    reopen(&file, MN_WRITE);
    for (int i = 0; i < KINDS; i++) {
        snprintf(name, sizeof name, "w%d", i);
        mn_tensor *got;
        ck_assert_ok(mn_tensor_new(kinds[i].dtype, kinds[i].shape, &got));
        ck_assert_ok(mn_runfile_get_tensor(file, name, got));
        same_tensor(put[i], got);
        mn_tensor_free(got);
        mn_tensor_free(put[i]);
    }
    finish(file);
}
END_TEST

START_TEST(a_tensor_is_replaced_and_must_fit_what_it_fills)
{
    mn_runfile *file = created();
    mn_tensor *small = filled(MN_F32, MN_SHAPE(2, 3), 1), *large = filled(MN_F32, MN_SHAPE(9), 2);
    mn_tensor *bytes = filled(MN_U8, MN_SHAPE(9), 3), *same = filled(MN_F32, MN_SHAPE(9), 4);
    ck_assert_ok(mn_runfile_put_tensor(file, &kept_by_test, "w", small));
    ck_assert_ok(mn_runfile_put_tensor(file, &kept_by_test, "w", large));
    ck_assert_ok(mn_runfile_put_tensor(file, &kept_by_test, "w", same));
    ck_assert_ok(mn_runfile_get_tensor(file, "w", large));
    same_tensor(large, same);
    ck_assert_fails(mn_runfile_get_tensor(file, "w", small), MN_BAD_SHAPE, "f32 (2,3)");
    ck_assert_fails(mn_runfile_get_tensor(file, "w", bytes), MN_BAD_SHAPE, "u8 (9)");
    ck_assert_fails(mn_runfile_get_tensor(file, "v", large), MN_NOT_FOUND, "'v'");
    mn_tensor_free(small);
    mn_tensor_free(large);
    mn_tensor_free(bytes);
    mn_tensor_free(same);
    finish(file);
}
END_TEST

typedef struct heard {
    char text[512];
    int64_t stop_at;
} heard;

static mn_status hear_row(void *context, const mn_exemplar *e)
{
    heard *all = context;
    if (e->slot == all->stop_at)
        return mn_fail(MN_INTERRUPTED, "heard enough");
    const size_t used = strlen(all->text);
    snprintf(all->text + used, sizeof all->text - used, "%d:%d.%d.%d.%d.%d.%zu.%d ", (int)e->slot,
             e->label, e->task, (int)e->seen, e->labelled, (int)e->source, e->image_bytes,
             e->image_bytes > 0 ? e->image[e->image_bytes - 1] : -1);
    return MN_OK;
}

static mn_status hear_column(void *context, int64_t slot, const char *name, const float *values,
                             int64_t width)
{
    heard *all = context;
    const size_t used = strlen(all->text);
    snprintf(all->text + used, sizeof all->text - used, "%d/%s=%g(%d) ", (int)slot, name,
             width > 0 ? (double)values[width - 1] : 0, (int)width);
    return MN_OK;
}

START_TEST(exemplars_in_order_of_slot_then_their_columns)
{
    mn_runfile *file = created();
    const uint8_t image[3] = {7, 8, 9};
    const float values[2] = {1.5F, -0.25F};
    for (int slot = 3; slot >= 0; slot--) {
        const mn_exemplar exemplar = {.slot = slot,
                                      .label = slot == 2 ? -1 : slot,
                                      .task = slot / 2,
                                      .seen = 100 + slot,
                                      .labelled = slot != 2,
                                      .source = slot == 3 ? -1 : slot * 11,
                                      .image = image,
                                      .image_bytes = slot == 3 ? 0 : sizeof image};
        ck_assert_ok(mn_runfile_put_exemplar(file, &exemplar));
        ck_assert_ok(mn_runfile_put_exemplar_column(file, slot, "logits", values, 1));
        ck_assert_ok(mn_runfile_put_exemplar_column(file, slot, "features", values, 2));
    }
    ck_assert_ok(mn_runfile_put_exemplar_column(file, 0, "logits", NULL, 0));
    ck_assert_ok(mn_runfile_delete_exemplar(file, 1));
    ck_assert_ok(mn_runfile_delete_exemplar(file, 99));
    reopen(&file, MN_READ);
    heard all = {.stop_at = -1};
    const mn_exemplar_reader reader = {&all, hear_row, hear_column};
    ck_assert_ok(mn_runfile_read_exemplars(file, &reader));
    ck_assert_str_eq(all.text, "0:0.0.100.1.0.3.9 2:-1.1.102.0.22.3.9 3:3.1.103.1.-1.0.-1 "
                               "0/features=-0.25(2) 0/logits=0(0) 2/features=-0.25(2) "
                               "2/logits=1.5(1) 3/features=-0.25(2) 3/logits=1.5(1) ");
    all = (heard){.stop_at = 2};
    ck_assert_fails(mn_runfile_read_exemplars(file, &reader), MN_INTERRUPTED, "heard enough");
    finish(file);
}
END_TEST

static void is_answer(mn_runfile *file, const char *sql, const char *expected)
{
    mn_query *query;
    bool row;
    ck_assert_ok(mn_query_new(file, sql, &query));
    ck_assert_ok(mn_query_next(query, &row));
    ck_assert(row);
    ck_assert_str_eq(mn_query_text(query, 0), expected);
    mn_query_free(query);
}

START_TEST(results_are_rows_that_a_resumed_run_may_write_again)
{
    mn_runfile *file = created();
    for (int i = 0; i < 2; i++) {
        ck_assert_ok(mn_runfile_add_task(file, 0, 12000, 2000));
        ck_assert_ok(mn_runfile_add_task_class(file, 0, 0, 4, "Coat, or Shirt"));
        ck_assert_ok(mn_runfile_add_evaluation(file, 10, 0, 0, "class-il", 5 + i, 10));
        ck_assert_ok(mn_runfile_add_scalar(file, &(mn_scalar_place){10, 0, "train", "train"},
                                           "loss", 0.5 + i));
        ck_assert_ok(mn_runfile_put_network(file, "host", "main", "mlp", 10, "{}"));
    }
    ck_assert_ok(mn_runfile_add_scalar(file, &(mn_scalar_place){20, 0, "train", "train"}, "loss",
                                       (double)NAN));
    reopen(&file, MN_READ);
    is_answer(file, "SELECT train || '/' || test FROM task", "12000/2000");
    is_answer(file, "SELECT label || original || name FROM task_class", "04Coat, or Shirt");
    is_answer(file, "SELECT count(*) || '/' || max(correct) FROM evaluation", "1/6");
    is_answer(file, "SELECT count(*) || '/' || max(value) FROM scalar", "2/1.5");
    is_answer(file, "SELECT owner || name || type || classes || options FROM network",
              "hostmainmlp10{}");
    finish(file);
}
END_TEST

START_TEST(outputs_are_half_floats)
{
    mn_runfile *file = created();
    const float logits[2][3] = {{1, -2, 0.5F}, {65504, (float)INFINITY, 0x1p-24F}};
    ck_assert_ok(mn_runfile_add_output(file, 1, 0, &logits[0][0], 2, 3));
    reopen(&file, MN_READ);
    is_answer(file, "SELECT hex(logits) FROM output", "003C00C00038FF7B007C0100");
    is_answer(file, "SELECT rows || 'x' || width FROM output WHERE after_task = 1", "2x3");
    finish(file);
}
END_TEST

START_TEST(a_query_binds_and_steps)
{
    mn_runfile *file = created();
    for (int i = 0; i < 3; i++)
        ck_assert_ok(mn_runfile_add_scalar(file, &(mn_scalar_place){i, 0, "train", "train"}, "loss",
                                           i == 2 ? (double)NAN : i));
    mn_query *query;
    bool row;
    ck_assert_ok(mn_query_new(
        file, "SELECT step, value, ?2 FROM scalar WHERE step >= ?1 ORDER BY step", &query));
    mn_query_set_int(query, 1, 1);
    mn_query_set_text(query, 2, "x");
    ck_assert_ok(mn_query_next(query, &row));
    ck_assert(row && mn_query_int(query, 0) == 1 && mn_query_real(query, 1) == 1.0);
    ck_assert_str_eq(mn_query_text(query, 2), "x");
    ck_assert_ok(mn_query_next(query, &row));
    ck_assert(row && isnan(mn_query_real(query, 1)) && mn_query_text(query, 1) == NULL);
    ck_assert_ok(mn_query_next(query, &row));
    ck_assert(!row);
    mn_query_free(query);
    ck_assert_fails(mn_query_new(file, "SELECT what FROM nowhere", &query), MN_CORRUPT, "nowhere");
    ck_assert_ptr_null(query);
    mn_query_free(NULL);
    finish(file);
}
END_TEST

/* --- all or nothing --------------------------------------------------------------------------- */

START_TEST(what_is_rolled_back_never_was)
{
    mn_runfile *file = created();
    ck_assert_ok(mn_runfile_put_int(file, "n", 1));
    ck_assert_ok(mn_runfile_begin(file));
    ck_assert_fails(mn_runfile_begin(file), MN_OUT_OF_ORDER, "open already");
    ck_assert_ok(mn_runfile_put_int(file, "n", 2));
    mn_runfile_rollback(file);
    ck_assert_fails(mn_runfile_commit(file), MN_OUT_OF_ORDER, "without begin");
    int64_t n;
    ck_assert_ok(mn_runfile_get_int(file, "n", &n));
    ck_assert_int_eq(n, 1);
    ck_assert_ok(mn_runfile_begin(file));
    ck_assert_ok(mn_runfile_put_int(file, "n", 3));
    reopen(&file, MN_READ); /* closing rolls back */
    ck_assert_ok(mn_runfile_get_int(file, "n", &n));
    ck_assert_int_eq(n, 1);
    finish(file);
}
END_TEST

START_TEST(a_transaction_in_which_something_failed_lands_nothing)
{
    mn_runfile *file = created();
    ck_assert_ok(mn_runfile_begin(file));
    ck_assert_ok(mn_runfile_put_int(file, "first", 1));
    ck_assert_fails(mn_runfile_set(file, "key", NULL), MN_BAD_VALUE, "NOT NULL");
    ck_assert_fails(mn_runfile_put_int(file, "second", 2), MN_OUT_OF_ORDER, "roll it back");
    ck_assert_fails(mn_runfile_commit(file), MN_OUT_OF_ORDER, "cannot be committed");
    int64_t n;
    ck_assert_fails(mn_runfile_get_int(file, "first", &n), MN_NOT_FOUND, "first");
    ck_assert_ok(mn_runfile_begin(file)); /* and the next one works */
    ck_assert_ok(mn_runfile_put_int(file, "third", 3));
    ck_assert_ok(mn_runfile_commit(file));
    ck_assert_ok(mn_runfile_get_int(file, "third", &n));
    finish(file);
}
END_TEST

START_TEST(a_reader_sees_the_last_commit_of_a_run_in_progress)
{
    mn_runfile *file = created(), *reader;
    int64_t n;
    ck_assert_ok(mn_runfile_put_int(file, "n", 1));
    ck_assert_ok(mn_runfile_begin(file));
    ck_assert_ok(mn_runfile_put_int(file, "n", 2));
    ck_assert_ok(mn_runfile_open(scratch_path, MN_READ, &reader));
    ck_assert_ok(mn_runfile_get_int(reader, "n", &n));
    ck_assert_int_eq(n, 1);
    ck_assert_ok(mn_runfile_commit(file));
    ck_assert_ok(mn_runfile_get_int(reader, "n", &n));
    ck_assert_int_eq(n, 2);
    ck_assert_fails(mn_runfile_put_int(reader, "n", 3), MN_OUT_OF_ORDER, "opened for reading");
    ck_assert_ok(mn_runfile_close(file)); /* the writer first: the reader tidies up */
    ck_assert_ok(mn_runfile_get_int(reader, "n", &n));
    ck_assert_int_eq(n, 2);
    ck_assert_ok(mn_runfile_close(reader));
    ck_assert(!beside("-wal") && !beside("-shm") && !beside("-lock"));
    scratch_remove();
}
END_TEST

START_TEST(a_closed_run_is_one_file_in_a_mode_for_any_medium)
{
    mn_runfile *file = created();
    ck_assert_ok(mn_runfile_put_int(file, "n", 1));
    ck_assert(beside("-wal") && beside("-lock"));
    ck_assert_ok(mn_runfile_close(file));
    ck_assert(!beside("-wal") && !beside("-shm") && !beside("-lock") && !beside("-journal"));
    unsigned char header[100];
    FILE *stream = fopen(scratch_path, "rb");
    ck_assert_uint_eq(fread(header, 1, 100, stream), 100);
    fclose(stream);
    ck_assert_int_eq(header[16] << 8 | header[17], 16384);       /* page size */
    ck_assert(header[18] == 1 && header[19] == 1);               /* not write-ahead */
    ck_assert_mem_eq(header + 68, "mnem", 4);                    /* application_id */
    ck_assert_ok(mn_runfile_open(scratch_path, MN_READ, &file)); /* nor owned by anybody */
    ck_assert_ptr_null(value_of(file, "owner.pid"));
    finish(file);
    ck_assert_ok(mn_runfile_close(NULL));
}
END_TEST

/* --- refusals --------------------------------------------------------------------------------- */

START_TEST(an_existing_file_is_not_overwritten)
{
    mn_runfile *file = created(), *second;
    ck_assert_ok(mn_runfile_put_int(file, "n", 1));
    ck_assert_fails(mn_runfile_create(scratch_path, &second), MN_BAD_OPTION, "mneme resume");
    ck_assert_ptr_null(second);
    reopen(&file, MN_READ);
    ck_assert_fails(mn_runfile_create(scratch_path, &second), MN_BAD_OPTION, "--out");
    int64_t n;
    ck_assert_ok(mn_runfile_get_int(file, "n", &n));
    ck_assert(!beside("-lock"));
    finish(file);
}
END_TEST

START_TEST(an_empty_file_may_become_a_run)
{
    scratch_new();
    fclose(fopen(scratch_path, "wb"));
    mn_runfile *file;
    ck_assert_fails(mn_runfile_open(scratch_path, MN_READ, &file), MN_CORRUPT, "empty");
    ck_assert_fails(mn_runfile_open(scratch_path, MN_WRITE, &file), MN_CORRUPT, "empty");
    ck_assert_ok(mn_runfile_create(scratch_path, &file));
    finish(file);
}
END_TEST

START_TEST(a_missing_folder_or_file_is_named)
{
    mn_runfile *file;
    scratch_new();
    char path[200];
    snprintf(path, sizeof path, "%s/none/run.mneme", scratch_folder);
    ck_assert_fails(mn_runfile_create(path, &file), MN_NOT_FOUND, "none'; make it first");
    ck_assert_fails(mn_runfile_open(scratch_path, MN_WRITE, &file), MN_NOT_FOUND, scratch_path);
    ck_assert_fails(mn_runfile_open(scratch_folder, MN_READ, &file), MN_CORRUPT, "not a file");
    scratch_remove();
}
END_TEST

START_TEST(what_is_no_run_file_is_refused)
{
    mn_runfile *file;
    scratch_new();
    FILE *stream = fopen(scratch_path, "w");
    for (int i = 0; i < 100; i++)
        fputs("loss,accuracy\n", stream);
    fclose(stream);
    ck_assert_fails(mn_runfile_open(scratch_path, MN_READ, &file), MN_CORRUPT, "not a database");
    ck_assert_fails(mn_runfile_open(scratch_path, MN_WRITE, &file), MN_CORRUPT, "not a database");
    unlink(scratch_path);
    with_sqlite("CREATE TABLE run (key, value)");
    ck_assert_fails(mn_runfile_open(scratch_path, MN_READ, &file), MN_CORRUPT, "not a run file");
    ck_assert_fails(mn_runfile_open(scratch_path, MN_WRITE, &file), MN_CORRUPT, "not a run file");
    ck_assert(!beside("-lock"));
    scratch_remove();
}
END_TEST

START_TEST(a_newer_schema_is_refused_with_both_numbers)
{
    mn_runfile *file = created();
    ck_assert_ok(mn_runfile_close(file));
    with_sqlite("PRAGMA user_version = 99");
    ck_assert_fails(mn_runfile_open(scratch_path, MN_READ, &file), MN_WRONG_VERSION, "schema 99");
    ck_assert_fails(mn_runfile_open(scratch_path, MN_WRITE, &file), MN_WRONG_VERSION, "up to 3;");
    scratch_remove();
}
END_TEST

START_TEST(a_changed_row_is_noticed)
{
    mn_runfile *file = created();
    ck_assert_ok(mn_runfile_add_evaluation(file, 1, 0, 0, "class-il", 5, 10));
    ck_assert_ok(mn_runfile_close(file));
    with_sqlite("UPDATE evaluation SET correct = 9");
    ck_assert_fails(mn_runfile_open(scratch_path, MN_READ, &file), MN_CORRUPT, "'evaluation'");
    scratch_remove();
}
END_TEST

START_TEST(network_file_systems_are_known_by_their_number)
{
    ck_assert_str_eq(mn_network_filesystem(0x6969), "NFS");
    ck_assert_str_eq(mn_network_filesystem(0xff534d42), "CIFS");
    ck_assert_str_eq(mn_network_filesystem(0xffffffffff534d42UL), "CIFS"); /* sign-extended */
    ck_assert_str_eq(mn_network_filesystem(0x0bd00bd0), "Lustre");
    ck_assert_ptr_null(mn_network_filesystem(0xef53));     /* ext4 */
    ck_assert_ptr_null(mn_network_filesystem(0x01021994)); /* tmpfs */
    ck_assert_ptr_null(mn_network_filesystem(0x9123683e)); /* btrfs */
}
END_TEST

/* --- folders that cannot be written ----------------------------------------------------------- */

/* Runs `inside` without root's right to write anywhere, in the folder made read-only. */
static void without_rights(void (*inside)(void))
{
    ck_assert_int_eq(chmod(scratch_path, 0444) | chmod(scratch_folder, 0555), 0);
    const pid_t child = fork();
    if (child == 0) {
        if (!test_obey_permissions())
            _exit(77);
        inside();
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(chmod(scratch_folder, 0755), 0);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %d", status);
}

static void reads_but_cannot_write(void)
{
    mn_runfile *file;
    int64_t n = 0;
    ck_assert_ok(mn_runfile_open(scratch_path, MN_READ, &file));
    ck_assert_ok(mn_runfile_get_int(file, "n", &n));
    ck_assert_int_eq(n, 1);
    ck_assert_ok(mn_runfile_close(file));
    ck_assert_fails(mn_runfile_open(scratch_path, MN_WRITE, &file), MN_IO_FAILED, "folder");
    char other[200];
    snprintf(other, sizeof other, "%s/other.mneme", scratch_folder);
    ck_assert_fails(mn_runfile_create(other, &file), MN_IO_FAILED, "folder");
    ck_assert_int_ne(access(other, F_OK), 0);
}

START_TEST(a_read_only_folder_can_be_read_but_not_written)
{
    mn_runfile *file = created();
    ck_assert_ok(mn_runfile_put_int(file, "n", 1));
    ck_assert_ok(mn_runfile_close(file));
    without_rights(reads_but_cannot_write);
    with_sqlite("PRAGMA journal_mode = WAL"); /* as if a reader had outlived the writer */
    without_rights(reads_but_cannot_write);
    scratch_remove();
}
END_TEST

static void says_where_the_log_is(void)
{
    mn_runfile *file;
    ck_assert_fails(mn_runfile_open(scratch_path, MN_READ, &file), MN_IO_FAILED,
                    "run.mneme-wal, which cannot be read in a read-only folder");
}

START_TEST(a_log_in_a_read_only_folder_is_named)
{
    scratch_new();
    const pid_t child = fork();
    if (child == 0) {
        mn_runfile *file;
        _exit(mn_runfile_create(scratch_path, &file) == MN_OK &&
                      mn_runfile_put_int(file, "n", 1) == MN_OK
                  ? 0
                  : 1); /* without closing */
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    char name[200];
    snprintf(name, sizeof name, "%s-shm", scratch_path);
    unlink(name);
    snprintf(name, sizeof name, "%s-wal", scratch_path);
    ck_assert_int_eq(chmod(name, 0444), 0);
    without_rights(says_where_the_log_is);
    scratch_remove();
}
END_TEST

MN_SUITE("runfile", settings_numbers_and_the_cursor, a_stage_keeps_its_number_for_ever,
         tensors_of_every_type_and_shape, a_tensor_is_replaced_and_must_fit_what_it_fills,
         exemplars_in_order_of_slot_then_their_columns,
         results_are_rows_that_a_resumed_run_may_write_again, outputs_are_half_floats,
         a_query_binds_and_steps, what_is_rolled_back_never_was,
         a_transaction_in_which_something_failed_lands_nothing,
         a_reader_sees_the_last_commit_of_a_run_in_progress,
         a_closed_run_is_one_file_in_a_mode_for_any_medium, an_existing_file_is_not_overwritten,
         an_empty_file_may_become_a_run, a_missing_folder_or_file_is_named,
         what_is_no_run_file_is_refused, a_newer_schema_is_refused_with_both_numbers,
         a_changed_row_is_noticed, network_file_systems_are_known_by_their_number,
         a_read_only_folder_can_be_read_but_not_written, a_log_in_a_read_only_folder_is_named)
