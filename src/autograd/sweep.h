/* sweep.h -- one way back through the nodes, from a loss to where gradients are added. */
#ifndef MN_AUTOGRAD_SWEEP_H
#define MN_AUTOGRAD_SWEEP_H

#include <mneme/autograd.h>

/* Where this sweep's gradient of the i-th input goes, NULL when nobody wants it.  *add is false
 * when nothing was written yet: the caller then writes every element. */
float *mn_node_sink(mn_node *node, int i, bool *add);

/* Lets the memory of the output's gradient become that of the i-th input's, where nothing else was
 * written there and both lie alike: false, and nothing done, where it cannot. */
bool mn_node_hand_over(mn_node *node, int i);

/* Fails the tape unless the loss is a scalar that a sweep can begin at; `name` is the caller's. */
mn_status mn_sweep_check(const char *name, const mn_var *loss);
/* The sweep proper, over what the `sweep` of the loss's tape says. */
mn_status mn_sweep_from(mn_var *loss);

/* A hook for the tests, absent from the library: turns the sign of what one op's backward adds to
 * one of its inputs, to see that the gradient cases notice. */
#ifdef MN_TEST_FLIPS
extern const char *mn_flip_op; /* NULL: none */
extern int mn_flip_input;
#endif

#endif
