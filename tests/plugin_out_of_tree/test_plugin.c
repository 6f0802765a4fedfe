/* Plugins built outside of the source tree, against an installed mneme (plugin_out_of_tree/run.sh),
 * and run by the installed program: this test only starts it, reads what it says, and compares the
 * files.  The program is a process of its own each time, for a plugin stays as long as its process.
 */
#include "tests/run_files.h"
#include "tests/suite.h"

#include <fcntl.h>
#include <mneme/registry.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_BYTES = 600, DONE = 0, REFUSED = 2, STOPPED = 75 };

static const char *plugins(void)
{
    const char *folder = getenv("MNEME_PLUGINS");
    ck_assert_msg(folder != NULL, "run by plugin_out_of_tree/run.sh");
    return folder;
}

static const char *path_of(char path[PATH_BYTES], const char *folder, const char *file,
                           const char *ending)
{
    snprintf(path, PATH_BYTES, "%s/%s%s", folder, file, ending);
    return path;
}

static void become_program(const char *folder, const char *errors, char *const arguments[])
{
    const int out = open("/dev/null", O_WRONLY);
    const int error = open(errors, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (out < 0 || error < 0 || dup2(out, 1) < 0 || dup2(error, 2) < 0 || chdir(folder) != 0)
        _exit(126);
    execv(getenv("MNEME_PROGRAM"), arguments);
    _exit(127);
}

/* Runs the program in `folder` and returns how it ended; what it said is left in `said`. */
static int end_of_program(const char *folder, char said[4096], const char *const *arguments)
{
    char errors[PATH_BYTES];
    path_of(errors, test_folder("plugin"), "stderr", "");
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        become_program(folder, errors, (char *const *)(uintptr_t)arguments);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    FILE *file = fopen(errors, "r");
    ck_assert_ptr_nonnull(file);
    said[fread(said, 1, 4095, file)] = '\0';
    fclose(file);
    unlink(errors);
    return status;
}

/* The same, and returns its exit code. */
static int program_in(const char *folder, char said[4096], const char *first, ...)
{
    const char *arguments[16] = {"mneme", first};
    int n = 2;
    va_list rest;
    va_start(rest, first);
    for (const char *next; (next = va_arg(rest, const char *)) != NULL;)
        arguments[n++] = next;
    va_end(rest);
    const int status = end_of_program(folder, said, arguments);
    ck_assert_msg(WIFEXITED(status), "killed by signal %d: %s", WTERMSIG(status), said);
    return WEXITSTATUS(status);
}

static void expect(int code, int expected, const char *said, const char *text)
{
    ck_assert_msg(code == expected, "exit code %d, expected %d: %s", code, expected, said);
    ck_assert_msg(strstr(said, text) != NULL, "expected '%s' in: %s", text, said);
}

START_TEST(every_builtin_strategy_as_a_plugin_gives_the_same_bytes)
{
    const char *folder = test_folder("plugin");
    char built_in[PATH_BYTES], brought[PATH_BYTES], plugin[PATH_BYTES], said[4096];
    path_of(built_in, folder, "built-in", ".mneme");
    path_of(brought, folder, "brought", ".mneme");
    const mn_descriptor *strategy;
    for (int i = 0; (strategy = mn_registered(MN_KIND_STRATEGY, i)) != NULL; i++) {
        path_of(plugin, plugins(), strategy->name, ".so");
        for (char *at = strrchr(plugin, '/'); *at != '\0'; at++)
            *at = *at == '-' ? '_' : *at;
        expect(program_in(folder, said, "run", test_benchmark_of(strategy->name), strategy->name,
                          "-q", "-o", built_in, NULL),
               DONE, said, "");
        ck_assert_msg(strstr(said, "instead of") == NULL, "%s", said);
        expect(program_in(folder, said, "run", test_benchmark_of(strategy->name), plugin, "-o",
                          brought, NULL),
               DONE, said, "instead of the built-in one");
        ck_assert_msg(strstr(said, plugin) != NULL, "the plugin's path is missing: %s", said);
        test_same_run(built_in, brought);
        test_remove(built_in);
        test_remove(brought);
    }
    (void)rmdir(folder);
}
END_TEST

/* Interrupts the run of a plugin, named by a relative path, at its 70th step. */
static void run_until_stopped(const char *folder, const char *plugin, const char *run)
{
    char said[4096];
    setenv("STOP_AT_STEP", "70", 1);
    const int code =
        program_in(folder, said, "run", "split-synthetic", plugin, "-q", "-o", run, NULL);
    unsetenv("STOP_AT_STEP");
    expect(code, STOPPED, said, "");
}

START_TEST(a_run_finds_its_plugin_again_from_another_folder)
{
    const char *folder = test_folder("plugin");
    char undisturbed[PATH_BYTES], stopped[PATH_BYTES], said[4096];
    path_of(undisturbed, folder, "undisturbed", ".mneme");
    path_of(stopped, folder, "stopped", ".mneme");
    expect(program_in(plugins(), said, "run", "split-synthetic", "stopping.so", "-q", "-o",
                      undisturbed, NULL),
           DONE, said, "");
    run_until_stopped(plugins(), "./stopping.so", stopped);
    ck_assert_int_eq(test_query(stopped, "SELECT step FROM cursor"), 71);
    expect(program_in("/", said, "resume", stopped, NULL), DONE, said, "stopping.so");
    test_same_run(undisturbed, stopped);
    test_remove(undisturbed);
    test_remove(stopped);
    (void)rmdir(folder);
}
END_TEST

START_TEST(a_run_goes_on_with_the_plugin_that_it_began_with)
{
    const char *folder = test_folder("plugin");
    char copy[PATH_BYTES], stopped[PATH_BYTES], said[4096], command[2 * PATH_BYTES];
    path_of(copy, folder, "copy", ".so");
    path_of(stopped, folder, "stopped", ".mneme");
    snprintf(command, sizeof command, "cp '%s/stopping.so' '%s'", plugins(), copy);
    ck_assert_int_eq(system(command), 0);
    run_until_stopped("/", copy, stopped);
    FILE *file = fopen(copy, "ab"); /* the same code in other bytes */
    ck_assert_ptr_nonnull(file);
    fputc('x', file);
    fclose(file);
    expect(program_in("/", said, "resume", stopped, NULL), 1, said,
           "began with another build of a plugin (stopping ");
    expect(program_in("/", said, "show", stopped, NULL), DONE, said, "");
    unlink(copy);
    test_remove(stopped);
    (void)rmdir(folder);
}
END_TEST

START_TEST(a_faulty_plugin_is_refused_in_one_line)
{
    static const struct {
        const char *plugin, *text;
    } cases[] = {
        {"named_twice", "faulty: option 'weight' is there twice"},
        {"default_outside", "option 'weight' has a default outside of its range"},
        {"no_help", "option 'count' has no help"},
        {"outside_struct", "option 'weight' lies outside of the struct"},
        {"no_choices", "option 'kind' has no choices"},
        {"no_choice", "option 'kind' has a default that is no choice"},
        {"bad_option_name", "option 'A name' is no name"},
        {"no_text", "option 'text' has no default text"},
        {"no_type", "option 'count' is of no type; does the table end in MN_END?"},
        {"phase_without_loss", "update 'first' of phase 'train' has no loss"},
        {"no_message",
         "'loss' of faulty returned a failure (a value is outside its domain) without"},
        {"drawn_twice", "'replay' is drawn twice in one step"},
        {"same_terms", "two terms of one update are called 'stream'"},
        {"null_network", "the network is NULL"},
        {"null_network_copied", "faulty: open: the network is NULL"},
        {"null_network_optimised", "optimiser 'own': the network is NULL"},
        {"no_state", "mn_state() without a state_size"},
    };
    const char *folder = test_folder("plugin");
    char plugin[PATH_BYTES], run[PATH_BYTES], said[4096];
    path_of(run, folder, "faulty", ".mneme");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(plugin, sizeof plugin, "./fault_%s.so", cases[i].plugin);
        const int code =
            program_in(plugins(), said, "run", "split-synthetic", plugin, "-q", "-o", run, NULL);
        ck_assert_msg(code == 1 || code == REFUSED, "%s: exit code %d", plugin, code);
        expect(code, code, said, cases[i].text);
        test_remove(run);
    }
    expect(program_in(plugins(), said, "run", "split-synthetic", "./fault_stale_message.so", "-q",
                      "-o", run, NULL),
           DONE, said, ""); /* a message alone is no failure */
    test_remove(run);
    (void)rmdir(folder);
}
END_TEST

START_TEST(a_function_that_crashes_is_named)
{
#ifdef __SANITIZE_ADDRESS__
    return; /* the sanitizer's own handler stays, and says more */
#endif
    static const struct {
        const char *strategy, *flag, *value, *text;
        const char *data; /* a folder, or NULL */
    } cases[] = {
        {"./fault_crash_in_loss.so", NULL, NULL, "faulty: loss, task 2, step 40; the last", NULL},
        {"./fault_crash_in_open.so", NULL, NULL, "faulty: open, task 1, step 0;", NULL},
        {"./fault_crash_after_task.so", NULL, NULL, "faulty: after_task, task 1, step 40;", NULL},
        {"./fault_endless_recursion.so", NULL, NULL, "faulty: loss, task 1, step 0;", NULL},
        {"er", "--buffer-policy", "./crash_in_place.so", "crashing: place, task 1, step 0;", NULL},
        {"er", "--buffer-policy", "./crash_in_select.so", "crashing: select, task 1, step 40;",
         NULL},
        {"er", "--set", "network.name=./crash_in_build.so", "crashing: build", NULL},
        {"er", "--set", "network.name=./crash_in_forward.so", "crashing: forward, task 1, step 0;",
         NULL},
        {"er", "--set", "dataset.name=./crash_in_read.so", "crashing: read\n", "."},
    };
    const char *folder = test_folder("plugin");
    char run[PATH_BYTES], text[256], said[4096];
    path_of(run, folder, "crashed", ".mneme");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const arguments[] = {"mneme",
                                         "run",
                                         "split-synthetic",
                                         cases[i].strategy,
                                         "-q",
                                         "-o",
                                         run,
                                         "--data-folder",
                                         cases[i].data != NULL ? cases[i].data : "",
                                         cases[i].flag,
                                         cases[i].value,
                                         NULL};
        const int status = end_of_program(plugins(), said, arguments);
        ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "%s: %s", cases[i].text,
                      said);
        snprintf(text, sizeof text, "mneme: crashed by SIGSEGV in %s", cases[i].text);
        expect(0, 0, said, text);
        test_remove(run);
    }
    (void)rmdir(folder);
}
END_TEST

START_TEST(a_plugin_may_bring_a_buffer_policy)
{
    const char *folder = test_folder("plugin");
    char undisturbed[PATH_BYTES], stopped[PATH_BYTES], said[4096];
    path_of(undisturbed, folder, "undisturbed", ".mneme");
    path_of(stopped, folder, "stopped", ".mneme");
    expect(program_in(plugins(), said, "run", "split-synthetic", "stopping.so", "--buffer-policy",
                      "policy.so", "-o", undisturbed, NULL),
           DONE, said, "buffer policy 'first-come' comes from ");
    ck_assert_int_eq(test_query(undisturbed, "SELECT max(seen) FROM exemplar"), 59);
    setenv("STOP_AT_STEP", "70", 1);
    const int code = program_in(plugins(), said, "run", "split-synthetic", "stopping.so",
                                "--buffer-policy", "./policy.so", "-q", "-o", stopped, NULL);
    unsetenv("STOP_AT_STEP");
    expect(code, STOPPED, said, "");
    expect(program_in("/", said, "resume", stopped, "-q", NULL), DONE, said, "");
    test_same_run(undisturbed, stopped);
    test_remove(undisturbed);
    test_remove(stopped);
    expect(program_in(plugins(), said, "run", "split-synthetic", "er", "--buffer-policy",
                      "./stopping.so", "-q", "-o", stopped, NULL),
           REFUSED, said, "'stopping' is a strategy; a buffer policy is needed here");
    expect(program_in(plugins(), said, "run", "split-synthetic", "er", "--set",
                      "dataset.name=./policy.so", "-q", "-o", stopped, NULL),
           REFUSED, said, "dataset.name: ./policy.so: 'first-come' is a buffer policy");
    expect(program_in(plugins(), said, "run", "split-synthetic", "er", "--set",
                      "network.name=./missing.so", "-q", "-o", stopped, NULL),
           REFUSED, said, "network.name: ./missing.so: no such plugin");
    (void)rmdir(folder);
}
END_TEST

/* Runs with a network, built in or brought by a plugin; returns what the program said. */
static const char *run_network(const char *network, const char *size, const char *run,
                               char said[4096])
{
    char setting[PATH_BYTES];
    snprintf(setting, sizeof setting, "network.name=%s", network);
    expect(program_in(plugins(), said, "run", "split-synthetic", "er", "--set", setting, "--set",
                      size, "-o", run, NULL),
           DONE, said, "");
    return said;
}

START_TEST(builtin_networks_as_plugins_give_the_same_bytes)
{
    static const struct {
        const char *network, *copy, *size;
    } cases[] = {{"mlp", "./network_mlp.so", "network.widths=20"},
                 {"convnet", "./network_convnet.so", "network.width=4"},
                 {"plain-convnet", "./network_plain_convnet.so", "network.width=4"}};
    const char *folder = test_folder("plugin");
    char built_in[PATH_BYTES], brought[PATH_BYTES], said[4096];
    path_of(built_in, folder, "built-in", ".mneme");
    path_of(brought, folder, "brought", ".mneme");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run_network(cases[i].network, cases[i].size, built_in, said);
        ck_assert_msg(strstr(said, "instead of") == NULL, "%s", said);
        run_network(cases[i].copy, cases[i].size, brought, said);
        ck_assert_msg(strstr(said, "instead of the built-in one") != NULL, "%s", said);
        test_same_run(built_in, brought);
        test_remove(built_in);
        test_remove(brought);
    }
    (void)rmdir(folder);
}
END_TEST

START_TEST(a_plugin_may_bring_a_network_of_the_public_layers)
{
    const char *folder = test_folder("plugin");
    char undisturbed[PATH_BYTES], stopped[PATH_BYTES], said[4096];
    path_of(undisturbed, folder, "undisturbed", ".mneme");
    path_of(stopped, folder, "stopped", ".mneme");
    expect(program_in(plugins(), said, "run", "split-synthetic", "stopping.so", "--set",
                      "network.name=./network_network.so", "--set", "network.width=4", "-o",
                      undisturbed, NULL),
           DONE, said, "network 'brought' comes from ");
    setenv("STOP_AT_STEP", "70", 1);
    const int code = program_in(plugins(), said, "run", "split-synthetic", "stopping.so", "--set",
                                "network.name=./network_network.so", "--set", "network.width=4",
                                "-q", "-o", stopped, NULL);
    unsetenv("STOP_AT_STEP");
    expect(code, STOPPED, said, "");
    expect(program_in("/", said, "resume", stopped, "-q", NULL), DONE, said, "");
    test_same_run(undisturbed, stopped);
    test_remove(undisturbed);
    test_remove(stopped);
    (void)rmdir(folder);
}
END_TEST

START_TEST(a_plugin_that_has_vanished_is_named)
{
    const char *folder = test_folder("plugin");
    char plugin[PATH_BYTES], gone[PATH_BYTES], run[PATH_BYTES], command[2 * PATH_BYTES + 8],
        said[4096];
    path_of(plugin, folder, "vanishing", ".so");
    path_of(gone, folder, "vanished", ".so");
    path_of(run, folder, "run", ".mneme");
    snprintf(command, sizeof command, "cp '%s/stopping.so' '%s'", plugins(), plugin);
    ck_assert_int_eq(system(command), 0);
    run_until_stopped(folder, "./vanishing.so", run);
    ck_assert_int_eq(rename(plugin, gone), 0);
    expect(program_in("/", said, "resume", run, "-q", NULL), 1, said, plugin);
    ck_assert_msg(strchr(said, '\n') == said + strlen(said) - 1, "more than one line: %s", said);
    ck_assert_int_eq(rename(gone, plugin), 0);
    expect(program_in("/", said, "resume", run, "-q", NULL), DONE, said, "");
    ck_assert_int_eq(test_query(run, "SELECT count(*) FROM run WHERE value = 'done'"), 1);
    unlink(plugin);
    test_remove(run);
    (void)rmdir(folder);
}
END_TEST

static const struct {
    const char *plugin, *message;
} refused[] = {
    {"strategy_abi.so", "built for strategy ABI 99, this mneme speaks 6"},
    {"plugin_abi.so", "built for plugin ABI 98, this mneme speaks 1"},
    {"kind.so", "brings something this mneme does not know (kind 77)"},
    {"no_entry.so", "exports no mn_plugin_query"},
    {"no_name.so", "'Not a name' is no name"},
    {"tiny.so", "its descriptor has 16 bytes"},
    {"newer_used.so", "uses what a later mneme added to a strategy"},
    {"policy.so", "'first-come' is a buffer policy; a strategy is needed here"},
    {"build.ninja", "no strategy is called"},
    {"./build.ninja", "is not a plugin"},
    {"missing.so", "missing.so: no such plugin"},
    {".", "no strategy is called '.'"},
    {"./", "is not a plugin"},
    {"stopping.so+./copy.so", "a strategy named 'stopping' is already there, from "},
};

START_TEST(what_is_no_plugin_of_this_mneme_is_refused)
{
    char run[PATH_BYTES], copy[2 * PATH_BYTES], said[4096];
    path_of(run, test_folder("plugin"), "refused", ".mneme");
    snprintf(copy, sizeof copy, "cp '%s/stopping.so' '%s/copy.so'", plugins(), plugins());
    ck_assert_int_eq(system(copy), 0);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        expect(program_in(plugins(), said, "run", "split-synthetic", refused[i].plugin, "-q", "-o",
                          run, NULL),
               REFUSED, said, refused[i].message);
        ck_assert_msg(strchr(said, '\n') == said + strlen(said) - 1, "more than one line: %s",
                      said);
        ck_assert_int_ne(access(run, F_OK), 0);
    }
    (void)rmdir(test_folder("plugin"));
}
END_TEST

static void accept(const char *plugin, const char *same_as)
{
    char run[PATH_BYTES], other[PATH_BYTES], said[4096];
    path_of(run, test_folder("plugin"), "accepted", ".mneme");
    path_of(other, test_folder("plugin"), "other", ".mneme");
    expect(program_in(plugins(), said, "run", "split-synthetic", plugin, "-q", "-o", run, NULL),
           DONE, said, "");
    if (same_as != NULL) {
        expect(program_in("/", said, "run", "split-synthetic", same_as, "-q", "-o", other, NULL),
               DONE, said, "");
        ck_assert_int_eq(test_query(run, "SELECT sum(correct) FROM evaluation"),
                         test_query(other, "SELECT sum(correct) FROM evaluation"));
    }
    test_remove(run);
    test_remove(other);
    (void)rmdir(test_folder("plugin"));
}

START_TEST(a_shorter_descriptor_is_read_no_further_than_it_goes)
{
    accept("older.so", "finetune");
}
END_TEST

START_TEST(a_longer_descriptor_is_fine_while_it_uses_nothing_new)
{
    accept("newer.so", "finetune");
}
END_TEST

START_TEST(a_strategy_may_be_written_in_cplusplus)
{
    char plugin[PATH_BYTES];
    if (access(path_of(plugin, plugins(), "cplusplus", ".so"), F_OK) == 0) /* else see run.sh */
        accept("./cplusplus.so", NULL);
}
END_TEST

MN_SUITE("plugin", every_builtin_strategy_as_a_plugin_gives_the_same_bytes,
         builtin_networks_as_plugins_give_the_same_bytes,
         a_run_finds_its_plugin_again_from_another_folder,
         a_run_goes_on_with_the_plugin_that_it_began_with, a_faulty_plugin_is_refused_in_one_line,
         a_function_that_crashes_is_named, a_plugin_may_bring_a_buffer_policy,
         a_plugin_may_bring_a_network_of_the_public_layers, a_plugin_that_has_vanished_is_named,
         what_is_no_plugin_of_this_mneme_is_refused,
         a_shorter_descriptor_is_read_no_further_than_it_goes,
         a_longer_descriptor_is_fine_while_it_uses_nothing_new,
         a_strategy_may_be_written_in_cplusplus)
