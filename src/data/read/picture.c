/* picture.c -- memory for the pixels of a picture. */
#include "data/read/picture.h"

#include <mneme/memory.h>

static const int64_t MOST_PIXELS = (int64_t)1 << 26; /* 8192 x 8192 */

mn_status mn_picture_allocate(const char *path, int64_t width, int64_t height, mn_picture *picture)
{
    if (width < 1 || height < 1 || width > MOST_PIXELS / height)
        return mn_fail(MN_CORRUPT, "%s: announces %lldx%lld pixels; at most 8192x8192 are read",
                       path, (long long)width, (long long)height);
    picture->width = width;
    picture->height = height;
    picture->rgb = mn_memory_take((size_t)(width * height * 3), 1);
    return picture->rgb != NULL ? MN_OK
                                : mn_fail(MN_NO_MEMORY, "%s: out of memory for %lldx%lld pixels",
                                          path, (long long)width, (long long)height);
}

void mn_picture_free(mn_picture *picture)
{
    mn_memory_give(picture->rgb);
    picture->rgb = NULL;
}
