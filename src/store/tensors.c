/* tensors.c -- weights, moments and kept tensors by name, and outputs as half floats.
 *
 * A tensor that is written again has the same size as before, so SQLite overwrites its pages in
 * place and logs those that changed.
 */
#include "store/tensors.h"
#include "store/database.h"
#include "tensor/file/half.h"
#include "tensor/tensor.h"

#include <mneme/memory.h>
#include <stdlib.h>
#include <string.h>

static const char *const roles[] = {
    [MN_ROLE_WEIGHT] = "weight", [MN_ROLE_MOMENT] = "moment", [MN_ROLE_KEPT] = "kept"};

mn_status mn_runfile_put_tensor(mn_runfile *file, const mn_tensor_origin *origin, const char *name,
                                const mn_tensor *tensor)
{
    sqlite3_stmt *statement;
    unsigned char *data;
    char shape[64];
    const size_t bytes = mn_tensor_bytes(tensor);
    MN_TRY(mn_database_scratch(file, bytes + 1, &data));
    MN_TRY(mn_tensor_read(tensor, data, bytes));
    mn_shape_text(mn_tensor_shape(tensor), shape);
    MN_TRY(mn_database_prepare(
        file,
        "INSERT INTO tensor (name, owner, part, role, dtype, shape, crc, data) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, row_crc(?1, ?2, ?3, ?4, ?5, ?6, ?7), ?7) "
        "ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, part = excluded.part, "
        "role = excluded.role, dtype = excluded.dtype, shape = excluded.shape, "
        "crc = excluded.crc, data = excluded.data",
        &statement));
    const char *const texts[] = {name,
                                 origin->owner,
                                 origin->part,
                                 roles[origin->role],
                                 mn_dtype_text(mn_tensor_dtype(tensor)),
                                 shape};
    for (int i = 0; i < 6; i++)
        sqlite3_bind_text(statement, i + 1, texts[i], -1, SQLITE_STATIC);
    if (sqlite3_bind_blob64(statement, 7, data, bytes, SQLITE_STATIC) != SQLITE_OK)
        return mn_fail(MN_UNSUPPORTED, "%s: tensor '%s' of %zu bytes is more than SQLite holds",
                       file->path, name, bytes);
    return mn_database_run(file, statement, "write a tensor");
}

static mn_status check_found(mn_runfile *file, const char *name, const mn_tensor *tensor,
                             sqlite3_stmt *found)
{
    char shape[64];
    mn_shape_text(mn_tensor_shape(tensor), shape);
    const char *dtype = mn_dtype_text(mn_tensor_dtype(tensor));
    const char *there = (const char *)sqlite3_column_text(found, 0);
    const char *shape_there = (const char *)sqlite3_column_text(found, 1);
    const size_t bytes = mn_tensor_bytes(tensor);
    if (sqlite3_column_int(found, 2) != 1 || there == NULL || shape_there == NULL)
        return mn_fail(MN_CORRUPT, "%s: tensor '%s' is damaged; use a copy of the file", file->path,
                       name);
    if (strcmp(dtype, there) != 0 || strcmp(shape, shape_there) != 0)
        return mn_fail(MN_BAD_SHAPE, "%s: tensor '%s' is %s %s in the file, %s %s here", file->path,
                       name, there, shape_there, dtype, shape);
    if ((size_t)sqlite3_column_bytes(found, 3) != bytes)
        return mn_fail(MN_CORRUPT, "%s: tensor '%s' has %d bytes, expected %zu", file->path, name,
                       sqlite3_column_bytes(found, 3), bytes);
    return MN_OK;
}

mn_status mn_runfile_get_tensor(mn_runfile *file, const char *name, mn_tensor *tensor)
{
    sqlite3_stmt *statement;
    bool row;
    MN_TRY(mn_database_prepare(
        file,
        "SELECT dtype, shape, crc = row_crc(name, owner, part, role, dtype, shape, data), data "
        "FROM tensor WHERE name = ?1",
        &statement));
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    MN_TRY(mn_database_step(file, statement, &row, "read a tensor"));
    if (!row)
        return mn_fail(MN_NOT_FOUND, "%s: there is no tensor '%s'", file->path, name);
    mn_status status = check_found(file, name, tensor, statement);
    if (status == MN_OK && mn_tensor_bytes(tensor) > 0)
        status =
            mn_tensor_write(tensor, sqlite3_column_blob(statement, 3), mn_tensor_bytes(tensor));
    sqlite3_reset(statement);
    return status;
}

/* "f32" and "(100,784)" as a new tensor, if it has so many bytes: no memory is taken on a file's
 * word alone. */
static mn_status new_of_text(const char *dtype, const char *shape_text, size_t bytes,
                             mn_tensor **tensor)
{
    size_t expected = 1;
    mn_shape shape = MN_SCALAR;
    int type = MN_F32;
    while (type <= MN_I32 && strcmp(dtype, mn_dtype_text((mn_dtype)type)) != 0)
        type++;
    for (const char *next = shape_text; *next != '\0' && strcmp(next, "()") != 0;) {
        char *end;
        if (shape.rank == MN_MAX_RANK)
            return MN_CORRUPT;
        shape.size[shape.rank++] = strtoll(next + 1, &end, 10); /* past "(" or "," */
        if (end == next + 1 || (*end != ',' && strcmp(end, ")") != 0) ||
            shape.size[shape.rank - 1] < 0 ||
            __builtin_mul_overflow(expected, (size_t)shape.size[shape.rank - 1], &expected))
            return MN_CORRUPT;
        next = *end == ',' ? end : "";
    }
    if (type > MN_I32 || bytes / mn_dtype_bytes((mn_dtype)type) != expected ||
        bytes % mn_dtype_bytes((mn_dtype)type) != 0)
        return MN_CORRUPT;
    return mn_tensor_new((mn_dtype)type, shape, tensor);
}

static mn_status hand_tensor(mn_runfile *file, sqlite3_stmt *row, mn_tensor_reader each,
                             void *context)
{
    const char *name = (const char *)sqlite3_column_text(row, 0);
    const char *dtype = (const char *)sqlite3_column_text(row, 1);
    const char *shape = (const char *)sqlite3_column_text(row, 2);
    mn_tensor *tensor = NULL;
    if (sqlite3_column_int(row, 3) != 1 || name == NULL || dtype == NULL || shape == NULL)
        return mn_fail(MN_CORRUPT, "%s: tensor '%s' is damaged; use a copy of the file", file->path,
                       name != NULL ? name : "?");
    mn_status status = new_of_text(dtype, shape, (size_t)sqlite3_column_bytes(row, 4), &tensor);
    if (status == MN_CORRUPT)
        status = mn_fail(MN_CORRUPT, "%s: tensor '%s' is no %s %s; use a copy of the file",
                         file->path, name, dtype, shape);
    if (status == MN_OK && mn_tensor_bytes(tensor) > 0)
        status = mn_tensor_write(tensor, sqlite3_column_blob(row, 4), mn_tensor_bytes(tensor));
    if (status == MN_OK)
        status = each(context, name, tensor);
    mn_tensor_free(tensor);
    return status;
}

mn_status mn_runfile_read_tensors(mn_runfile *file, const char *prefix, mn_tensor_reader each,
                                  void *context)
{
    sqlite3_stmt *statement;
    bool row = true;
    MN_TRY(mn_database_prepare(
        file,
        "SELECT name, dtype, shape, crc = row_crc(name, owner, part, role, dtype, shape, data),"
        " data FROM tensor WHERE substr(name, 1, length(?1)) = ?1 "
        "ORDER BY name",
        &statement));
    sqlite3_bind_text(statement, 1, prefix, -1, SQLITE_STATIC);
    mn_status status = MN_OK;
    while (status == MN_OK && row) {
        status = mn_database_step(file, statement, &row, "read its tensors");
        if (status == MN_OK && row)
            status = hand_tensor(file, statement, each, context);
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}

mn_status mn_runfile_add_test_labels(mn_runfile *file, int64_t on_task, const int32_t *labels,
                                     int64_t rows)
{
    sqlite3_stmt *statement;
    unsigned char *data;
    MN_TRY(mn_database_scratch(file, 2 * (size_t)rows + 1, &data));
    for (int64_t i = 0; i < rows; i++) {
        data[2 * i] = (unsigned char)(labels[i] & 0xff);
        data[2 * i + 1] = (unsigned char)(labels[i] >> 8 & 0xff);
    }
    MN_TRY(mn_database_prepare(
        file, "REPLACE INTO test_label VALUES (?1, ?2, row_crc(?1, ?2, ?3), ?3)", &statement));
    sqlite3_bind_int64(statement, 1, on_task);
    sqlite3_bind_int64(statement, 2, rows);
    sqlite3_bind_blob64(statement, 3, data, 2 * (size_t)rows, SQLITE_STATIC);
    return mn_database_run(file, statement, "write labels of test images");
}

mn_status mn_runfile_add_output(mn_runfile *file, int64_t after_task, int64_t on_task,
                                const float *logits, int64_t rows, int64_t width)
{
    sqlite3_stmt *statement;
    unsigned char *data;
    const size_t count = (size_t)(rows * width);
    MN_TRY(mn_database_scratch(file, 2 * count + 1, &data));
    for (size_t i = 0; i < count; i++) {
        const uint16_t half = mn_half_of(logits[i]);
        data[2 * i] = (unsigned char)(half & 0xff);
        data[2 * i + 1] = (unsigned char)(half >> 8);
    }
    MN_TRY(mn_database_prepare(
        file, "REPLACE INTO output VALUES (?1, ?2, ?3, ?4, row_crc(?1, ?2, ?3, ?4, ?5), ?5)",
        &statement));
    const int64_t values[] = {after_task, on_task, rows, width};
    for (int i = 0; i < 4; i++)
        sqlite3_bind_int64(statement, i + 1, values[i]);
    sqlite3_bind_blob64(statement, 5, data, 2 * count, SQLITE_STATIC);
    return mn_database_run(file, statement, "write outputs");
}

/* Columns 0 to 4 of the row: whether it is whole, rows, width, logits and labels. */
static mn_status read_output(mn_runfile *file, sqlite3_stmt *row, float **logits, int32_t **labels,
                             int64_t *rows, int64_t *width)
{
    const int64_t images = sqlite3_column_int64(row, 1), classes = sqlite3_column_int64(row, 2);
    const unsigned char *halves = sqlite3_column_blob(row, 3), *words = sqlite3_column_blob(row, 4);
    size_t count;
    if (sqlite3_column_int(row, 0) != 1 || images < 1 || classes < 1 || halves == NULL ||
        words == NULL || __builtin_mul_overflow((size_t)images, (size_t)classes, &count) ||
        (size_t)sqlite3_column_bytes(row, 3) / 2 != count ||
        (size_t)sqlite3_column_bytes(row, 4) / 2 != (size_t)images)
        return mn_fail(MN_CORRUPT, "%s: answers to test images are damaged; use a copy of the file",
                       file->path);
    *logits = mn_memory_take(count, sizeof **logits);
    *labels = mn_memory_take((size_t)images, sizeof **labels);
    if (*logits == NULL || *labels == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory for answers to test images", file->path);
    for (size_t i = 0; i < count; i++)
        (*logits)[i] = mn_half_value((uint16_t)(halves[2 * i] | halves[2 * i + 1] << 8));
    for (int64_t i = 0; i < images; i++)
        (*labels)[i] = words[2 * i] | words[2 * i + 1] << 8;
    *rows = images;
    *width = classes;
    return MN_OK;
}

mn_status mn_runfile_get_output(mn_runfile *file, int64_t after_task, int64_t on_task,
                                float **logits, int32_t **labels, int64_t *rows, int64_t *width)
{
    sqlite3_stmt *statement;
    bool row;
    *rows = *width = 0;
    MN_TRY(mn_database_prepare(
        file,
        "SELECT o.crc = row_crc(o.after_task, o.on_task, o.rows, o.width, o.logits) AND "
        "l.crc = row_crc(l.on_task, l.rows, l.labels), o.rows, o.width, o.logits, l.labels "
        "FROM output o JOIN test_label l USING (on_task) WHERE o.after_task = ?1 AND on_task = ?2",
        &statement));
    sqlite3_bind_int64(statement, 1, after_task);
    sqlite3_bind_int64(statement, 2, on_task);
    mn_status status = mn_database_step(file, statement, &row, "read its answers");
    if (status == MN_OK && row)
        status = read_output(file, statement, logits, labels, rows, width);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}
