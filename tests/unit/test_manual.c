/* The man page and the shell completion against what the program says of itself: a command or an option
 * that one of them lacks, or has too many, fails here. */
#define _XOPEN_SOURCE 700
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT = 1 << 16, COMMANDS = 32, NAME = 32 };

static const char *build(void)
{
    const char *folder = getenv("FL_BUILD");
    return folder ? folder : "build";
}

static void read_from(const char *command, char text[TEXT])
{
    FILE *pipe = popen(command, "r");
    cr_assert_not_null(pipe);
    text[fread(text, 1, TEXT - 1, pipe)] = '\0';
    cr_assert_eq(pclose(pipe), 0, "%s", command);
}

/* glibc's argp leaks two bytes at --help of a command without options: no matter here. */
static void help_of(const char *of, char text[TEXT])
{
    char command[256];
    snprintf(command, sizeof command, "ASAN_OPTIONS=detect_leaks=0 %s/faultline %s --help", build(),
             of);
    read_from(command, text);
}

/* Commands as the program lists them: two blanks, a word, blanks. */
static uint32_t commands(char name[COMMANDS][NAME])
{
    static char text[TEXT];
    uint32_t count = 0;
    help_of("", text);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, "  ", 2) != 0 || !islower((unsigned char)line[2])) continue;
        const size_t length = strspn(line + 2, "abcdefghijklmnopqrstuvwxyz");
        if (line[2 + length] != ' ' || strncmp(line + 2, "faultline", length) == 0) continue;
        cr_assert(count < COMMANDS && length < NAME);
        snprintf(name[count++], NAME, "%.*s", (int)length, line + 2);
    }
    cr_assert_gt(count, 10);
    return count;
}

/* The part of the page that speaks of a command: from its .TP to the next. */
static void part_of(const char *page, const char *command, char part[TEXT])
{
    static const char *const begins[] = {".TP\n.BR \"%s \" ", ".TP\n.B %s\n", ".TP\n.BI \"%s \" "};
    const char *from = NULL;
    for (size_t i = 0; i < sizeof begins / sizeof *begins && !from; i++) {
        char begin[64];
        snprintf(begin, sizeof begin, begins[i], command);
        from = strstr(page, begin);
    }
    cr_assert_not_null(from, "the page says nothing of \"%s\"", command);
    const char *to = strstr(from + 1, ".TP\n");
    const char *end = strstr(from + 1, ".PP\n");
    if (!to || (end && end < to)) to = end;
    cr_assert_not_null(to);
    snprintf(part, TEXT, "%.*s", (int)(to - from), from);
}

/* Every long option in `text`, as "--name", once each; `dash` is how the text writes a hyphen. */
static uint32_t options(const char *text, const char *dash, char option[COMMANDS][NAME])
{
    uint32_t count = 0;
    char start[8];
    snprintf(start, sizeof start, "%s%s", dash, dash);
    for (const char *at = strstr(text, start); at; at = strstr(at, start)) {
        at += strlen(start);
        char name[NAME] = "";
        size_t length = 0;
        while (islower((unsigned char)*at) || strncmp(at, dash, strlen(dash)) == 0) {
            cr_assert(length + 1 < NAME);
            const bool hyphen = !islower((unsigned char)*at);
            name[length++] = hyphen ? '-' : *at;
            at += hyphen ? strlen(dash) : 1;
        }
        bool known = length == 0 || strcmp(name, "help") == 0 || strcmp(name, "usage") == 0;
        for (uint32_t i = 0; i < count; i++) known = known || strcmp(option[i], name) == 0;
        if (known) continue;
        cr_assert(count < COMMANDS);
        strcpy(option[count++], name);
    }
    return count;
}

static bool among(char option[COMMANDS][NAME], uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(option[i], name) == 0) return true;
    return false;
}

Test(manual, page_has_every_command_and_option_and_no_other)
{
    static char page[TEXT], help[TEXT], part[TEXT];
    char name[COMMANDS][NAME], said[COMMANDS][NAME], written[COMMANDS][NAME];
    FILE *file = fopen("sim/faultline.1", "r");
    cr_assert_not_null(file);
    page[fread(page, 1, sizeof page - 1, file)] = '\0';
    fclose(file);
    const uint32_t count = commands(name);
    for (uint32_t i = 0; i < count; i++) {
        help_of(name[i], help);
        part_of(page, name[i], part);
        const uint32_t told = options(help, "-", said), there = options(part, "\\-", written);
        for (uint32_t k = 0; k < told; k++)
            cr_expect(among(written, there, said[k]), "the page lacks --%s of %s", said[k],
                      name[i]);
        for (uint32_t k = 0; k < there; k++)
            cr_expect(among(said, told, written[k]), "%s has no --%s, but the page says so",
                      name[i], written[k]);
    }
}

Test(manual, page_is_of_this_version)
{
    static char said[TEXT], page[TEXT];
    char command[256];
    snprintf(command, sizeof command, "%s/faultline --version", build());
    read_from(command, said);
    said[strcspn(said, "\n")] = '\0';
    FILE *file = fopen("sim/faultline.1", "r");
    cr_assert_not_null(file);
    page[fread(page, 1, sizeof page - 1, file)] = '\0';
    fclose(file);
    const char *version = strpbrk(said, "0123456789");
    cr_assert_not_null(version);
    char title[64];
    snprintf(title, sizeof title, "\"faultline %.20s\"", version);
    cr_expect_not_null(strstr(page, title), "%s", title);
}

/* What bash offers for a line whose last word is to be completed. */
static void offered(const char *words, uint32_t count, char text[TEXT])
{
    char command[512];
    snprintf(command, sizeof command,
             "export ASAN_OPTIONS=detect_leaks=0; bash -c 'PATH=%s:$PATH; source "
             "sim/faultline.bash; COMP_WORDS=(faultline %s); "
             "COMP_CWORD=%u; _faultline; echo ${COMPREPLY[@]}'",
             build(), words, count);
    read_from(command, text);
    text[strcspn(text, "\n")] = '\0';
}

Test(manual, completion_offers_what_the_program_says)
{
    static char text[TEXT];
    static const struct {
        const char *words;
        uint32_t count;
        const char *offered;
    } cases[] = {
        {"va", 1, "validate"},
        {"s", 1, "sweep shrink schema stats"},
        {"nothing", 1, ""},
        {"sweep --d", 2, "--dry-run"},
        {"stats --m", 2, "--metric"},
        {"describe perpet", 2, "perpetual"},
        {"describe keeper_", 2, "keeper_chosen"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        offered(cases[i].words, cases[i].count, text);
        cr_expect_str_eq(text, cases[i].offered, "%s: %s", cases[i].words, text);
    }
}

/* `make install` as a packager calls it. -o: the program is as it is, whatever flags this make would take.
 * What was installed works from its own folder. */
Test(manual, install_puts_all_three_in_their_places)
{
    static char text[TEXT];
    char folder[] = "/tmp/faultline-test-XXXXXX", command[2048];
    cr_assert_not_null(mkdtemp(folder));
    snprintf(
        command, sizeof command,
        "set -e; unset MAKEFLAGS MAKELEVEL; export ASAN_OPTIONS=detect_leaks=0; build=%s to=%s\n"
        "make -s -o $build/faultline install BUILD=$build DESTDIR=$to PREFIX=/opt/x >&2\n"
        "cd $to/opt/x; find . -type f | LC_ALL=C sort; cd ->/dev/null\n"
        "share=$to/opt/x/share\n"
        "cmp sim/faultline.1 $share/man/man1/faultline.1\n"
        "PATH=$to/opt/x/bin:$PATH bash -c \". $share/bash-completion/completions/faultline\n"
        "COMP_WORDS=(faultline bise) COMP_CWORD=1; _faultline; echo \\${COMPREPLY[@]}\"\n"
        "rm -r $to\n",
        build(), folder);
    read_from(command, text);
    cr_expect_str_eq(text, "./bin/faultline\n"
                           "./share/bash-completion/completions/faultline\n"
                           "./share/man/man1/faultline.1\n"
                           "bisect\n");
}
