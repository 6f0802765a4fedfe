/* data.c -- data sets: how to get one, whether it is sound, what its images look like. */
#include "base/clock.h"
#include "base/escape.h"
#include "base/numbers.h"
#include "base/options.h"
#include "cli/commands.h"
#include "cli/complain.h"
#include "cli/files.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/show/progress.h"
#include "cli/signals.h"
#include "cli/study/attend.h"

#include <math.h>
#include <mneme/experiment.h>
#include <mneme/features.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>

static bool is_dataset(const char *name)
{
    return mn_find(MN_KIND_DATASET, name) != NULL;
}

/* The flags that stand for options of the benchmark; those of a network that --network names can be
 * set after it. */
static mn_status set_network(const mn_arguments *arguments, mn_experiment *experiment)
{
    static const struct {
        const char *flag, *key;
    } flags[] = {{"network", "network.name"}, {"init", "init"}, {"size", "dataset.size"}};
    if (mn_arguments_has(arguments, "size")) /* backbones are made larger images than they get */
        MN_TRY(mn_experiment_set(experiment, "dataset.resize", "bilinear"));
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        const char *value = mn_arguments_value(arguments, flags[i].flag);
        if (value != NULL)
            MN_TRY(mn_experiment_set(experiment, flags[i].key, value));
    }
    return MN_OK;
}

static mn_status open_benchmark(const mn_arguments *arguments, mn_experiment **experiment)
{
    MN_TRY(mn_experiment_new(arguments->words[1], NULL, experiment));
    mn_status status = set_network(arguments, *experiment);
    if (status == MN_OK)
        status = mn_set_given(*experiment, arguments);
    if (status != MN_OK) {
        mn_experiment_free(*experiment);
        *experiment = NULL;
    }
    return status;
}

/* --- data that no benchmark describes ------------------------------------------------------------
 */

/* The data set that a word names: itself, or a folder of images; NULL: the word is a benchmark's.
 */
static const char *dataset_named(const char *word)
{
    if (is_dataset(word))
        return word;
    return mn_path_is_folder(word) && !mn_path_ends_in(word, ".json") ? "folder" : NULL;
}

static mn_status add_given(const mn_arguments *arguments, cJSON *options)
{
    static const char section[] = "dataset.";
    const size_t length = sizeof section - 1;
    for (int i = 0; i < arguments->given_count; i++) {
        const mn_given *given = &arguments->given[i];
        if (strcmp(given->name, "set") != 0)
            continue;
        const char *equals = strchr(given->value, '=');
        if (equals == NULL || strncmp(given->value, section, length) != 0)
            return mn_fail(MN_BAD_OPTION,
                           "--set: '%s': of a data set only dataset.KEY=VALUE can be set, as "
                           "dataset.size=224",
                           given->value);
        char *key =
            mn_text("%.*s", (int)((size_t)(equals - given->value) - length), given->value + length);
        cJSON_AddStringToObject(options, key, equals + 1);
        mn_memory_give(key);
    }
    return MN_OK;
}

/* Its options, as --set has them; the caller frees. */
static mn_status options_given(const mn_arguments *arguments, char **text)
{
    cJSON *options = mn_json_object();
    if (!is_dataset(arguments->words[1]))
        cJSON_AddStringToObject(options, "path", arguments->words[1]);
    const mn_status status = add_given(arguments, options);
    *text = status == MN_OK ? mn_or_die(cJSON_PrintUnformatted(options)) : NULL;
    cJSON_Delete(options);
    return status;
}

/* --- get ----------------------------------------------------------------------------------------
 */

static int get(const mn_arguments *arguments)
{
    const char *name = arguments->words[1];
    const mn_dataset_type *type = (const void *)mn_find(MN_KIND_DATASET, name);
    if (type == NULL)
        return mn_exit_of_request(MN_NOT_FOUND);
    mn_dataset *dataset;
    printf("%s: %s\n", name, type->summary);
    if (type->cite != NULL)
        printf("%s\n", type->cite);
    if (type->obtain != NULL && mn_dataset_open(name, NULL, NULL, &dataset) == MN_OK) {
        puts("It is here already.");
        mn_dataset_free(dataset);
    } else if (type->obtain != NULL) {
        printf("To get it: %s\n", type->obtain);
    } else if (mn_option_find(type->options, "path") != NULL) {
        printf("It reads your own data: say where they are, with \"path\" in a benchmark.\n");
    } else {
        puts("It needs no files.");
    }
    return MN_EXIT_DONE;
}

/* --- check --------------------------------------------------------------------------------------
 */

typedef struct range {
    int64_t least, most;
} range;

static range images_per_class(const mn_dataset *dataset, const mn_images *images)
{
    int64_t *count = mn_or_die(mn_memory_take_zeroed((size_t)dataset->classes, sizeof *count));
    for (int64_t i = 0; i < images->count; i++)
        count[images->labels[i]]++;
    range found = {count[0], count[0]};
    for (int64_t c = 1; c < dataset->classes; c++) {
        found.least = count[c] < found.least ? count[c] : found.least;
        found.most = count[c] > found.most ? count[c] : found.most;
    }
    mn_memory_give(count);
    return found;
}

static void print_part(const mn_dataset *dataset, const mn_images *images, const char *name)
{
    const range found = images_per_class(dataset, images);
    printf("%-9s %lld, ", name, (long long)images->count);
    if (found.least == found.most)
        printf("%lld of each class\n", (long long)found.least);
    else
        printf("%lld to %lld of each class\n", (long long)found.least, (long long)found.most);
}

/* The digest, and the values of the training images: their range, and means and deviations as
 * `normalise` takes them. */
typedef struct survey {
    uint32_t digest;
    double least, greatest;
    mn_channel_values channel[4];
} survey;

/* Looks at every image. */
static mn_status survey_data(const mn_dataset *dataset, survey *s)
{
    MN_TRY(mn_dataset_digest(dataset, &s->digest));
    MN_TRY(mn_dataset_channels(dataset, NULL, dataset->train.count, s->channel));
    s->least = s->channel[0].least;
    s->greatest = s->channel[0].greatest;
    for (int64_t c = 1; c < mn_dataset_normalised(dataset); c++) {
        s->least = fmin(s->least, s->channel[c].least);
        s->greatest = fmax(s->greatest, s->channel[c].greatest);
    }
    return MN_OK;
}

static void print_values(const mn_dataset *dataset, const survey *s)
{
    printf("%-9s %.6g to %.6g, mean ", "values", s->least, s->greatest);
    for (int64_t c = 0; c < mn_dataset_normalised(dataset); c++)
        printf("%s%.4g", c > 0 ? "," : "", s->channel[c].mean);
    printf(", deviation ");
    for (int64_t c = 0; c < mn_dataset_normalised(dataset); c++)
        printf("%s%.4g", c > 0 ? "," : "", s->channel[c].deviation);
    putchar('\n');
}

static void print_notes(const mn_dataset *dataset)
{
    for (const char *note = dataset->notes; note != NULL && *note != '\0';) {
        const size_t length = strcspn(note, "\n");
        printf("%-9s %.*s\n", "note", (int)length, note);
        note += length + (note[length] == '\n');
    }
}

/* As a list takes it: a name with a comma in quotes. */
static void print_class(const char *before, const char *name)
{
    char *quoted = mn_or_die(mn_memory_take(strlen(name) + 2, 2));
    mn_list_quote(name, quoted);
    printf("%s%s", before, mn_shown(quoted));
    mn_memory_give(quoted);
}

static void print_tasks(const mn_stream *stream)
{
    for (int64_t task = 0; task < mn_stream_tasks(stream); task++) {
        const mn_task_info info = mn_stream_task(stream, task);
        const char *before = ": ";
        printf("task %-4lld %lld + %lld images", (long long)task + 1, (long long)info.train,
               (long long)info.test);
        if (info.noised > 0)
            printf(", %lld with a wrong label", (long long)info.noised);
        if (info.strangers > 0)
            printf(", %lld of other tasks", (long long)info.strangers);
        if (mn_stream_task_domain(stream, task) != NULL)
            print_class(" of ", mn_stream_task_domain(stream, task));
        for (int64_t i = 0; i < info.classes; i++) {
            if (!mn_stream_task_has(stream, task, info.first_class + i))
                continue;
            print_class(before, mn_stream_class_name(stream, info.first_class + i));
            before = ", ";
        }
        putchar('\n');
    }
}

static void print_dataset(const mn_dataset *dataset, const survey *s, const mn_stream *stream)
{
    printf("%s is sound\n", dataset->name);
    printf("%-9s %08x\n", "digest", (unsigned)s->digest);
    printf("%-9s %lldx%lldx%lld (channels, height, width)%s\n", "image",
           (long long)dataset->channels, (long long)dataset->height, (long long)dataset->width,
           dataset->scale == NULL        ? ""
           : dataset->type == MN_ROW_U8  ? ", measurements in 255 steps"
           : dataset->type == MN_ROW_F32 ? ", measurements as f32"
                                         : ", measurements as f16");
    print_values(dataset, s);
    print_part(dataset, &dataset->train, "training");
    print_part(dataset, &dataset->test, "test");
    printf("%-9s %lld", "classes", (long long)dataset->classes);
    for (int64_t c = 0; dataset->class_names != NULL && c < dataset->classes; c++)
        print_class(c == 0 ? ": " : ", ", dataset->class_names[c]);
    putchar('\n');
    if (dataset->domains > 0)
        printf("%-9s %lld", "domains", (long long)dataset->domains);
    for (int64_t d = 0; d < dataset->domains; d++)
        print_class(d == 0 ? ": " : ", ", dataset->domain_names[d]);
    if (dataset->domains > 0)
        putchar('\n');
    if (stream != NULL)
        print_tasks(stream);
    print_notes(dataset);
}

/* Adds what `data check` prints of values and notes. */
static void add_values(cJSON *json, const mn_dataset *dataset, const survey *s)
{
    cJSON_AddNumberToObject(json, "least", s->least);
    cJSON_AddNumberToObject(json, "greatest", s->greatest);
    cJSON *mean = cJSON_AddArrayToObject(json, "mean");
    cJSON *deviation = cJSON_AddArrayToObject(json, "deviation");
    for (int64_t c = 0; c < mn_dataset_normalised(dataset); c++) {
        cJSON_AddItemToArray(mean, cJSON_CreateNumber(s->channel[c].mean));
        cJSON_AddItemToArray(deviation, cJSON_CreateNumber(s->channel[c].deviation));
    }
    cJSON_AddStringToObject(json, "notes", dataset->notes != NULL ? dataset->notes : "");
}

static void print_json(const mn_dataset *dataset, const survey *s)
{
    char digest[16];
    snprintf(digest, sizeof digest, "%08x", (unsigned)s->digest);
    cJSON *json = mn_json_object();
    cJSON_AddStringToObject(json, "name", dataset->name);
    cJSON_AddStringToObject(json, "digest", digest);
    cJSON_AddNumberToObject(json, "channels", (double)dataset->channels);
    cJSON_AddNumberToObject(json, "height", (double)dataset->height);
    cJSON_AddNumberToObject(json, "width", (double)dataset->width);
    add_values(json, dataset, s);
    cJSON_AddNumberToObject(json, "train", (double)dataset->train.count);
    cJSON_AddNumberToObject(json, "test", (double)dataset->test.count);
    cJSON_AddNumberToObject(json, "classes", (double)dataset->classes);
    cJSON *names = cJSON_AddArrayToObject(json, "class_names");
    for (int64_t c = 0; dataset->class_names != NULL && c < dataset->classes; c++)
        cJSON_AddItemToArray(names, cJSON_CreateString(dataset->class_names[c]));
    mn_json_print(json);
    cJSON_Delete(json);
}

/* The first class of the stream that a part of the data has no image of. */
static mn_status check_class(const mn_stream *stream, const mn_images *images, const char *part,
                             int64_t arrival)
{
    const int64_t original = mn_stream_original_class(stream, arrival);
    for (int64_t i = 0; i < images->count; i++)
        if (images->labels[i] == original)
            return MN_OK;
    return mn_fail(
        MN_BAD_OPTION,
        "data set '%s' has no %s image of class %s, which is in the stream; leave it out "
        "with stream.class_order and stream.classes, or number the labels without gaps",
        mn_stream_dataset(stream)->name, part, mn_stream_class_name(stream, arrival));
}

/* What a run would make of the data: its tasks, in which every class has images. */
static mn_status check_stream(const mn_experiment *experiment, const mn_dataset *dataset,
                              mn_stream **stream)
{
    mn_transform transform;
    MN_TRY(mn_experiment_stream(experiment, dataset, stream, &transform));
    mn_status status = MN_OK;
    for (int64_t i = 0; status == MN_OK && i < mn_stream_classes(*stream); i++) {
        status = check_class(*stream, &dataset->train, "training", i);
        if (status == MN_OK)
            status = check_class(*stream, &dataset->test, "test", i);
    }
    return status;
}

static mn_status open_given(const mn_arguments *arguments, const char *name, mn_dataset **dataset)
{
    char *options;
    MN_TRY(options_given(arguments, &options));
    const mn_status status = mn_dataset_open(name, options, NULL, dataset);
    mn_memory_give(options);
    return status;
}

static int check(const mn_arguments *arguments)
{
    mn_dataset *dataset = NULL;
    mn_experiment *experiment = NULL;
    mn_stream *stream = NULL;
    survey found;
    const char *name = dataset_named(arguments->words[1]);
    if (name == NULL) {
        const mn_status opened = open_benchmark(arguments, &experiment);
        if (opened != MN_OK)
            return mn_exit_of_request(opened);
    }
    mn_status status = experiment != NULL ? mn_experiment_dataset(experiment, &dataset)
                                          : open_given(arguments, name, &dataset);
    if (status == MN_OK && experiment != NULL)
        status = check_stream(experiment, dataset, &stream);
    if (status == MN_OK)
        status = survey_data(dataset, &found);
    if (status == MN_OK && mn_arguments_has(arguments, "json"))
        print_json(dataset, &found);
    else if (status == MN_OK)
        print_dataset(dataset, &found, stream);
    mn_stream_free(stream);
    mn_dataset_free(dataset);
    mn_experiment_free(experiment);
    return mn_exit_of_work(status);
}

/* --- show ---------------------------------------------------------------------------------------
 */

static int show(const mn_arguments *arguments)
{
    const char *path = mn_arguments_value(arguments, "out");
    if (path == NULL)
        return mn_exit_of_request(
            mn_fail(MN_BAD_OPTION, "data show: say with -o where to draw, as in -o sheet.png"));
    if (is_dataset(arguments->words[1]))
        return mn_exit_of_request(mn_fail(MN_BAD_OPTION,
                                          "data show: '%s' is a data set; name a benchmark, which "
                                          "says how it is cut into tasks and augmented",
                                          arguments->words[1]));
    mn_experiment *experiment;
    mn_status status = open_benchmark(arguments, &experiment);
    if (status != MN_OK)
        return mn_exit_of_request(status);
    const mn_sheet_kind kind = mn_arguments_has(arguments, "views")       ? MN_SHEET_VIEWS
                               : mn_arguments_has(arguments, "augmented") ? MN_SHEET_AUGMENTED
                                                                          : MN_SHEET_PLAIN;
    status = mn_experiment_resolve(experiment);
    if (status == MN_OK)
        status = mn_experiment_sheet(experiment, kind, path);
    mn_experiment_free(experiment);
    if (status == MN_OK)
        fprintf(stderr, "%s written\n", mn_shown(path));
    return mn_exit_of_work(status);
}

/* --- pack and features ---------------------------------------------------------------------------
 */

typedef struct pack_progress {
    mn_status_line line;
    double began;
    int64_t before; /* images that were done when it began; -1: not known yet */
} pack_progress;

static bool show_packing(void *context, int64_t done, int64_t all)
{
    pack_progress *progress = context;
    char text[128], left[64] = "";
    if (progress->before < 0) {
        progress->before = done;
        progress->began = mn_now();
    }
    if (done > progress->before && mn_status_line_due(&progress->line)) {
        const double seconds =
            (mn_now() - progress->began) * (double)(all - done) / (double)(done - progress->before);
        snprintf(text, sizeof text, "%lld of %lld images  %s left", (long long)done, (long long)all,
                 mn_duration(seconds, left, sizeof left));
        mn_status_line_draw(&progress->line, text);
    }
    return !mn_signals_stop(NULL);
}

static mn_status pack_dataset(const mn_arguments *arguments, const char *path,
                              const mn_pack_watch *watch)
{
    char *options;
    MN_TRY(options_given(arguments, &options));
    const mn_status status =
        mn_dataset_pack(dataset_named(arguments->words[1]), options, NULL, path, watch);
    mn_memory_give(options);
    return status;
}

static int pack(const mn_arguments *arguments)
{
    const char *path = mn_arguments_value(arguments, "out");
    if (path == NULL)
        return mn_exit_of_request(
            mn_fail(MN_BAD_OPTION,
                    "data pack: say with -o which file to write, as in -o data.safetensors"));
    pack_progress progress = {mn_status_line_new(false), 0, -1};
    const mn_pack_watch watch = {&progress, show_packing};
    mn_experiment *experiment = NULL;
    if (dataset_named(arguments->words[1]) == NULL) {
        const mn_status opened = open_benchmark(arguments, &experiment);
        if (opened != MN_OK)
            return mn_exit_of_request(opened);
    }
    mn_signals_catch();
    const mn_status status = experiment != NULL ? mn_experiment_pack(experiment, path, &watch)
                                                : pack_dataset(arguments, path, &watch);
    mn_experiment_free(experiment);
    mn_status_line_clear(&progress.line);
    if (status != MN_OK)
        return mn_exit_of_work(status);
    fprintf(stderr, "%s written; a benchmark or run reads it with dataset.packed=%s\n",
            mn_shown(path), mn_shown(path));
    return MN_EXIT_DONE;
}

static mn_status features_spec(const mn_arguments *arguments, mn_features_spec *spec)
{
    static const mn_row_type types[] = {MN_ROW_F32, MN_ROW_F16, MN_ROW_U8};
    const char *type = mn_arguments_value(arguments, "type");
    *spec = (mn_features_spec){.layer = mn_arguments_value(arguments, "layer"), .type = MN_ROW_F32};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (type == NULL || strcmp(type, mn_row_type_name(types[i])) == 0) {
            spec->type = types[i];
            return MN_OK;
        }
    return mn_fail(MN_BAD_OPTION, "--type: '%s' is not f32, f16 or u8", type);
}

static int features(const mn_arguments *arguments)
{
    const char *path = mn_arguments_value(arguments, "out");
    mn_features_spec spec;
    mn_experiment *experiment;
    if (path == NULL)
        return mn_exit_of_request(mn_fail(
            MN_BAD_OPTION,
            "data features: say with -o which file to write, as in -o features.safetensors"));
    mn_status status = features_spec(arguments, &spec);
    if (status == MN_OK)
        status = open_benchmark(arguments, &experiment);
    if (status != MN_OK)
        return mn_exit_of_request(status);
    status = mn_experiment_resolve(experiment);
    if (status != MN_OK) {
        mn_experiment_free(experiment);
        return mn_exit_of_request(status);
    }
    pack_progress progress = {mn_status_line_new(false), 0, -1};
    const mn_pack_watch watch = {&progress, show_packing};
    mn_signals_catch();
    status = mn_features_write(experiment, &spec, path, &watch);
    mn_experiment_free(experiment);
    mn_status_line_clear(&progress.line);
    if (status == MN_OK)
        fprintf(stderr,
                "%s written; a benchmark reads it with \"dataset\": {\"name\": \"npy\", "
                "\"path\": \"%s\", \"dtype\": \"%s\"}\n",
                mn_shown(path), mn_shown(path), mn_row_type_name(spec.type));
    return mn_exit_of_work(status);
}

static mn_status check_flags(const mn_arguments *arguments)
{
    static const char *const of_features[] = {"network", "init", "size", "layer", "type"};
    if (strcmp(arguments->words[0], "features") == 0)
        return MN_OK;
    for (size_t i = 0; i < sizeof of_features / sizeof of_features[0]; i++)
        if (mn_arguments_has(arguments, of_features[i]))
            return mn_fail(MN_BAD_OPTION,
                           "data %s: --%s is of 'data features'; here --set sets what can be set, "
                           "as dataset.size=224",
                           arguments->words[0], of_features[i]);
    return MN_OK;
}

static int data(const mn_arguments *arguments)
{
    static const struct {
        const char *name;
        int (*run)(const mn_arguments *arguments);
    } actions[] = {
        {"get", get}, {"check", check}, {"show", show}, {"pack", pack}, {"features", features}};
    if (check_flags(arguments) != MN_OK)
        return mn_exit_of_request(MN_BAD_OPTION);
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
        if (strcmp(arguments->words[0], actions[i].name) == 0)
            return actions[i].run(arguments);
    return mn_exit_of_request(mn_fail(MN_BAD_OPTION,
                                      "data: '%s' is not get, check, show, pack or features",
                                      arguments->words[0]));
}

static const mn_flag flags[] = {
    {.name = "out",
     .letter = 'o',
     .value = "FILE",
     .help = "show: the figure, a PNG; pack, features: the file, safetensors"},
    {.name = "network",
     .value = "NAME",
     .help =
         "features: the network, instead of the benchmark's; --set network.KEY=VALUE its options"},
    {.name = "init", .value = "FILE", .help = "features: its weights, safetensors"},
    {.name = "size",
     .value = "PIXELS",
     .help = "features: height and width that images are brought to, bilinear unless --set says"},
    {.name = "layer",
     .value = "NAME",
     .help = "features: a map of the network, layer3 of a ResNet; else what its last layer sees"},
    {.name = "type",
     .value = "f32|f16|u8",
     .help = "features: what a value is kept as; u8: 256 steps in the range of its place"},
    {.name = "augmented",
     .help = "show: an image of each class as training sees it in the first epochs, and its views "
             "where the benchmark has some"},
    {.name = "views", .help = "show: an image of each class, and random views of it"},
    {.name = "set",
     .value = "KEY=VALUE",
     .help = "check, show, pack, features: sets an option of the benchmark, as for 'mneme run'; of "
             "a data set "
             "or a folder, dataset.KEY=VALUE"},
    {.name = "json", .help = "check: as one JSON object"},
    {.name = NULL},
};

const mn_command mn_command_data = {
    .name = "data",
    .synopsis = "get|check|show|pack|features NAME",
    .summary =
        "Says how to get a data set, checks it, draws it, packs it, and computes its features.",
    .details =
        "'get' takes the name of a data set, 'show' and 'features' that of a benchmark, "
        "'check' and 'pack' "
        "either, or a folder of images.  'pack' decodes and resizes all images once, "
        "into one file that runs map instead of reading: dataset.packed names it.  'features' "
        "shows all images to a frozen network once and keeps what it makes of them; stopped, "
        "it goes on where it was when the command is repeated.  Nothing is downloaded.",
    .examples =
        "  mneme data get cifar10\n"
        "  mneme data check split-mnist\n"
        "  mneme data show split-cifar10 --augmented -o sheet.png\n"
        "  mneme data pack animals --set dataset.size=224 -o animals.safetensors\n"
        "  mneme data features split-cifar100 --network resnet50 --set network.stem=imagenet "
        "\\\n"
        "      --init resnet50.safetensors --size 224 -o features.safetensors\n",
    .flags = flags,
    .least = 2,
    .most = 2,
    .words = "get, check, show, pack or features, and a NAME",
    .run = data,
};
