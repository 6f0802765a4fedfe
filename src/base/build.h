/* build.h -- which build of mneme is running, and which numbers it makes. */
#ifndef MN_BASE_BUILD_H
#define MN_BASE_BUILD_H

/* Raised when a run of the same configuration, data and machine gets other bits on purpose: runs
 * that were made with different numbers are never put together.  docs/run-file.md has the history.
 */
enum { MN_NUMERICS = 2 };

/* The build id that the linker gave to the library or program this stands in, in hexadecimal;
 * "unknown" where it gave none. */
const char *mn_build_id(void);

#endif
