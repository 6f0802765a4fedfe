/* table.h -- a table of text: rows of cells as RFC 4180 has them, a header or none, a label. */
#ifndef MN_DATA_READ_TABLE_H
#define MN_DATA_READ_TABLE_H

#include "data/read/table_columns.h"

/* Reads a file, compressed or not.  `train` is the table whose columns this one must have: by name
 * where both have a header, else by place; NULL: it decides itself.  Free it also after a failure.
 */
mn_status mn_text_table_read(const mn_table_form *form, const char *path,
                             const mn_text_table *train, mn_text_table *table);
void mn_text_table_free(mn_text_table *table);

#endif
