/* own_npy.h -- NumPy's arrays in the scratch folder, written by the tests. */
#ifndef MN_TESTS_OWN_NPY_H
#define MN_TESTS_OWN_NPY_H

#include "tests/data/own_data.h"

static uint8_t npy[1 << 16];

/* An .npy file of version 1 in `npy`; returns its bytes. */
static inline size_t make_npy(const char *header, const void *values, size_t bytes)
{
    const size_t length = strlen(header) + 1;
    memcpy(npy, "\x93NUMPY\x01", 7);
    npy[7] = 0;
    npy[8] = (uint8_t)length;
    npy[9] = (uint8_t)(length >> 8);
    memcpy(npy + 10, header, length - 1);
    npy[9 + length] = '\n';
    memcpy(npy + 10 + length, values, bytes);
    return 10 + length + bytes;
}

static inline void write_npy(const char *name, const char *type, const char *shape,
                             const void *values, size_t bytes)
{
    char header[256];
    snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", type,
             shape);
    write_file(name, npy, make_npy(header, values, bytes));
}

#endif
