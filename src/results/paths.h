/* paths.h -- the run files that a user means by files and folders. */
#ifndef MN_RESULTS_PATHS_H
#define MN_RESULTS_PATHS_H

#include <mneme/status.h>
#include <stdint.h>

typedef struct mn_paths {
    char **path; /* (count) */
    int64_t count;
} mn_paths;

/* The given paths, with each folder replaced by the run files (*.mneme) in it or, where there are
 * none, in the folders in it, as a sweep leaves them; in order of name.
 * Free with mn_paths_free, also after a failure. */
mn_status mn_paths_read(const char *const *given, int64_t count, mn_paths *paths);
void mn_paths_free(mn_paths *paths);

#endif
