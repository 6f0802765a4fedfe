/* rights.h -- root may write where permissions forbid it, which no other user may. */
#ifndef MN_TESTS_RIGHTS_H
#define MN_TESTS_RIGHTS_H

#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Gives that right up, for the rest of this process.  Root reads as before, also what lies in a
 * home folder that is closed to others: a test that became another user would not find its own
 * sources. */
static inline bool test_obey_permissions(void)
{
    const uint32_t right = 1u << CAP_DAC_OVERRIDE;
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct rights[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, rights) != 0)
        return false;
    rights[0].effective &= ~right;
    rights[0].permitted &= ~right;
    rights[0].inheritable &= ~right;
    return syscall(SYS_capset, &header, rights) == 0;
}

#endif
