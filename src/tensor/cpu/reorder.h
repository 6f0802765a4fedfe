/* reorder.h -- the same elements in another layout. */
#ifndef MN_TENSOR_CPU_REORDER_H
#define MN_TENSOR_CPU_REORDER_H

#include "tensor/cpu/layout.h"

/* y (+)= x */
mn_status mn_kernel_reorder_between(const mn_layout *from, const void *x, const mn_layout *to,
                                    void *y, bool add);

#endif
