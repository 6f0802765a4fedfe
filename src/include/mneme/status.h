/* status.h -- how every function of mneme says that it could not do its work.
 *
 * A function that can fail returns mn_status and, when it fails, leaves one line for people in
 * the calling thread: what was found, what was expected, what to do.  The library never prints
 * and never exits; whoever called decides what becomes of the line.
 */
#ifndef MNEME_STATUS_H
#define MNEME_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#define MN_API __attribute__((visibility("default")))
#define MN_PRINTF(text, first) __attribute__((format(printf, text, first)))

#define MN_STATUS_MAP(X)                                                                           \
    X(OK, "ok")                                                                                    \
    X(NO_MEMORY, "out of memory")                                                                  \
    X(BAD_OPTION, "an option is unknown, of the wrong type or out of range")                       \
    X(BAD_SHAPE, "shapes do not agree")                                                            \
    X(BAD_VALUE, "a value is outside its domain")                                                  \
    X(OUT_OF_ORDER, "called out of order")                                                         \
    X(NOT_FOUND, "no such thing")                                                                  \
    X(IO_FAILED, "reading or writing failed")                                                      \
    X(DISK_FULL, "no space left on the device")                                                    \
    X(CORRUPT, "the file is damaged")                                                              \
    X(BUSY, "in use by another process")                                                           \
    X(WRONG_VERSION, "made for another version")                                                   \
    X(UNSUPPORTED, "not possible in this combination")                                             \
    X(NOT_FINITE, "a value became infinite or not a number")                                       \
    X(INTERRUPTED, "stopped on request")                                                           \
    X(BACKEND_FAILED, "a library underneath refused")

typedef enum mn_status {
#define X(name, text) MN_##name,
    MN_STATUS_MAP(X)
#undef X
} mn_status;

/* The fixed text of a status, never NULL. */
MN_API const char *mn_status_text(mn_status status);

/* Records a one-line message for this thread (printf's rules) and returns `status`, so that a
 * failing function ends in `return mn_fail(MN_BAD_SHAPE, ...)`.  The text is copied. */
MN_API mn_status mn_fail(mn_status status, const char *format, ...) MN_PRINTF(2, 3);

/* clang's analyser cannot see that a failure is never MN_OK. */
#if defined __clang_analyzer__ && !defined MN_DEFINES_FAIL
#define mn_fail(status, ...) ((void)mn_fail(status, __VA_ARGS__), (status))
#endif

/* The message of this thread's last failure; valid until the next one.  Never NULL. */
MN_API const char *mn_error(void);

/* Puts "prefix: " before the current message and returns `status` unchanged. */
MN_API mn_status mn_fail_in(mn_status status, const char *format, ...) MN_PRINTF(2, 3);

/* Leaves the enclosing function with the failure of `expression`. */
#define MN_TRY(expression)                                                                         \
    do {                                                                                           \
        mn_status mn_try_status = (expression);                                                    \
        if (mn_try_status != MN_OK)                                                                \
            return mn_try_status;                                                                  \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif
