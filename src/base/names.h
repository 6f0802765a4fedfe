/* names.h -- names as people type them, and one copy of each text that is kept. */
#ifndef MN_BASE_NAMES_H
#define MN_BASE_NAMES_H

#include <mneme/status.h>

/* The name in `names` (NULL-ended) nearest to `name` by edit distance, NULL when none is near. */
const char *mn_nearest(const char *name, const char *const *names);
/* A copy of text that lives as long as the process; equal texts give equal pointers. */
const char *mn_intern(const char *text);
/* mn_intern(), which fails when memory ran out. */
mn_status mn_keep_text(const char *text, const char **kept);
/* Makes one part of a path of a name, in place: a benchmark may be called "../x", but its files
 * stay in their folder. */
void mn_name_for_file(char *name);

#endif
