/* exemplars.c -- the rehearsal buffer's rows and their named columns of floats; and images that a
 * network made in their stead. */
#include "store/exemplars.h"
#include "store/database.h"

#include <string.h>

mn_status mn_runfile_put_exemplar(mn_runfile *file, const mn_exemplar *exemplar)
{
    sqlite3_stmt *statement;
    MN_TRY(mn_database_prepare(file,
                               "REPLACE INTO exemplar VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
                               "row_crc(?1, ?2, ?3, ?4, ?5, ?6, ?7), ?7)",
                               &statement));
    const int64_t values[] = {exemplar->slot,
                              exemplar->label,
                              exemplar->task,
                              exemplar->seen,
                              exemplar->labelled ? 1 : 0,
                              exemplar->source};
    for (int i = 0; i < 6; i++)
        sqlite3_bind_int64(statement, i + 1, values[i]);
    if (exemplar->image_bytes == 0)
        sqlite3_bind_zeroblob(statement, 7, 0);
    else
        sqlite3_bind_blob64(statement, 7, exemplar->image, exemplar->image_bytes, SQLITE_STATIC);
    return mn_database_run(file, statement, "write an exemplar");
}

static mn_status delete_from(mn_runfile *file, const char *sql, int64_t slot)
{
    sqlite3_stmt *statement;
    MN_TRY(mn_database_prepare(file, sql, &statement));
    sqlite3_bind_int64(statement, 1, slot);
    return mn_database_run(file, statement, "delete an exemplar");
}

mn_status mn_runfile_delete_exemplar(mn_runfile *file, int64_t slot)
{
    MN_TRY(delete_from(file, "DELETE FROM exemplar_column WHERE slot = ?1", slot));
    return delete_from(file, "DELETE FROM exemplar WHERE slot = ?1", slot);
}

mn_status mn_runfile_put_exemplar_column(mn_runfile *file, int64_t slot, const char *name,
                                         const float *values, int64_t width)
{
    sqlite3_stmt *statement;
    MN_TRY(mn_database_prepare(
        file, "REPLACE INTO exemplar_column VALUES (?1, ?2, row_crc(?1, ?2, ?3), ?3)", &statement));
    sqlite3_bind_int64(statement, 1, slot);
    sqlite3_bind_text(statement, 2, name, -1, SQLITE_STATIC);
    if (width == 0)
        sqlite3_bind_zeroblob(statement, 3, 0);
    else
        sqlite3_bind_blob64(statement, 3, values, (size_t)width * sizeof *values, SQLITE_STATIC);
    return mn_database_run(file, statement, "write an exemplar's column");
}

static mn_status hand_row(mn_runfile *file, sqlite3_stmt *row, const mn_exemplar_reader *reader)
{
    const int64_t slot = sqlite3_column_int64(row, 0);
    if (sqlite3_column_int(row, 6) != 1)
        return mn_fail(MN_CORRUPT, "%s: exemplar %lld is damaged; use a copy of the file",
                       file->path, (long long)slot);
    const mn_exemplar exemplar = {
        .slot = slot,
        .label = sqlite3_column_int(row, 1),
        .task = sqlite3_column_int(row, 2),
        .seen = sqlite3_column_int64(row, 3),
        .labelled = sqlite3_column_int(row, 4) != 0,
        .source = sqlite3_column_int64(row, 5),
        .image = sqlite3_column_blob(row, 7),
        .image_bytes = (size_t)sqlite3_column_bytes(row, 7),
    };
    return reader->row(reader->context, &exemplar);
}

static mn_status hand_column(mn_runfile *file, sqlite3_stmt *row, const mn_exemplar_reader *reader)
{
    const int64_t slot = sqlite3_column_int64(row, 0);
    const char *name = (const char *)sqlite3_column_text(row, 1);
    const void *data = sqlite3_column_blob(row, 3);
    const size_t bytes = (size_t)sqlite3_column_bytes(row, 3);
    if (sqlite3_column_int(row, 2) != 1 || name == NULL || bytes % sizeof(float) != 0)
        return mn_fail(MN_CORRUPT,
                       "%s: a column of exemplar %lld is damaged; use a copy of the file",
                       file->path, (long long)slot);
    unsigned char *aligned; /* a blob may begin anywhere in its page */
    MN_TRY(mn_database_scratch(file, bytes + 1, &aligned));
    if (bytes > 0)
        memcpy(aligned, data, bytes);
    return reader->column(reader->context, slot, name, (const float *)(void *)aligned,
                          (int64_t)(bytes / sizeof(float)));
}

typedef mn_status (*hand)(mn_runfile *, sqlite3_stmt *, const mn_exemplar_reader *);

/* Hands over every row of a statement that is ready to step; how many there were, to *rows. */
static mn_status walk(mn_runfile *file, sqlite3_stmt *statement, hand hand_over,
                      const mn_exemplar_reader *reader, int64_t *rows)
{
    for (*rows = 0;; (*rows)++) {
        bool row;
        MN_TRY(mn_database_step(file, statement, &row, "read the exemplars"));
        if (!row)
            return MN_OK;
        const mn_status status = hand_over(file, statement, reader);
        if (status != MN_OK) {
            sqlite3_reset(statement);
            return status;
        }
    }
}

#define ROWS                                                                                       \
    "SELECT slot, label, task, seen, labelled, source, "                                           \
    "crc = row_crc(slot, label, task, seen, labelled, source, image), image FROM exemplar "
#define COLUMNS "SELECT slot, name, crc = row_crc(slot, name, data), data FROM exemplar_column "

mn_status mn_runfile_read_exemplars(mn_runfile *file, const mn_exemplar_reader *reader)
{
    sqlite3_stmt *statement;
    int64_t rows;
    MN_TRY(mn_database_prepare(file, ROWS "ORDER BY slot", &statement));
    MN_TRY(walk(file, statement, hand_row, reader, &rows));
    MN_TRY(mn_database_prepare(file, COLUMNS "ORDER BY slot, name", &statement));
    return walk(file, statement, hand_column, reader, &rows);
}

mn_status mn_runfile_read_exemplar(mn_runfile *file, int64_t slot, const mn_exemplar_reader *reader)
{
    sqlite3_stmt *statement;
    int64_t rows;
    MN_TRY(mn_database_prepare(file, ROWS "WHERE slot = ?1", &statement));
    sqlite3_bind_int64(statement, 1, slot);
    MN_TRY(walk(file, statement, hand_row, reader, &rows));
    if (rows == 0)
        return mn_fail(MN_NOT_FOUND, "%s: there is no exemplar %lld", file->path, (long long)slot);
    MN_TRY(mn_database_prepare(file, COLUMNS "WHERE slot = ?1 ORDER BY name", &statement));
    sqlite3_bind_int64(statement, 1, slot);
    return walk(file, statement, hand_column, reader, &rows);
}
