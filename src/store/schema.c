/* schema.c -- schema.sql, older.sql and metrics.sql inside the library.
 *
 * The build turns each line into a string (embed.sed): one literal would be longer than C promises.
 */
#include "store/schema.h"

#include <sqlite3.h>
#include <string.h>

static const char *const schema_lines[] = {
#include "store/schema.sql.inc"
};

static const char *const older_lines[] = {
#include "store/older.sql.inc"
};

static const char *const metrics_lines[] = {
#include "store/metrics.sql.inc"
};

static char *joined(const char *const *lines, size_t count)
{
    sqlite3_str *text = sqlite3_str_new(NULL);
    for (size_t i = 0; i < count; i++)
        sqlite3_str_appendall(text, lines[i]);
    return sqlite3_str_finish(text);
}

char *mn_schema_tables(void)
{
    return joined(schema_lines, sizeof schema_lines / sizeof schema_lines[0]);
}

char *mn_schema_older(void)
{
    return joined(older_lines, sizeof older_lines / sizeof older_lines[0]);
}

char *mn_schema_metrics(bool temporary)
{
    static const char create[] = "CREATE VIEW";
    sqlite3_str *text = sqlite3_str_new(NULL);
    for (size_t i = 0; i < sizeof metrics_lines / sizeof metrics_lines[0]; i++) {
        const char *line = metrics_lines[i];
        if (temporary && strncmp(line, create, sizeof create - 1) == 0) {
            sqlite3_str_appendall(text, "CREATE TEMP VIEW");
            line += sizeof create - 1;
        }
        sqlite3_str_appendall(text, line);
    }
    return sqlite3_str_finish(text);
}
