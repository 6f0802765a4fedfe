/* status.h -- the message of the last failure, from the side that keeps it. */
#ifndef MN_BASE_STATUS_H
#define MN_BASE_STATUS_H

/* This thread's last message is gone: a failure from here on that leaves none can be told. */
void mn_error_forget(void);

#endif
