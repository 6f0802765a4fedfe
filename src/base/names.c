/* names.c -- names as people type them: interned, and matched to the nearest valid one. */
#include "base/names.h"

#include <ctype.h>
#include <mneme/memory.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

enum { LONGEST_NAME = 64 };

static size_t least_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits (insert, delete, replace, swap of neighbours) that make b of a. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t rows[3][LONGEST_NAME + 1];
    const size_t n = strlen(a), m = strlen(b);
    if (n > LONGEST_NAME || m > LONGEST_NAME)
        return LONGEST_NAME;
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= m; j++)
        before[j] = last[j] = j;
    for (size_t i = 1; i <= n; i++) {
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            now[j] = least_of(least_of(last[j] + 1, now[j - 1] + 1),
                              last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least_of(now[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return last[m];
}

const char *mn_nearest(const char *name, const char *const *names)
{
    const char *nearest = NULL;
    size_t least = strlen(name) / 2 + 1; /* further than half the name is no suggestion */
    for (; *names != NULL; names++) {
        const size_t distance = edit_distance(name, *names);
        if (distance < least) {
            least = distance;
            nearest = *names;
        }
    }
    return nearest;
}

typedef struct interned {
    struct interned *next;
    char text[];
} interned;

static interned *table;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

const char *mn_intern(const char *text)
{
    pthread_mutex_lock(&lock);
    interned *entry = table;
    while (entry != NULL && strcmp(entry->text, text) != 0)
        entry = entry->next;
    if (entry == NULL) {
        const size_t bytes = strlen(text) + 1;
        entry = mn_memory_take(sizeof *entry + bytes, 1);
        if (entry != NULL) {
            memcpy(entry->text, text, bytes);
            entry->next = table;
            table = entry;
        }
    }
    pthread_mutex_unlock(&lock);
    return entry != NULL ? entry->text : NULL;
}

mn_status mn_keep_text(const char *text, const char **kept)
{
    *kept = mn_intern(text);
    return *kept != NULL ? MN_OK : mn_fail(MN_NO_MEMORY, "out of memory for '%.60s'", text);
}

void mn_name_for_file(char *name)
{
    const bool dots = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
    for (; *name != '\0'; name++)
        if (dots || *name == '/' || iscntrl((unsigned char)*name))
            *name = '-';
}
