/* The arena: chunks while it grows, one block and equal addresses once it is warm. */
#include "tests/suite.h"

#include "base/arena.h"
#include <stdint.h>
#include <string.h>

enum { PIECES = 40 };

static void take_pieces(mn_arena *arena, char **piece)
{
    for (size_t i = 0; i < PIECES; i++) {
        piece[i] = mn_arena_take(arena, i * 1031);
        ck_assert_ptr_nonnull(piece[i]);
        ck_assert_uint_eq((uintptr_t)piece[i] % MN_ARENA_ALIGNMENT, 0);
        memset(piece[i], (int)i, i * 1031);
    }
}

START_TEST(pieces_do_not_overlap)
{
    mn_arena arena = {0};
    char *piece[PIECES];
    take_pieces(&arena, piece);
    for (size_t i = 0; i < PIECES; i++)
        for (size_t k = 0; k < i * 1031; k++)
            ck_assert_int_eq(piece[i][k], (int)i);
    mn_arena_free(&arena);
}
END_TEST

START_TEST(from_the_second_round_on_nothing_is_allocated_and_addresses_repeat)
{
    mn_arena arena = {0};
    char *first[PIECES], *later[PIECES];
    take_pieces(&arena, later);
    ck_assert_int_gt(arena.chunks_allocated, 1); /* or the test tests nothing */
    mn_arena_reset(&arena);
    const int64_t allocated = arena.chunks_allocated;
    take_pieces(&arena, first);
    for (int round = 0; round < 3; round++) {
        mn_arena_reset(&arena);
        take_pieces(&arena, later);
        ck_assert_mem_eq(later, first, sizeof first);
    }
    ck_assert_int_eq(arena.chunks_allocated, allocated);
    ck_assert_uint_ge(mn_arena_high_water(&arena), 1031 * PIECES * (PIECES - 1) / 2);
    mn_arena_free(&arena);
}
END_TEST

START_TEST(a_larger_round_grows_it_and_a_smaller_one_does_not)
{
    mn_arena arena = {0};
    for (int round = 1; round <= 6; round++) {
        ck_assert_ptr_nonnull(mn_arena_take(&arena, (size_t)round * 200000));
        ck_assert_ptr_nonnull(mn_arena_take(&arena, (size_t)round * 300000));
        mn_arena_reset(&arena);
    }
    const int64_t allocated = arena.chunks_allocated;
    ck_assert_ptr_nonnull(mn_arena_take(&arena, 1000));
    mn_arena_reset(&arena);
    ck_assert_ptr_nonnull(mn_arena_take(&arena, 2900000));
    ck_assert_int_eq(arena.chunks_allocated, allocated);
    mn_arena_free(&arena);
}
END_TEST

START_TEST(what_was_given_back_serves_the_next_of_its_size)
{
    mn_arena arena = {0};
    char *first = mn_arena_take(&arena, 5000), *second = mn_arena_take(&arena, 9000);
    ck_assert(mn_arena_give(&arena, first, 5000));
    ck_assert(mn_arena_give(&arena, second, 9000));
    ck_assert_ptr_ne(mn_arena_take(&arena, 7000), first);
    ck_assert_ptr_eq(mn_arena_take(&arena, 5001), first); /* the same when rounded */
    ck_assert_ptr_eq(mn_arena_take(&arena, 9000), second);
    ck_assert_ptr_ne(mn_arena_take(&arena, 9000), second);
    memset(second, 1, 9000);
    char *small = mn_arena_take(&arena, 100);
    ck_assert(!mn_arena_give(&arena, small, 100));
    mn_arena_give(&arena, second, 9000);
    mn_arena_reset(&arena); /* what was given back dies, too */
    char *next = mn_arena_take(&arena, 9000), *other = mn_arena_take(&arena, 9000);
    ck_assert(other >= next + 9000 || next >= other + 9000);
    mn_arena_free(&arena);
}
END_TEST

START_TEST(more_than_there_is_gives_null_and_does_no_harm)
{
    mn_arena arena = {0};
    ck_assert_ptr_null(mn_arena_take(&arena, SIZE_MAX));
    ck_assert_ptr_null(mn_arena_take(&arena, SIZE_MAX / 8));
    ck_assert_ptr_nonnull(mn_arena_take(&arena, 100));
    mn_arena_free(&arena);
    mn_arena_free(&arena);
}
END_TEST

MN_SUITE("arena", pieces_do_not_overlap,
         from_the_second_round_on_nothing_is_allocated_and_addresses_repeat,
         a_larger_round_grows_it_and_a_smaller_one_does_not,
         what_was_given_back_serves_the_next_of_its_size,
         more_than_there_is_gives_null_and_does_no_harm)
