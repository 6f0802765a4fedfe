/* dnnl_error.c -- one line for every status that oneDNN may give. */
#include "tensor/cpu/dnnl_error.h"

mn_status mn_dnnl_check(dnnl_status_t status, const char *what, const char *detail)
{
    if (status == dnnl_success)
        return MN_OK;
    return mn_fail(status == dnnl_out_of_memory ? MN_NO_MEMORY : MN_UNSUPPORTED,
                   "oneDNN refused %s %s (status %d)", what, detail, (int)status);
}
