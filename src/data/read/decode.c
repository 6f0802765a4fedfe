/* decode.c -- telling PNG from JPEG by content, whatever the file is called. */
#include "data/read/decode.h"
#include "data/read/file.h"
#include "data/read/jpeg.h"
#include "data/read/png.h"

#include <mneme/memory.h>
#include <string.h>

static const size_t MOST_BYTES = (size_t)1 << 28;

mn_status mn_picture_decode(const char *path, const uint8_t *bytes, size_t count,
                            mn_picture *picture)
{
    static const uint8_t png[4] = {0x89, 'P', 'N', 'G'}, jpeg[3] = {0xff, 0xd8, 0xff};
    *picture = (mn_picture){.rgb = NULL};
    mn_status status;
    if (count >= sizeof png && memcmp(bytes, png, sizeof png) == 0)
        status = mn_png_decode(path, bytes, count, picture);
    else if (count >= sizeof jpeg && memcmp(bytes, jpeg, sizeof jpeg) == 0)
        status = mn_jpeg_decode(path, bytes, count, picture);
    else
        status = mn_fail(MN_CORRUPT, "%s: %s", path,
                         count == 0 ? "is empty, expected a PNG or JPEG image"
                                    : "is neither PNG nor JPEG, whatever its name says");
    if (status != MN_OK)
        mn_picture_free(picture);
    return status;
}

mn_status mn_picture_read(const char *path, mn_picture *picture)
{
    mn_data_file *file;
    uint8_t *bytes;
    size_t count;
    MN_TRY(mn_data_file_open(path, &file));
    mn_status status = mn_data_file_whole(file, MOST_BYTES, &bytes, &count);
    mn_data_file_close(file);
    MN_TRY(status);
    status = mn_picture_decode(path, bytes, count, picture);
    mn_memory_give(bytes);
    return status;
}
