/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expressions of routes and rules: compiled over the variables of conf/rules.h, with findings
 * at the letter that they are about, inside of the YAML scalar.
 */
#include "base/utf8.h"
#include "conf/load_priv.h"

/* Behind the variables: names that are only the front of others, so that a slip in
 * `identity.clams` can be told. Whoever uses one alone is told what is meant. */
enum { FRONT_IDENTITY = CONF_VARIABLES, FRONT_REQUEST, FRONT_CONNECTION, NAMES };

static const struct {
	struct slice name;
	enum cel_kind kind; /* CEL_ERROR: somebody else knows the type */
} variables[CONF_VARIABLES] = {
	[CONF_VAR_MESSAGE] = {SLICE_INIT("message"), CEL_ERROR},
	[CONF_VAR_LAST] = {SLICE_INIT("last"), CEL_ERROR},
	[CONF_VAR_NOW] = {SLICE_INIT("now"), CEL_TIMESTAMP},
	[CONF_VAR_IDENTITY_SUB] = {SLICE_INIT("identity.sub"), CEL_STRING},
	[CONF_VAR_IDENTITY_VIA] = {SLICE_INIT("identity.via"), CEL_STRING},
	[CONF_VAR_IDENTITY_CLAIMS] = {SLICE_INIT("identity.claims"), CEL_ERROR},
	[CONF_VAR_REQUEST_PATH] = {SLICE_INIT("request.path"), CEL_STRING},
	[CONF_VAR_REQUEST_PARAMS] = {SLICE_INIT("request.params"), CEL_ERROR},
	[CONF_VAR_REQUEST_QUERY] = {SLICE_INIT("request.query"), CEL_ERROR},
	[CONF_VAR_REQUEST_HEADERS] = {SLICE_INIT("request.headers"), CEL_ERROR},
	[CONF_VAR_REQUEST_ORIGIN] = {SLICE_INIT("request.origin"), CEL_STRING},
	[CONF_VAR_REQUEST_IP] = {SLICE_INIT("request.ip"), CEL_STRING},
	[CONF_VAR_REQUEST_TLS] = {SLICE_INIT("request.tls"), CEL_BOOL},
	[CONF_VAR_PARAMS] = {SLICE_INIT("params"), CEL_ERROR},
	[CONF_VAR_CONNECTION_ID] = {SLICE_INIT("connection.id"), CEL_STRING},
	[CONF_VAR_CONNECTION_AGE] = {SLICE_INIT("connection.age"), CEL_DURATION},
	[CONF_VAR_CONNECTION_MESSAGES] = {SLICE_INIT("connection.messages"), CEL_INT},
};

static const struct cel_type text_to_any = {.form = CEL_T_MAP,
					    .of = {&cel_types[CEL_STRING], &cel_dyn}};
static const struct cel_type text_to_text = {
	.form = CEL_T_MAP, .of = {&cel_types[CEL_STRING], &cel_types[CEL_STRING]}};

/* One expression that is read. */
struct reading {
	struct load *l;
	const struct yaml_node *node;
	const char *key;
	const struct conf_route *route;
	const struct load_rule *rule; /* NULL: of the route */
	struct cel_variable variables[NAMES];
};

/* ---- where it is */

static size_t offset_of(struct slice text, struct diag_place place)
{
	size_t at = 0;
	uint32_t c;

	for (uint32_t line = 1; line < place.line && at < text.len; line++)
		at += slice_index(slice_from(text, at), '\n') + 1;
	for (uint32_t column = 1; column < place.column && at < text.len; column++) {
		unsigned len = utf8_decode(slice_from(text, at), &c);
		at += len ? len : 1;
	}
	return at < text.len ? at : text.len;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static size_t skip_spaces(struct slice text, size_t at)
{
	while (at < text.len && is_space(text.data[at]))
		at++;
	return at;
}

/*
 * Where in the file the scalar's byte stands: both are walked side by side, white space as one
 * (lines are folded, indentation goes), an escape as what it stands for. SIZE_MAX where they
 * part: an alias, say.
 */
static size_t find_in_file(struct slice file, size_t at, struct slice scalar, size_t wanted)
{
	for (size_t i = 0;; i++) {
		char c = i < scalar.len ? scalar.data[i] : '\n';
		char next = i + 1 < scalar.len ? scalar.data[i + 1] : '\n';
		if (!is_space(c))
			at = skip_spaces(file, at);
		if (at >= file.len)
			return SIZE_MAX;
		if (i == wanted)
			return at;
		if (is_space(c)) {
			at = is_space(next) && is_space(file.data[at]) ? at + 1
								       : skip_spaces(file, at);
			continue;
		}
		/* '' in single quotes, \" and \\ in double ones */
		if (file.data[at] == '\\' && c != '\\')
			at++;
		else if ((c == '\'' || c == '\\') && at + 1 < file.len && file.data[at + 1] == c &&
			 next != c)
			at++;
		if (at >= file.len || file.data[at] != c)
			return SIZE_MAX;
		at++;
	}
}

static bool in_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static struct diag_place place_of(const struct reading *r, size_t wanted)
{
	struct slice file = r->l->text, scalar = r->node->text;
	size_t at = offset_of(file, r->node->at);
	struct diag_place place = {1, 1, 1};
	uint32_t c;

	/* A dot before a member: the member is meant. */
	if (wanted + 1 < scalar.len && scalar.data[wanted] == '.' &&
	    in_name(scalar.data[wanted + 1]))
		wanted++;
	at = find_in_file(file, at, scalar, wanted);
	if (at == SIZE_MAX)
		return r->node->at;
	for (size_t i = 0; i < at;) {
		unsigned len = utf8_decode(slice_from(file, i), &c);
		place.column++;
		if (file.data[i] == '\n')
			place = (struct diag_place){place.line + 1, 1, 1};
		i += len ? len : 1;
	}
	while (at + place.width < file.len && in_name(file.data[at]) &&
	       in_name(file.data[at + place.width]))
		place.width++;
	return place;
}

static void complain(const struct reading *r, size_t at, struct slice sentence)
{
	const struct load_rule *rule = r->rule;

	if (rule && rule->wildcard && rule->message)
		diag_add(r->l->diag, DIAG_ERROR, place_of(r, at),
			 "`%s`, for the message `%.*s`: %.*s", r->key,
			 SLICE_ARG(slice_first(rule->message->id, 80)), SLICE_ARG(sentence));
	else
		diag_add(r->l->diag, DIAG_ERROR, place_of(r, at), "`%s`: %.*s", r->key,
			 SLICE_ARG(sentence));
}

/* Where that name stands in the expression, as a word of its own. */
static size_t word_at(struct slice text, struct slice word)
{
	for (size_t i = 0; i + word.len <= text.len; i++) {
		bool begins = i == 0 || (!in_name(text.data[i - 1]) && text.data[i - 1] != '.');
		bool ends = i + word.len == text.len || !in_name(text.data[i + word.len]);
		if (begins && ends && slice_starts_with(slice_from(text, i), word))
			return i;
	}
	return 0;
}

/* ---- what may be spoken of */

static const struct cel_type *type_of_params(const struct reading *r)
{
	const struct conf_path *path = &r->route->path;
	struct load_member *members = load_room(r->l, path->count, sizeof(*members));
	size_t count = 0;

	for (size_t i = 0; members && i < path->count; i++)
		if (path->segments[i].parameter)
			members[count++] = (struct load_member){path->segments[i].text,
								&cel_types[CEL_STRING]};
	return load_type_object(r->l, SLICE("params"), members, count);
}

static const struct cel_type *type_of_message(const struct reading *r)
{
	const struct load_rule *rule = r->rule;

	if (!rule || !rule->message)
		return &cel_dyn;
	return load_type_message(rule->r, (size_t)(rule->message - rule->r->contract->messages));
}

/* All variables whose name begins so, as members of one object. */
static const struct cel_type *front(const struct reading *r, struct slice name)
{
	struct load_member *members = load_room(r->l, CONF_VARIABLES, sizeof(*members));
	size_t count = 0;

	for (size_t i = 0; members && i < CONF_VARIABLES; i++) {
		struct slice whole = variables[i].name;
		if (whole.len > name.len && slice_starts_with(whole, name) &&
		    whole.data[name.len] == '.')
			members[count++] = (struct load_member){slice_from(whole, name.len + 1),
								r->variables[i].type};
	}
	return load_type_object(r->l, name, members, count);
}

static void name_variables(struct reading *r)
{
	static const struct slice fronts[] = {SLICE_INIT("identity"), SLICE_INIT("request"),
					      SLICE_INIT("connection")};

	for (size_t i = 0; i < CONF_VARIABLES; i++) {
		enum cel_kind kind = variables[i].kind;
		r->variables[i] = (struct cel_variable){
			variables[i].name, kind == CEL_ERROR ? &cel_dyn : &cel_types[kind]};
	}
	r->variables[CONF_VAR_MESSAGE].type = type_of_message(r);
	if (r->rule)
		r->variables[CONF_VAR_LAST].type = load_type_last(r->rule->r);
	r->variables[CONF_VAR_IDENTITY_CLAIMS].type = &text_to_any;
	r->variables[CONF_VAR_REQUEST_QUERY].type = &text_to_text;
	r->variables[CONF_VAR_REQUEST_HEADERS].type = &text_to_text;
	r->variables[CONF_VAR_PARAMS].type = type_of_params(r);
	r->variables[CONF_VAR_REQUEST_PARAMS].type = r->variables[CONF_VAR_PARAMS].type;
	for (size_t i = 0; i < sizeof(fronts) / sizeof(fronts[0]); i++)
		r->variables[FRONT_IDENTITY + i] =
			(struct cel_variable){fronts[i], front(r, fronts[i])};
}

/* ---- complaints beyond those of the language */

/* `last.position` of a message that nobody remembers. */
static bool help_remember(const struct reading *r, const struct cel_error *e)
{
	const struct contract *c = r->rule ? r->rule->r->contract : NULL;
	struct slice quoted = e->sentence;

	if (!slice_starts_with(quoted, SLICE("last has no member '")))
		return false;
	quoted = slice_from(quoted, sizeof("last has no member '") - 1);
	quoted = slice_first(quoted, quoted.len ? quoted.len - 1 : 0);
	for (size_t i = 0; c && i < c->count; i++) {
		if (!slice_eq(c->messages[i].id, quoted))
			continue;
		if (c->messages[i].from_client)
			diag_help(r->l->diag, "only messages of the application are remembered");
		else
			diag_help(r->l->diag,
				  "write `remember: true` into the rule of the application's "
				  "message `%.*s`",
				  SLICE_ARG(quoted));
		return true;
	}
	return false;
}

static bool ends_with_mixed_numbers(struct slice sentence)
{
	return slice_ends_with(sentence, SLICE("(double, int)")) ||
	       slice_ends_with(sentence, SLICE("(int, double)"));
}

/* `set: {kind: chat}`: a text was meant. */
static bool is_bare_word(const struct reading *r)
{
	struct slice text = r->node->text;

	for (size_t i = 0; i < text.len; i++)
		if (!in_name(text.data[i]))
			return false;
	return strcmp(r->key, "set") == 0;
}

static void say_refused(const struct reading *r, const struct cel_error *e)
{
	complain(r, e->at, e->sentence);
	if (help_remember(r, e))
		return;
	if (is_bare_word(r))
		diag_help(r->l->diag, "a text stands in quotes of its own: \"'%.*s'\"",
			  SLICE_ARG(slice_first(r->node->text, 80)));
	else if (e->suggestion.len)
		diag_help(r->l->diag, "did you mean `%.*s`?", SLICE_ARG(e->suggestion));
	else if (ends_with_mixed_numbers(e->sentence))
		diag_help(r->l->diag, "both have to be of one kind: write 1.0 next to a double, or "
				      "int() or double() around a value");
}

/* Names that are used and mean nothing here; false if there was one. */
static bool names_are_known(const struct reading *r, const struct cel_program *p)
{
	for (uint32_t i = 0; i < NAMES; i++) {
		bool alone = i >= CONF_VARIABLES;
		bool early = !r->rule && !alone && !(CONF_VARS_HANDSHAKE & 1u << i);
		if ((!alone && !early) || !cel_program_uses(p, i))
			continue;
		struct slice name = r->variables[i].name;
		complain(r, word_at(r->node->text, name),
			 arena_printf(r->l->arena,
				      alone ? "`%.*s` alone is no value"
					    : "`%.*s` is not known before the connection is open",
				      SLICE_ARG(name)));
		if (i == FRONT_IDENTITY)
			diag_help(r->l->diag,
				  "its members are: identity.sub, identity.via, identity.claims");
		else if (early)
			diag_help(r->l->diag, "what is known: identity, request, params, now");
		return false;
	}
	return true;
}

/* A message that is no JSON has nothing to speak of. */
static bool message_can_be_read(const struct reading *r, const struct cel_program *p)
{
	if (!r->rule || !r->rule->message || r->rule->message->content != CONTRACT_BINARY ||
	    !cel_program_uses(p, CONF_VAR_MESSAGE))
		return true;
	complain(r, word_at(r->node->text, SLICE("message")),
		 SLICE("the message is no JSON, so that nothing is known of what it says"));
	diag_help(r->l->diag, "its `contentType` makes it travel in binary frames; only size and "
			      "rate apply, and who sends it");
	return false;
}

static const struct cel_program *compile(struct reading *r, uint32_t *uses)
{
	struct cel_env env = {.variables = r->variables,
			      .variable_count = NAMES,
			      .limits = {.items = r->route->limits.json_values}};
	const struct cel_program *p = NULL;
	struct cel_error error;

	name_variables(r);
	if (cel_compile(r->node->text, &env, r->l->arena, &p, &error)) {
		if (!r->l->arena->overflow)
			say_refused(r, &error);
		return NULL;
	}
	if (!names_are_known(r, p) || !message_can_be_read(r, p))
		return NULL;
	for (uint32_t i = 0; i < CONF_VARIABLES; i++)
		*uses |= cel_program_uses(p, i) ? 1u << i : 0;
	return p;
}

static bool readable(const struct yaml_node *node)
{
	return node && node->kind == YAML_SCALAR && slice_trim(node->text).len &&
	       yaml_scalar_type(node) != YAML_TYPE_NULL;
}

const struct cel_program *load_expression(struct load_rule *rule, const struct yaml_node *node,
					  const char *key, uint32_t *uses)
{
	struct reading r = {
		.l = rule->r->l, .node = node, .key = key, .route = rule->r->out, .rule = rule};

	return readable(node) ? compile(&r, uses) : NULL;
}

/* The result has to be a bool, as far as anybody knows. */
static const struct cel_program *must_be_bool(struct reading *r, const struct cel_program *p)
{
	if (!p || cel_type_agrees(cel_program_type(p), &cel_types[CEL_BOOL]))
		return p;
	struct slice type = cel_type_text(cel_program_type(p), r->l->arena);
	complain(r, 0,
		 arena_printf(r->l->arena,
			      "this gives a value of type %.*s, and has to be true or "
			      "false",
			      SLICE_ARG(type)));
	diag_help(r->l->diag, "compare it with something: message.user == identity.sub");
	return NULL;
}

const struct cel_program *load_condition(struct load_rule *rule, const struct yaml_node *node,
					 const char *key, uint32_t *uses)
{
	struct reading r = {
		.l = rule->r->l, .node = node, .key = key, .route = rule->r->out, .rule = rule};

	return readable(node) ? must_be_bool(&r, compile(&r, uses)) : NULL;
}

const struct cel_program *load_route_condition(struct load *l, const struct yaml_node *node,
					       const struct conf_route *route, const char *key,
					       uint32_t *uses)
{
	struct reading r = {.l = l, .node = node, .key = key, .route = route};

	return readable(node) ? must_be_bool(&r, compile(&r, uses)) : NULL;
}
