/* build.c -- compiles one source into a plugin, without a build of its own.
 *
 * The compiler is $CC, else cc.  Its messages go where they go; it gets names as they are, with no
 * shell between. */
#include "base/escape.h"
#include "cli/commands.h"
#include "cli/complain.h"
#include "cli/files.h"
#include "cli/templates.h"

#include <errno.h>
#include <mneme/memory.h>
#include <mneme/registry.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static bool has_headers(const char *folder)
{
    char *path = mn_text("%s/mneme/strategy.h", folder);
    const bool there = access(path, R_OK) == 0;
    mn_memory_give(path);
    return there;
}

static mn_status compile(const char *const *words)
{
    pid_t process;
    int how = 0;
    fflush(stdout);
    const int failed =
        posix_spawnp(&process, words[0], NULL, NULL, (char *const *)(uintptr_t)words, environ);
    if (failed != 0)
        return mn_fail(
            MN_NOT_FOUND,
            "the compiler %s cannot be started: %s; install one (apt-get install gcc), or "
            "name it in CC",
            words[0], strerror(failed));
    pid_t ended;
    while ((ended = waitpid(process, &how, 0)) < 0 && errno == EINTR)
        ;
    return ended == process && WIFEXITED(how) && WEXITSTATUS(how) == 0
               ? MN_OK
               : mn_fail(MN_BACKEND_FAILED, "%s did not compile it; its messages are above",
                         words[0]);
}

/* Installed headers, or those of the checkout and of its build. */
static mn_status build_plugin(const char *source, const char *plugin)
{
    const char *compiler = getenv("CC");
    const bool installed = has_headers(mn_include_folders[0]);
    if (!installed && !has_headers(mn_include_folders[1]))
        return mn_fail(MN_NOT_FOUND, "mneme's headers are not in %s; install them",
                       mn_include_folders[0]);
    char *first = mn_text("-I%s", mn_include_folders[installed ? 0 : 1]);
    char *second = mn_text("-I%s", mn_include_folders[installed ? 0 : 2]);
    char *named = mn_text("%s%s", source[0] == '-' || source[0] == '@' ? "./" : "", source);
    char *copy = mn_text("%s", compiler != NULL && compiler[0] != '\0' ? compiler : "cc");
    const char *const words[] = {
        copy,          "-std=c11", "-O3",  "-Wall", "-fPIC", "-shared", "-fvisibility=hidden",
        "-DMN_PLUGIN", first,      second, named,   "-o",    plugin,    NULL};
    const mn_status status = compile(words);
    mn_memory_give(first);
    mn_memory_give(second);
    mn_memory_give(named);
    mn_memory_give(copy);
    return status;
}

static int build(const mn_arguments *arguments)
{
    const char *source = arguments->words[0], *given = mn_arguments_value(arguments, "out");
    if (!mn_path_ends_in(source, ".c"))
        return mn_exit_of_request(
            mn_fail(MN_BAD_OPTION, "'%s' is no C source; its name ends in .c", source));
    if (access(source, R_OK) != 0)
        return mn_exit_of_request(
            mn_fail(MN_NOT_FOUND, "%s cannot be read: %s", source, strerror(errno)));
    char *plugin = given != NULL ? mn_text("%s", given)
                                 : mn_text("%.*s.so", (int)(strlen(source) - 2), source);
    char *named = plugin[0] == '/' ? mn_text("%s", plugin) : mn_text("./%s", plugin);
    mn_status status = build_plugin(source, named);
    const char *name = NULL;
    if (status == MN_OK)
        status = mn_plugin_load(named, &name); /* its descriptor is looked at now */
    if (status == MN_OK)
        printf("%s  %s; 'mneme help %s' says what works with it\n", mn_shown(plugin), name,
               mn_shown(named));
    mn_memory_give(plugin);
    mn_memory_give(named);
    return mn_exit_of_work(status);
}

static const mn_flag flags[] = {
    {.name = "out",
     .letter = 'o',
     .value = "FILE",
     .help = "the plugin (default: SOURCE with .so)"},
    {.name = NULL},
};

const mn_command mn_command_build = {
    .name = "build",
    .synopsis = "SOURCE.c [-o PLUGIN.so]",
    .summary = "Compiles one source into a plugin, with the compiler that CC names, else cc.",
    .details =
        "What was built is loaded once, so that mistakes in its descriptor are told at once.",
    .examples = "  mneme build my_idea.c\n"
                "  mneme run split-fmnist ./my_idea.so\n",
    .flags = flags,
    .least = 1,
    .most = 1,
    .words = "one SOURCE",
    .run = build,
};
