/* new.c -- writes the folder of a new plugin: a source that works, its build and its test; or a
 * benchmark. */
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

/* What can be made anew. */
typedef struct novelty {
    const char *what;
    mn_kind kind; /* MN_KINDS: a benchmark, which is one file */
    const char *source;
    const char *arguments; /* of its test */
    const char *is, *use;  /* for people */
} novelty;

static const novelty novelties[] = {
    {"strategy", MN_KIND_STRATEGY, mn_template_strategy, "\"$plugin\"",
     "the strategy: experience replay, to be changed", "mneme run split-fmnist ./build/%s.so"},
    {"policy", MN_KIND_POLICY, mn_template_policy, "er --buffer-policy \"$plugin\"",
     "the buffer policy: every image, to be changed",
     "mneme run split-fmnist er --buffer-policy ./build/%s.so"},
    {"network", MN_KIND_NETWORK, mn_template_network, "er --set network.name=\"$plugin\"",
     "the network: one hidden layer, to be changed",
     "mneme run split-fmnist er --set network.name=./build/%s.so"},
    {"dataset", MN_KIND_DATASET, mn_template_dataset, "er --set dataset.name=\"$plugin\"",
     "the data set: lines in noise, to be changed",
     "mneme run split-synthetic er --set dataset.name=./build/%s.so"},
    {"benchmark", MN_KINDS, mn_template_benchmark, NULL, NULL, NULL},
};
enum { NOVELTIES = sizeof novelties / sizeof novelties[0] };

/* Names are also C identifiers once '-' is '_', so they begin with a letter. */
static mn_status check_name(const novelty *of, const char *name)
{
    const char *allowed = "abcdefghijklmnopqrstuvwxyz0123456789-_";
    if (name[0] < 'a' || name[0] > 'z' || strspn(name, allowed) != strlen(name) ||
        strlen(name) > LONGEST_NAME)
        return mn_fail(MN_BAD_OPTION,
                       "'%s' cannot be a name: a lower-case letter, then letters, digits, '-' or "
                       "'_', at most %d in all",
                       name, LONGEST_NAME);
    const mn_descriptor *known;
    for (int i = 0; of->kind != MN_KINDS && (known = mn_registered(of->kind, i)) != NULL; i++)
        if (strcmp(known->name, name) == 0)
            return mn_fail(MN_BAD_OPTION, "mneme already has a %s '%s'; choose another name",
                           mn_kind_name(of->kind, false), name);
    return MN_OK;
}

/* The words of a template and what stands in their place. */
typedef struct filling {
    const char *word, *with;
} filling;
enum { FILLINGS = 3 };

static const filling *filling_at(const char *text, const filling *fillings)
{
    for (int i = 0; i < FILLINGS; i++)
        if (strncmp(text, fillings[i].word, strlen(fillings[i].word)) == 0)
            return &fillings[i];
    return NULL;
}

static void put_filled(FILE *file, const char *text, const filling *fillings)
{
    while (*text != '\0') {
        const filling *found = filling_at(text, fillings);
        if (found != NULL) {
            fputs(found->with, file);
            text += strlen(found->word);
        } else {
            putc(*text++, file);
        }
    }
}

static mn_status write_filled(const char *path, const char *text, const filling *fillings)
{
    FILE *file = fopen(path, "wx");
    if (file == NULL)
        return mn_fail(MN_IO_FAILED, "%s cannot be written: %s", path, strerror(errno));
    put_filled(file, text, fillings);
    const bool failed = ferror(file) != 0;
    if (fclose(file) != 0 || failed)
        return mn_fail(MN_IO_FAILED, "%s cannot be written: %s", path, strerror(errno));
    return MN_OK;
}

static mn_status write_all(const novelty *of, const char *name, const filling *fillings)
{
    const struct {
        const char *file, *text;
    } files[] = {
        {"", of->source}, {"meson.build", mn_template_build}, {"test.sh", mn_template_test}};
    mn_status status = MN_OK;
    for (size_t i = 0; i < sizeof files / sizeof files[0] && status == MN_OK; i++) {
        char *path = files[i].file[0] == '\0' ? mn_text("%s/%s.c", name, name)
                                              : mn_text("%s/%s", name, files[i].file);
        status = write_filled(path, files[i].text, fillings);
        if (status == MN_OK && strcmp(files[i].file, "test.sh") == 0 && chmod(path, 0755) != 0)
            status = mn_fail(MN_IO_FAILED, "%s: %s", path, strerror(errno));
        mn_memory_give(path);
    }
    return status;
}

static mn_status write_folder(const novelty *of, const char *name, const filling *fillings)
{
    if (mkdir(name, 0777) != 0)
        return errno == EEXIST ? mn_fail(MN_BAD_OPTION,
                                         "there already is a '%s' here; nothing was written", name)
                               : mn_fail(MN_IO_FAILED, "the folder '%s' cannot be made: %s", name,
                                         strerror(errno));
    return write_all(of, name, fillings);
}

static mn_status write_benchmark(const char *name, const filling *fillings)
{
    char *path = mn_text("%s.json", name);
    const mn_status status =
        access(path, F_OK) == 0
            ? mn_fail(MN_BAD_OPTION, "there already is a '%s' here; nothing was written", path)
            : write_filled(path, mn_template_benchmark, fillings);
    mn_memory_give(path);
    return status;
}

static mn_status write_novelty(const novelty *of, const char *name)
{
    MN_TRY(check_name(of, name));
    char *id = mn_text("%s", name);
    for (char *at = id; *at != '\0'; at++)
        if (*at == '-')
            *at = '_';
    const filling fillings[FILLINGS] = {
        {"@NAME@", name}, {"@ID@", id}, {"@ARGUMENTS@", of->arguments}};
    const mn_status status =
        of->kind == MN_KINDS ? write_benchmark(name, fillings) : write_folder(of, name, fillings);
    mn_memory_give(id);
    return status;
}

static void say_what_next(const novelty *of, const char *name)
{
    if (of->kind == MN_KINDS) {
        printf("%s.json  a benchmark: drawn figures in 3 tasks, to be changed\n\nnext:\n"
               "  mneme data check ./%s.json\n  mneme run ./%s.json er\n",
               name, name, name);
        return;
    }
    mn_table *table = mn_table_new(2);
    mn_table_text(table, "%s/%s.c", name, name);
    mn_table_text(table, "%s", of->is);
    mn_table_text(table, "%s/meson.build", name);
    mn_table_text(table, "its build");
    mn_table_text(table, "%s/test.sh", name);
    mn_table_text(table, "its test");
    mn_table_print(table, &(mn_writer){.stream = stdout});
    mn_table_free(table);
    const char *at = strstr(of->use, "%s");
    printf("\nnext:\n  cd %s\n  meson setup build && ninja -C build && meson test -C build\n"
           "  %.*s%s%s\n",
           name, (int)(at - of->use), of->use, name, at + 2);
}

static int new_thing(const mn_arguments *arguments)
{
    const char *what = arguments->words[0], *name = arguments->words[1];
    for (int i = 0; i < NOVELTIES; i++) {
        if (strcmp(novelties[i].what, what) != 0)
            continue;
        const mn_status status = write_novelty(&novelties[i], name);
        if (status != MN_OK)
            return mn_exit_of_request(status);
        say_what_next(&novelties[i], name);
        return MN_EXIT_DONE;
    }
    mn_complain("'%s' cannot be made anew; the kinds are strategy, policy, network, dataset and "
                "benchmark, as in 'mneme new strategy NAME'",
                what);
    return MN_EXIT_USAGE;
}

const mn_command mn_command_new = {
    .name = "new",
    .synopsis = "strategy|policy|network|dataset|benchmark NAME",
    .summary =
        "Writes a folder with a working strategy, or another plugin, to change, its build and "
        "its test; or a benchmark.",
    .details = "What is made in the current folder must not exist yet.",
    .least = 2,
    .most = 2,
    .words = "a kind, 'strategy' for one, and a name",
    .run = new_thing,
};
