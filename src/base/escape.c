/* escape.c -- text of unknown origin in the language of an output.
 *
 * All languages see a text as a row of pieces: a character of UTF-8, or one byte that is none. */
#include "base/escape.h"
#include "base/names.h"
#include "base/numbers.h"

#include <mneme/memory.h>
#include <stdint.h>
#include <string.h>

typedef struct piece {
    uint32_t code; /* of the character; the byte, where it is none */
    size_t bytes;
    bool valid;
} piece;

enum { LONGEST_ESCAPE = 12 };

static bool continues(unsigned char byte)
{
    return (byte & 0xc0u) == 0x80u;
}

/* What begins at `text`, which has not ended.  Overlong forms and surrogates are no characters. */
static piece piece_at(const char *text)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *at = (const unsigned char *)text;
    if (at[0] < 0x80)
        return (piece){at[0], 1, true};
    const size_t bytes = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    uint32_t code = at[0] & (0x7fu >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if (!continues(at[i])) /* the zero at the end, too */
            return (piece){at[0], 1, false};
        code = code << 6 | (at[i] & 0x3fu);
    }
    if (at[0] < 0xc0 || at[0] > 0xf4 || code < least[bytes] || code > 0x10ffff ||
        (code >= 0xd800 && code <= 0xdfff))
        return (piece){at[0], 1, false};
    return (piece){code, bytes, true};
}

/* Characters that do something, or turn others round, instead of being seen. */
static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c || code == 0x200e ||
           code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

static const char *escape_of(const piece *p, char escape[LONGEST_ESCAPE])
{
    if (p->valid && p->code == '\n')
        return "\\n";
    if (p->valid && p->code == '\r')
        return "\\r";
    if (p->valid && p->code == '\t')
        return "\\t";
    if (!p->valid || p->code < 0x80)
        snprintf(escape, LONGEST_ESCAPE, "\\x%02x", (unsigned)p->code);
    else
        snprintf(escape, LONGEST_ESCAPE, "\\u%04x", (unsigned)p->code);
    return escape;
}

const char *mn_visible(const char *text, char *out, size_t bytes)
{
    size_t used = 0;
    while (*text != '\0') {
        char escape[LONGEST_ESCAPE];
        const piece p = piece_at(text);
        const bool hidden = !p.valid || is_control(p.code);
        const char *shown = hidden ? escape_of(&p, escape) : text;
        const size_t length = hidden ? strlen(shown) : p.bytes;
        if (used + length + 1 > bytes)
            break;
        memcpy(out + used, shown, length);
        used += length;
        text += p.bytes;
    }
    if (bytes > 0)
        out[used] = '\0';
    return out;
}

static bool is_visible(const char *text)
{
    while (*text != '\0') {
        const piece p = piece_at(text);
        if (!p.valid || is_control(p.code))
            return false;
        text += p.bytes;
    }
    return true;
}

const char *mn_shown(const char *text)
{
    if (is_visible(text))
        return text;
    const size_t bytes = strlen(text) * (LONGEST_ESCAPE - 1) + 1;
    char *copy = mn_memory_take(bytes, 1);
    const char *kept = copy != NULL ? mn_intern(mn_visible(text, copy, bytes)) : NULL;
    mn_memory_give(copy);
    return kept != NULL ? kept : "(out of memory)";
}

/* No digits: gnuplot would take one for a part of the number before it. */
static bool is_plain(char c)
{
    return c == ' ' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static void write_bytes(FILE *out, const char *text)
{
    for (; *text != '\0'; text++)
        if (is_plain(*text))
            putc(*text, out);
        else
            fprintf(out, "\\%03o", (unsigned)(unsigned char)*text);
}

void mn_write_gnuplot(FILE *out, const char *text, bool svg)
{
    putc('"', out);
    for (text = mn_shown(text); *text != '\0'; text++)
        write_bytes(out, *text == '&' && svg ? "&#x26;" : (const char[]){*text, '\0'});
    putc('"', out);
}

static bool is_formula(const char *text)
{
    double number;
    const bool sign = *text == '+' || *text == '-';
    return sign ? text[1] != '\0' && !mn_number_real(text, &number)
                : *text != '\0' && strchr("=@\t\r\n", *text) != NULL;
}

void mn_write_csv(FILE *out, const char *text)
{
    const bool formula = is_formula(text);
    const bool quoted = strpbrk(text, ",\"\r\n") != NULL;
    fputs(quoted ? "\"" : "", out);
    fputs(formula ? "'" : "", out);
    while (*text != '\0') {
        char escape[LONGEST_ESCAPE];
        const piece p = piece_at(text);
        const bool kept = p.valid && (!is_control(p.code) || strchr("\t\r\n", *text) != NULL);
        if (*text == '"')
            putc('"', out);
        if (kept)
            fwrite(text, 1, p.bytes, out);
        else
            fputs(escape_of(&p, escape), out);
        text += p.bytes;
    }
    fputs(quoted ? "\"" : "", out);
}

void mn_write_markdown(FILE *out, const char *text)
{
    for (text = mn_shown(text); *text != '\0'; text++) {
        if (strchr("\\`*_{}[]<>()#+!|~&$", *text) != NULL)
            putc('\\', out);
        putc(*text, out);
    }
}

void mn_write_latex(FILE *out, const char *text)
{
    static const struct {
        const char *text, *command;
    } meant[] = {
        {"\\", "\\textbackslash{}"},
        {"~", "\\textasciitilde{}"},
        {"^", "\\textasciicircum{}"},
        {"<", "\\textless{}"},
        {">", "\\textgreater{}"},
        {"|", "\\textbar{}"},
        {"±", "$\\pm$"},
        {"[", "{[}"}, /* behind a row's end they would be its options */
        {"*", "{*}"},
    };
    enum { MEANT = sizeof meant / sizeof meant[0] };
    for (text = mn_shown(text); *text != '\0';) {
        size_t i = 0;
        while (i < MEANT && strncmp(text, meant[i].text, strlen(meant[i].text)) != 0)
            i++;
        if (i == MEANT)
            fprintf(out, "%s%c", strchr("#$%&_{}", *text) != NULL ? "\\" : "", *text);
        else
            fputs(meant[i].command, out);
        text += i == MEANT ? 1 : strlen(meant[i].text);
    }
}

void mn_write_json(FILE *out, const char *json)
{
    while (*json != '\0') {
        const piece p = piece_at(json);
        if (!p.valid)
            fprintf(out, "\\\\x%02x", (unsigned)p.code);
        else if (p.code >= 0x7f && is_control(p.code))
            fprintf(out, "\\u%04x", (unsigned)p.code);
        else
            fwrite(json, 1, p.bytes, out);
        json += p.bytes;
    }
}
