/* sheet.h -- contact sheets: rows of small images with a label in front, as one PNG. */
#ifndef MN_DATA_SHEET_H
#define MN_DATA_SHEET_H

#include <mneme/tensor.h>

typedef struct mn_sheet mn_sheet;

/* Whoever draws more images than fit on a screen leaves the rest out. */
enum { MN_SHEET_COLUMNS = 16, MN_SHEET_ROWS = 400 };

/* A sheet of images of one shape, (channels, height, width). */
mn_status mn_sheet_new(mn_shape image, mn_sheet **sheet);
void mn_sheet_free(mn_sheet *sheet);

/* Begins a row; without images it is a line of text, on its own. */
mn_status mn_sheet_row(mn_sheet *sheet, const char *format, ...) MN_PRINTF(2, 3);
/* Adds an image to the last row; `pixels` are copied.  A bar under it is `part` of its width long;
 * below 0: there is none. */
mn_status mn_sheet_image(mn_sheet *sheet, const uint8_t *pixels, double part);

/* Writes it; `path` appears whole or not at all. */
mn_status mn_sheet_write(const mn_sheet *sheet, const char *path);

#endif
