/* meant.c -- the runs that a user means by files, folders and manifests. */
#include "cli/study/meant.h"
#include "cli/complain.h"
#include "cli/files.h"
#include "cli/study/manifest.h"

#include <mneme/memory.h>
#include <string.h>

/* Words, with each manifest replaced by the folders of its arms. */
typedef struct meant {
    char **path; /* (count) */
    char **name; /* (count) of the arm; NULL: no arm's */
    int count;
} meant;

/* Takes over both texts. */
static void add(meant *m, char *path, char *name)
{
    const size_t room = (size_t)m->count + 1;
    m->path = mn_or_die(mn_memory_resize(m->path, room, sizeof *m->path));
    m->name = mn_or_die(mn_memory_resize(m->name, room, sizeof *m->name));
    m->path[m->count] = path;
    m->name[m->count++] = name;
}

static void free_meant(meant *m)
{
    for (int i = 0; i < m->count; i++) {
        mn_memory_give(m->path[i]);
        mn_memory_give(m->name[i]);
    }
    mn_memory_give(m->path);
    mn_memory_give(m->name);
}

static mn_status add_arms(meant *m, const char *word)
{
    mn_manifest manifest;
    MN_TRY(mn_manifest_read(word, &manifest));
    char *folder = mn_manifest_folder(&manifest);
    const int before = m->count;
    for (int i = 0; i < manifest.count; i++) {
        const mn_arm *arm = &manifest.arm[i];
        char *path = mn_text("%s/%s", folder, arm->folder);
        if (!arm->is_candidate && mn_path_is_folder(path))
            add(m, path, mn_text("%s", arm->name));
        else
            mn_memory_give(path);
    }
    const mn_status status =
        m->count > before
            ? MN_OK
            : mn_fail(MN_NOT_FOUND,
                      "%s: no run of its arms is in %s; 'mneme sweep %s' makes them (after a sweep "
                      "with --out, name that folder)",
                      word, folder, word);
    mn_memory_give(folder);
    mn_manifest_free(&manifest);
    return status;
}

/* The path is the arm's folder, and a run file in it. */
static bool is_within(const char *file, const char *folder)
{
    const size_t length = strlen(folder);
    return strncmp(file, folder, length) == 0 && file[length] == '/';
}

static void name_groups(mn_runs *runs, const meant *m)
{
    for (int64_t group = 0; group < runs->group_count; group++)
        for (int i = 0; i < m->count; i++) {
            if (m->name[i] == NULL || !is_within(runs->group[group].run->path, m->path[i]))
                continue;
            mn_memory_give(runs->group[group].label);
            runs->group[group].label = mn_text("%s", m->name[i]);
            break;
        }
}

mn_status mn_runs_meant(const char *const *words, int count, mn_runs **runs)
{
    meant m = {.count = 0};
    mn_status status = MN_OK;
    *runs = NULL;
    for (int i = 0; i < count && status == MN_OK; i++)
        if (mn_path_ends_in(words[i], ".json") && !mn_path_is_folder(words[i]))
            status = add_arms(&m, words[i]);
        else
            add(&m, mn_text("%s", words[i]), NULL);
    if (status == MN_OK)
        status = mn_runs_open((const char *const *)m.path, m.count, runs);
    if (status == MN_OK)
        name_groups(*runs, &m);
    free_meant(&m);
    return status;
}
