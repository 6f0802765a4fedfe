/* font.c -- letters of 3 x 5 points: each octal digit is a line, each of its bits a point. */
#include "data/sheet/font.h"

#include <ctype.h>

static const unsigned short letters[26] = {
    025755, 065656, 034443, 065556, 074647, 074644, 034553, 055755, 072227, /* A to I */
    011152, 055655, 044447, 057755, 065555, 075557, 065644, 025573, 065655, /* J to R */
    034216, 072222, 055557, 055552, 055775, 055255, 055222, 071247,         /* S to Z */
};
static const unsigned short digits[10] = {075557, 026227, 061247, 061216, 055711,
                                          074616, 034652, 071222, 025252, 025316};

static unsigned shape_of(char character)
{
    const int c = toupper((unsigned char)character);
    if (c >= 'A' && c <= 'Z')
        return letters[c - 'A'];
    if (c >= '0' && c <= '9')
        return digits[c - '0'];
    switch (c) {
    case ' ': return 0;
    case '.': return 000002;
    case ',': return 000024;
    case ':': return 002020;
    case ';': return 002024;
    case '-': return 000700;
    case '_': return 000007;
    case '+': return 002720;
    case '/': return 011244;
    case '\\': return 044211;
    case '(': return 012221;
    case ')': return 042224;
    case '\'': return 022000;
    case '%': return 051245;
    case '=': return 007070;
    default: return 061202; /* a question mark */
    }
}

bool mn_font_ink(char character, int x, int y)
{
    if (x < 0 || x >= MN_FONT_WIDTH || y < 0 || y >= MN_FONT_HEIGHT)
        return false;
    const unsigned line = shape_of(character) >> 3 * (MN_FONT_HEIGHT - 1 - y) & 7;
    return (line >> (MN_FONT_WIDTH - 1 - x) & 1) != 0;
}
