/* seeds.h -- `mneme run --seeds N`: one process a seed. */
#ifndef MN_CLI_SEEDS_H
#define MN_CLI_SEEDS_H

#include "cli/arguments.h"

/* Runs `count` seeds, `jobs` at a time (0: as many as there are cores), shows their results, and
 * returns the exit code. */
int mn_run_seeds(const mn_arguments *arguments, int64_t count, int64_t jobs);

#endif
