/* version.c -- the version as compiled in. */
#include <mneme/version.h>

const char *mn_version(void)
{
    return MN_VERSION;
}
