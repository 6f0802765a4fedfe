/* points.h -- where arms stand in their grids, as columns of a table. */
#ifndef MN_CLI_POINTS_H
#define MN_CLI_POINTS_H

#include "cli/show/table.h"
#include "cli/study/manifest.h"

/* The settings that grids of a manifest go over, in order of appearance. */
typedef struct mn_grid_keys {
    const char **key; /* (count) borrowed from the manifest */
    int count;
    bool chooses; /* whether an arm is chosen from others */
} mn_grid_keys;

mn_grid_keys mn_grid_keys_of(const mn_manifest *manifest);
void mn_grid_keys_free(mn_grid_keys *keys);

/* A column for each setting and, where the manifest chooses, what the runs are evaluated on and
 * whether an arm was chosen. */
int mn_grid_keys_columns(const mn_grid_keys *keys);
void mn_grid_keys_add_heads(const mn_grid_keys *keys, mn_table *table);
void mn_grid_keys_add_cells(const mn_grid_keys *keys, const mn_manifest *manifest,
                            const mn_arm *arm, mn_table *table);

#endif
