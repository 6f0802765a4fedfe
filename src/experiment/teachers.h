/* teachers.h -- the files of networks that strategies may learn from (the option `teacher`). */
#ifndef MN_EXPERIMENT_TEACHERS_H
#define MN_EXPERIMENT_TEACHERS_H

#include "experiment/configuration.h"

/* Finds the files, and pins what they hold: teacher_digest is filled in.  "{seed}" stays in a path,
 * so that runs which differ by their seed alone are seen to. */
mn_status mn_teachers_resolve(mn_experiment *experiment);
/* The path that an item of the option means to a run, "{seed}" filled in; the caller gives it back.
 */
mn_status mn_teacher_path(const mn_run_settings *run, const char *item, char **path);

/* Whether a file is a run's, by how it begins; MN_NOT_FOUND where there is none. */
mn_status mn_teacher_is_run(const char *path, bool *run);
/* The digest of the network that a file holds: of a run that is finished, its own; or of a
 * safetensors file, all of it. */
enum { MN_TEACHER_DIGEST = 9 };
mn_status mn_teacher_digest(const char *path, char digest[MN_TEACHER_DIGEST]);

#endif
