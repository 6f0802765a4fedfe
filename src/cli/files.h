/* files.h -- paths and folders. */
#ifndef MN_CLI_FILES_H
#define MN_CLI_FILES_H

#include <mneme/status.h>
#include <stdbool.h>

/* Makes the folder and those above it; existing ones are fine. */
mn_status mn_folder_make(const char *path);
/* Makes the folder that `path` lies in. */
mn_status mn_folder_make_above(const char *path);
bool mn_path_exists(const char *path);
const char *mn_path_base(const char *path); /* after the last slash */
bool mn_path_ends_in(const char *path, const char *ending);

/* The given paths, with each folder replaced by the run files (*.mneme) in it, in order of name. */
typedef struct mn_paths {
    char **path; /* (count) */
    int count;
} mn_paths;
mn_status mn_paths_new(const char *const *given, int count, mn_paths *paths);
void mn_paths_free(mn_paths *paths);

#endif
