/* search.h -- where data are looked for. */
#ifndef MN_DATA_SEARCH_H
#define MN_DATA_SEARCH_H

#include <mneme/status.h>
#include <stdbool.h>
#include <stdint.h>

enum { MN_DATA_PATH = 4096, MN_DATA_PLACES = 4 };

/* The i-th place that is searched, with `name` in it; empty where the environment names none. */
void mn_data_place(int i, const char *name, char path[MN_DATA_PATH]);
bool mn_is_folder(const char *path);

/* Where `given` is: in `folder`, where that is not NULL or empty; else as it stands, else under one
 * of the places.  MN_NOT_FOUND names them all; `option` ("folder.path") begins the message. */
mn_status mn_data_find(const char *option, const char *folder, const char *given,
                       char path[MN_DATA_PATH]);

/* The names in a folder, in the order of their bytes: sub-folders, or all that is no folder.
 * Those that begin with a dot are left out.  The caller frees with mn_names_free. */
typedef struct mn_names {
    char **name;
    int64_t count;
} mn_names;
mn_status mn_folder_names(const char *path, bool folders, mn_names *names);
/* All files in a folder and in those within, as paths within it: "cat.png", "more/cat.png". */
mn_status mn_folder_files(const char *path, mn_names *names);
void mn_names_free(mn_names *names);

#endif
