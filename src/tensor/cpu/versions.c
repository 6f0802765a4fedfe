/* versions.c -- the libraries and instructions behind the arithmetic, for a run's provenance. */
#include "base/reserve.h"
#include "tensor/kernels.h"

#include <cblas.h>
#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl_debug.h>
#include <stdio.h>
#include <string.h>

const char *mn_kernels_versions(void)
{
    static _Thread_local char text[256];
    const dnnl_version_t *dnnl = dnnl_version();
    snprintf(text, sizeof text, "oneDNN %d.%d.%d, %s", dnnl->major, dnnl->minor, dnnl->patch,
             openblas_get_config());
    return text;
}

const char *mn_kernels_onednn_instruction_set(void)
{
    static const char prefix[] = "cpu_isa_";
    (void)mn_reserve_hold(); /* whoever computes asks, too, and says so */
    const char *name = dnnl_cpu_isa2str(dnnl_get_effective_cpu_isa());
    return strncmp(name, prefix, sizeof prefix - 1) == 0 ? name + sizeof prefix - 1 : name;
}

const char *mn_kernels_instruction_set(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        return "avx512";
    return __builtin_cpu_supports("avx2") ? "avx2" : "sse2";
#else
    return "baseline";
#endif
}
