/* npy.h -- NumPy's arrays. */
#ifndef MN_DATA_READ_NPY_H
#define MN_DATA_READ_NPY_H

#include "data/read/array.h"

/* Reads an .npy file, compressed or not. */
mn_status mn_npy_read(const char *path, mn_array *array);
/* Reads the members of an .npz archive that are called names[0..n-1] (without ".npy"); what is not
 * there keeps block NULL. */
mn_status mn_npz_read(const char *path, int n, const char *const *names, mn_array *arrays);

#endif
