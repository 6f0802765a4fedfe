/* files.h -- names of files. */
#ifndef MN_CLI_FILES_H
#define MN_CLI_FILES_H

#include <stdbool.h>

bool mn_path_exists(const char *path);
bool mn_path_is_folder(const char *path);
bool mn_path_holds_something(const char *path); /* is there, and is no empty file */
const char *mn_path_base(const char *path);     /* after the last slash */
bool mn_path_ends_in(const char *path, const char *ending);

#endif
