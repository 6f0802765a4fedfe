/* font.h -- letters for figures, where there is no library that draws text. */
#ifndef MN_DATA_FONT_H
#define MN_DATA_FONT_H

#include <stdbool.h>

enum { MN_FONT_WIDTH = 3, MN_FONT_HEIGHT = 5, MN_FONT_ADVANCE = 4 };

/* Whether the point (x, y) of a character is inked; small letters look like capitals. */
bool mn_font_ink(char character, int x, int y);

#endif
