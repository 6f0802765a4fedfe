/* handle.h -- a run file that is open. */
#ifndef MN_STORE_HANDLE_H
#define MN_STORE_HANDLE_H

#include <mneme/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mn_runfile mn_runfile;

typedef enum mn_access { MN_READ, MN_WRITE } mn_access;

#endif
