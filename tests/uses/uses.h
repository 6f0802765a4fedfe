/* uses.h -- strategies of the tests, each of which uses services that no built-in strategy does
 * yet. They join the tests that all registered strategies take: rebuilt at every commit, killed,
 * refused memory; and, as plugins, that of leaks. */
#ifndef MN_TESTS_USES_H
#define MN_TESTS_USES_H

/* Registers them, beside the built-in ones. */
void test_register_uses(void);

#endif
