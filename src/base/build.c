/* build.c -- the build id stands in a note of the object that this code was linked into. */
#include "base/build.h"

#include <link.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { MOST_BYTES = 64 };

static char text[2 * MOST_BYTES + 1] = "unknown";

static bool holds(const struct dl_phdr_info *object, uintptr_t address)
{
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        const uintptr_t begin = object->dlpi_addr + part->p_vaddr;
        if (part->p_type == PT_LOAD && address >= begin && address - begin < part->p_memsz)
            return true;
    }
    return false;
}

static size_t padded(size_t bytes)
{
    return (bytes + 3) / 4 * 4;
}

/* Notes stand one after another: a head, a name and what is noted, each filled up to 4 bytes. */
static void read_notes(const unsigned char *at, const unsigned char *end)
{
    ElfW(Nhdr) head;
    while ((size_t)(end - at) >= sizeof head) {
        memcpy(&head, at, sizeof head);
        const unsigned char *name = at + sizeof head, *noted = name + padded(head.n_namesz);
        if (head.n_type == NT_GNU_BUILD_ID && head.n_namesz == 4 && memcmp(name, "GNU", 4) == 0 &&
            head.n_descsz <= MOST_BYTES)
            for (size_t i = 0; i < head.n_descsz; i++)
                snprintf(text + 2 * i, 3, "%02x", noted[i]);
        at = noted + padded(head.n_descsz);
    }
}

static int read_object(struct dl_phdr_info *object, size_t bytes, void *context)
{
    (void)bytes, (void)context;
    if (!holds(object, (uintptr_t)text))
        return 0;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        const unsigned char *at = (const unsigned char *)(object->dlpi_addr + part->p_vaddr);
        if (part->p_type == PT_NOTE)
            read_notes(at, at + part->p_filesz);
    }
    return 1;
}

static void read_own(void)
{
    (void)dl_iterate_phdr(read_object, NULL);
}

const char *mn_build_id(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_own);
    return text;
}
