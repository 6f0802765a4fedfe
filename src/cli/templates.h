/* templates.h -- the files of a new strategy; @NAME@ and @ID@ stand for its name. */
#ifndef MN_CLI_TEMPLATES_H
#define MN_CLI_TEMPLATES_H

extern const char mn_template_source[];
extern const char mn_template_build[];
extern const char mn_template_test[];

#endif
