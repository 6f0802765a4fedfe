/* plain.h -- mn_apply() for one or two operands. */
#ifndef MN_AUTOGRAD_PLAIN_H
#define MN_AUTOGRAD_PLAIN_H

#include <mneme/autograd.h>

mn_var *mn_apply1(const mn_op *op, mn_var *x, const void *attributes);
mn_var *mn_apply2(const mn_op *op, mn_var *x, mn_var *y, const void *attributes);

#endif
