/* stream_lists.c -- the lists of a stream, in numbers or in names of classes.
 *
 * A list whose items are all names of classes is one of names, also where the names are numbers:
 * who lists 1 to 10 of a table with the labels 1 to 10 means its labels. */
#include "experiment/stream_lists.h"
#include "base/names.h"
#include "base/numbers.h"

#include <mneme/memory.h>
#include <mneme/stream.h>
#include <stdio.h>
#include <string.h>

/* The class of a name, -1: none is called so. */
static int64_t class_named(const mn_dataset *dataset, const char *name)
{
    for (int64_t class = 0; dataset->class_names != NULL && class < dataset->classes; class ++)
        if (strcmp(dataset->class_names[class], name) == 0)
            return class;
    return -1;
}

static bool is_of_names(const mn_dataset *dataset, const char *text)
{
    mn_list list = {.rest = text};
    bool all = true, word = false;
    double number;
    while (mn_list_next(&list)) {
        const bool name = class_named(dataset, list.item) >= 0;
        all = all && name;
        word = word || (name && !mn_number_real(list.item, &number));
    }
    return all || word;
}

static mn_status no_class(const mn_dataset *dataset, const char *where, int64_t at,
                          const char *item)
{
    const char **names = mn_memory_take_zeroed((size_t)dataset->classes + 1, sizeof *names);
    const char *nearest = NULL;
    for (int64_t i = 0; names != NULL && dataset->class_names != NULL && i < dataset->classes; i++)
        names[i] = dataset->class_names[i];
    if (names != NULL)
        nearest = mn_nearest(item, names);
    const mn_status status =
        nearest != NULL
            ? mn_fail(MN_BAD_OPTION, "%s[%lld]: no class is called '%.60s'; did you mean '%s'?",
                      where, (long long)at, item, nearest)
            : mn_fail(MN_BAD_OPTION,
                      "%s[%lld]: no class is called '%.60s'; list names of classes, or numbers "
                      "from 0 to %lld",
                      where, (long long)at, item, (long long)dataset->classes - 1);
    mn_memory_give(names);
    return status;
}

static mn_status find_class(const mn_dataset *dataset, const char *where, int64_t at,
                            const char *item, bool names, int64_t *class)
{
    if (names) {
        *class = class_named(dataset, item);
        return *class >= 0 ? MN_OK : no_class(dataset, where, at, item);
    }
    double number;
    if (mn_number_whole(item, class) && *class >= 0 && *class < dataset->classes)
        return MN_OK;
    if (!mn_number_real(item, &number))
        return no_class(dataset, where, at, item);
    return mn_fail(MN_BAD_OPTION, "%s[%lld]: %s is not a whole number from 0 to %lld", where,
                   (long long)at, item, (long long)dataset->classes - 1);
}

/* Reads classes into lists->class_order; where they stand in groups, the groups' sizes too. */
static mn_status read_classes(const char *where, const char *text, const mn_dataset *dataset,
                              bool again, mn_stream_lists *lists)
{
    const bool names = dataset != NULL && is_of_names(dataset, text);
    mn_list list = {.rest = text};
    while (mn_list_next(&list)) {
        if (lists->classes == MN_MAX_CLASSES || list.group == MN_MAX_TASKS)
            return mn_fail(MN_BAD_OPTION, "%s: lists more than %d classes or %d tasks", where,
                           MN_MAX_CLASSES, MN_MAX_TASKS);
        int64_t *class = &lists->class_order[lists->classes];
        *class = 0;
        if (dataset != NULL)
            MN_TRY(find_class(dataset, where, lists->classes, list.item, names, class));
        for (int64_t i = 0; dataset != NULL && !again && i < lists->classes; i++)
            if (lists->class_order[i] == *class)
                return mn_fail(MN_BAD_OPTION, "%s[%lld]: class %s is already at [%lld]%s", where,
                               (long long)lists->classes, list.item, (long long)i,
                               strchr(text, ';') != NULL
                                   ? "; where classes come again, stream.scenario is "
                                     "class-repetition"
                                   : "");
        lists->classes++;
        if (strchr(text, ';') != NULL) {
            lists->tasks = list.group + 1;
            lists->task_classes[list.group]++;
        }
    }
    if (!list.broken)
        return MN_OK;
    return mn_fail(MN_BAD_OPTION,
                   "%s: '%.60s' is not a list with commas between its items, as 2,0,1 or cat,dog",
                   where, text);
}

/* A stream takes the first so many classes of an order, or all of them. */
static mn_status check_count(const mn_stream_settings *stream, const mn_dataset *dataset,
                             const char *where, int64_t listed)
{
    const int64_t all = dataset != NULL ? dataset->classes : 0;
    const int64_t needed = stream->classes > 0 ? stream->classes : all;
    char hint[128] = "";
    if (listed == 0 || needed == 0 || listed == needed || (listed > needed && stream->classes > 0))
        return MN_OK;
    if (stream->classes == 0 && listed < needed)
        snprintf(hint, sizeof hint, "; stream.classes=%lld leaves the others out",
                 (long long)listed);
    return mn_fail(MN_BAD_OPTION, "%s: lists %lld class%s, %lld are needed%s", where,
                   (long long)listed, listed == 1 ? "" : "es", (long long)needed, hint);
}

static mn_status check_tasks(const mn_stream_settings *stream, const mn_stream_lists *lists)
{
    if (lists->tasks == 0 || lists->tasks == stream->tasks)
        return MN_OK;
    return mn_fail(MN_BAD_OPTION,
                   "stream.task_classes: lists %lld task%s, but stream.tasks is %lld; make them "
                   "agree",
                   (long long)lists->tasks, lists->tasks == 1 ? "" : "s", (long long)stream->tasks);
}

static int64_t domain_named(const mn_dataset *dataset, const char *name)
{
    for (int64_t domain = 0; domain < dataset->domains; domain++)
        if (strcmp(dataset->domain_names[domain], name) == 0)
            return domain;
    return -1;
}

static mn_status read_domains(const mn_stream_settings *stream, const mn_dataset *dataset,
                              mn_stream_lists *lists)
{
    mn_list list = {.rest = stream->domains};
    const bool domains = stream->scenario == MN_DOMAIN_GIVEN ||
                         (stream->scenario == MN_CLASS_REPETITION && lists->tasks == 0);
    if (stream->domains[0] != '\0' && !domains)
        return mn_fail(MN_BAD_OPTION,
                       "stream.domains: the tasks of this stream are not the data's domains; leave "
                       "it out, or set stream.scenario to domain-given");
    while (mn_list_next(&list)) {
        if (lists->domains == MN_MAX_TASKS)
            return mn_fail(MN_BAD_OPTION, "stream.domains: lists more than %d", MN_MAX_TASKS);
        const int64_t domain =
            dataset == NULL || dataset->domains == 0 ? 0 : domain_named(dataset, list.item);
        if (domain < 0)
            return mn_fail(MN_BAD_OPTION,
                           "stream.domains[%lld]: no domain is called '%.60s'; 'mneme data check' "
                           "lists them",
                           (long long)lists->domains, list.item);
        lists->domain_order[lists->domains++] = domain;
    }
    if (list.broken || list.grouped)
        return mn_fail(MN_BAD_OPTION,
                       "stream.domains: '%.60s' is not a list with commas between its items, as "
                       "photo,sketch",
                       stream->domains);
    if (lists->domains > 0 && lists->domains != stream->tasks)
        return mn_fail(MN_BAD_OPTION,
                       "stream.domains: lists %lld, but stream.tasks is %lld; make them agree",
                       (long long)lists->domains, (long long)stream->tasks);
    return MN_OK;
}

mn_status mn_stream_lists_read(const mn_stream_settings *stream, const mn_dataset *dataset,
                               mn_stream_lists *lists)
{
    static const char of_tasks[] = "stream.task_classes", of_order[] = "stream.class_order";
    const char *where = of_order, *order = stream->class_order;
    *lists = (mn_stream_lists){.tasks = 0};
    if (strchr(stream->task_classes, ';') != NULL) {
        if (order[0] != '\0')
            return mn_fail(MN_BAD_OPTION,
                           "%s: lists the classes of each task, and with them their order; leave "
                           "stream.class_order out",
                           of_tasks);
        where = of_tasks;
        order = stream->task_classes;
    } else {
        MN_TRY(mn_list_wholes(of_tasks, stream->task_classes, 1, MN_MAX_CLASSES, MN_MAX_TASKS,
                              lists->task_classes, &lists->tasks));
    }
    const bool again = stream->scenario == MN_CLASS_REPETITION;
    if (again && where == of_order && (order[0] != '\0' || lists->tasks > 0))
        return mn_fail(MN_BAD_OPTION,
                       "%s: where classes come again, stream.task_classes lists which each task "
                       "has, as [[\"cat\", \"dog\"], [\"cat\", \"bird\"]]",
                       order[0] != '\0' ? of_order : of_tasks);
    MN_TRY(read_classes(where, order, dataset, again, lists));
    MN_TRY(check_tasks(stream, lists));
    MN_TRY(read_domains(stream, dataset, lists));
    return again ? MN_OK : check_count(stream, dataset, where, lists->classes);
}
