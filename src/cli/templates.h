/* templates.h -- the files of something new; @NAME@, @ID@ and @ARGUMENTS@ stand for its name, that
 * as a C identifier, and what its test calls the program with. */
#ifndef MN_CLI_TEMPLATES_H
#define MN_CLI_TEMPLATES_H

extern const char mn_template_strategy[];
extern const char mn_template_policy[];
extern const char mn_template_network[];
extern const char mn_template_dataset[];
extern const char mn_template_benchmark[];
extern const char mn_template_build[];
extern const char mn_template_test[];

/* Where mneme's headers are: installed, else in the checkout and its build. */
extern const char *const mn_include_folders[];

#endif
