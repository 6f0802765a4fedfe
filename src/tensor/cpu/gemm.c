/* gemm.c -- matrix products: by oneDNN where it writes kernels for the CPU it finds, else OpenBLAS.
 *
 * A product is made on one thread, unless it is so large that waking the others pays: then each
 * thread makes a panel of its rows.  The libraries are always told to use one: OpenBLAS's pool
 * beside OpenMP's would fight with it for the cores, and oneDNN, left to itself, may cut the sums
 * where we cut rows alone, whose bits are in nearly all shapes those of the whole product.
 * Which library: at batch 10 on a Zen 4, oneDNN's sgemm takes 6 us for the first layer of the
 * 784-100-100-10 network where OpenBLAS 0.3.21, which takes that CPU for a Haswell, needs 29. */
#include "tensor/cpu/gemm.h"
#include "base/reserve.h"
#include "tensor/cpu/parts.h"
#include "tensor/kernels.h"

#include <cblas.h>
#include <omp.h>
#include <oneapi/dnnl/dnnl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#ifdef __x86_64__
enum { ONEDNN_WRITES_KERNELS = 1 };
#else
enum { ONEDNN_WRITES_KERNELS = 0 };
#endif

/* OpenBLAS makes the products that oneDNN refuses, with other roundings.  Where oneDNN refuses for
 * want of memory, and will again, the run would become another: mn_kernels_check() ends it. */
static atomic_bool lacked_memory;

static void use_one_thread(void)
{
    openblas_set_num_threads(1);
}

/* A burst blocks signals for its thread.  oneDNN's generated code keeps values below the stack
 * pointer, further than the ABI protects them, and a signal handler's frame would overwrite them
 * (2.6.3; tests/tensor/test_signals.c shows it).  Asking the system costs as much as a small
 * product does, so whoever makes several products begins one burst for all of them. */
static _Thread_local int bursts;
static _Thread_local sigset_t before;

void mn_kernels_begin(void)
{
    static const int of_faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
    if (!ONEDNN_WRITES_KERNELS || bursts++ > 0)
        return;
    sigset_t every;
    (void)sigfillset(&every);
    for (size_t i = 0; i < sizeof of_faults / sizeof of_faults[0]; i++)
        (void)sigdelset(&every, of_faults[i]); /* they do not arrive, they are made */
    (void)pthread_sigmask(SIG_BLOCK, &every, &before);
}

void mn_kernels_end(void)
{
    if (ONEDNN_WRITES_KERNELS && --bursts == 0)
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* The first product of a kind has oneDNN write its kernels, in which it ends the process where
 * memory runs out.  Whoever gets false computes otherwise, and the run ends at its next check. */
static bool may_ask_onednn(bool transpose_a, bool transpose_b)
{
    enum { TAKEN_AT_MOST = 16 << 20 }; /* 2.6.3 maps up to 36 kernels of 320 KB at once */
    static atomic_uint prepared;
    const unsigned kind = 1u << (2 * transpose_a + transpose_b);
    bool may = mn_reserve_hold() == MN_OK;
    if (may && (atomic_load_explicit(&prepared, memory_order_relaxed) & kind) == 0) {
        may = mn_reserve_ask(TAKEN_AT_MOST) == MN_OK;
        if (may)
            atomic_fetch_or(&prepared, kind);
    }
    if (!may)
        atomic_store(&lacked_memory, true);
    return may;
}

/* For its first product OpenBLAS maps a pool, and tries for ever where there is no room for one. */
bool mn_openblas_begin(void)
{
    enum { POOL = 130 << 20 };
    static atomic_bool asked;
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (!atomic_load_explicit(&asked, memory_order_relaxed)) {
        if (mn_reserve_ask(POOL) != MN_OK) {
            atomic_store(&lacked_memory, true);
            return false;
        }
        atomic_store(&asked, true);
    }
    pthread_once(&once, use_one_thread);
    return true;
}

/* c (m,n) = op(a) (m,k) op(b) (k,n), of which a may be a panel: its rows, or its columns where it
 * is to be transposed, lie `a_step` apart. */
typedef struct product {
    bool transpose_a, transpose_b, add;
    int64_t m, n, k, a_step;
    const float *a, *b;
    float *c;
} product;

/* oneDNN asks OpenMP how many threads this thread may start; being told one, it starts none. */
static dnnl_status_t product_by_onednn(const product *p)
{
    const int threads = omp_get_max_threads();
    mn_kernels_begin();
    omp_set_num_threads(1);
    const dnnl_status_t status = dnnl_sgemm(
        p->transpose_a ? 'T' : 'N', p->transpose_b ? 'T' : 'N', p->m, p->n, p->k, 1.0f, p->a,
        p->a_step, p->b, p->transpose_b ? p->k : p->n, p->add ? 1.0f : 0.0f, p->c, p->n);
    omp_set_num_threads(threads);
    mn_kernels_end();
    return status;
}

static void product_by_openblas(const product *p)
{
    cblas_sgemm(CblasRowMajor, p->transpose_a ? CblasTrans : CblasNoTrans,
                p->transpose_b ? CblasTrans : CblasNoTrans, (blasint)p->m, (blasint)p->n,
                (blasint)p->k, 1.0f, p->a, (blasint)p->a_step, p->b,
                (blasint)(p->transpose_b ? p->k : p->n), p->add ? 1.0f : 0.0f, p->c, (blasint)p->n);
}

static void product_on_this_thread(const product *p)
{
    if (ONEDNN_WRITES_KERNELS && may_ask_onednn(p->transpose_a, p->transpose_b)) {
        const dnnl_status_t status = product_by_onednn(p);
        if (status == dnnl_success)
            return;
        if (status == dnnl_out_of_memory)
            atomic_store(&lacked_memory, true);
    }
    if (mn_openblas_begin())
        product_by_openblas(p);
    else if (!p->add)
        mn_kernel_fill(p->m * p->n, 0, p->c);
}

/* With so many multiplications two threads took 0.089 ms where one takes 0.156; with 10 million
 * they were slower. */
static const int64_t worth_threads = 16 << 20;
enum { PANEL = 16 }; /* rows of panels come in multiples of it, as vectors do */

static product panel_of(const product *whole, int64_t i, int64_t panels)
{
    const int64_t first = whole->m * i / panels / PANEL * PANEL,
                  end = i + 1 < panels ? whole->m * (i + 1) / panels / PANEL * PANEL : whole->m;
    product p = *whole;
    p.m = end - first;
    p.a += whole->transpose_a ? first : first * whole->k;
    p.c += first * whole->n;
    return p;
}

static void product_on_threads(const product *whole)
{
    const int64_t most = whole->m / PANEL, threads = omp_get_max_threads(),
                  panels = threads < most ? threads : most;
    MN_SHARED_LOOP(i, panels, true, {
        const product p = panel_of(whole, i, panels);
        product_on_this_thread(&p);
    });
}

void mn_kernel_gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k,
                    const float *a, const float *b, float *c, bool add)
{
    const product p = {
        transpose_a, transpose_b, add, m, n, k, transpose_a ? m : k, a, b, c,
    };
    if (m == 0 || n == 0)
        return;
    if (k == 0 && !add)
        mn_kernel_fill(m * n, 0, c);
    if (k == 0)
        return;
    if (m < 2 * PANEL || m * n < worth_threads / k || omp_in_parallel() ||
        omp_get_max_threads() == 1)
        product_on_this_thread(&p);
    else
        product_on_threads(&p);
}

/* Each of them is made by one thread. */
void mn_kernel_batched_gemm(int64_t count, bool transpose_a, bool transpose_b, int64_t m, int64_t n,
                            int64_t k, const float *a, const float *b, float *c, bool add)
{
    const int64_t threads = count * m * n * k < MN_LARGE ? 1 : omp_get_max_threads(),
                  parts = threads < count ? threads : count;
    MN_SHARED_LOOP(part, parts, parts > 1, {
        mn_kernels_begin();
        for (int64_t i = count * part / parts; i < count * (part + 1) / parts; i++)
            mn_kernel_gemm(transpose_a, transpose_b, m, n, k, a + i * m * k, b + i * k * n,
                           c + i * m * n, add);
        mn_kernels_end();
    });
}

mn_status mn_kernels_check(void)
{
    return atomic_load(&lacked_memory)
               ? mn_fail(MN_NO_MEMORY,
                         "out of memory for a product of matrices by oneDNN or OpenBLAS")
               : MN_OK;
}

void mn_kernel_transpose(int64_t rows, int64_t columns, const float *x, float *y, bool add)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            float *to = &y[j * rows + i];
            *to = x[i * columns + j] + (add ? *to : 0);
        }
}
