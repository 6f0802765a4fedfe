/* write.c -- of a row, the parts that changed. */
#include "buffer/write.h"
#include "store/exemplars.h"

mn_status mn_buffer_write_row(const mn_buffer *buffer, int64_t slot, int64_t place, int bits,
                              mn_runfile *file)
{
    if (buffer->seen_at[slot] < 0)
        return mn_runfile_delete_exemplar(file, slot);
    if ((bits & MN_ROW_CHANGED) != 0) {
        const mn_exemplar exemplar = {.slot = slot,
                                      .seen = buffer->seen_at[slot],
                                      .source = buffer->sources[slot],
                                      .label = buffer->labels[slot],
                                      .task = buffer->tasks[slot],
                                      .labelled = buffer->labels[slot] >= 0,
                                      .image =
                                          buffer->payloads + (size_t)place * buffer->codec.payload,
                                      .image_bytes = buffer->codec.payload};
        MN_TRY(mn_runfile_put_exemplar(file, &exemplar));
    }
    for (int c = 0; c < buffer->columns; c++) {
        const mn_kept_column *column = &buffer->column[c];
        if ((bits & 1 << c) != 0)
            MN_TRY(mn_runfile_put_exemplar_column(
                file, slot, column->name, mn_buffer_values(column, slot, place), column->width));
    }
    return MN_OK;
}
