/* teachers.c -- which networks a run learns from is a matter of what they hold, not of where they
 * lie: their digests are part of the configuration, their paths are not compared. */
#include "experiment/teachers.h"
#include "base/file.h"
#include "base/numbers.h"
#include "base/text.h"
#include "experiment/locations.h"
#include "experiment/sections.h"
#include "store/networks.h"
#include "store/records.h"
#include "store/runfile.h"
#include "tensor/file/safetensors.h"

#include <mneme/keep.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static mn_status no_memory(void)
{
    return mn_fail(MN_NO_MEMORY, "out of memory for the path of a teacher");
}

mn_status mn_teacher_is_run(const char *path, bool *run)
{
    static const char magic[] = "SQLite format 3";
    char begins[sizeof magic] = "";
    int descriptor;
    MN_TRY(mn_file_open(path, &descriptor));
    const ssize_t got = read(descriptor, begins, sizeof begins);
    close(descriptor);
    *run = got == (ssize_t)sizeof begins && memcmp(begins, magic, sizeof magic) == 0;
    return MN_OK;
}

static mn_status digest_of_run(const char *path, char digest[MN_TEACHER_DIGEST])
{
    mn_runfile *file;
    bool done = false;
    MN_TRY(mn_runfile_open(path, MN_READ, &file));
    mn_status status = mn_runfile_is_done(file, &done);
    if (status == MN_OK && !done)
        status = mn_fail(MN_OUT_OF_ORDER,
                         "%s has not finished, so its network is not yet what it will be; 'mneme "
                         "resume %s' finishes it",
                         path, path);
    if (status == MN_OK)
        status = mn_runfile_network_digest(file, "run", "network", digest);
    const mn_status closed = mn_runfile_close(file);
    return status != MN_OK ? status : closed;
}

mn_status mn_teacher_digest(const char *path, char digest[MN_TEACHER_DIGEST])
{
    bool run;
    MN_TRY(mn_teacher_is_run(path, &run));
    return run ? digest_of_run(path, digest) : mn_safetensors_file_digest(path, digest);
}

mn_status mn_teacher_path(const mn_run_settings *run, const char *item, char **path)
{
    static const char seed[] = "{seed}";
    const char *at = strstr(item, seed);
    *path = at != NULL ? mn_text_format("%.*s%lld%s", (int)(at - item), item, (long long)run->seed,
                                        at + strlen(seed))
                       : mn_text_copy(item);
    return *path != NULL ? MN_OK : no_memory();
}

/* The item from the root on, where something is there. */
static mn_status find(const char *item, const char *path, char **found)
{
    char *absolute;
    MN_TRY(mn_location_found(path, &absolute));
    const size_t folder = absolute != NULL ? strlen(absolute) - strlen(path) : 0;
    *found = mn_text_format("%.*s%s", (int)folder, absolute != NULL ? absolute : "", item);
    mn_memory_give(absolute);
    return *found != NULL ? MN_OK : no_memory();
}

static mn_status append(char **list, const char *item)
{
    char *longer = mn_list_append(*list, item);
    if (longer == NULL)
        return no_memory();
    *list = longer;
    return MN_OK;
}

static mn_status add(const mn_run_settings *run, const char *item, char **paths, char **digests)
{
    char digest[MN_TEACHER_DIGEST], *path, *found = NULL;
    MN_TRY(mn_teacher_path(run, item, &path));
    mn_status status = find(item, path, &found);
    if (status == MN_OK)
        status = append(paths, found);
    if (status == MN_OK && run->teacher_digest[0] == '\0')
        status = mn_teacher_digest(path, digest);
    if (status == MN_OK && run->teacher_digest[0] == '\0')
        status = append(digests, digest);
    mn_memory_give(found);
    mn_memory_give(path);
    return status == MN_OK ? MN_OK : mn_fail_in(status, "teacher");
}

static mn_status add_all(const mn_run_settings *run, char **paths, char **digests)
{
    mn_list list = {.rest = run->teacher};
    int count = 0;
    for (; mn_list_next(&list); count++) {
        if (count == MN_MOST_TEACHERS)
            return mn_fail(MN_BAD_OPTION, "teacher: more than %d files", MN_MOST_TEACHERS);
        MN_TRY(add(run, list.item, paths, digests));
    }
    return !list.broken && !list.grouped
               ? MN_OK
               : mn_fail(MN_BAD_OPTION, "teacher: '%s' is no list of files, a.mneme,b.mneme",
                         run->teacher);
}

mn_status mn_teachers_resolve(mn_experiment *experiment)
{
    const mn_run_settings *run = mn_experiment_settings(experiment);
    char *paths = NULL, *digests = NULL;
    if (run->teacher[0] == '\0')
        return MN_OK;
    mn_status status = add_all(run, &paths, &digests);
    if (status == MN_OK && paths != NULL)
        status = mn_section_assign(experiment, "teacher", paths);
    if (status == MN_OK && digests != NULL)
        status = mn_section_assign(experiment, "teacher_digest", digests);
    mn_memory_give(paths);
    mn_memory_give(digests);
    return status;
}
