/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens -> tree, by the grammar of the language definition ("Syntax"):
 *
 *   expression   or ['?' or ':' expression]
 *   binary       unary, then operators by precedence
 *   unary        ('!' | '-')* postfix
 *   postfix      primary ('.' name ['(' arguments ')'] | '[' expression ']')*
 *   primary      name, call, literal, '(' expression ')', '[' list ']', '{' map '}'
 *
 * Recursion is bounded by limits->depth on the way down and by the same times HEIGHT_FACTOR in
 * the tree's height, which is what the later passes recurse over.
 */
#include "cel/parse.h"

#include "base/utf8.h"

/* A chain of n operators is n high; parentheses cost more stack while parsing. */
enum { HEIGHT_FACTOR = 2 };

struct cel_node *cel_parse_fail(struct cel_parser *p, size_t at, const char *sentence)
{
	if (!p->failed) {
		p->failed = true;
		*p->error = (struct cel_error){
			.phase = CEL_PHASE_PARSE, .at = at, .sentence = slice_from_cstr(sentence)};
	}
	return NULL;
}

struct cel_node *cel_node_new(struct cel_parser *p, enum cel_op op, size_t at, uint32_t children)
{
	if (p->failed)
		return NULL;
	if (p->nodes >= p->limits->nodes)
		return cel_parse_fail(p, at, "the expression has too many parts");
	p->nodes++;
	struct cel_node *n = arena_calloc(p->arena, 1, sizeof(*n));
	if (n && children)
		n->children = arena_calloc(p->arena, children, sizeof(struct cel_node *));
	if (!n || (children && !n->children))
		return cel_parse_fail(p, at, "there is no memory for this expression");
	n->op = (uint8_t)op;
	n->at = (uint32_t)at;
	n->count = children;
	n->type = &cel_dyn;
	return n;
}

struct cel_node *cel_node_done(struct cel_parser *p, struct cel_node *n)
{
	if (p->failed || !n)
		return NULL;
	for (uint32_t i = 0; i < n->count; i++)
		if (n->children[i] && n->children[i]->height >= n->height)
			n->height = (uint16_t)(n->children[i]->height + 1);
	if (n->height > p->limits->depth * HEIGHT_FACTOR)
		return cel_parse_fail(p, n->at, "the expression is nested too deep");
	return n;
}

/* ---- tokens */

static void advance(struct cel_parser *p)
{
	p->token = cel_lex(&p->lexer);
	if (p->token.kind == CEL_TOK_BAD)
		cel_parse_fail(p, p->token.at, p->token.sentence);
}

static bool accept(struct cel_parser *p, int kind)
{
	if (p->failed || p->token.kind != kind)
		return false;
	advance(p);
	return true;
}

static bool expect(struct cel_parser *p, int kind, const char *otherwise)
{
	if (accept(p, kind))
		return true;
	cel_parse_fail(p, p->token.at, otherwise);
	return false;
}

/* ---- nodes */

static struct cel_node *expression(struct cel_parser *p);

/* An operator or function of one or two arguments. */
static struct cel_node *call(struct cel_parser *p, const char *name, size_t at, struct cel_node *a,
			     struct cel_node *b)
{
	struct cel_node *n = cel_node_new(p, CEL_OP_CALL, at, b ? 2 : 1);

	if (!n)
		return NULL;
	n->name = json_name(slice_from_cstr(name));
	n->children[0] = a;
	if (b)
		n->children[1] = b;
	return cel_node_done(p, n);
}

/* Children are collected in an array that doubles; the old ones stay in the arena. */
struct collected {
	struct cel_node **items;
	uint32_t count, room;
};

static bool collect(struct cel_parser *p, struct collected *c, struct cel_node *n)
{
	if (!n)
		return false;
	if (c->count == c->room) {
		uint32_t room = c->room ? c->room * 2 : 4;
		struct cel_node **items = arena_calloc(p->arena, room, sizeof(*items));
		if (!items) {
			cel_parse_fail(p, n->at, "there is no memory for this expression");
			return false;
		}
		if (c->count)
			memcpy(items, c->items, c->count * sizeof(*items));
		c->items = items;
		c->room = room;
	}
	c->items[c->count++] = n;
	return true;
}

static struct cel_node *with_children(struct cel_parser *p, enum cel_op op, size_t at,
				      const struct collected *c)
{
	struct cel_node *n = cel_node_new(p, op, at, 0);

	if (!n)
		return NULL;
	n->children = c->items;
	n->count = c->count;
	return cel_node_done(p, n);
}

/* ---- primaries */

static bool reserved(struct slice name)
{
	static const char *const words[] = {
		"as",        "break",  "const",  "continue", "else",  "for",
		"function",  "if",     "import", "let",      "loop",  "package",
		"namespace", "return", "var",    "void",     "while",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (slice_eq(name, slice_from_cstr(words[i])))
			return true;
	return false;
}

/* Behind the opening parenthesis, up to and with the closing one. */
static bool arguments(struct cel_parser *p, struct collected *c)
{
	if (accept(p, ')'))
		return true;
	do {
		if (!collect(p, c, expression(p)))
			return false;
	} while (accept(p, ','));
	return expect(p, ')', "a ',' or ')' is missing here");
}

static struct cel_node *global_call(struct cel_parser *p, const struct cel_token *name)
{
	struct collected c = {0};

	if (!arguments(p, &c))
		return NULL;
	struct cel_node *n = with_children(p, CEL_OP_CALL, name->at, &c);
	if (!n)
		return NULL;
	n->name = json_name(name->text);
	return cel_expand(p, n);
}

static struct cel_node *name_or_call(struct cel_parser *p)
{
	struct cel_token dot = p->token;
	bool global = accept(p, '.');
	struct cel_token name = p->token;

	if (!expect(p, CEL_TOK_IDENT, "a name is missing here"))
		return NULL;
	if (reserved(name.text))
		return cel_parse_fail(p, name.at, "this word is reserved");
	if (accept(p, '('))
		return global_call(p, &name);
	if (p->token.kind == '{')
		return cel_parse_fail(p, p->token.at, "message literals are not supported");
	struct cel_node *n = cel_node_new(p, CEL_OP_IDENT, global ? dot.at : name.at, 0);
	if (!n)
		return NULL;
	n->flags = global ? CEL_NODE_GLOBAL : 0;
	n->name = json_name(name.text);
	return n;
}

static struct cel_node *list(struct cel_parser *p)
{
	struct collected c = {0};
	size_t at = p->token.at;

	advance(p);
	while (p->token.kind != ']') {
		if (!collect(p, &c, expression(p)))
			return NULL;
		if (!accept(p, ','))
			break;
	}
	if (!expect(p, ']', "a ',' or ']' is missing here"))
		return NULL;
	return with_children(p, CEL_OP_LIST, at, &c);
}

static struct cel_node *map(struct cel_parser *p)
{
	struct collected c = {0};
	size_t at = p->token.at;

	advance(p);
	while (p->token.kind != '}') {
		if (!collect(p, &c, expression(p)) ||
		    !expect(p, ':', "a ':' and a value are missing here") ||
		    !collect(p, &c, expression(p)))
			return NULL;
		if (!accept(p, ','))
			break;
	}
	if (!expect(p, '}', "a ',' or '}' is missing here"))
		return NULL;
	return with_children(p, CEL_OP_MAP, at, &c);
}

static struct cel_node *constant(struct cel_parser *p, struct cel_value value, size_t at)
{
	struct cel_node *n = cel_node_new(p, CEL_OP_CONST, at, 0);

	if (!n)
		return NULL;
	n->value = value;
	return n;
}

/* A whole number, `at` being that of its minus if it has one. */
static struct cel_node *integer(struct cel_parser *p, size_t at, bool negative)
{
	uint64_t n = p->token.natural;

	if (n > (uint64_t)INT64_MAX + negative)
		return cel_parse_fail(p, at, "this number does not fit in an int");
	advance(p);
	return constant(p, cel_int(negative ? (int64_t)(0 - n) : (int64_t)n), at);
}

static struct cel_node *real(struct cel_parser *p, size_t at, bool negative)
{
	double n = p->token.real;

	advance(p);
	return constant(p, cel_double(negative ? -n : n), at);
}

static struct cel_node *literal(struct cel_parser *p)
{
	struct cel_token t = p->token;

	advance(p);
	switch (t.kind) {
	case CEL_TOK_UINT:
		return constant(p, cel_uint(t.natural), t.at);
	case CEL_TOK_STRING:
		return constant(p, cel_string(t.text), t.at);
	case CEL_TOK_BYTES:
		return constant(p, cel_bytes(t.text), t.at);
	case CEL_TOK_TRUE:
	case CEL_TOK_FALSE:
		return constant(p, cel_bool(t.kind == CEL_TOK_TRUE), t.at);
	case CEL_TOK_NULL:
		return constant(p, cel_null(), t.at);
	case CEL_TOK_END:
		return cel_parse_fail(p, t.at, "the expression ends too early");
	default:
		return cel_parse_fail(p, t.at, "a value is missing here");
	}
}

static struct cel_node *in_parentheses(struct cel_parser *p)
{
	advance(p);
	struct cel_node *n = expression(p);
	if (!n || !expect(p, ')', "a ')' is missing here"))
		return NULL;
	n->flags |= CEL_NODE_PAREN;
	return n;
}

static struct cel_node *primary(struct cel_parser *p)
{
	switch (p->token.kind) {
	case '(':
		return in_parentheses(p);
	case '[':
		return list(p);
	case '{':
		return map(p);
	case '.':
	case CEL_TOK_IDENT:
		return name_or_call(p);
	case CEL_TOK_INT:
		return integer(p, p->token.at, false);
	case CEL_TOK_DOUBLE:
		return real(p, p->token.at, false);
	default:
		return literal(p);
	}
}

/* ---- behind a primary */

static struct cel_node *receiver_call(struct cel_parser *p, struct cel_node *receiver,
				      const struct cel_token *name)
{
	struct collected c = {0};

	if (!collect(p, &c, receiver) || !arguments(p, &c))
		return NULL;
	struct cel_node *n = with_children(p, CEL_OP_CALL, name->at, &c);
	if (!n)
		return NULL;
	n->flags = CEL_NODE_RECEIVER;
	n->name = json_name(name->text);
	return cel_expand(p, n);
}

static struct cel_node *member(struct cel_parser *p, struct cel_node *operand)
{
	struct cel_token name = p->token;

	if (name.kind != CEL_TOK_IDENT && name.kind != CEL_TOK_QUOTED_IDENT)
		return cel_parse_fail(p, name.at, "a name is missing behind the dot");
	advance(p);
	if (name.kind == CEL_TOK_IDENT && accept(p, '('))
		return receiver_call(p, operand, &name);
	struct cel_node *n = cel_node_new(p, CEL_OP_SELECT, name.at, 1);
	if (!n)
		return NULL;
	n->children[0] = operand;
	n->name = json_name(name.text);
	return cel_node_done(p, n);
}

static struct cel_node *index_of(struct cel_parser *p, struct cel_node *operand, size_t at)
{
	struct cel_node *index = expression(p);

	if (!index || !expect(p, ']', "a ']' is missing here"))
		return NULL;
	return call(p, "_[_]", at, operand, index);
}

static struct cel_node *postfix(struct cel_parser *p, struct cel_node *n)
{
	while (n && !p->failed) {
		size_t at = p->token.at;
		if (accept(p, '.'))
			n = member(p, n);
		else if (accept(p, '['))
			n = index_of(p, n, at);
		else
			return n;
	}
	return NULL;
}

/* ---- operators */

/* Two that follow each other cancel out only where the value is of the right type, so each is
 * kept; a minus right before a number belongs to it. */
static struct cel_node *unary(struct cel_parser *p)
{
	size_t at = p->token.at;

	if (p->depth >= p->limits->depth)
		return cel_parse_fail(p, at, "the expression is nested too deep");
	p->depth++;
	struct cel_node *n;
	if (accept(p, '!')) {
		n = unary(p);
		n = n ? call(p, "!_", at, n, NULL) : NULL;
	} else if (accept(p, '-')) {
		if (p->token.kind == CEL_TOK_INT) {
			n = postfix(p, integer(p, at, true));
		} else if (p->token.kind == CEL_TOK_DOUBLE) {
			n = postfix(p, real(p, at, true));
		} else {
			n = unary(p);
			n = n ? call(p, "-_", at, n, NULL) : NULL;
		}
	} else {
		n = postfix(p, primary(p));
	}
	p->depth--;
	return n;
}

static const struct operator
{
	int kind, precedence;
	const char *name;
}
operators[] = {
	{CEL_TOK_OR, 1, "_||_"}, {CEL_TOK_AND, 2, "_&&_"}, {'<', 3, "_<_"},
	{'>', 3, "_>_"},         {CEL_TOK_LE, 3, "_<=_"},  {CEL_TOK_GE, 3, "_>=_"},
	{CEL_TOK_EQ, 3, "_==_"}, {CEL_TOK_NE, 3, "_!=_"},  {CEL_TOK_IN, 3, "@in"},
	{'+', 4, "_+_"},         {'-', 4, "_-_"},          {'*', 5, "_*_"},
	{'/', 5, "_/_"},         {'%', 5, "_%_"},
};

static const struct operator* operator_at(const struct cel_parser *p)
{
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
		if (operators[i].kind == p->token.kind)
			return &operators[i];
	return NULL;
}

static struct cel_node *join(struct cel_parser *p, const struct operator* o, size_t at,
			     struct cel_node *left, struct cel_node *right)
{
	struct cel_node *n = call(p, o->name, at, left, right);

	if (n && o->precedence < 3)
		n->op = o->kind == CEL_TOK_OR ? CEL_OP_OR : CEL_OP_AND;
	return n;
}

/* Operators of at least that precedence; all are left-associative. */
static struct cel_node *binary(struct cel_parser *p, int precedence)
{
	struct cel_node *left = unary(p);
	const struct operator* o;

	while (left && !p->failed && (o = operator_at(p)) && o->precedence >= precedence) {
		size_t at = p->token.at;
		advance(p);
		struct cel_node *right = binary(p, o->precedence + 1);
		left = right ? join(p, o, at, left, right) : NULL;
	}
	return left;
}

static struct cel_node *conditional(struct cel_parser *p, struct cel_node *condition, size_t at)
{
	struct cel_node *n = cel_node_new(p, CEL_OP_COND, at, 3);

	if (!n)
		return NULL;
	n->children[0] = condition;
	if (!(n->children[1] = binary(p, 1)) ||
	    !expect(p, ':', "the ':' of a conditional is missing here") ||
	    !(n->children[2] = expression(p)))
		return NULL;
	return cel_node_done(p, n);
}

static struct cel_node *expression(struct cel_parser *p)
{
	if (p->failed)
		return NULL;
	if (p->depth >= p->limits->depth)
		return cel_parse_fail(p, p->token.at, "the expression is nested too deep");
	p->depth++;
	struct cel_node *n = binary(p, 1);
	size_t at = p->token.at;
	if (n && accept(p, '?'))
		n = conditional(p, n, at);
	p->depth--;
	return n;
}

struct cel_node *cel_parse(struct slice text, const struct cel_limits *limits, bool no_macros,
			   struct arena *a, struct cel_error *error)
{
	struct cel_parser p = {.lexer = {.text = text, .arena = a},
			       .limits = limits,
			       .error = error,
			       .arena = a,
			       .no_macros = no_macros};

	if (text.len > limits->text_bytes)
		return cel_parse_fail(&p, limits->text_bytes, "the expression is too long");
	if (!utf8_valid(text))
		return cel_parse_fail(&p, 0, "the expression is not UTF-8");
	advance(&p);
	struct cel_node *n = expression(&p);
	if (n && p.token.kind != CEL_TOK_END)
		return cel_parse_fail(&p, p.token.at, "nothing was expected here any more");
	return p.failed ? NULL : n;
}
