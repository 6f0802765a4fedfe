/* check.c -- whether what a run file holds is what was written, and makes sense.
 *
 * A checksum says that a row is what somebody wrote, not that mneme did.  So every number is held
 * to what the file says of itself, here and once, before anybody counts with it or asks for memory.
 */
#include "store/check.h"
#include "store/database.h"
#include "store/tensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { QUICK_BYTES = 64 << 20 }; /* read in a few hundredths of a second */

/* Of numbers that a double holds; a text is above any number. */
#define WHOLE         "BETWEEN 0 AND 9007199254740992"
#define BELOW(most)   "BETWEEN 0 AND " most " - 1"
#define OR_NONE(most) "BETWEEN -1 AND " most " - 1"
#define TEXT(column)  "typeof(" column ") = 'text'"
/* A file that has no tasks yet promises nothing about them. */
#define TASKS   "(SELECT coalesce(nullif(count(*), 0), 1000000) FROM task)"
#define CLASSES "(SELECT coalesce(nullif(count(DISTINCT label), 0), 1000000) FROM task_class)"
#define NUMBERS                                                                                    \
    "'tasks', 'classes', 'seed', 'threads', 'images', 'image_channels', 'image_height', "          \
    "'image_width', 'exemplar_height', 'exemplar_width'"

/* The columns that a row's crc is of, and what is true of each row. */
typedef struct check {
    const char *table, *columns, *sense;
    bool large;
} check;

/* clang-format off */
static const check checks[] = {
    {"task", "task, train, test",
        "task " BELOW("(SELECT count(*) FROM task)") " AND train " WHOLE " AND test " WHOLE, false},
    {"task_class", "task, label, original, name",
        "task " BELOW(TASKS) " AND label " BELOW(CLASSES) " AND " TEXT("name")
        " AND (original IS NULL OR original " OR_NONE("2147483648") ")", false},
    /* In files of schema 1 a class whose name has a comma is two. */
    {"run", "key, value",
        TEXT("key") " AND " TEXT("value")
        " AND (key NOT IN (" NUMBERS ") OR (value NOT GLOB '*[^0-9]*' AND length(value) BETWEEN 1 AND 19))"
        " AND (key <> 'tasks' OR CAST(value AS INTEGER) = (SELECT count(*) FROM task)"
        "     OR (NOT EXISTS (SELECT 1 FROM task) AND CAST(value AS INTEGER) " BELOW("1000000") "))"
        " AND (key <> 'classes' OR CAST(value AS INTEGER) BETWEEN 0 AND " CLASSES ")", false},
    {"evaluation", "scope, after_task, on_task, step, correct, total",
        TEXT("scope") " AND after_task " OR_NONE(TASKS) " AND on_task " BELOW(TASKS)
        " AND step " WHOLE " AND total " WHOLE " AND correct BETWEEN 0 AND total", false},
    {"probe", "classifier, scope, label, after_task, correct, total",
        TEXT("classifier") " AND " TEXT("scope") " AND label " BELOW(CLASSES)
        " AND after_task " OR_NONE(TASKS) " AND total > 0 AND total " WHOLE
        " AND correct BETWEEN 0 AND total", false},
    {"network", "owner, name, type, classes, options",
        TEXT("owner") " AND " TEXT("name") " AND " TEXT("type") " AND " TEXT("options")
        " AND classes " BELOW("1000000"), false},
    {"kept", "name, value",
        TEXT("name") " AND typeof(value) IN ('integer', 'real', 'null')", false},
    {"cursor", "task, stage, phase, length, phase_step, step, commits",
        "id = 1 AND task BETWEEN 0 AND " TASKS " AND stage BETWEEN 0 AND 4"
        " AND phase " BELOW("1000") " AND length BETWEEN -2 AND 2147483647 AND step " WHOLE
        " AND phase_step BETWEEN 0 AND step AND commits " WHOLE
        " AND (NOT EXISTS (SELECT 1 FROM task) OR (stage = 4) = (task = " TASKS "))", false},
    {"test_label", "on_task, rows, labels",
        "on_task " BELOW(TASKS) " AND rows " WHOLE " AND length(labels) = 2 * rows", true},
    {"output", "after_task, on_task, rows, width, logits",
        "after_task " OR_NONE(TASKS) " AND on_task " BELOW(TASKS) " AND rows " WHOLE
        " AND width " WHOLE " AND length(logits) = 2 * rows * width", true},
    {"scalar", "name, update_name, step, task, phase, value",
        TEXT("name") " AND " TEXT("update_name") " AND " TEXT("phase") " AND step " WHOLE
        " AND task " BELOW(TASKS) " AND typeof(value) IN ('real', 'null')", true},
    {"exemplar", "slot, label, task, seen, labelled, source, image",
        "slot " WHOLE " AND label " OR_NONE(CLASSES) " AND task " OR_NONE(TASKS) " AND seen " WHOLE
        " AND labelled IN (0, 1) AND source " OR_NONE("9007199254740992"), true},
    {"exemplar_column", "slot, name, data",
        "slot " WHOLE " AND " TEXT("name") " AND length(data) % 4 = 0", true},
    {"sample", "after_task, label, place, image",
        "after_task " BELOW(TASKS) " AND label " BELOW(CLASSES) " AND place " WHOLE, true},
    {"tensor", "name, owner, part, role, dtype, shape, data",
        TEXT("name") " AND " TEXT("owner") " AND " TEXT("part") " AND " TEXT("role"), true},
};
/* clang-format on */
enum { CHECKS = sizeof checks / sizeof checks[0] };

/* Whether a query, which is freed, finds a row. */
static mn_status finds(mn_runfile *file, char *sql, bool *row)
{
    *row = false;
    if (sql == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory", file->path);
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(file->database, sql, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    *row = code == SQLITE_ROW;
    const mn_status status =
        code == SQLITE_ROW || code == SQLITE_DONE ? MN_OK : mn_database_failed(file, "be checked");
    sqlite3_finalize(statement);
    sqlite3_free(sql);
    return status;
}

static mn_status is_there(mn_runfile *file, const char *table, bool *there)
{
    return finds(file,
                 sqlite3_mprintf("SELECT 1 FROM sqlite_schema WHERE name = %Q UNION ALL "
                                 "SELECT 1 FROM sqlite_temp_schema WHERE name = %Q",
                                 table, table),
                 there);
}

static mn_status check_rows(mn_runfile *file, const check *one, bool each_byte)
{
    bool there, found;
    MN_TRY(is_there(file, one->table, &there)); /* files of an earlier schema have fewer */
    if (!there)
        return MN_OK;
    if (each_byte)
        MN_TRY(finds(file,
                     sqlite3_mprintf("SELECT 1 FROM \"%w\" WHERE crc IS NOT row_crc(%s)",
                                     one->table, one->columns),
                     &found));
    if (each_byte && found)
        return mn_fail(MN_CORRUPT, "%s: a row of table '%s' is damaged; use a copy of the file",
                       file->path, one->table);
    MN_TRY(finds(
        file,
        sqlite3_mprintf("SELECT 1 FROM \"%w\" WHERE (%s) IS NOT TRUE", one->table, one->sense),
        &found));
    return found ? mn_fail(MN_CORRUPT,
                           "%s: a row of table '%s' has a number that cannot be; the file is "
                           "damaged, or was not made by mneme",
                           file->path, one->table)
                 : MN_OK;
}

/* Why a page could not be looked at, by what the check says of it; MN_OK: it was.  For a page with
 * the rest of a long row it gives no reason: where the disk has none either, memory ran out. */
static mn_status unread(mn_runfile *file, const char *text)
{
    static const char code[] = "error code=";
    if (text == NULL)
        return mn_status_of_sqlite(sqlite3_extended_errcode(file->database), 0);
    const char *found = strstr(text, code);
    if (found != NULL)
        return mn_status_of_sqlite(atoi(found + sizeof code - 1), 0);
    return strstr(text, "failed to get page") != NULL && mn_database_errno(file->database) == 0
               ? MN_NO_MEMORY
               : MN_OK;
}

/* Behind the line that names the database. */
static const char *first_finding(const char *text)
{
    const char *end = strncmp(text, "***", 3) == 0 ? strchr(text, '\n') : NULL;
    return end != NULL ? end + 1 : text;
}

static mn_status integrity_check(mn_runfile *file, const char *pragma)
{
    sqlite3_stmt *statement;
    bool row;
    MN_TRY(mn_database_prepare(file, pragma, &statement));
    MN_TRY(mn_database_step(file, statement, &row, "be checked"));
    const char *text = row ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    mn_status status = MN_OK;
    if (unread(file, text) == MN_NO_MEMORY)
        status = mn_fail(MN_NO_MEMORY, "%s: out of memory while it is checked", file->path);
    else if (text == NULL || strcmp(text, "ok") != 0) {
        const char *finding = text == NULL ? "no answer" : first_finding(text);
        status = mn_fail(MN_CORRUPT, "%s is damaged (%.*s); use a copy of the file", file->path,
                         (int)strcspn(finding, "\n"), finding);
    }
    sqlite3_reset(statement);
    return status;
}

/* Whether SQLite's trees and indices are whole: damaged, they could lose rows without a word. */
static mn_status check_pages(mn_runfile *file, bool all)
{
    static const char *const small[] = {
        "PRAGMA integrity_check(run)",        "PRAGMA integrity_check(task)",
        "PRAGMA integrity_check(evaluation)", "PRAGMA integrity_check(cursor)",
        "PRAGMA integrity_check(kept)",       "PRAGMA integrity_check(exemplar)",
    };
    if (all)
        return integrity_check(file, "PRAGMA integrity_check(1)");
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++)
        MN_TRY(integrity_check(file, small[i]));
    return MN_OK;
}

static bool is_quick(const mn_runfile *file)
{
    struct stat about;
    return stat(file->path, &about) != 0 || about.st_size <= QUICK_BYTES;
}

mn_status mn_check_schema(mn_runfile *file)
{
    static const char *const unlike[] = {
        "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL%'",
        "SELECT 1 FROM sqlite_schema AS s, pragma_table_xinfo(s.name) AS x "
        "WHERE s.type = 'table' AND x.hidden <> 0",
    };
    bool found = false;
    for (size_t i = 0; i < sizeof unlike / sizeof unlike[0] && !found; i++)
        MN_TRY(finds(file, sqlite3_mprintf("%s", unlike[i]), &found));
    return found
               ? mn_fail(MN_CORRUPT,
                         "%s has tables that compute what they hold, as mneme makes none; it is no "
                         "run file of mneme",
                         file->path)
               : MN_OK;
}

mn_status mn_check_contents(mn_runfile *file)
{
    const bool quick = is_quick(file);
    MN_TRY(check_pages(file, quick));
    for (int i = 0; i < CHECKS; i++)
        if (quick || !checks[i].large)
            MN_TRY(check_rows(file, &checks[i], !checks[i].large));
    return MN_OK;
}

static mn_status look_at_tensor(void *context, const char *name, const mn_tensor *tensor)
{
    (void)context, (void)name, (void)tensor;
    return MN_OK;
}

static mn_status check_digest(mn_runfile *file, const char *table)
{
    bool same;
    MN_TRY(
        finds(file,
              sqlite3_mprintf("SELECT 1 FROM digest WHERE name = %Q AND crc = row_crc(name, rows, "
                              "sum) AND rows = (SELECT count(*) FROM \"%w\") AND "
                              "sum = (SELECT coalesce(sum(crc), 0) FROM \"%w\")",
                              table, table, table),
              &same));
    return same ? MN_OK
                : mn_fail(
                      MN_CORRUPT,
                      "%s: table '%s' has not the rows that it had when the file was closed; use "
                      "a copy of the file",
                      file->path, table);
}

static mn_status check_digests(mn_runfile *file)
{
    bool there, any = false;
    MN_TRY(is_there(file, "digest", &there));
    if (there)
        MN_TRY(finds(file, sqlite3_mprintf("SELECT 1 FROM digest"), &any));
    for (int i = 0; i < CHECKS && any; i++)
        MN_TRY(check_digest(file, checks[i].table));
    return MN_OK;
}

mn_status mn_runfile_check(mn_runfile *file)
{
    MN_TRY(check_pages(file, true));
    for (int i = 0; i < CHECKS; i++)
        MN_TRY(check_rows(file, &checks[i], strcmp(checks[i].table, "tensor") != 0));
    MN_TRY(mn_runfile_read_tensors(file, "", look_at_tensor, NULL)); /* says which is damaged */
    return check_digests(file);
}

mn_status mn_digests_forget(mn_runfile *file)
{
    return mn_database_execute(file, "DELETE FROM digest", "be written");
}

mn_status mn_digests_write(mn_runfile *file)
{
    MN_TRY(mn_digests_forget(file));
    for (int i = 0; i < CHECKS; i++) {
        bool row;
        const char *table = checks[i].table;
        MN_TRY(
            finds(file,
                  sqlite3_mprintf("INSERT INTO digest SELECT %Q, count(*), coalesce(sum(crc), 0), "
                                  "row_crc(%Q, count(*), coalesce(sum(crc), 0)) FROM \"%w\"",
                                  table, table, table),
                  &row));
    }
    return MN_OK;
}
