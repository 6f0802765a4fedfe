/* new.c -- writes the folder of a new strategy: a source that works, its build and its test. */
#include "cli/commands.h"
#include "cli/complain.h"
#include "cli/show/table.h"
#include "cli/templates.h"

#include <errno.h>
#include <mneme/memory.h>
#include <mneme/registry.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONGEST_NAME = 40 };

/* Names are also C identifiers once '-' is '_', so they begin with a letter. */
static mn_status check_name(const char *name)
{
    const char *allowed = "abcdefghijklmnopqrstuvwxyz0123456789-_";
    if (name[0] < 'a' || name[0] > 'z' || strspn(name, allowed) != strlen(name) ||
        strlen(name) > LONGEST_NAME)
        return mn_fail(MN_BAD_OPTION,
                       "'%s' cannot be a name: a lower-case letter, then letters, digits, '-' or "
                       "'_', at most %d in all",
                       name, LONGEST_NAME);
    const mn_descriptor *known;
    for (int i = 0; (known = mn_registered(MN_KIND_STRATEGY, i)) != NULL; i++)
        if (strcmp(known->name, name) == 0)
            return mn_fail(MN_BAD_OPTION, "mneme already has a strategy '%s'; choose another name",
                           name);
    return MN_OK;
}

static void put_filled(FILE *file, const char *text, const char *name, const char *id)
{
    while (*text != '\0') {
        if (strncmp(text, "@NAME@", 6) == 0) {
            fputs(name, file);
            text += 6;
        } else if (strncmp(text, "@ID@", 4) == 0) {
            fputs(id, file);
            text += 4;
        } else {
            putc(*text++, file);
        }
    }
}

static mn_status write_filled(const char *path, const char *text, const char *name, const char *id)
{
    FILE *file = fopen(path, "wx");
    if (file == NULL)
        return mn_fail(MN_IO_FAILED, "%s cannot be written: %s", path, strerror(errno));
    put_filled(file, text, name, id);
    const bool failed = ferror(file) != 0;
    if (fclose(file) != 0 || failed)
        return mn_fail(MN_IO_FAILED, "%s cannot be written: %s", path, strerror(errno));
    return MN_OK;
}

static mn_status write_all(const char *name, const char *id)
{
    const struct {
        const char *file, *text;
    } files[] = {{"", mn_template_source},
                 {"meson.build", mn_template_build},
                 {"test.sh", mn_template_test}};
    mn_status status = MN_OK;
    for (size_t i = 0; i < sizeof files / sizeof files[0] && status == MN_OK; i++) {
        char *path = files[i].file[0] == '\0' ? mn_text("%s/%s.c", name, name)
                                              : mn_text("%s/%s", name, files[i].file);
        status = write_filled(path, files[i].text, name, id);
        if (status == MN_OK && strcmp(files[i].file, "test.sh") == 0 && chmod(path, 0755) != 0)
            status = mn_fail(MN_IO_FAILED, "%s: %s", path, strerror(errno));
        mn_memory_give(path);
    }
    return status;
}

static mn_status write_folder(const char *name)
{
    MN_TRY(check_name(name));
    if (mkdir(name, 0777) != 0)
        return errno == EEXIST ? mn_fail(MN_BAD_OPTION,
                                         "there already is a '%s' here; nothing was written", name)
                               : mn_fail(MN_IO_FAILED, "the folder '%s' cannot be made: %s", name,
                                         strerror(errno));
    char *id = mn_text("%s", name);
    for (char *at = id; *at != '\0'; at++)
        if (*at == '-')
            *at = '_';
    const mn_status status = write_all(name, id);
    mn_memory_give(id);
    return status;
}

static int new_strategy(const mn_arguments *arguments)
{
    const char *what = arguments->words[0], *name = arguments->words[1];
    if (strcmp(what, "strategy") != 0) {
        mn_complain("'%s' cannot be made anew; the only kind is 'mneme new strategy NAME'", what);
        return MN_EXIT_USAGE;
    }
    const mn_status status = write_folder(name);
    if (status != MN_OK)
        return mn_exit_of_request(status);
    mn_table *table = mn_table_new(2);
    mn_table_text(table, "%s/%s.c", name, name);
    mn_table_text(table, "the strategy: experience replay, to be changed");
    mn_table_text(table, "%s/meson.build", name);
    mn_table_text(table, "its build");
    mn_table_text(table, "%s/test.sh", name);
    mn_table_text(table, "its test");
    mn_table_print(table, &(mn_writer){.stream = stdout});
    mn_table_free(table);
    printf("\nnext:\n  cd %s\n  meson setup build && ninja -C build && meson test -C build\n"
           "  mneme run split-fmnist ./build/%s.so\n",
           name, name);
    return MN_EXIT_DONE;
}

const mn_command mn_command_new = {
    .name = "new",
    .synopsis = "strategy NAME",
    .summary = "Writes a folder with a working strategy to change, its build and its test.",
    .details = "The folder is made in the current one and must not exist yet.",
    .least = 2,
    .most = 2,
    .words = "'strategy' and a name",
    .run = new_strategy,
};
