/* seeds.c -- `mneme run --seeds N`: one process a seed, as many at a time as there are cores.
 *
 * The parent only forks, listens to one pipe and waits.  It touches no OpenMP or BLAS, and has no
 * file of SQLite's open (a teacher's is closed once its digest is read), before the last child has
 * ended, because their threads and locks do not survive a fork. */
#include "cli/study/seeds.h"
#include "base/clock.h"
#include "base/cores.h"
#include "base/folder.h"
#include "cli/complain.h"
#include "cli/files.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/show/progress.h"
#include "cli/show/report.h"
#include "cli/signals.h"
#include "cli/study/attend.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <mneme/memory.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MESSAGE_TEXT = 1024, WAIT_MICROSECONDS = 200000 };

typedef enum message_kind { PROGRESS, WARNING, FINISHED, CONTINUED, FAILED } message_kind;

/* A message from a child; smaller than PIPE_BUF, so writes of several children do not mix. */
typedef struct message {
    message_kind kind;
    int index; /* of the seed */
    int64_t done, total;
    double images_per_second;
    char text[MESSAGE_TEXT];
} message;
_Static_assert(sizeof(message) <= PIPE_BUF, "writes to the pipe must be atomic");

typedef enum seed_state { WAITING, RUNNING, DONE, STOPPED, BROKEN } seed_state;

typedef struct seed_run {
    int64_t seed;
    mn_experiment *experiment;
    char *path;
    pid_t process;
    seed_state state;
    int64_t done, total, at_start; /* steps; at_start: done before this process */
    double images_per_second;
    bool explained;       /* its failure was already reported */
    bool finished_before; /* its file was there and finished */
    double began;
} seed_run;

typedef struct study {
    seed_run *seed; /* (count) */
    int count, jobs, running;
    int pipe[2];
    mn_status_line line;
    bool stopping;
    double began;
} study;

/* --- in the child --- */

typedef struct child {
    int index, pipe;
    double last;
    bool continues, waits; /* as it has said already */
} child;

static void tell(const child *c, message m)
{
    m.index = c->index;
    ssize_t written;
    do
        written = write(c->pipe, &m, sizeof m);
    while (written < 0 && errno == EINTR);
}

static void child_progress(void *context, const mn_progress *now)
{
    child *c = context;
    const double time = mn_now();
    if (time - c->last < 0.1)
        return;
    c->last = time;
    tell(c, (message){.kind = PROGRESS,
                      .done = now->done,
                      .total = now->total,
                      .images_per_second = now->images_per_second});
}

static void child_log(void *context, mn_log_level level, const char *line)
{
    message m = {.kind = WARNING};
    snprintf(m.text, sizeof m.text, "%s", line);
    if (level == MN_LOG_WARNING)
        tell(context, m);
}

static mn_status run_or_resume(child *c, mn_experiment *experiment, const char *path)
{
    const mn_observer observer = {
        .context = c, .log = child_log, .progress = child_progress, .stop = mn_signals_stop};
    mn_begun begun;
    MN_TRY(mn_begun_already(experiment, path, &begun));
    if (begun == MN_FINISHED) /* one that goes on looks at its data itself */
        MN_TRY(mn_check_finished_data(experiment, path));
    if (begun == MN_NOT_BEGUN)
        return mn_experiment_run(experiment, path, &observer);
    if (!c->continues)
        tell(c, (message){.kind = begun == MN_FINISHED ? FINISHED : CONTINUED});
    c->continues = begun != MN_FINISHED;
    return begun == MN_FINISHED ? MN_OK : mn_resume(path, &observer);
}

/* A process of an earlier try may still be committing what it has: its end is waited for. */
static mn_status run_when_free(child *c, mn_experiment *experiment, const char *path)
{
    mn_status status;
    while ((status = run_or_resume(c, experiment, path)) == MN_BUSY) {
        message m = {.kind = WARNING};
        snprintf(m.text, sizeof m.text, "%s; it is waited for", mn_error());
        if (!c->waits)
            tell(c, m);
        c->waits = true;
        if (mn_signals_stop(NULL))
            return MN_INTERRUPTED;
        usleep(WAIT_MICROSECONDS);
    }
    return status;
}

static _Noreturn void be_child(const study *s, int index)
{
    close(s->pipe[0]);
    child c = {.index = index, .pipe = s->pipe[1]};
    const mn_status status = run_when_free(&c, s->seed[index].experiment, s->seed[index].path);
    if (status != MN_OK && status != MN_INTERRUPTED) {
        message m = {.kind = FAILED};
        snprintf(m.text, sizeof m.text, "%s",
                 mn_error()[0] != '\0' ? mn_error() : mn_status_text(status));
        tell(&c, m);
    }
    _exit(status == MN_OK            ? MN_EXIT_DONE
          : status == MN_INTERRUPTED ? MN_EXIT_INTERRUPTED
                                     : MN_EXIT_FAILED);
}

/* --- in the parent --- */

static mn_status start(study *s, int index)
{
    seed_run *seed = &s->seed[index];
    fflush(NULL); /* or the child would print it again */
    seed->began = mn_now();
    const pid_t parent = getpid();
    seed->process = fork();
    if (seed->process < 0)
        return mn_fail(MN_IO_FAILED, "no process for seed %lld: %s", (long long)seed->seed,
                       strerror(errno));
    if (seed->process == 0) {
        mn_signals_follow(parent);
        be_child(s, index);
    }
    seed->state = RUNNING;
    s->running++;
    return MN_OK;
}

static mn_status start_more(study *s)
{
    for (int i = 0; i < s->count && s->running < s->jobs && !s->stopping; i++)
        if (s->seed[i].state == WAITING)
            MN_TRY(start(s, i));
    return MN_OK;
}

static void hear(study *s)
{
    message m;
    while (read(s->pipe[0], &m, sizeof m) == (ssize_t)sizeof m) {
        seed_run *seed = &s->seed[m.index];
        char *text;
        switch (m.kind) {
        case PROGRESS:
            if (seed->total == 0)
                seed->at_start = m.done;
            seed->done = m.done;
            seed->total = m.total;
            seed->images_per_second = m.images_per_second;
            break;
        case FINISHED: seed->finished_before = true; break;
        case CONTINUED:
            mn_status_line_say(&s->line, "seed %lld: continues %s", (long long)seed->seed,
                               seed->path);
            break;
        case WARNING:
            text = mn_text("seed %lld: %s", (long long)seed->seed, m.text);
            mn_status_line_warn(&s->line, text);
            mn_memory_give(text);
            break;
        case FAILED:
            mn_status_line_clear(&s->line);
            mn_complain("seed %lld: %s", (long long)seed->seed, m.text);
            seed->explained = true;
            break;
        }
    }
}

static void ended(study *s, seed_run *seed, int how)
{
    char text[32];
    s->running--;
    seed->images_per_second = 0;
    const int code = WIFEXITED(how) ? WEXITSTATUS(how) : MN_EXIT_FAILED;
    seed->state = code == MN_EXIT_DONE ? DONE : code == MN_EXIT_INTERRUPTED ? STOPPED : BROKEN;
    if (seed->state == DONE) {
        seed->done = seed->total;
        if (seed->finished_before)
            mn_status_line_say(&s->line, "seed %lld is finished already, kept: %s",
                               (long long)seed->seed, seed->path);
        else
            mn_status_line_say(&s->line, "seed %lld done after %s: %s", (long long)seed->seed,
                               mn_duration(mn_now() - seed->began, text, sizeof text), seed->path);
    } else if (seed->state == BROKEN && !seed->explained) {
        mn_status_line_clear(&s->line);
        if (WIFSIGNALED(how))
            mn_complain("seed %lld: ended by signal %d (%s)", (long long)seed->seed, WTERMSIG(how),
                        strsignal(WTERMSIG(how)));
        else
            mn_complain("seed %lld: failed with exit code %d", (long long)seed->seed, code);
    }
}

static void reap(study *s)
{
    int how;
    for (pid_t process; (process = waitpid(-1, &how, WNOHANG)) > 0;) {
        hear(s); /* its last words were written before it ended */
        for (int i = 0; i < s->count; i++)
            if (s->seed[i].state == RUNNING && s->seed[i].process == process)
                ended(s, &s->seed[i], how);
    }
}

static void draw(study *s)
{
    if (s->running == 0 || !mn_status_line_due(&s->line))
        return;
    char text[256], left_text[64], speed_text[128];
    int finished = 0;
    int64_t done = 0, total = 0, at_start = 0;
    double speed = 0;
    for (int i = 0; i < s->count; i++) {
        finished += s->seed[i].state == DONE;
        done += s->seed[i].done;
        at_start += s->seed[i].at_start;
        speed += s->seed[i].images_per_second;
        if (s->seed[i].total > total)
            total = s->seed[i].total; /* seeds have equally many steps */
    }
    total *= s->count;
    const double spent = mn_now() - s->began;
    const double left =
        done > at_start ? spent * (double)(total - done) / (double)(done - at_start) : -1;
    snprintf(text, sizeof text, "%s%d of %d seeds done, %d running  %.0f %%%s",
             mn_time_left_text(spent, left, left_text, sizeof left_text), finished, s->count,
             s->running, total > 0 ? 100 * (double)done / (double)total : 0,
             mn_speed_text(speed, (double)NAN, speed_text, sizeof speed_text));
    mn_status_line_draw(&s->line, text);
}

/* Children in the same terminal got the Ctrl-C themselves; a signal sent to the parent alone must
 * reach them too. */
static void pass_stop_on(study *s)
{
    if (!mn_signals_stop(NULL) || s->stopping)
        return;
    s->stopping = true;
    for (int i = 0; i < s->count; i++)
        if (s->seed[i].state == RUNNING)
            (void)kill(s->seed[i].process, SIGTERM);
}

static mn_status attend(study *s)
{
    mn_status status = start_more(s);
    while (s->running > 0) {
        struct pollfd listening = {.fd = s->pipe[0], .events = POLLIN};
        (void)poll(&listening, 1, 100);
        hear(s);
        reap(s);
        pass_stop_on(s);
        draw(s);
        if (status == MN_OK)
            status = start_more(s);
    }
    mn_status_line_clear(&s->line);
    return status;
}

/* As many processes as there are cores for the threads of each. */
static mn_status choose_jobs(study *s)
{
    int64_t threads = 1;
    MN_TRY(mn_resolved_number(s->seed[0].experiment, "threads", &threads));
    const int cores = mn_physical_cores();
    s->jobs = cores > threads ? cores / (int)threads : 1;
    return MN_OK;
}

/* Where the seeds begin: what one run would have, be it from a flag, --set or the benchmark. */
static mn_status first_seed(const mn_arguments *arguments, int64_t *first)
{
    mn_experiment *experiment;
    MN_TRY(mn_requested_experiment(arguments, NULL, &experiment));
    const mn_status status = mn_resolved_number(experiment, "seed", first);
    mn_experiment_free(experiment);
    return status;
}

static mn_status prepare(study *s, const mn_arguments *arguments, const char *folder)
{
    int64_t first = 0;
    if (folder != NULL && mn_path_ends_in(folder, ".mneme"))
        return mn_fail(MN_BAD_OPTION, "--out %s: with --seeds it names a folder, not a file",
                       folder);
    MN_TRY(first_seed(arguments, &first));
    for (int i = 0; i < s->count; i++) {
        seed_run *seed = &s->seed[i];
        char number[32], standard[4096];
        seed->seed = first + i;
        snprintf(number, sizeof number, "%lld", (long long)seed->seed);
        MN_TRY(mn_requested_experiment(arguments, number, &seed->experiment));
        MN_TRY(mn_experiment_default_path(seed->experiment, standard, sizeof standard));
        seed->path = folder != NULL ? mn_text("%s/%s", folder, mn_path_base(standard))
                                    : mn_text("%s", standard);
        if (mn_arguments_has(arguments, "overwrite"))
            MN_TRY(mn_may_remove_run(seed->path));
    }
    if (s->jobs == 0)
        MN_TRY(choose_jobs(s));
    MN_TRY(mn_folder_make_above(s->seed[0].path));
    if (pipe2(s->pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        return mn_fail(MN_IO_FAILED, "no pipe: %s", strerror(errno));
    (void)fcntl(s->pipe[1], F_SETFL, 0); /* children may wait for the parent to read */
    for (int i = 0; i < s->count && mn_arguments_has(arguments, "overwrite"); i++)
        MN_TRY(mn_remove_run(s->seed[i].path));
    return MN_OK;
}

static mn_status show_study(const study *s, bool json)
{
    const char **paths = mn_or_die(mn_memory_take_zeroed((size_t)s->count, sizeof *paths));
    int count = 0;
    for (int i = 0; i < s->count; i++)
        if (s->seed[i].state == DONE)
            paths[count++] = s->seed[i].path;
    mn_runs *runs;
    const mn_status status = mn_runs_open(paths, count, &runs);
    mn_memory_give(paths);
    if (status != MN_OK)
        return status;
    mn_writer writer = {.form = json ? MN_FORM_JSON : MN_FORM_TABLE, .stream = stdout};
    if (json || count > 0)
        mn_report_runs(runs, &writer);
    mn_runs_free(runs);
    return MN_OK;
}

static int outcome(const study *s)
{
    int done = 0, stopped = 0, broken = 0;
    for (int i = 0; i < s->count; i++) {
        done += s->seed[i].state == DONE;
        broken += s->seed[i].state == BROKEN;
        stopped += s->seed[i].state == STOPPED || s->seed[i].state == WAITING;
    }
    if (stopped > 0 && s->stopping)
        mn_complain("stopped on request, %d of %d seeds done; the same command continues", done,
                    s->count);
    else if (broken > 0)
        mn_complain("%d of %d seeds failed", broken, s->count);
    return stopped > 0 && s->stopping ? MN_EXIT_INTERRUPTED
           : done < s->count          ? MN_EXIT_FAILED
                                      : MN_EXIT_DONE;
}

static void free_study(study *s)
{
    for (int i = 0; i < s->count; i++) {
        mn_experiment_free(s->seed[i].experiment);
        mn_memory_give(s->seed[i].path);
    }
    mn_memory_give(s->seed);
    for (int i = 0; i < 2; i++)
        if (s->pipe[i] >= 0)
            close(s->pipe[i]);
}

int mn_run_seeds(const mn_arguments *arguments, int64_t count, int64_t jobs)
{
    study s = {.seed = mn_or_die(mn_memory_take_zeroed((size_t)count, sizeof *s.seed)),
               .count = (int)count,
               .jobs = (int)jobs,
               .pipe = {-1, -1},
               .line = mn_status_line_new(mn_arguments_has(arguments, "quiet")),
               .began = mn_now()};
    mn_status status = prepare(&s, arguments, mn_arguments_value(arguments, "out"));
    int code = mn_exit_of_request(status);
    if (status == MN_OK) {
        mn_status_line_say(&s.line, "%s", mn_experiment_recipe(s.seed[0].experiment));
        mn_status_line_say(&s.line, "%d seeds, %d at a time", s.count,
                           s.jobs < s.count ? s.jobs : s.count);
        mn_signals_catch();
        status = attend(&s);
        code = mn_exit_of_work(status);
        if (status == MN_OK)
            code = outcome(&s);
        const int shown = mn_exit_of_work(show_study(&s, mn_arguments_has(arguments, "json")));
        if (code == MN_EXIT_DONE)
            code = shown;
    }
    free_study(&s);
    return code;
}
