/* flips.h -- a hook for the tests, absent from the library (MN_TEST_FLIPS): turns the sign of what
 * one op's backward adds to one of its inputs, to see that the gradient cases notice. */
#ifndef MN_AUTOGRAD_FLIPS_H
#define MN_AUTOGRAD_FLIPS_H

#ifdef MN_TEST_FLIPS
extern const char *mn_flip_op; /* NULL: none */
extern int mn_flip_input;
#endif

#endif
