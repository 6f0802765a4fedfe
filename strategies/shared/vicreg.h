/* vicreg.h -- variance, invariance and covariance of embeddings (Bardes et al., ICLR 2022): what
 * keeps two embeddings that are made equal from becoming constants.  Rows of z (N, D) are samples.
 */
#ifndef MN_STRATEGIES_VICREG_H
#define MN_STRATEGIES_VICREG_H

#include <mneme/strategy.h>

enum { MN_VICREG_MOST = 4096 }; /* columns */

/* (D): sqrt(var_j + 1e-4) of each column, the variance over N - 1. */
mn_var *mn_vicreg_deviations(mn_var *z);
/* Each column without its mean, over its deviation. */
mn_var *mn_vicreg_standardised(mn_var *z);
/* 1/D sum_j max(0, 1 - deviation_j) */
mn_var *mn_vicreg_variance(mn_var *z);
/* 1/D sum_{i != j} Cov_ij^2,  Cov = z_c' z_c / (N - 1), z_c without the columns' means. */
mn_var *mn_vicreg_covariance(mn_var *z);
/* Mean of |Cov_ij| / (deviation_i deviation_j) over i != j, without a gradient: to be looked at. */
mn_var *mn_vicreg_correlation(mn_var *z);

#endif
