/* gnuplot.c -- gnuplot as a child process: the script goes in through a pipe, complaints come back
 * through another.  Start-up files and variables of gnuplot's are kept from it: they could draw
 * elsewhere, or run commands. */
#include "cli/show/gnuplot.h"
#include "cli/complain.h"
#include "cli/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <mneme/memory.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* The environment without GNUTERM, GNUPLOT_LIB and their like; NULL-ended, the caller frees the
 * list.
 */
static char **clean_environment(void)
{
    size_t count = 0, kept = 0;
    while (environ[count] != NULL)
        count++;
    char **list = mn_or_die(mn_memory_take_zeroed(count + 1, sizeof *list));
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], "GNU", 3) != 0)
            list[kept++] = environ[i];
    return list;
}

static mn_status spawn(const int script[2], const int complaints[2], int out, pid_t *process)
{
    char name[] = "gnuplot", no_settings[] = "-d", *const arguments[] = {name, no_settings, NULL};
    char **environment = clean_environment();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, script[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, complaints[1], STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    const int failed = posix_spawnp(process, name, &actions, NULL, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    mn_memory_give(environment);
    if (failed == ENOENT)
        return mn_fail(MN_NOT_FOUND, "gnuplot draws the curves and is not installed: apt-get "
                                     "install gnuplot-nox (or your system's package)");
    if (failed != 0)
        return mn_fail(MN_BACKEND_FAILED, "gnuplot cannot be started: %s", strerror(failed));
    return MN_OK;
}

static void write_all(int to, const char *bytes, size_t count)
{
    while (count > 0) {
        const ssize_t written = write(to, bytes, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return; /* it has gone; its exit code tells */
        bytes += written;
        count -= (size_t)written;
    }
}

/* The first line that says something: gnuplot points at the place with a caret before it. */
static const char *first_line(char *text)
{
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        line += strspn(line, " \t^");
        if (strstr(line, "line") != NULL || strstr(line, "rror") != NULL)
            return line;
    }
    return "it gave no reason";
}

static mn_status feed(const int script_pipe[2], const int complaint_pipe[2], const char *script,
                      size_t bytes, pid_t process)
{
    char complaint[2048];
    size_t used = 0;
    close(script_pipe[0]);
    close(complaint_pipe[1]);
    write_all(script_pipe[1], script, bytes);
    close(script_pipe[1]);
    for (ssize_t got;
         (got = read(complaint_pipe[0], complaint + used, sizeof complaint - 1 - used)) != 0;) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            break;
        used += (size_t)got;
        if (used == sizeof complaint - 1)
            used = 0; /* the last words matter */
    }
    close(complaint_pipe[0]);
    complaint[used] = '\0';
    int how = 0;
    pid_t ended;
    while ((ended = waitpid(process, &how, 0)) < 0 && errno == EINTR)
        ;
    if (ended == process && WIFEXITED(how) && WEXITSTATUS(how) == 0)
        return MN_OK;
    return mn_fail(MN_BACKEND_FAILED, "gnuplot failed: %s", first_line(complaint));
}

mn_status mn_gnuplot_run(const char *script, size_t bytes, int out)
{
    int script_pipe[2], complaint_pipe[2];
    pid_t process;
    fflush(stdout);     /* its drawing comes after what was printed */
    mn_signals_catch(); /* a gnuplot that dies must not take this process along */
    if (pipe2(script_pipe, O_CLOEXEC) != 0)
        return mn_fail(MN_IO_FAILED, "no pipe: %s", strerror(errno));
    if (pipe2(complaint_pipe, O_CLOEXEC) != 0) {
        close(script_pipe[0]);
        close(script_pipe[1]);
        return mn_fail(MN_IO_FAILED, "no pipe: %s", strerror(errno));
    }
    const mn_status status = spawn(script_pipe, complaint_pipe, out, &process);
    if (status == MN_OK)
        return feed(script_pipe, complaint_pipe, script, bytes, process);
    for (int i = 0; i < 2; i++) {
        close(script_pipe[i]);
        close(complaint_pipe[i]);
    }
    return status;
}
