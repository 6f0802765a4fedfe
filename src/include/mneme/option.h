/* option.h -- typed, ranged, documented options.
 *
 * A strategy, policy, network or data set describes its options once, as a table; defaults, the
 * parsing of --set and of JSON, range checks, `mneme help`, and the resolved configuration in the
 * run file all come from it.  The macros tie the C type of the member to the type of the option at
 * compile time.
 */
#ifndef MNEME_OPTION_H
#define MNEME_OPTION_H

#include <mneme/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mn_option_type {
    MN_OPTION_BOOL,   /* bool                                                        */
    MN_OPTION_INT,    /* int64_t                                                     */
    MN_OPTION_REAL,   /* double                                                      */
    MN_OPTION_TEXT,   /* const char *; owned by whoever owns the options struct      */
    MN_OPTION_CHOICE, /* int64_t, an index into `choices`                            */
} mn_option_type;

typedef struct mn_option {
    const char *name; /* [a-z0-9_]+; NULL ends a table */
    mn_option_type type;
    size_t offset; /* into the options struct */
    bool default_bool;
    int64_t default_int; /* INT, and the index of a CHOICE */
    double default_real;
    const char *default_text;
    double least, most;         /* inclusive; INT and REAL */
    const char *const *choices; /* NULL-terminated; CHOICE */
    const char *help;           /* one sentence, never NULL */
    /* It says where things lie or how to work; results differ by rounding at most.  Runs that differ
     * in nothing else belong to one study. */
    bool changes_no_result;
} mn_option;

/* offsetof, and a compile-time error when the member is not of the wanted type. */
#ifdef __cplusplus
#define MN_MEMBER(struct_type, member, type)                                                       \
    (offsetof(struct_type, member) +                                                               \
     0 * sizeof(static_cast<type struct_type::*>(&struct_type::member)))
#else
#define MN_MEMBER(struct_type, member, type)                                                       \
    (offsetof(struct_type, member) +                                                               \
     0 * sizeof(_Generic(((struct_type *)0)->member, type: (char){0})))
#endif

/* The last argument is the help sentence; MN_CHANGES_NO_RESULT may follow it:
 *   MN_INT(settings, threads, 1, 1, 1024, "threads of the step", MN_CHANGES_NO_RESULT), */
#define MN_BOOL(struct_type, member, value, ...)                                                   \
    {.name = #member, .type = MN_OPTION_BOOL, .offset = MN_MEMBER(struct_type, member, bool),      \
     .default_bool = (value), .help = __VA_ARGS__}
#define MN_INT(struct_type, member, value, low, high, ...)                                         \
    {.name = #member, .type = MN_OPTION_INT, .offset = MN_MEMBER(struct_type, member, int64_t),    \
     .default_int = (value), .least = (low), .most = (high), .help = __VA_ARGS__}
#define MN_REAL(struct_type, member, value, low, high, ...)                                        \
    {.name = #member, .type = MN_OPTION_REAL, .offset = MN_MEMBER(struct_type, member, double),    \
     .default_real = (value), .least = (low), .most = (high), .help = __VA_ARGS__}
#define MN_TEXT(struct_type, member, value, ...)                                                   \
    {.name = #member, .type = MN_OPTION_TEXT,                                                      \
     .offset = MN_MEMBER(struct_type, member, const char *), .default_text = (value),              \
     .help = __VA_ARGS__}
#define MN_CHOICE(struct_type, member, value, list, ...)                                           \
    {.name = #member, .type = MN_OPTION_CHOICE, .offset = MN_MEMBER(struct_type, member, int64_t), \
     .default_int = (value), .choices = (list), .help = __VA_ARGS__}
#define MN_CHANGES_NO_RESULT .changes_no_result = true
#define MN_END {.name = NULL}

/* Writes the options of a network or an optimiser, {"width": 32}, into `text` and returns it; what does
 * not fit is no JSON, and refused by whoever is given it. */
MN_API const char *mn_options_text(char *text, size_t bytes, const char *format, ...) MN_PRINTF(3, 4);

#ifdef __cplusplus
}
#endif
#endif
