/* arguments.c -- reads command lines against a command's flags and its option table.
 *
 * Flags and words may be mixed in any order.  A flag's value never begins with "--", so that a
 * forgotten value is noticed instead of swallowing the next flag. */
#include "cli/arguments.h"
#include "base/names.h"
#include "base/numbers.h"
#include "base/options.h"
#include "cli/complain.h"
#include "cli/print.h"

#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST_FLAG = 64, MOST_FLAGS = 256 };

static const mn_flag help_flag = {.name = "help", .letter = 'h', .help = "show this help"};

/* buffer_size is typed --buffer-size; the underscore is forgiven. */
static bool same_name(const char *typed, const char *name)
{
    for (; *typed != '\0' && *name != '\0'; typed++, name++)
        if ((*typed == '_' ? '-' : *typed) != (*name == '_' ? '-' : *name))
            return false;
    return *typed == *name;
}

static const mn_flag *find_flag(const mn_command *command, const char *name)
{
    if (same_name(name, help_flag.name))
        return &help_flag;
    for (const mn_flag *flag = command->flags; flag != NULL && flag->name != NULL; flag++)
        if (same_name(name, flag->name))
            return flag;
    return NULL;
}

static const mn_flag *find_letter(const mn_command *command, char letter)
{
    if (letter == help_flag.letter)
        return &help_flag;
    for (const mn_flag *flag = command->flags; flag != NULL && flag->name != NULL; flag++)
        if (flag->letter == letter)
            return flag;
    return NULL;
}

static const mn_option *first_option(const mn_command *command)
{
    return command->options != NULL ? command->options() : NULL;
}

static const mn_option *find_option(const mn_command *command, const char *name)
{
    for (const mn_option *option = first_option(command); option != NULL && option->name != NULL;
         option++)
        if (same_name(name, option->name))
            return option;
    return NULL;
}

static void dashed(const char *name, char *text, size_t bytes)
{
    snprintf(text, bytes, "%s", name);
    for (; *text != '\0'; text++)
        if (*text == '_')
            *text = '-';
}

static mn_status unknown_flag(const mn_command *command, const char *typed)
{
    static char space[MOST_FLAGS][LONGEST_FLAG];
    const char *names[MOST_FLAGS + 1] = {help_flag.name};
    int n = 1;
    for (const mn_flag *flag = command->flags; flag != NULL && flag->name != NULL; flag++)
        if (n < MOST_FLAGS)
            names[n++] = flag->name;
    for (const mn_option *option = first_option(command); option != NULL && option->name != NULL;
         option++)
        if (n < MOST_FLAGS) {
            dashed(option->name, space[n], sizeof space[n]);
            names[n] = space[n];
            n++;
        }
    names[n] = NULL;
    const char *nearest = mn_nearest(typed, names);
    if (nearest != NULL)
        return mn_fail(MN_BAD_OPTION, "%s has no flag --%s; did you mean --%s?", command->name,
                       typed, nearest);
    return mn_fail(MN_BAD_OPTION, "%s has no flag --%s; 'mneme %s --help' shows those it has",
                   command->name, typed, command->name);
}

typedef struct reader {
    const mn_command *command;
    char **typed; /* (count) */
    int count, at;
    mn_arguments *arguments;
    bool help;
} reader;

static void give(reader *r, const char *name, const char *value, bool option)
{
    r->arguments->given[r->arguments->given_count++] = (mn_given){name, value, option};
}

/* The value after "=", or the next word. */
static mn_status value_of(reader *r, const char *flag, const char *what, const char *after_equals,
                          const char **value)
{
    *value = after_equals;
    if (*value == NULL && r->at + 1 < r->count && strncmp(r->typed[r->at + 1], "--", 2) != 0)
        *value = r->typed[++r->at];
    return *value != NULL ? MN_OK : mn_fail(MN_BAD_OPTION, "%s needs a value: %s", flag, what);
}

static mn_status read_flag(reader *r, const mn_flag *flag, const char *typed, const char *equals)
{
    const char *value = NULL;
    if (flag == &help_flag)
        r->help = true;
    else if (flag->value != NULL)
        MN_TRY(value_of(r, typed, flag->value, equals, &value));
    else if (equals != NULL)
        return mn_fail(MN_BAD_OPTION, "--%s takes no value", flag->name);
    give(r, flag->name, value, false);
    return MN_OK;
}

static mn_status read_option(reader *r, const mn_option *option, const char *typed,
                             const char *equals)
{
    char range[256];
    const char *value = equals;
    if (option->type == MN_OPTION_BOOL && equals == NULL)
        value = "true";
    else
        MN_TRY(value_of(r, typed, mn_option_range(option, range, sizeof range), equals, &value));
    give(r, option->name, value, true);
    return MN_OK;
}

/* --name, --name=value, --name value, --no-name. */
static mn_status read_long(reader *r)
{
    const char *typed = r->typed[r->at];
    char name[LONGEST_FLAG];
    const char *equals = strchr(typed, '=');
    const size_t length = equals != NULL ? (size_t)(equals - typed) - 2 : strlen(typed) - 2;
    snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1),
             typed + 2);
    if (equals != NULL)
        equals++;
    char shown[LONGEST_FLAG + 2];
    snprintf(shown, sizeof shown, "--%s", name);
    const mn_flag *flag = find_flag(r->command, name);
    if (flag != NULL)
        return read_flag(r, flag, shown, equals);
    const mn_option *option = find_option(r->command, name);
    if (option != NULL)
        return read_option(r, option, shown, equals);
    if (strncmp(name, "no-", 3) == 0 && equals == NULL) {
        option = find_option(r->command, name + 3);
        if (option != NULL && option->type == MN_OPTION_BOOL) {
            give(r, option->name, "false", true);
            return MN_OK;
        }
    }
    return unknown_flag(r->command, name);
}

/* -o value, -ovalue. */
static mn_status read_short(reader *r)
{
    const char *typed = r->typed[r->at];
    const mn_flag *flag = find_letter(r->command, typed[1]);
    if (flag == NULL)
        return mn_fail(MN_BAD_OPTION, "%s has no flag -%c; 'mneme %s --help' shows those it has",
                       r->command->name, typed[1], r->command->name);
    const char shown[] = {'-', typed[1], '\0'};
    return read_flag(r, flag, shown, typed[2] != '\0' ? typed + 2 : NULL);
}

static mn_status read_all(reader *r)
{
    bool only_words = false;
    for (; r->at < r->count && !r->help; r->at++) {
        const char *typed = r->typed[r->at];
        double number;
        if (only_words || typed[0] != '-' || typed[1] == '\0' || mn_number_real(typed, &number))
            r->arguments->words[r->arguments->word_count++] = typed;
        else if (strcmp(typed, "--") == 0)
            only_words = true;
        else
            MN_TRY(typed[1] == '-' ? read_long(r) : read_short(r));
    }
    const mn_command *command = r->command;
    if (r->help)
        return MN_OK;
    if (r->arguments->word_count < command->least)
        return mn_fail(MN_BAD_OPTION, "%s needs %s; 'mneme %s --help' shows the usage",
                       command->name, command->words, command->name);
    if (r->arguments->word_count > command->most)
        return mn_fail(MN_BAD_OPTION, "%s takes %s; what is '%s'?", command->name,
                       command->most == 0 ? "no words" : command->words,
                       r->arguments->words[command->most]);
    return MN_OK;
}

bool mn_arguments_read(const mn_command *command, int count, char **typed, mn_arguments *arguments,
                       bool *help)
{
    const size_t room = (size_t)count + 1;
    *arguments =
        (mn_arguments){.words = mn_or_die(mn_memory_take_zeroed(room, sizeof *arguments->words)),
                       .given = mn_or_die(mn_memory_take_zeroed(room, sizeof *arguments->given))};
    reader r = {.command = command, .typed = typed, .count = count, .arguments = arguments};
    const mn_status status = read_all(&r);
    *help = r.help;
    return status == MN_OK;
}

void mn_arguments_free(mn_arguments *arguments)
{
    mn_memory_give(arguments->words);
    mn_memory_give(arguments->given);
}

static const mn_given *last_given(const mn_arguments *arguments, const char *flag)
{
    for (int i = arguments->given_count; i-- > 0;)
        if (strcmp(arguments->given[i].name, flag) == 0)
            return &arguments->given[i];
    return NULL;
}

bool mn_arguments_has(const mn_arguments *arguments, const char *flag)
{
    return last_given(arguments, flag) != NULL;
}

const char *mn_arguments_value(const mn_arguments *arguments, const char *flag)
{
    const mn_given *given = last_given(arguments, flag);
    return given != NULL ? given->value : NULL;
}

mn_status mn_arguments_int(const mn_arguments *arguments, const char *flag, int64_t least,
                           int64_t most, int64_t *value)
{
    const char *text = mn_arguments_value(arguments, flag);
    if (text == NULL)
        return MN_OK;
    int64_t number;
    if (!mn_number_whole(text, &number) || number < least || number > most)
        return mn_fail(MN_BAD_OPTION, "--%s: '%s' is not a whole number from %lld to %lld", flag,
                       text, (long long)least, (long long)most);
    *value = number;
    return MN_OK;
}

static void print_flag(const mn_flag *flag)
{
    char left[LONGEST_FLAG + 32], letter[8] = "";
    if (flag->letter != '\0')
        snprintf(letter, sizeof letter, "-%c, ", flag->letter);
    snprintf(left, sizeof left, "%s--%s%s%s", letter, flag->name, flag->value != NULL ? " " : "",
             flag->value != NULL ? flag->value : "");
    mn_print_entry(left, flag->help);
}

static void print_option(const mn_option *option)
{
    static const char *const values[] = {
        [MN_OPTION_BOOL] = "",      [MN_OPTION_INT] = " N",       [MN_OPTION_REAL] = " X",
        [MN_OPTION_TEXT] = " TEXT", [MN_OPTION_CHOICE] = " NAME",
    };
    char name[LONGEST_FLAG], left[LONGEST_FLAG + 32], right[1024];
    dashed(option->name, name, sizeof name);
    snprintf(left, sizeof left, "--%s%s%s", option->type == MN_OPTION_BOOL ? "[no-]" : "", name,
             values[option->type]);
    mn_print_entry(left, mn_option_sentence(option, right, sizeof right));
}

void mn_command_help_print(const mn_command *command)
{
    printf("usage: mneme %s %s\n\n", command->name, command->synopsis);
    mn_print_wrapped(command->summary, 0);
    printf("\nflags:\n");
    for (const mn_flag *flag = command->flags; flag != NULL && flag->name != NULL; flag++)
        print_flag(flag);
    print_flag(&help_flag);
    const mn_option *option = first_option(command);
    if (option != NULL)
        printf("\noptions (where the benchmark has a recipe, it goes before these defaults):\n");
    for (; option != NULL && option->name != NULL; option++)
        print_option(option);
    if (command->details != NULL) {
        putchar('\n');
        mn_print_wrapped(command->details, 0);
    }
    if (command->examples != NULL)
        printf("\nexamples:\n%s", command->examples);
}
