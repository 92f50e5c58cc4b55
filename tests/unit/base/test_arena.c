/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "unit.h"

#include "failmalloc.h"

static void pieces_are_aligned_and_apart(void **state)
{
	struct arena a;
	char *last = NULL;

	(void)state;
	arena_init(&a, 256, 4096);
	for (size_t n = 0; n < 40; n++) {
		char *piece = arena_alloc(&a, n);
		assert_non_null(piece);
		assert_int_equal((uintptr_t)piece % _Alignof(max_align_t), 0);
		assert_ptr_not_equal(piece, last);
		memset(piece, (int)n, n);
		last = piece;
	}
	arena_deinit(&a);
	arena_deinit(&a);
}

static void the_maximum_holds_and_overflow_stays(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 128, 256);
	assert_non_null(arena_alloc(&a, 100));
	assert_non_null(arena_alloc(&a, 100));
	assert_false(a.overflow);
	assert_null(arena_alloc(&a, 100));
	assert_true(a.overflow);
	assert_null(arena_alloc(&a, 1));
	arena_reset(&a);
	assert_false(a.overflow);
	assert_non_null(arena_alloc(&a, 100));
	arena_deinit(&a);
}

static void sizes_that_do_not_exist(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 128, SIZE_MAX);
	assert_null(arena_alloc(&a, SIZE_MAX));
	arena_reset(&a);
	/* With the block's own head it would be 0 bytes. */
	assert_null(arena_alloc(&a, SIZE_MAX - 16));
	arena_reset(&a);
	assert_null(arena_calloc(&a, SIZE_MAX / 2, 3));
	assert_true(a.overflow);
	arena_reset(&a);
	assert_null(arena_copy(&a, slice_of("x", SIZE_MAX)).data);
	arena_deinit(&a);
}

static void a_big_piece_gets_a_block_of_its_own(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 128, 100000);
	assert_non_null(arena_alloc(&a, 10));
	char *big = arena_alloc(&a, 5000);
	assert_non_null(big);
	memset(big, 1, 5000);
	assert_non_null(arena_alloc(&a, 100));
	arena_reset(&a);
	assert_int_equal(a.used_bytes, 128);
	arena_deinit(&a);
}

static void a_reset_arena_allocates_nothing(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 1024, 4096);
	assert_non_null(arena_alloc(&a, 1000));
	for (int i = 0; i < 100; i++) {
		arena_reset(&a);
		failmalloc_from(1);
		assert_non_null(arena_alloc(&a, 1000));
		assert_false(failmalloc_stop());
		assert_int_equal(failmalloc_count(), 0);
	}
	arena_deinit(&a);
}

static void copies_and_prints(void **state)
{
	struct arena a;
	const char *zeroes;

	(void)state;
	arena_init(&a, 64, 4096);
	struct slice copy = arena_copy(&a, SLICE("a\0b"));
	assert_int_equal(copy.len, 3);
	assert_memory_equal(copy.data, "a\0b", 4);
	copy = arena_copy(&a, slice_of(NULL, 0));
	assert_non_null(copy.data);
	assert_int_equal(copy.len, 0);
	copy = arena_printf(&a, "%s=%d", "x", 7);
	assert_slice(copy, "x=7");
	assert_int_equal(copy.data[3], '\0');
	const struct slice parts[] = {SLICE("one"), slice_of(NULL, 0), SLICE("\0two")};
	copy = arena_concat(&a, parts, 3);
	assert_true(slice_eq(copy, SLICE("one\0two")));
	assert_int_equal(copy.data[7], '\0');
	assert_non_null(arena_concat(&a, parts, 0).data);
	const struct slice endless[] = {SLICE("x"), slice_of("y", SIZE_MAX)};
	assert_null(arena_concat(&a, endless, 2).data);
	assert_null(arena_concat(&a, endless + 1, 1).data);
	memset(arena_alloc(&a, 64), 0xff, 64);
	arena_reset(&a);
	zeroes = arena_calloc(&a, 8, 8);
	for (int i = 0; i < 64; i++)
		assert_int_equal(zeroes[i], 0);
	arena_deinit(&a);
}

static void the_newest_piece_changes_its_size(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 128, 128);
	char *piece = arena_alloc(&a, 16);
	assert_non_null(piece);
	assert_int_equal(arena_free(&a), 112);
	assert_true(arena_resize(&a, piece, 128));
	assert_int_equal(arena_free(&a), 0);
	assert_false(arena_resize(&a, piece, 129));
	assert_false(arena_resize(&a, piece, SIZE_MAX));
	assert_true(arena_resize(&a, piece, 1));
	char *next = arena_alloc(&a, 100);
	assert_non_null(next);
	assert_true(next > piece);
	assert_int_equal((uintptr_t)next % _Alignof(max_align_t), 0);
	assert_null(arena_alloc(&a, 100));
	assert_false(arena_resize(&a, next, 1));
	arena_deinit(&a);
}

static void out_of_memory_is_overflow(void **state)
{
	(void)state;
	FAILMALLOC_EACH (n) {
		struct arena a;
		arena_init(&a, 64, 100000);
		failmalloc_at(n);
		for (size_t i = 0; i < 50; i++) {
			struct slice text = arena_printf(&a, "%0*d", (int)i * 4, 1);
			assert_int_equal(text.data == NULL, a.overflow);
		}
		bool failed = failmalloc_stop();
		assert_int_equal(a.overflow, failed);
		arena_reset(&a);
		assert_non_null(arena_alloc(&a, 1));
		arena_deinit(&a);
		if (!failed) {
			assert_true(n > 10);
			break;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_aligned_and_apart),
		cmocka_unit_test(the_maximum_holds_and_overflow_stays),
		cmocka_unit_test(sizes_that_do_not_exist),
		cmocka_unit_test(a_big_piece_gets_a_block_of_its_own),
		cmocka_unit_test(a_reset_arena_allocates_nothing),
		cmocka_unit_test(copies_and_prints),
		cmocka_unit_test(the_newest_piece_changes_its_size),
		cmocka_unit_test(out_of_memory_is_overflow),
	};
	return cmocka_run_group_tests_name("base/arena", tests, NULL, NULL);
}
