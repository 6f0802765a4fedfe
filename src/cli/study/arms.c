/* arms.c -- running the arms of a study.
 *
 * Every arm is a `mneme run --seeds` of its own process, so a study continues where it was stopped
 * exactly as a run does. */
#include "cli/study/arms.h"
#include "base/escape.h"
#include "base/options.h"
#include "cli/complain.h"
#include "cli/signals.h"
#include "cli/study/choice.h"

#include <errno.h>
#include <fcntl.h>
#include <mneme/memory.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_WORDS = 256, LOOK_MICROSECONDS = 20000 };

/* The command line of an arm, grown word by word. */
typedef struct words {
    char *word[MOST_WORDS + 1]; /* NULL-ended, owned */
    int count;
} words;

static void add_word(words *line, char *word)
{
    if (line->count < MOST_WORDS)
        line->word[line->count++] = word;
    else
        mn_memory_give(word);
    line->word[line->count] = NULL;
}

static void free_words(words *line)
{
    for (int i = 0; i < line->count; i++)
        mn_memory_give(line->word[i]);
}

static void add_settings(words *line, const cJSON *set)
{
    const cJSON *setting;
    cJSON_ArrayForEach(setting, set)
    {
        char *value; /* that there is one was checked when the manifest was read */
        if (mn_option_text(setting, "set", setting->string, &value) != MN_OK)
            continue;
        add_word(line, mn_text("--set=%s=%s", setting->string, value));
        mn_memory_give(value);
    }
}

/* The program itself; its results are shown at the end, so its standard output is dropped. */
static pid_t start_itself(words *line)
{
    const pid_t parent = getpid(), process = fork();
    if (process != 0)
        return process;
    mn_signals_follow(parent);
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0)
        (void)dup2(nowhere, STDOUT_FILENO);
    execv("/proc/self/exe", line->word);
    _exit(MN_EXIT_FAILED);
}

/* A request to stop is passed on, and the arm's own commits are waited for. */
static int run_itself(words *line)
{
    const pid_t process = start_itself(line);
    if (process < 0) {
        mn_complain("cannot start an arm: %s", strerror(errno));
        return MN_EXIT_FAILED;
    }
    int how = 0;
    bool asked = false;
    while (waitpid(process, &how, WNOHANG) == 0) {
        if (mn_signals_stop(NULL) && !asked) {
            (void)kill(process, SIGTERM);
            asked = true;
        }
        usleep(LOOK_MICROSECONDS);
    }
    if (asked && WIFSIGNALED(how)) /* before it could listen */
        return MN_EXIT_INTERRUPTED;
    return WIFEXITED(how) ? WEXITSTATUS(how) : MN_EXIT_FAILED;
}

/* `first` is the first of the seeds where the manifest lists them; NULL: it does not. */
static int run_seeds(const mn_manifest *manifest, const mn_arm *arm, const cJSON *first,
                     int64_t seeds, const char *folder, const mn_arguments *arguments)
{
    words line = {.count = 0};
    add_word(&line, mn_text("mneme"));
    add_word(&line, mn_text("run"));
    add_word(&line, mn_text("--seeds=%lld", (long long)seeds));
    add_word(&line, mn_text("--out=%s/%s", folder, arm->folder));
    const char *jobs = mn_arguments_value(arguments, "jobs");
    if (jobs != NULL) {
        add_word(&line, mn_text("--jobs=%s", jobs));
    }
    if (mn_arguments_has(arguments, "quiet"))
        add_word(&line, mn_text("--quiet"));
    add_settings(&line, manifest->set);
    add_settings(&line, arm->set);
    if (first != NULL)
        add_word(&line, mn_text("--seed=%d", first->valueint));
    add_word(&line, mn_text("--")); /* a name in a file is never a flag */
    add_word(&line, mn_text("%s", arm->benchmark));
    add_word(&line, mn_text("%s", arm->strategy));
    const int code = run_itself(&line);
    free_words(&line);
    return code;
}

/* Listed seeds go to as few commands as follow one another by 1. */
static int run_listed(const mn_manifest *manifest, const mn_arm *arm, const char *folder,
                      const mn_arguments *arguments)
{
    int code = MN_EXIT_DONE;
    for (const cJSON *first = arm->seed->child, *next; first != NULL; first = next) {
        int64_t count = 1;
        for (next = first->next; next != NULL && next->valueint == first->valueint + count;
             next = next->next)
            count++;
        const int now = run_seeds(manifest, arm, first, count, folder, arguments);
        if (now != MN_EXIT_DONE && now != MN_EXIT_FAILED)
            return now;
        code = now != MN_EXIT_DONE ? now : code;
    }
    return code;
}

/* The arms to run, and how far that is. */
typedef struct work {
    const mn_manifest *manifest;
    const char *folder;
    int64_t seeds; /* of each arm; 0: the manifest's */
    const mn_arguments *arguments;
    int chosen, begun, worst;
} work;

/* Runs the candidates, or the arms that are none and are settled. */
static int run_some(work *w, bool candidates)
{
    for (int i = 0; i < w->manifest->count; i++) {
        const mn_arm *arm = &w->manifest->arm[i];
        if (!arm->chosen || arm->is_candidate != candidates)
            continue;
        if (mn_signals_stop(NULL))
            return MN_EXIT_INTERRUPTED;
        w->begun++;
        if (arm->candidates > 0 && arm->best < 0)
            continue; /* said already */
        if (!mn_arguments_has(w->arguments, "quiet"))
            fprintf(stderr, "arm %d of %d: %s on %s\n", w->begun, w->chosen, mn_shown(arm->name),
                    mn_shown(arm->benchmark));
        const int64_t seeds = w->seeds > 0 ? w->seeds : arm->seeds;
        const int code = arm->seed != NULL
                             ? run_listed(w->manifest, arm, w->folder, w->arguments)
                             : run_seeds(w->manifest, arm, NULL, seeds, w->folder, w->arguments);
        if (code != MN_EXIT_DONE && code != MN_EXIT_FAILED)
            return code;
        if (code == MN_EXIT_FAILED) {
            mn_complain("arm '%s' of %s failed", arm->name, arm->benchmark);
            w->worst = code;
        }
    }
    return MN_EXIT_DONE;
}

int mn_run_arms(mn_manifest *manifest, const char *folder, int64_t seeds,
                const mn_arguments *arguments)
{
    work w = {manifest, folder, seeds, arguments, 0, 0, MN_EXIT_DONE};
    mn_signals_catch();
    for (int i = 0; i < manifest->count; i++)
        w.chosen += manifest->arm[i].chosen;
    int code = run_some(&w, true);
    bool all = true;
    if (code == MN_EXIT_DONE)
        code = mn_exit_of_work(mn_choose(manifest, folder, true, &all));
    if (!all)
        w.worst = MN_EXIT_FAILED;
    if (code == MN_EXIT_DONE)
        code = run_some(&w, false);
    return code == MN_EXIT_DONE ? w.worst : code;
}
