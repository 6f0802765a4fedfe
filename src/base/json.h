/* json.h -- reading JSON with errors that say where: "split.json: stream.tasks: 0 is below 1". */
#ifndef MN_BASE_JSON_H
#define MN_BASE_JSON_H

#include <cjson/cJSON.h>
#include <mneme/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Parses text; a syntax error names `where`, line and column.  A key that an object has twice is
 * refused.  Caller cJSON_Delete()s. */
mn_status mn_json_parse(const char *text, const char *where, cJSON **json);
/* Reads and parses a file. */
mn_status mn_json_read(const char *path, cJSON **json);

/* Typed members of an object; `where` is the path so far.  An absent member leaves *value alone. */
mn_status mn_json_int(const cJSON *object, const char *where, const char *name, int64_t least,
                      int64_t most, int64_t *value);
mn_status mn_json_real(const cJSON *object, const char *where, const char *name, double least,
                       double most, double *value);
mn_status mn_json_text(const cJSON *object, const char *where, const char *name,
                       const char **value); /* borrowed from the object */
/* Refuses what is no object, and members not in `known` (NULL-ended), suggesting the nearest. */
mn_status mn_json_known(const cJSON *object, const char *where, const char *const *known);

#endif
