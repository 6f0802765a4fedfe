/* array.c -- an array's values as numbers, whatever their type. */
#include "data/read/array.h"
#include "tensor/file/half.h"

#include <mneme/memory.h>
#include <string.h>

void mn_array_free(mn_array *array)
{
    mn_memory_give(array->block);
    *array = (mn_array){.rank = 0};
}

double mn_array_value(const mn_array *array, int64_t i)
{
    uint64_t bits = 0;
    memcpy(&bits, array->values + i * array->item, (size_t)array->item); /* little-endian */
    float single;
    double real;
    switch (array->type) {
    case MN_ARRAY_BOOL:
    case MN_ARRAY_UNSIGNED: return (double)bits;
    case MN_ARRAY_SIGNED: {
        const int unused = (int)(64 - 8 * array->item);
        return (double)((int64_t)(bits << unused) >> unused);
    }
    case MN_ARRAY_FLOAT: break;
    }
    if (array->item == 2)
        return (double)mn_half_value((uint16_t)bits);
    memcpy(&single, &bits, sizeof single);
    memcpy(&real, &bits, sizeof real);
    return array->item == 4 ? (double)single : real;
}
