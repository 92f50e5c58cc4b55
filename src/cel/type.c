/* SPDX-License-Identifier: Apache-2.0 */
/* Types; see type.h. */
#include "cel/type.h"

/* Declared types may name themselves in a circle. */
enum { TYPE_DEPTH = 8 };

const struct cel_type cel_dyn = {.form = CEL_T_DYN};
const struct cel_type cel_list_of_dyn = {.form = CEL_T_LIST, .of = {&cel_dyn, &cel_dyn}};
const struct cel_type cel_map_of_dyn = {.form = CEL_T_MAP, .of = {&cel_dyn, &cel_dyn}};

#define VALUE(k) [k] = {.form = CEL_T_VALUE, .kind = (k)}
const struct cel_type cel_types[CEL_KINDS] = {
	VALUE(CEL_NULL),
	VALUE(CEL_BOOL),
	VALUE(CEL_INT),
	VALUE(CEL_UINT),
	VALUE(CEL_DOUBLE),
	VALUE(CEL_STRING),
	VALUE(CEL_BYTES),
	VALUE(CEL_TIMESTAMP),
	VALUE(CEL_DURATION),
	VALUE(CEL_TYPE),
	VALUE(CEL_IP),
	VALUE(CEL_CIDR),
	[CEL_LIST] = {.form = CEL_T_LIST, .of = {&cel_dyn, &cel_dyn}},
	[CEL_MAP] = {.form = CEL_T_MAP, .of = {&cel_dyn, &cel_dyn}},
};

static struct slice text(const struct cel_type *t, struct arena *a, int depth)
{
	struct slice x, y;

	if (depth == 0)
		return SLICE("...");
	switch (t->form) {
	case CEL_T_DYN:
	case CEL_T_PARAMETER:
		return SLICE("dyn");
	case CEL_T_VALUE:
		return cel_kind_name(t->kind);
	case CEL_T_OBJECT:
		return t->object->name;
	case CEL_T_LIST:
		x = text(t->of[0], a, depth - 1);
		return arena_printf(a, "list(%.*s)", SLICE_ARG(x));
	case CEL_T_MAP:
		x = text(t->of[0], a, depth - 1);
		y = text(t->of[1], a, depth - 1);
		return arena_printf(a, "map(%.*s, %.*s)", SLICE_ARG(x), SLICE_ARG(y));
	}
	return SLICE("dyn");
}

struct slice cel_type_text(const struct cel_type *t, struct arena *a)
{
	return text(t, a, TYPE_DEPTH);
}

static bool open(const struct cel_type *t)
{
	return t->form == CEL_T_DYN || t->form == CEL_T_PARAMETER;
}

static bool numeric(const struct cel_type *t)
{
	return t->form == CEL_T_VALUE &&
	       (t->kind == CEL_INT || t->kind == CEL_UINT || t->kind == CEL_DOUBLE);
}

static bool map_and_object(const struct cel_type *a, const struct cel_type *b)
{
	return a->form == CEL_T_MAP && b->form == CEL_T_OBJECT &&
	       (open(a->of[0]) || a->of[0]->kind == CEL_STRING);
}

static bool agrees(const struct cel_type *a, const struct cel_type *b, bool numbers, int depth)
{
	if (a == b || depth == 0 || open(a) || open(b))
		return true;
	if (numbers && numeric(a) && numeric(b))
		return true;
	if (map_and_object(a, b) || map_and_object(b, a))
		return true;
	if (a->form != b->form)
		return false;
	switch (a->form) {
	case CEL_T_VALUE:
		return a->kind == b->kind;
	case CEL_T_LIST:
		return agrees(a->of[0], b->of[0], numbers, depth - 1);
	case CEL_T_MAP:
		return agrees(a->of[0], b->of[0], numbers, depth - 1) &&
		       agrees(a->of[1], b->of[1], numbers, depth - 1);
	case CEL_T_OBJECT:
		return numbers || a->object == b->object;
	case CEL_T_DYN:
	case CEL_T_PARAMETER:
		break;
	}
	return true;
}

bool cel_type_agrees(const struct cel_type *a, const struct cel_type *b)
{
	return agrees(a, b, false, TYPE_DEPTH);
}

bool cel_type_comparable(const struct cel_type *a, const struct cel_type *b)
{
	return agrees(a, b, true, TYPE_DEPTH);
}

/* Not only agreeing: saying as much. */
static bool same(const struct cel_type *a, const struct cel_type *b, int depth)
{
	if (a == b)
		return true;
	if (depth == 0 || a->form != b->form || a->kind != b->kind || a->object != b->object)
		return false;
	if (a->form != CEL_T_LIST && a->form != CEL_T_MAP)
		return true;
	return same(a->of[0], b->of[0], depth - 1) && same(a->of[1], b->of[1], depth - 1);
}

const struct cel_type *cel_type_join(const struct cel_type *a, const struct cel_type *b)
{
	if (same(a, b, TYPE_DEPTH))
		return a->at_most >= b->at_most ? a : b;
	if (a->form == CEL_T_LIST && b->form == CEL_T_LIST)
		return &cel_list_of_dyn;
	if (a->form == CEL_T_MAP && b->form == CEL_T_MAP)
		return &cel_map_of_dyn;
	return &cel_dyn;
}
