/* random.c -- Philox4x32-10 and what is made of its bits.
 *
 * A block is Philox of (counter, key): the key's first word is Philox's key, its second word the
 * upper half of the counter.  A child key is itself a block, so keys can be refined without end. */
#include <math.h>
#include <mneme/random.h>
#include <string.h>

enum { PHILOX_ROUNDS = 10 };

static void philox_round(uint32_t counter[4], const uint32_t key[2])
{
    const uint64_t even = (uint64_t)0xD2511F53u * counter[0];
    const uint64_t odd = (uint64_t)0xCD9E8D57u * counter[2];
    const uint32_t next[4] = {(uint32_t)(odd >> 32) ^ counter[1] ^ key[0], (uint32_t)odd,
                              (uint32_t)(even >> 32) ^ counter[3] ^ key[1], (uint32_t)even};
    for (int i = 0; i < 4; i++)
        counter[i] = next[i];
}

void mn_random_bits(mn_key key, uint64_t counter, uint32_t bits[4])
{
    uint32_t round_key[2] = {(uint32_t)key.word[0], (uint32_t)(key.word[0] >> 32)};
    bits[0] = (uint32_t)counter;
    bits[1] = (uint32_t)(counter >> 32);
    bits[2] = (uint32_t)key.word[1];
    bits[3] = (uint32_t)(key.word[1] >> 32);
    for (int i = 0; i < PHILOX_ROUNDS; i++) {
        philox_round(bits, round_key);
        round_key[0] += 0x9E3779B9u; /* Weyl constants of the paper */
        round_key[1] += 0xBB67AE85u;
    }
}

mn_key mn_key_at(mn_key key, uint64_t index)
{
    uint32_t bits[4];
    mn_random_bits(key, index, bits);
    return (mn_key){{(uint64_t)bits[0] << 32 | bits[1], (uint64_t)bits[2] << 32 | bits[3]}};
}

mn_key mn_key_of(uint64_t seed, const char *purpose)
{
    uint64_t hash = 0xCBF29CE484222325u; /* FNV-1a */
    for (const char *c = purpose; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001B3u;
    return mn_key_at((mn_key){{seed, hash}}, hash);
}

static uint64_t random_u64(mn_key key, uint64_t counter)
{
    uint32_t bits[4];
    mn_random_bits(key, counter, bits);
    return (uint64_t)bits[0] << 32 | bits[1];
}

double mn_random_uniform(mn_key key, uint64_t counter)
{
    return (double)(random_u64(key, counter) >> 11) * 0x1p-53;
}

double mn_random_beta(mn_key key, double a, double b)
{
    for (uint64_t i = 0;; i += 2) { /* in logarithms: powers of small numbers vanish */
        const double x = log(1 - mn_random_uniform(key, i)) / a;
        const double y = log(1 - mn_random_uniform(key, i + 1)) / b;
        const double larger = x > y ? x : y;
        const double sum = larger + log(exp(x - larger) + exp(y - larger));
        if (sum <= 0)
            return exp(x - sum);
    }
}

double mn_random_normal(mn_key key, uint64_t counter)
{
    uint32_t bits[4];
    mn_random_bits(key, counter, bits);
    const double radius = ((double)(((uint64_t)bits[0] << 32 | bits[1]) >> 11) + 0.5) * 0x1p-53;
    const double angle = (double)(((uint64_t)bits[2] << 32 | bits[3]) >> 11) * 0x1p-53;
    return sqrt(-2 * log(radius)) * cos(2 * 3.14159265358979323846 * angle);
}

int64_t mn_random_below(mn_key key, uint64_t counter, int64_t bound)
{
    if (bound <= 1)
        return 0;
    /* Values from the incomplete last stretch of 2^64 are thrown away and looked up again. */
    const uint64_t n = (uint64_t)bound, unfair = UINT64_MAX - (UINT64_MAX % n + 1) % n;
    uint64_t value = random_u64(key, counter);
    for (mn_key again = key; value > unfair; value = random_u64(again, counter))
        again = mn_key_at(again, counter);
    return (int64_t)(value % n);
}

void mn_random_permutation(mn_key key, int64_t count, int64_t *order)
{
    for (int64_t i = 0; i < count; i++) { /* inside-out */
        const int64_t j = mn_random_below(key, (uint64_t)i, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
}

/* Which values are chosen already: a bitmap where one is small, a walk over the chosen otherwise.
 * Both give the same answers; the bitmap makes a draw from a buffer O(wanted). */
enum { BITMAP_WORDS = 2048, WALK_AT_MOST = 16 };

typedef struct choice {
    int64_t *chosen;
    int64_t n;
    bool mapped;
    uint64_t map[BITMAP_WORDS]; /* 16 KB: members below 131072 */
} choice;

static void choice_begin(choice *made, int64_t *chosen, int64_t count, int64_t wanted)
{
    made->chosen = chosen;
    made->n = 0;
    made->mapped = wanted > WALK_AT_MOST && count <= (int64_t)64 * BITMAP_WORDS;
    if (made->mapped)
        memset(made->map, 0, (size_t)(count + 63) / 64 * sizeof made->map[0]);
}

static bool choice_holds(const choice *made, int64_t value)
{
    if (made->mapped)
        return (made->map[value / 64] >> (value % 64) & 1) != 0;
    for (int64_t i = 0; i < made->n; i++)
        if (made->chosen[i] == value)
            return true;
    return false;
}

static void choice_add(choice *made, int64_t value)
{
    if (made->mapped)
        made->map[value / 64] |= (uint64_t)1 << (value % 64);
    made->chosen[made->n++] = value;
}

void mn_random_subset(mn_key key, int64_t count, int64_t wanted, int64_t *chosen)
{
    /* Floyd's subset (Bentley and Floyd, CACM 1987), then shuffled: uniform over orders too. */
    choice made;
    choice_begin(&made, chosen, count, wanted);
    for (int64_t i = 0; i < wanted; i++) {
        const int64_t last = count - wanted + i;
        const int64_t candidate = mn_random_below(key, (uint64_t)i, last + 1);
        choice_add(&made, choice_holds(&made, candidate) ? last : candidate);
    }
    for (int64_t i = wanted - 1; i > 0; i--) {
        const int64_t j = mn_random_below(key, (uint64_t)(wanted + i), i + 1);
        const int64_t swapped = chosen[i];
        chosen[i] = chosen[j];
        chosen[j] = swapped;
    }
}
