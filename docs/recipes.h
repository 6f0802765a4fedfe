/* recipes.h -- the page that holds every option of every strategy beside its authors' values. */
#ifndef MN_DOCS_RECIPES_H
#define MN_DOCS_RECIPES_H

#include <stdio.h>

/* Stops the program, with the error's name, where an option has no entry in the file of the
 * authors' values, an entry no option, or a default that is not the authors' no reason. */
void write_recipes_page(FILE *page, const char *authors);

/* Prints what went wrong and ends the program. */
void stop(const char *what);

#endif
