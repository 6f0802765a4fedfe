/* options.h -- filling an options struct from its table. */
#ifndef MN_BASE_OPTIONS_H
#define MN_BASE_OPTIONS_H

#include "base/json.h"
#include <mneme/option.h>

void mn_options_default(const mn_option *table, void *values);
/* From text, as typed on a command line; `where` ("er") is put before the name in messages. */
mn_status mn_options_set(const mn_option *table, void *values, const char *where, const char *name,
                         const char *text);
/* A JSON value as the text a person would type, [1, 2] as "1,2"; the caller frees.  `where` ("er")
 * and `name` stand before messages. */
mn_status mn_option_text(const cJSON *value, const char *where, const char *name, char **text);
/* From a JSON object (NULL: nothing). */
mn_status mn_options_from_json(const mn_option *table, void *values, const char *where,
                               const cJSON *object);
/* From JSON text; NULL and "" set nothing. */
mn_status mn_options_from_text(const mn_option *table, void *values, const char *where,
                               const char *json);
/* Every option with its value; caller deletes.  NULL when memory ran out. */
cJSON *mn_options_to_json(const mn_option *table, const void *values);
const mn_option *mn_option_find(const mn_option *table, const char *name);
/* "1 to 1024", "a number of at least 0", "sgd, adam", "true or false": what may be given. */
const char *mn_option_range(const mn_option *option, char *text, size_t bytes);
/* Bytes of a struct that holds every member of the table. */
size_t mn_options_bytes(const mn_option *table);
/* The default as text. */
const char *mn_option_default(const mn_option *option, char *text, size_t bytes);

#endif
