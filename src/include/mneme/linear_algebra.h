/* linear_algebra.h -- sums over the rows of a stream that a run keeps, and what is solved from
 * them: what classifiers without gradients are made of.
 *
 * Sums are floats, as everything that is kept; systems are solved in doubles by one thread, so that
 * the bits depend on the processor alone.  No gradient flows through any of it.
 */
#ifndef MNEME_LINEAR_ALGEBRA_H
#define MNEME_LINEAR_ALGEBRA_H

#include <mneme/autograd.h>

#ifdef __cplusplus
extern "C" {
#endif

/* sum += x' y: x (B,K), y (B,D), sum (K,D).  With x twice it is the Gram matrix.  MN_BAD_SHAPE. */
MN_API mn_status mn_add_products(mn_var *x, mn_var *y, mn_tensor *sum);
/* The same into the i-th of many sums, (N,K,D). */
MN_API mn_status mn_add_products_to(mn_var *x, mn_var *y, mn_tensor *sums, int64_t i);
/* sum[labels[i]] += x[i], row after row: x (B,D), labels (B), sum (C,D).  A row without a label,
 * MN_UNLABELLED, is left out.  One class after the other or mixed: the bits are the same, as long
 * as the rows of each class come in the same order. */
MN_API mn_status mn_add_by_label(mn_var *x, const int32_t *labels, mn_tensor *sum);

/* Solves (matrix + ridge I) w = r for every row r of `right`: matrix (D,D), symmetric, of which the
 * upper half is read; right and *solution (K,D), a constant on the tape of `right`.  By Cholesky's
 * factors: MN_BAD_VALUE where the matrix is not positive definite; *solution is then not written.
 */
MN_API mn_status mn_solve_symmetric(mn_var *matrix, double ridge, mn_var *right, mn_var **solution);

#ifdef __cplusplus
}
#endif
#endif
