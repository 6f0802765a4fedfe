/* grad.h -- a gradient case: an op, how it is applied, and to what. */
#ifndef MN_TESTS_GRAD_H
#define MN_TESTS_GRAD_H

#include <mneme/autograd.h>

enum { GRAD_INPUTS = 4, GRAD_KINKS = 2, GRAD_ELEMENTS = 1024 };

typedef struct grad_case {
    const char *op;                     /* as in autograd/ops.h */
    mn_var *(*build)(mn_var *const *x); /* applies the op to n inputs */
    int n;
    mn_shape shape[GRAD_INPUTS];
    double least, most; /* inputs are uniform between them */
    int kinks;          /* inputs keep away from points without a slope */
    double kink[GRAD_KINKS];
    bool distinct; /* no two elements are near each other: where ties have no slope */
} grad_case;

extern const grad_case grad_cases[], grad_cases_images[];
extern const int grad_case_count, grad_case_images_count;

#endif
