/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of messages: `user`, `a.b`, `internal.*`, `/a/b.c`, and `.` for the whole message. They
 * are held against what the contract's schema says, so that no rule guards a field that the
 * message does not have.
 */
#include "base/num.h"
#include "conf/load_priv.h"

enum { STEPS_MAX = 32, NAMES_MAX = 256 };

struct field {
	struct load *l;
	struct load_rule *rule;
	struct slice text;
	struct diag_place place;
	const char *what;
	unsigned wants;
};

/* What `*` does to texts simply does not concern a message without the field. */
static bool quiet(const struct field *f)
{
	return f->rule->wildcard && !(f->wants & (LOAD_FIELD_NAMES | LOAD_FIELD_ONE));
}

static void complain(const struct field *f, const char *sentence)
{
	diag_add(f->l->diag, DIAG_ERROR, f->place, "`%s`: `%.*s` %s", f->what,
		 SLICE_ARG(slice_first(f->text, 80)), sentence);
}

/* ---- the text */

struct slice load_pointer_piece(struct slice piece, struct arena *a)
{
	char *out = arena_alloc(a, piece.len + 1);
	size_t len = 0;

	for (size_t i = 0; out && i < piece.len; i++) {
		char c = piece.data[i];
		if (c == '~') {
			char code = i + 1 < piece.len ? piece.data[++i] : 0;
			if (code != '0' && code != '1')
				return slice_of(NULL, 0);
			c = code == '0' ? '~' : '/';
		}
		out[len++] = c;
	}
	return slice_of(out, len);
}

static bool add_step(struct field *f, struct slice piece, bool pointer, struct conf_step *step)
{
	struct slice name =
		pointer ? load_pointer_piece(piece, f->l->arena) : load_copy(f->l, piece);
	uint64_t index;

	if (!name.data || (!name.len && !pointer)) {
		complain(f, "is no field");
		diag_help(f->l->diag,
			  "a field is `name`, `a.b`, `a.*` or a JSON Pointer: `/a/b.c`");
		return false;
	}
	step->any = !pointer && slice_eq(name, SLICE("*"));
	step->index = !step->any && num_parse_u64(name, UINT32_MAX - 1, &index);
	step->at = step->index ? (uint32_t)index : 0;
	step->name = json_name(name);
	if (!(f->wants & (LOAD_FIELD_NAMES | LOAD_FIELD_ONE)) || !step->any)
		return true;
	complain(f, "has a `*`, and one field has to be named here");
	return false;
}

static bool read_steps(struct field *f, struct conf_field *out)
{
	bool pointer = f->text.len && f->text.data[0] == '/';
	struct slice rest = pointer ? slice_from(f->text, 1) : f->text, piece;
	struct conf_step *steps = load_room(f->l, STEPS_MAX, sizeof(*steps));
	bool more = true;

	out->text = load_copy(f->l, f->text);
	if (slice_eq(f->text, SLICE(".")))
		return true;
	while (steps && slice_next(&rest, &more, pointer ? '/' : '.', &piece)) {
		if (out->count == STEPS_MAX) {
			complain(f, "leads more than 32 levels down");
			return false;
		}
		if (!add_step(f, piece, pointer, &steps[out->count++]))
			return false;
	}
	out->steps = steps;
	return steps != NULL;
}

/* ---- against the schema */

struct names {
	struct slice list[NAMES_MAX];
	size_t count;
};

static void add_name(void *with, struct slice name)
{
	struct names *n = with;

	if (n->count < NAMES_MAX)
		n->list[n->count++] = name;
}

static void no_such_field(const struct field *f, const struct schema_shape *shape,
			  struct slice name)
{
	struct names n = {.count = 0};

	if (quiet(f))
		return;
	schema_shape_names(shape, add_name, &n);
	struct slice near = diag_nearest(name, n.list, n.count);
	diag_add(f->l->diag, DIAG_ERROR, f->place, "`%s`: the message `%.*s` has no field `%.*s`",
		 f->what, SLICE_ARG(slice_first(f->rule->message->id, 80)),
		 SLICE_ARG(slice_first(f->text, 80)));
	if (near.len)
		diag_help(f->l->diag, "did you mean `%.*s`?", SLICE_ARG(near));
	else
		diag_help(f->l->diag, "see the message's schema in the contract");
}

static const char *type_word(unsigned types)
{
	switch (types) {
	case 1u << JSON_NULL:
		return "null";
	case 1u << JSON_BOOL:
		return "a boolean";
	case 1u << JSON_NUMBER:
		return "a number";
	case 1u << JSON_STRING:
		return "a text";
	case 1u << JSON_ARRAY:
		return "an array";
	case 1u << JSON_OBJECT:
		return "an object";
	default:
		return "a value of several types";
	}
}

/* One step down. NULL with *known false: there is none (it was said); with true: who knows. */
static const struct schema_shape *step_down(const struct field *f, const struct schema_shape *at,
					    const struct conf_step *step, bool *known)
{
	unsigned types = schema_shape_types(at);
	const struct schema_shape *next = NULL, *item = NULL;
	enum schema_answer answer = SCHEMA_ANSWER_NO;

	*known = true;
	if (types & 1u << JSON_ARRAY) {
		if (schema_shape_item(at, f->l->arena, &item) != SCHEMA_ANSWER_KNOWN ||
		    types != 1u << JSON_ARRAY)
			return NULL;
		return step->any || step->index ? item : step_down(f, item, step, known);
	}
	if (types & 1u << JSON_OBJECT && step->any)
		return NULL;
	if (types & 1u << JSON_OBJECT)
		answer = schema_shape_member(at, step->name.text, f->l->arena, &next);
	if (answer == SCHEMA_ANSWER_KNOWN || answer == SCHEMA_ANSWER_OPEN)
		return next;
	if (answer == SCHEMA_ANSWER_UNDECLARED &&
	    f->rule->r->out->messages.undeclared == CONF_UNDECLARED_ALLOW)
		return NULL;
	no_such_field(f, at, step->name.text);
	*known = false;
	return NULL;
}

/* May the field's value be what the rule needs? */
static bool fits(const struct field *f, const struct schema_shape *shape)
{
	const unsigned scalar = 1u << JSON_BOOL | 1u << JSON_NUMBER | 1u << JSON_STRING;
	const unsigned texts = 1u << JSON_STRING | 1u << JSON_ARRAY | 1u << JSON_OBJECT;
	unsigned types = schema_shape_types(shape);
	char sentence[80];

	if ((!(f->wants & LOAD_FIELD_ONE) || types & scalar) &&
	    (!(f->wants & LOAD_FIELD_TEXT) || types & texts))
		return true;
	if (quiet(f) && f->wants & LOAD_FIELD_TEXT)
		return false;
	snprintf(sentence, sizeof(sentence), "is %s, %s", type_word(types),
		 f->wants & LOAD_FIELD_ONE ? "and a text, a number or a boolean is needed"
					   : "which has no text in it");
	complain(f, sentence);
	return false;
}

static bool in_array(const struct field *f, const struct schema_shape *at,
		     const struct conf_step *step)
{
	unsigned types = schema_shape_types(at);

	if (types != 1u << JSON_ARRAY || !(f->wants & (LOAD_FIELD_NAMES | LOAD_FIELD_ONE)))
		return false;
	if (step->index && !(f->wants & LOAD_FIELD_NAMES))
		return false;
	complain(f, "leads through an array, and one field has to be named here");
	return true;
}

static bool check(struct field *f, const struct conf_field *field,
		  const struct schema_shape **shape)
{
	const struct schema_shape *at =
		f->rule->message && f->rule->message->schema
			? schema_shape_of(f->rule->message->schema, f->l->arena)
			: NULL;
	bool known = true;

	for (size_t i = 0; at && known && i < field->count; i++) {
		if (in_array(f, at, &field->steps[i]))
			return false;
		at = step_down(f, at, &field->steps[i], &known);
	}
	*shape = at;
	return known && (!at || fits(f, at));
}

bool load_field(struct load_rule *rule, struct slice text, struct diag_place place,
		const char *what, unsigned wants, struct conf_field *out,
		const struct schema_shape **shape)
{
	struct field f = {rule->r->l, rule, text, place, what, wants};
	const struct schema_shape *ignored;

	*out = (struct conf_field){.count = 0};
	return read_steps(&f, out) && check(&f, out, shape ? shape : &ignored);
}
