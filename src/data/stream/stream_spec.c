/* stream_spec.c -- is this stream possible?  If not, what should be written instead? */
#include "data/stream/stream_spec.h"

#include <mneme/stream.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "[4, 3, 3]": the nearest to an even split. */
static const char *even_example(int64_t classes, int64_t tasks, char *text, size_t bytes)
{
    enum { SHOWN = 6 };
    size_t used = (size_t)snprintf(text, bytes, "[");
    for (int64_t task = 0; task < tasks && task < SHOWN; task++)
        used += (size_t)snprintf(text + used, bytes - used, "%s%lld", task > 0 ? ", " : "",
                                 (long long)(classes / tasks + (task < classes % tasks)));
    snprintf(text + used, bytes - used, "%s]", tasks > SHOWN ? ", ..." : "");
    return text;
}

/* "'mnist' has 10 classes", or the smaller number that was asked for. */
static const char *class_count(const mn_stream_spec *spec, const mn_dataset *dataset, char *text,
                               size_t bytes)
{
    if (spec->classes > 0)
        snprintf(text, bytes, "stream.classes is %lld", (long long)spec->classes);
    else
        snprintf(text, bytes, "'%s' has %lld classes", dataset->name, (long long)dataset->classes);
    return text;
}

static mn_status check_split(const mn_stream_spec *spec, const mn_dataset *dataset)
{
    const long long tasks = spec->tasks,
                    classes = spec->classes > 0 ? spec->classes : dataset->classes;
    char example[128], count[128];
    class_count(spec, dataset, count, sizeof count);
    if (tasks > classes)
        return mn_fail(MN_BAD_OPTION, "stream.tasks: %lld tasks, but %s", tasks, count);
    if (spec->task_classes == NULL)
        return classes % tasks == 0
                   ? MN_OK
                   : mn_fail(MN_BAD_OPTION,
                             "stream.tasks: %lld classes do not divide evenly into %lld tasks; "
                             "write task_classes, such as %s",
                             classes, tasks, even_example(classes, tasks, example, sizeof example));
    long long sum = 0;
    for (long long task = 0; task < tasks; task++) {
        const long long n = spec->task_classes[task];
        if (n < 1 || n > classes)
            return mn_fail(MN_BAD_OPTION, "stream.task_classes[%lld]: %lld is not from 1 to %lld",
                           task, n, classes);
        sum += n;
    }
    if (sum != classes)
        return mn_fail(MN_BAD_OPTION, "stream.task_classes: they add up to %lld, but %s", sum,
                       count);
    return MN_OK;
}

/* The first `count` of the order: different classes, all of the data set's. */
static mn_status check_order(const int64_t *order, int64_t count, int64_t classes)
{
    int16_t place[MN_MAX_CLASSES]; /* where each class was seen, counted from 1 */
    memset(place, 0, sizeof place);
    for (int64_t i = 0; i < count; i++) {
        const int64_t class = order[i];
        if (class < 0 || class >= classes)
            return mn_fail(MN_BAD_OPTION, "stream.class_order[%lld]: %lld is not from 0 to %lld",
                           (long long)i, (long long)class, (long long)classes - 1);
        if (place[class] != 0)
            return mn_fail(MN_BAD_OPTION, "stream.class_order[%lld]: class %lld is already at [%d]",
                           (long long)i, (long long)class, place[class] - 1);
        place[class] = (int16_t)(i + 1);
    }
    return MN_OK;
}

static mn_status check_domain(const mn_stream_spec *spec)
{
    const char *key = spec->task_classes != NULL    ? "stream.task_classes"
                      : spec->class_order != NULL   ? "stream.class_order"
                      : spec->class_order_seed >= 0 ? "class_order_seed"
                                                    : NULL;
    return key == NULL ? MN_OK
                       : mn_fail(MN_BAD_OPTION,
                                 "%s: has no meaning here, all classes are in every task of a "
                                 "domain-incremental stream; leave it out",
                                 key);
}

static mn_status check_general(const mn_stream_spec *spec)
{
    if (spec->tasks != 1)
        return mn_fail(MN_BAD_OPTION,
                       "stream.tasks: %lld, but a general stream has no tasks; make it 1",
                       (long long)spec->tasks);
    if (spec->rounds < 1)
        return mn_fail(MN_BAD_OPTION, "stream.rounds: %lld is below 1", (long long)spec->rounds);
    return check_domain(spec);
}

static mn_status check_tail_and_noise(const mn_stream_spec *spec)
{
    if (!(spec->imbalance >= 1) && spec->imbalance != 0)
        return mn_fail(MN_BAD_OPTION, "stream.imbalance: %g is below 1 (all classes alike)",
                       spec->imbalance);
    if (!(spec->noise >= 0 && spec->noise < 1))
        return mn_fail(MN_BAD_OPTION, "labels.noise: %g is not at least 0 and below 1",
                       spec->noise);
    if (!(spec->blur >= 0 && spec->blur < 1))
        return mn_fail(MN_BAD_OPTION, "stream.blur: %g is not at least 0 and below 1", spec->blur);
    const bool shared = spec->scenario == MN_DOMAIN_PERMUTED ||
                        spec->scenario == MN_DOMAIN_ROTATED || spec->scenario == MN_GENERAL_ROTATED;
    if (spec->blur > 0 && (shared || spec->tasks < 2))
        return mn_fail(MN_BAD_OPTION,
                       "stream.blur: %s, so no image can come in another's place; leave it out",
                       shared ? "all tasks have the same images" : "there is one task");
    if (spec->first_images_per_class < 0)
        return mn_fail(MN_BAD_OPTION, "stream.first_images_per_class: %lld is below 0 (as others)",
                       (long long)spec->first_images_per_class);
    if (spec->first_images_per_class > 0 && spec->scenario != MN_CLASS_INCREMENTAL)
        return mn_fail(MN_BAD_OPTION,
                       "stream.first_images_per_class: the first task has no classes "
                       "of its own here; leave it out");
    return MN_OK;
}

static mn_status check_fractions(const mn_stream_spec *spec)
{
    if (!(spec->validation >= 0 && spec->validation < 1))
        return mn_fail(MN_BAD_OPTION, "validation: %g is not at least 0 and below 1",
                       spec->validation);
    if (!(spec->label_fraction > 0 && spec->label_fraction <= 1))
        return mn_fail(MN_BAD_OPTION,
                       "labels.fraction: %g is not above 0 and at most 1 (all are labelled)",
                       spec->label_fraction);
    if (spec->labels_per_class < 0)
        return mn_fail(MN_BAD_OPTION, "labels.per_class: %lld is below 0 (all are labelled)",
                       (long long)spec->labels_per_class);
    if (spec->labels_per_class > 0 && spec->label_fraction < 1)
        return mn_fail(MN_BAD_OPTION,
                       "labels.per_class and labels.fraction: both choose what is labelled; set "
                       "per_class to 0 or fraction to 1");
    if (!(spec->pool > 0 && spec->pool <= 1))
        return mn_fail(MN_BAD_OPTION, "labels.pool: %g is not above 0 and at most 1 (all images)",
                       spec->pool);
    if (spec->images_per_class < 0)
        return mn_fail(MN_BAD_OPTION, "stream.images_per_class: %lld is below 0 (all images)",
                       (long long)spec->images_per_class);
    return check_tail_and_noise(spec);
}

/* Tasks that are the data's domains: there must be as many. */
static mn_status check_domains(const mn_stream_spec *spec, const mn_dataset *dataset)
{
    if (dataset->domains == 0)
        return mn_fail(
            MN_BAD_OPTION,
            "stream.scenario: '%s' does not say which domain an image is of; a list does, in the "
            "column that dataset.domain names, and a folder of domains' folders, with "
            "dataset.domains=true",
            dataset->name);
    if (spec->domain_order == NULL && dataset->domains != spec->tasks)
        return mn_fail(MN_BAD_OPTION,
                       "stream.tasks: %lld, but '%s' has %lld domains; make it %lld, or choose "
                       "some with stream.domains",
                       (long long)spec->tasks, dataset->name, (long long)dataset->domains,
                       (long long)dataset->domains);
    bool taken[MN_MAX_TASKS] = {false};
    for (int64_t task = 0; spec->domain_order != NULL && task < spec->tasks; task++) {
        const int64_t domain = spec->domain_order[task];
        if (domain < 0 || domain >= dataset->domains || taken[domain])
            return mn_fail(MN_BAD_OPTION, "stream.domains[%lld]: domain %lld is %s",
                           (long long)task, (long long)domain,
                           domain >= 0 && domain < dataset->domains ? "there already"
                                                                    : "none of the data's");
        taken[domain] = true;
    }
    return MN_OK;
}

/* Classes that come again: different ones in each task. */
static mn_status check_repetition(const mn_stream_spec *spec, const mn_dataset *dataset)
{
    int64_t seen[MN_MAX_CLASSES], at = 0; /* the last task of each class, counted from 1 */
    if (spec->classes > 0 || spec->class_order_seed >= 0)
        return mn_fail(MN_BAD_OPTION,
                       "%s: the tasks list their classes here, and with them their order; leave it "
                       "out",
                       spec->classes > 0 ? "stream.classes" : "class_order_seed");
    if (spec->class_order == NULL)
        return check_domains(spec, dataset);
    if (spec->task_classes == NULL)
        return mn_fail(MN_BAD_OPTION, "stream.class_order: where classes come again, "
                                      "stream.task_classes lists those of each task");
    memset(seen, 0, sizeof seen);
    for (int64_t task = 0; task < spec->tasks; task++)
        for (int64_t i = 0; i < spec->task_classes[task]; i++, at++) {
            const int64_t class = spec->class_order[at];
            if (class < 0 || class >= dataset->classes || seen[class] == task + 1)
                return mn_fail(MN_BAD_OPTION,
                               "stream.task_classes: task %lld lists class %lld, which %s",
                               (long long)task + 1, (long long)class,
                               class >= 0 && class < dataset->classes ? "it has already"
                                                                      : "is none of the data's");
            seen[class] = task + 1;
        }
    return MN_OK;
}

mn_status mn_stream_spec_check(const mn_stream_spec *spec, const mn_dataset *dataset)
{
    if (spec->tasks < 1 || spec->tasks > MN_MAX_TASKS)
        return mn_fail(MN_BAD_OPTION, "stream.tasks: %lld is not from 1 to %d",
                       (long long)spec->tasks, MN_MAX_TASKS);
    if (spec->classes < 0 || spec->classes > dataset->classes)
        return mn_fail(MN_BAD_OPTION, "stream.classes: %lld, but '%s' has %lld (0: all of them)",
                       (long long)spec->classes, dataset->name, (long long)dataset->classes);
    MN_TRY(check_fractions(spec));
    switch (spec->scenario) {
    case MN_CLASS_INCREMENTAL:
        MN_TRY(check_split(spec, dataset));
        if (spec->class_order == NULL)
            return MN_OK;
        return check_order(spec->class_order, spec->classes > 0 ? spec->classes : dataset->classes,
                           dataset->classes);
    case MN_DOMAIN_PERMUTED:
    case MN_DOMAIN_ROTATED: return check_domain(spec);
    case MN_GENERAL_ROTATED: return check_general(spec);
    case MN_DOMAIN_GIVEN: MN_TRY(check_domain(spec)); return check_domains(spec, dataset);
    case MN_CLASS_REPETITION: return check_repetition(spec, dataset);
    }
    return mn_fail(MN_BAD_OPTION, "stream.scenario: %d is none that this mneme knows",
                   (int)spec->scenario);
}

void mn_stream_class_order(const mn_stream_spec *spec, int64_t classes, int64_t *original)
{
    const bool shuffled = spec->class_order_seed >= 0;
    for (int64_t i = 0; i < classes; i++)
        original[i] = i;
    if (shuffled)
        mn_random_permutation(mn_key_of((uint64_t)spec->class_order_seed, "stream.class_order"),
                              classes, original);
    if (spec->class_order != NULL)
        for (int64_t i = 0; i < classes; i++)
            original[i] = spec->class_order[original[i]];
}
