/* Images that a generator made: kept in the run file, replaced within a task, read in order. */
#include "store/samples.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include "store/runfile.h"
#include <sqlite3.h>
#include <string.h>

enum { IMAGE = 4, MOST = 8 };

typedef struct seen {
    int count;
    int64_t after_task[MOST], place[MOST];
    int32_t label[MOST];
    uint8_t first[MOST];
} seen;

static mn_status note(void *context, const mn_sample *sample)
{
    seen *s = context;
    ck_assert_int_lt(s->count, MOST);
    ck_assert_uint_eq(sample->bytes, IMAGE);
    s->after_task[s->count] = sample->after_task;
    s->place[s->count] = sample->place;
    s->label[s->count] = sample->label;
    s->first[s->count++] = sample->image[0];
    return MN_OK;
}

static void put(mn_runfile *file, int64_t after_task, int32_t label, int64_t place, uint8_t value)
{
    const uint8_t image[IMAGE] = {value, 1, 2, 3};
    ck_assert_ok(mn_runfile_put_sample(file, after_task, label, place, image, IMAGE));
}

static const char *written(void)
{
    mn_runfile *file;
    scratch_new();
    ck_assert_ok(mn_runfile_create(scratch_path, &file));
    ck_assert_ok(mn_runfile_begin(file));
    put(file, 1, 0, 0, 30);
    put(file, 0, 1, 0, 20);
    put(file, 0, 0, 1, 11);
    put(file, 0, 0, 0, 9);
    put(file, 0, 0, 0, 10); /* instead of the last */
    ck_assert_ok(mn_runfile_commit(file));
    ck_assert_ok(mn_runfile_close(file));
    return scratch_path;
}

static void change(const char *path, const char *sql)
{
    sqlite3 *database;
    ck_assert_int_eq(sqlite3_open(path, &database), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK, "%s",
                  sqlite3_errmsg(database));
    ck_assert_int_eq(sqlite3_close(database), SQLITE_OK);
}

static mn_status read_back(const char *path, seen *s)
{
    mn_runfile *file;
    ck_assert_ok(mn_runfile_open(path, MN_READ, &file));
    const mn_status status = mn_runfile_read_samples(file, note, s);
    char said[256];
    snprintf(said, sizeof said, "%s", mn_error());
    ck_assert_ok(mn_runfile_close(file));
    return status == MN_OK ? MN_OK : mn_fail(status, "%s", said);
}

START_TEST(samples_come_by_class_task_and_place)
{
    seen s = {0};
    ck_assert_ok(read_back(written(), &s));
    ck_assert_int_eq(s.count, 4);
    const uint8_t first[] = {10, 11, 30, 20};
    ck_assert_mem_eq(s.first, first, sizeof first);
    ck_assert_int_eq(s.after_task[2], 1);
    ck_assert_int_eq(s.place[1], 1);
    ck_assert_int_eq(s.label[3], 1);
    scratch_remove();
}
END_TEST

START_TEST(a_damaged_sample_says_so)
{
    const char *path = written();
    seen s = {0};
    change(path, "UPDATE sample SET image = x'ff010203' WHERE label = 1");
    ck_assert_fails(read_back(path, &s), MN_CORRUPT, "a sample of class 1 is damaged");
    ck_assert_int_eq(s.count, 3);
    scratch_remove();
}
END_TEST

START_TEST(a_file_from_before_there_were_samples_has_none)
{
    const char *path = written();
    seen s = {0};
    change(path, "DROP TABLE sample");
    ck_assert_ok(read_back(path, &s));
    ck_assert_int_eq(s.count, 0);
    scratch_remove();
}
END_TEST

MN_SUITE("samples", samples_come_by_class_task_and_place, a_damaged_sample_says_so,
         a_file_from_before_there_were_samples_has_none)
