/* folder.c -- a user's own images: one folder a class, PNG and JPEG; or a folder for each domain,
 * with one a class in it.
 *
 * The listing decides everything: classes, their order, and how many images there are.  Who needs
 * an image asks for it by its number (pictures.c). */
#include "data/read/pictures.h"
#include "data/read/reader.h"
#include "data/read/split.h"

#include <mneme/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct folder_options {
    const char *path;
    bool domains;
    int64_t channels;
    MN_SPLIT_MEMBERS;
} folder_options;

static const char *const colours[] = {"rgb", "grey", NULL};
static const mn_option options_table[] = {
    MN_TEXT(folder_options, path, "",
            "folder with train/ and test/, or with the classes themselves", MN_CHANGES_NO_RESULT),
    MN_BOOL(folder_options, domains, false,
            "these folders are domains, and in each lie those of the classes"),
    MN_CHOICE(folder_options, channels, 0, colours, "in colour, or in shades of grey"),
    MN_SPLIT_OPTIONS(folder_options),
    MN_END,
};

/* --- listing ---------------------------------------------------------------------------------- */

/* The images of one part, by class, and those of a class by domain. */
typedef struct listing {
    char folder[MN_DATA_PATH]; /* in which the classes are, or the domains */
    mn_names classes;
    mn_names domains;           /* none: the classes are in the folder itself */
    mn_names *files;            /* (classes, domains or 1) paths within the class's folder */
    int64_t images, foreign;    /* foreign: files that are no images */
    char example[MN_DATA_PATH]; /* one of them */
} listing;

/* Folders of a class's images: one, or one in each domain. */
static int64_t folders_a_class(const listing *list)
{
    return list->domains.count > 0 ? list->domains.count : 1;
}

static void listing_free(listing *list)
{
    for (int64_t i = 0; list->files != NULL && i < list->classes.count * folders_a_class(list); i++)
        mn_names_free(&list->files[i]);
    mn_memory_give(list->files);
    mn_names_free(&list->classes);
    mn_names_free(&list->domains);
}

/* In which a class's folder is: that of the part, or that of a domain. */
static void folder_of(const listing *list, int64_t domain, char path[MN_DATA_PATH + 256])
{
    const bool own = list->domains.count > 0;
    snprintf(path, MN_DATA_PATH + 256, "%s%s%s", list->folder, own ? "/" : "",
             own ? list->domains.name[domain] : "");
}

static void add_foreign(listing *list, const char *folder, const char *name)
{
    if (list->foreign++ == 0)
        snprintf(list->example, sizeof list->example, "%.3000s/%.1000s", folder, name);
}

/* Takes the files out of the listing that are no images. */
static mn_status keep_images(listing *list, const char *folder, mn_names *files)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < files->count; i++) {
        bool image;
        MN_TRY(mn_is_image(folder, files->name[i], &image));
        if (!image)
            add_foreign(list, folder, files->name[i]);
        char *name = files->name[i];
        files->name[i] = files->name[kept];
        files->name[kept] = name;
        kept += image;
    }
    for (int64_t i = kept; i < files->count; i++)
        mn_memory_give(files->name[i]);
    files->count = kept;
    return MN_OK;
}

/* A class that a domain has no folder for is not in it; one whose folder is empty is a mistake. */
static mn_status list_class(listing *list, int64_t class, int64_t domain)
{
    char parent[MN_DATA_PATH + 256], folder[MN_DATA_PATH + 512];
    folder_of(list, domain, parent);
    snprintf(folder, sizeof folder, "%s/%s", parent, list->classes.name[class]);
    if (list->domains.count > 0 && !mn_is_folder(folder))
        return MN_OK;
    mn_names *files = &list->files[class * folders_a_class(list) + domain];
    MN_TRY(mn_folder_files(folder, files));
    MN_TRY(keep_images(list, folder, files));
    list->images += files->count;
    return files->count > 0
               ? MN_OK
               : mn_fail(MN_BAD_OPTION, "%s: holds no images; take it out, if it is no class",
                         folder);
}

/* Files beside the folders of classes are in no class. */
static mn_status list_beside(listing *list, const char *folder)
{
    mn_names files;
    MN_TRY(mn_folder_names(folder, false, &files));
    for (int64_t i = 0; i < files.count; i++)
        add_foreign(list, folder, files.name[i]);
    mn_names_free(&files);
    return MN_OK;
}

/* Takes the names that are not in `all` yet over from `more`. */
static mn_status join(mn_names *all, mn_names *more)
{
    char **name = mn_memory_resize(all->name, (size_t)(all->count + more->count), sizeof *name);
    if (name == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a listing");
    all->name = name;
    const int64_t before = all->count;
    for (int64_t i = 0; i < more->count; i++) {
        int64_t at = 0;
        while (at < before && strcmp(all->name[at], more->name[i]) != 0)
            at++;
        if (at == before) {
            all->name[all->count++] = more->name[i];
            more->name[i] = NULL;
        }
    }
    return MN_OK;
}

/* The classes of all domains. */
static mn_status list_classes(listing *list)
{
    if (list->domains.count == 0)
        return mn_folder_names(list->folder, true, &list->classes);
    for (int64_t d = 0; d < list->domains.count; d++) {
        char folder[MN_DATA_PATH + 256];
        mn_names of_domain;
        folder_of(list, d, folder);
        MN_TRY(mn_folder_names(folder, true, &of_domain));
        mn_status status =
            of_domain.count > 0
                ? join(&list->classes, &of_domain)
                : mn_fail(MN_BAD_OPTION,
                          "%s: has no folders; expected those of the classes, as in every domain",
                          folder);
        mn_names_free(&of_domain);
        MN_TRY(status);
    }
    return MN_OK;
}

static mn_status list_domains(listing *list)
{
    MN_TRY(mn_folder_names(list->folder, true, &list->domains));
    return list->domains.count > 0
               ? MN_OK
               : mn_fail(MN_BAD_OPTION, "%s: has no folders; expected one a domain", list->folder);
}

static mn_status list_files(listing *list)
{
    const int64_t folders = folders_a_class(list);
    for (int64_t c = 0; c < list->classes.count; c++)
        for (int64_t d = 0; d < folders; d++)
            MN_TRY(list_class(list, c, d));
    for (int64_t d = 0; d < folders; d++) {
        char folder[MN_DATA_PATH + 256];
        folder_of(list, d, folder);
        MN_TRY(list_beside(list, folder));
    }
    return list->domains.count > 0 ? list_beside(list, list->folder) : MN_OK;
}

static mn_status list_part(listing *list, bool domains)
{
    if (domains)
        MN_TRY(list_domains(list));
    MN_TRY(list_classes(list));
    const long long classes = list->classes.count;
    if (classes < 2)
        return mn_fail(MN_BAD_OPTION,
                       "%s: has %lld folder%s of images; expected one a class, at "
                       "least 2",
                       list->folder, classes, classes == 1 ? "" : "s");
    if (classes > MN_MAX_CLASSES)
        return mn_fail(MN_UNSUPPORTED, "%s: has %lld classes; at most %d are supported",
                       list->folder, classes, MN_MAX_CLASSES);
    list->files =
        mn_memory_take_zeroed((size_t)(classes * folders_a_class(list)), sizeof *list->files);
    if (list->files == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a listing");
    qsort(list->classes.name, (size_t)classes, sizeof *list->classes.name, mn_by_class_name);
    return list_files(list);
}

static mn_status same_classes(const listing *train, const listing *test)
{
    int64_t c = 0;
    while (c < train->classes.count && c < test->classes.count &&
           strcmp(train->classes.name[c], test->classes.name[c]) == 0)
        c++;
    if (c == train->classes.count && c == test->classes.count)
        return MN_OK;
    const bool extra = c == train->classes.count ||
                       (c < test->classes.count &&
                        mn_by_class_name(&test->classes.name[c], &train->classes.name[c]) < 0);
    return mn_fail(MN_BAD_OPTION, "%s: there is no class '%s', which %s has",
                   extra ? train->folder : test->folder,
                   extra ? test->classes.name[c] : train->classes.name[c],
                   extra ? test->folder : train->folder);
}

/* Finds the parts: train/ with test/ or val/, else all in one, to be split. */
static mn_status list_all(const char *path, bool domains, listing *train, listing *test,
                          bool *split)
{
    static const char *const names[] = {"test", "val"};
    snprintf(train->folder, sizeof train->folder, "%.4000s/train", path);
    *split = !mn_is_folder(train->folder);
    if (*split) {
        snprintf(train->folder, sizeof train->folder, "%s", path);
        return list_part(train, domains);
    }
    for (size_t i = 0; i < 2; i++) {
        snprintf(test->folder, sizeof test->folder, "%.4000s/%s", path, names[i]);
        if (mn_is_folder(test->folder))
            break;
        if (i == 1)
            return mn_fail(MN_NOT_FOUND, "%s: has train/, but neither test/ nor val/ beside it",
                           path);
    }
    MN_TRY(list_part(train, domains));
    MN_TRY(list_part(test, domains));
    return same_classes(train, test);
}

/* --- reading ---------------------------------------------------------------------------------- */

typedef struct listings {
    listing train, test;
} listings;

static void listings_free(void *files)
{
    listings *both = files;
    listing_free(&both->train);
    listing_free(&both->test);
    mn_memory_give(both);
}

/* Pictures are numbered class by class, those of the test part after those of training. */
static void path_of(const void *files, int64_t number, char path[MN_PICTURE_PATH])
{
    const listings *both = files;
    const listing *list = number < both->train.images ? &both->train : &both->test;
    int64_t place = 0, at = number - (list == &both->test ? both->train.images : 0);
    while (at >= list->files[place].count)
        at -= list->files[place++].count;
    char folder[MN_DATA_PATH + 256];
    folder_of(list, place % folders_a_class(list), folder);
    snprintf(path, MN_PICTURE_PATH, "%s/%s/%s", folder,
             list->classes.name[place / folders_a_class(list)], list->files[place].name[at]);
}

static void label(const listing *list, mn_images *images)
{
    const int64_t folders = folders_a_class(list);
    int64_t at = 0;
    for (int64_t place = 0; place < list->classes.count * folders; place++)
        for (int64_t i = 0; i < list->files[place].count; i++)
            images->labels[at++] = (int32_t)(place / folders);
}

/* Writes the name of each image's domain; returns how many. */
static int64_t domains_of(const listing *list, const char **domain)
{
    int64_t at = 0;
    for (int64_t place = 0; place < list->classes.count * list->domains.count; place++)
        for (int64_t i = 0; i < list->files[place].count; i++)
            domain[at++] = list->domains.name[place % list->domains.count];
    return at;
}

static mn_status number_domains(const listings *both, mn_dataset *dataset)
{
    if (both->train.domains.count == 0)
        return MN_OK;
    const char **domain =
        mn_memory_take((size_t)(both->train.images + both->test.images), sizeof *domain);
    if (domain == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for the domains of a folder");
    (void)domains_of(&both->test, domain + domains_of(&both->train, domain));
    const mn_status status = mn_dataset_number_domains(dataset, both->train.folder, domain);
    mn_memory_give(domain);
    return status;
}

/* Says what is in the folder and is not read. */
static mn_status note_foreign(const listing *list, mn_dataset *dataset)
{
    return list->foreign == 0
               ? MN_OK
               : mn_dataset_note(dataset, "%s: %lld file%s left out, as %s", list->folder,
                                 (long long)list->foreign, list->foreign == 1 ? " is" : "s are",
                                 list->example);
}

/* Folders beside train/ and test/ hold images that are in neither part. */
static mn_status note_beside(const char *path, const listing *train, const listing *test,
                             mn_dataset *dataset)
{
    mn_names folders;
    MN_TRY(mn_folder_names(path, true, &folders));
    mn_status status = MN_OK;
    for (int64_t i = 0; i < folders.count && status == MN_OK; i++) {
        char beside[MN_DATA_PATH + 256];
        snprintf(beside, sizeof beside, "%.4000s/%s", path, folders.name[i]);
        if (strcmp(beside, train->folder) != 0 && strcmp(beside, test->folder) != 0)
            status = mn_dataset_note(dataset, "%s: is not read; %s and %s are", beside,
                                     train->folder, test->folder);
    }
    mn_names_free(&folders);
    return status;
}

static mn_status describe(const listings *both, const char *path, bool split, mn_dataset *dataset)
{
    MN_TRY(mn_dataset_name_classes(dataset, both->train.classes.count,
                                   (const char *const *)both->train.classes.name));
    if (!split)
        MN_TRY(note_beside(path, &both->train, &both->test, dataset));
    MN_TRY(note_foreign(&both->train, dataset));
    return note_foreign(&both->test, dataset);
}

/* Takes over the listings. */
static mn_status take_pictures(const folder_options *o, listings *both, bool split,
                               mn_dataset *dataset)
{
    dataset->channels = o->channels == 0 ? 3 : 1;
    MN_TRY(mn_pictures_new(dataset, (mn_picture_files){
                                        .files = both,
                                        .close = listings_free,
                                        .path = path_of,
                                        .count = {both->train.images, both->test.images},
                                    }));
    label(&both->train, &dataset->train);
    label(&both->test, &dataset->test);
    MN_TRY(number_domains(both, dataset));
    return (split ? mn_split_test_off : mn_split_not_needed)(dataset, o->test_fraction,
                                                             o->split_seed);
}

static mn_status read_folder(const void *options, const char *folder, mn_dataset *dataset)
{
    const folder_options *o = options;
    char path[MN_DATA_PATH];
    MN_TRY(mn_data_find("folder.path", folder, o->path, path));
    if (!mn_is_folder(path))
        return mn_fail(MN_BAD_OPTION, "folder.path: %s is no folder", path);
    listings *both = mn_memory_take_zeroed(1, sizeof *both);
    if (both == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a listing");
    bool split = false;
    mn_status status = list_all(path, o->domains, &both->train, &both->test, &split);
    if (status == MN_OK)
        status = describe(both, path, split, dataset);
    if (status != MN_OK) {
        listings_free(both);
        return status;
    }
    return take_pictures(o, both, split, dataset);
}

MN_DATASET(folder) = {
    MN_DATASET_HEADER,
    .name = "folder",
    .summary = "your own PNG and JPEG images: one folder a class",
    .options = options_table,
    .options_size = sizeof(folder_options),
    .read = read_folder,
};
