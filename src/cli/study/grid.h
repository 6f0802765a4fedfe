/* grid.h -- the combinations of a grid of settings. */
#ifndef MN_CLI_GRID_H
#define MN_CLI_GRID_H

#include <cjson/cJSON.h>
#include <mneme/status.h>

/* Every combination of one value a key, of {"lr": [0.1, 0.3], "epochs": [1, 5]}: a list of objects
 * {"lr": 0.1, "epochs": 1}, of which the last key changes first.  The caller deletes it.  `where`
 * ("study.json: arms[0]") stands before messages. */
mn_status mn_grid_points(const cJSON *grid, const char *where, cJSON **points);

/* What an arm at a point is called, "er-lr=0.1-epochs=1"; the caller frees.  For people and folders
 * alone: the values are kept as they are, and no program reads them from here. */
char *mn_grid_name(const char *arm, const cJSON *point);

#endif
