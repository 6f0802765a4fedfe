/* Memory from the C library, and from hooks of a host. */
#include "base/memory.h"
#include "base/text.h"
#include "tests/suite.h"

#include <cjson/cJSON.h>
#include <stdint.h>
#include <string.h>

static long out, most_alignment;

static void *take(void *earlier, size_t alignment, size_t bytes)
{
    if (bytes > 1000000)
        return NULL;
    if ((long)alignment > most_alignment)
        most_alignment = (long)alignment;
    out += earlier == NULL;
    void *memory = earlier != NULL ? realloc(earlier, bytes)
                                   : aligned_alloc(alignment, (bytes / alignment + 1) * alignment);
    if (memory != NULL && earlier == NULL)
        memset(memory, 0xA5, bytes);
    return memory;
}

static void give(void *memory)
{
    out--;
    free(memory);
}

static const mn_memory_hooks hooks = {take, give};

static void check_memory(void)
{
    char *memory = mn_memory_take(0, 8);
    ck_assert_ptr_nonnull(memory);
    mn_memory_give(memory);
    ck_assert_ptr_null(mn_memory_take(SIZE_MAX / 2, 3));
    ck_assert_ptr_null(mn_memory_take_zeroed(SIZE_MAX / 2, 3));
    memory = mn_memory_take_zeroed(3, 7);
    for (int i = 0; i < 21; i++)
        ck_assert_int_eq(memory[i], 0);
    memcpy(memory, "what was there", 15);
    ck_assert_ptr_null(mn_memory_resize(memory, SIZE_MAX / 2, 3));
    memory = mn_memory_resize(memory, 1000, 7);
    ck_assert_str_eq(memory, "what was there");
    mn_memory_give(memory);
    mn_memory_give(NULL);
    memory = mn_memory_take_aligned(64, 100);
    ck_assert_uint_eq((uintptr_t)memory % 64, 0);
    mn_memory_give(memory);
    ck_assert_ptr_null(mn_memory_take_aligned(64, SIZE_MAX - 5));
    memory = mn_text_format("%s of %d", "two", 3);
    ck_assert_str_eq(memory, "two of 3");
    char *part = mn_text_copy_of(memory, 3), *whole = mn_text_copy_of(memory, 99);
    ck_assert_str_eq(part, "two");
    ck_assert_str_eq(whole, memory);
    mn_memory_give(part);
    mn_memory_give(whole);
    mn_memory_give(memory);
}

START_TEST(memory_comes_from_the_c_library)
{
    check_memory();
    ck_assert_fails(mn_memory_use(&hooks), MN_OUT_OF_ORDER, "set them before anything else");
}
END_TEST

START_TEST(memory_comes_from_hooks)
{
    ck_assert_fails(mn_memory_use(&(mn_memory_hooks){take, NULL}), MN_BAD_VALUE, "both");
    ck_assert_ok(mn_memory_use(&hooks));
    check_memory();
    ck_assert_int_eq(out, 0);
    ck_assert_int_eq(most_alignment, 64);
    ck_assert_ptr_null(mn_memory_take(1000001, 1));
    cJSON *json = cJSON_CreateObject(); /* before mneme has parsed any */
    ck_assert_int_eq(out, 1);
    cJSON_Delete(json);
    ck_assert_int_eq(out, 0);
}
END_TEST

MN_SUITE("memory", memory_comes_from_the_c_library, memory_comes_from_hooks)
