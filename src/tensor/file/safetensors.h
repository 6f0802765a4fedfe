/* safetensors.h -- tensors by name in one file, in the public format of the same name.
 *
 * Eight bytes of header length (little-endian), a JSON header
 * {"fc1.weight": {"dtype": "F32", "shape": [100, 784], "data_offsets": [0, 313600]}, ...}, and the
 * values, row-major, one tensor after the other without gaps.
 */
#ifndef MN_TENSOR_SAFETENSORS_H
#define MN_TENSOR_SAFETENSORS_H

#include <mneme/tensor.h>

typedef struct mn_safetensors mn_safetensors;

typedef struct mn_safetensor {
    const char *name;  /* "fc1.weight"; lives as long as the file is open */
    const char *dtype; /* "F32" */
    bool floating;     /* F64, F32, F16 or BF16: mn_safetensors_floats() can give its values */
    bool foreign;      /* of another dtype, or with too many axes: it has only its bytes */
    mn_shape shape;    /* of one that is not foreign */
    size_t begin, end; /* of its bytes, behind the header */
} mn_safetensor;

/* Reads and checks a whole file: MN_CORRUPT unless the header is what the format says, and the
 * tensors fill the file to its last byte without gap or overlap. */
mn_status mn_safetensors_open(const char *path, mn_safetensors **file);
/* The same of a file that is too large to be read whole: its bytes are mapped.  The header alone is
 * read, and who cuts the file off while it is open ends the process. */
mn_status mn_safetensors_map(const char *path, mn_safetensors **file);
void mn_safetensors_close(mn_safetensors *file); /* NULL is fine */

int64_t mn_safetensors_count(const mn_safetensors *file);
/* The i-th tensor in order of place in the file. */
const mn_safetensor *mn_safetensors_at(const mn_safetensors *file, int64_t i);
/* The place of a tensor of that name; -1: there is none. */
int64_t mn_safetensors_find(const mn_safetensors *file, const char *name);
/* A text of the header's "__metadata__"; NULL: there is none. */
const char *mn_safetensors_metadata(const mn_safetensors *file, const char *key);
/* MN_UNSUPPORTED, with what to do, for a foreign tensor. */
mn_status mn_safetensors_known(const mn_safetensors *file, int64_t i);
/* Its values as f32, mn_shape_count(shape) of them; the caller frees.  MN_UNSUPPORTED: integers.
 * MN_BAD_VALUE: one is no finite number, which a weight never is. */
mn_status mn_safetensors_floats(const mn_safetensors *file, int64_t i, float **values);
/* Its (end - begin) bytes, little-endian, at any alignment; they live as long as the file is open.
 */
const void *mn_safetensors_bytes(const mn_safetensors *file, int64_t i);
/* Equal in dtype, shape and every byte. */
bool mn_safetensors_equal(const mn_safetensors *file, int64_t i, int64_t j);
uint32_t mn_safetensors_crc(const mn_safetensors *file); /* CRC-32 of the whole file */

enum { MN_DIGEST_TEXT = 9 };
/* The CRC-32 in hexadecimal. */
void mn_safetensors_digest(const mn_safetensors *file, char digest[MN_DIGEST_TEXT]);
/* The same of the file at a path, which is checked to be one. */
mn_status mn_safetensors_file_digest(const char *path, char digest[MN_DIGEST_TEXT]);

#endif
