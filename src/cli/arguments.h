/* arguments.h -- the one reader of command lines: words, flags, and flags made from an option
 * table. */
#ifndef MN_CLI_ARGUMENTS_H
#define MN_CLI_ARGUMENTS_H

#include <mneme/option.h>

typedef struct mn_flag {
    const char *name;  /* "out" for --out; NULL ends a list */
    const char *value; /* what the help calls its value, "FILE"; NULL: it takes none */
    const char *help;
    char letter; /* 'o' for -o; 0: none */
} mn_flag;

typedef struct mn_given {
    const char *name;  /* of the flag, or of the option */
    const char *value; /* as typed; "true" or "false" for a bool option; NULL for a bare flag */
    bool option;       /* from the option table */
} mn_given;

typedef struct mn_arguments {
    const char **words; /* (word_count) what is not a flag, NULL-ended */
    int word_count;
    mn_given *given; /* (given_count) in the order they were typed */
    int given_count;
} mn_arguments;

typedef struct mn_command {
    const char *name;
    const char *synopsis;              /* "FILE... [flags]" */
    const char *summary;               /* one sentence */
    const char *details;               /* a paragraph below the flags; NULL: none */
    const char *examples;              /* command lines; NULL: none */
    const mn_flag *flags;              /* NULL: none but --help */
    const mn_option *(*options)(void); /* each also becomes a flag; NULL: none */
    int least, most;                   /* words */
    const char *words;                 /* what they are, for "needs ..." */
    int (*run)(const mn_arguments *arguments);
} mn_command;

/* Reads the command line after the command's name.  Returns false with the message in mn_error().
 * --help sets *help and ends the reading.  Free with mn_arguments_free in any case. */
bool mn_arguments_read(const mn_command *command, int count, char **typed, mn_arguments *arguments,
                       bool *help);
void mn_arguments_free(mn_arguments *arguments);

bool mn_arguments_has(const mn_arguments *arguments, const char *flag);
/* The last value given to a flag or option; NULL: not given. */
const char *mn_arguments_value(const mn_arguments *arguments, const char *flag);
/* A flag's value as a whole number from least to most; absent leaves *value alone. */
mn_status mn_arguments_int(const mn_arguments *arguments, const char *flag, int64_t least,
                           int64_t most, int64_t *value);

void mn_command_help_print(const mn_command *command);

#endif
