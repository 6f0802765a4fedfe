/* dnnl_error.h -- oneDNN's refusals as ours. */
#ifndef MN_TENSOR_CPU_DNNL_ERROR_H
#define MN_TENSOR_CPU_DNNL_ERROR_H

#include <mneme/status.h>
#include <oneapi/dnnl/dnnl.h>

/* MN_UNSUPPORTED or MN_NO_MEMORY: "oneDNN refused WHAT DETAIL". */
mn_status mn_dnnl_check(dnnl_status_t status, const char *what, const char *detail);

#endif
