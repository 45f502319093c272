/* The registry as text for people. */
#include "sim/describe.h"

#include "sim/config.h"
#include "sim/schema_keys.h"
#include "sim/unit_text.h"

#include <inttypes.h>
#include <string.h>

enum { WIDTH = 96 };

const struct fl_model *fl_model_named(const char *name)
{
    for (size_t i = 0; fl_models[i]; i++)
        if (strcmp(fl_models[i]->name, name) == 0) return fl_models[i];
    return NULL;
}

/* Words of `text` in lines of at most WIDTH columns, each indented. */
static void wrapped(FILE *to, int indent, const char *text)
{
    int column = 0;
    for (const char *word = text; *word;) {
        const int length = (int)strcspn(word, " \n");
        if (column > 0 && column + 1 + length > WIDTH) {
            fputc('\n', to);
            column = 0;
        }
        if (column == 0)
            column = fprintf(to, "%*s", indent, "");
        else
            column += fprintf(to, " ");
        column += fprintf(to, "%.*s", length, word);
        word += length;
        word += strspn(word, " \n");
    }
    fputc('\n', to);
}

static int first_clause(const char *doc)
{
    int length = (int)strcspn(doc, ".:;(");
    while (length > 0 && doc[length - 1] == ' ') length--;
    return length;
}

void fl_list(FILE *to)
{
    for (int family = 1; family < FL_FAMILIES; family++) {
        bool any = false;
        for (size_t i = 0; fl_models[i]; i++) {
            const struct fl_model *m = fl_models[i];
            if ((int)m->family != family) continue;
            if (!any) fprintf(to, "%s\n", fl_family_name(m->family));
            any = true;
            fprintf(to, "  %-16s %.*s\n", m->name, first_clause(m->doc), m->doc);
        }
    }
}

/* A scaled bound in the unit of the key: 1500000 with six digits is 1.5. */
static void print_scaled(FILE *to, int64_t value, uint32_t digits)
{
    char text[64];
    const int length = snprintf(text, sizeof text, "%0*" PRIu64, (int)digits + 1,
                                value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value);
    int end = length;
    while (digits > 0 && end > length - (int)digits && text[end - 1] == '0') end--;
    const int whole = length - (int)digits;
    fprintf(to, "%s%.*s", value < 0 ? "-" : "", whole, text);
    if (end > whole) fprintf(to, ".%.*s", end - whole, text + whole);
}

static const char *type_word(const struct fl_param *p)
{
    switch (p->type) {
    case FL_INTEGER:
        return "integer";
    case FL_DECIMAL:
        return "number";
    case FL_BOOLEAN:
        return "true or false";
    case FL_LAW:
        return "number or law";
    case FL_POINTS:
        return p->candles ? "list of [x, y], or candles" : "list of [x, y]";
    case FL_GROUP_NAME:
        return "name of a group of nodes";
    case FL_GROUP_NAMES:
        return "list of names of groups";
    case FL_CONTRACT_NAME:
        return "name of a contract";
    case FL_OBSERVABLE_NAME:
        return "name of an observable";
    case FL_OBSERVABLE_NAMES:
        return "list of names of observables";
    case FL_SUBMODEL:
        return fl_family_name(p->family);
    case FL_ROWS:
        return "objects by name";
    case FL_ENTRY_NAME:
        return "name";
    case FL_ENTRY_NAMES:
        return "list of names";
    }
    FL_UNREACHABLE("type of a parameter");
}

static bool has_range(const struct fl_param *p)
{
    return (p->type == FL_INTEGER || p->type == FL_DECIMAL || p->type == FL_LAW ||
            p->type == FL_ROWS) &&
           p->min < p->max;
}

/* The rows of an object; what stands in its objects is indented further. */
static void describe_params(FILE *to, int indent, const struct fl_param *p);

static void describe_param(FILE *to, int indent, const struct fl_param *p)
{
    fprintf(to, "%*s%s (%s", indent, "", p->key, type_word(p));
    if (p->list) fprintf(to, " in %s of the %s", p->list, p->within);
    if (has_range(p)) {
        fputs(", ", to);
        print_scaled(to, p->min, p->digits);
        fputs(" to ", to);
        print_scaled(to, p->max, p->digits);
    }
    if (!p->fallback)
        fputs(", required)\n", to);
    else if (p->type == FL_ENTRY_NAME && strcmp(p->fallback, "\"\"") == 0)
        fputs(", default the first)\n", to);
    else
        fprintf(to, ", default %s)\n", p->fallback);
    wrapped(to, indent + 4, p->doc);
    if (p->of) describe_params(to, indent + 4, p->of);
}

static void describe_params(FILE *to, int indent, const struct fl_param *p)
{
    for (; p && p->key; p++) describe_param(to, indent, p);
}

static void describe_keys(FILE *to, const struct fl_schema_key *key)
{
    for (; key->row.key; key++) {
        fprintf(to, "  %s\n", key->row.key);
        wrapped(to, 6, key->row.doc);
    }
}

void fl_describe(FILE *to, const struct fl_model *m)
{
    fprintf(to, "%s (%s)\n", m->name, fl_family_name(m->family));
    wrapped(to, 2, m->doc);
    if (m->params && m->params[0].key) fputs("\nkeys\n", to);
    describe_params(to, 2, m->params);
    if (m->family == FL_FAULT) {
        fputs("\nwho and when, as of every fault\n", to);
        describe_keys(to, fl_schema_fault_keys);
        if (m->fault->carries) describe_keys(to, fl_schema_sides_keys);
    }
    if (m->observables && m->observables[0].name) fputs("\npublishes\n", to);
    for (const struct fl_observable *o = m->observables; o && o->name; o++) {
        fprintf(to, "  %s [%s]\n", o->name, fl_unit_symbol(o->unit));
        wrapped(to, 6, o->doc);
    }
}
