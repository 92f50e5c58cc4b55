/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict reader; see read.h.
 *
 *   text   {"a": [1, 2], "b\u0062": null}
 *               ^ p
 *   tape   [object][key a][array][1][...........
 *             ^------up------'       ^ used
 *   spare  decoded bytes of strings that have escapes
 *
 * Containers that are still open are chained through their own nodes, so that nesting costs
 * no stack. The spare bytes are taken from the arena first (never more than the text has,
 * since decoding only shortens), then the tape, which is the newest allocation while the
 * reader runs and can therefore grow where it is and give back what was not needed.
 *
 * Helpers that move through the text take and return the position; NULL says refused, with
 * fault and at set.
 */
#include "json/read.h"

#include "base/num.h"
#include "base/utf8.h"
#include "json/key.h"
#include "json/number.h"
#include "json/scan.h"

enum {
	AT_TOP = UINT32_MAX,  /* no container is open */
	KEYS_SUSPECT = 0x80,  /* flag of an open object: two keys may be the same */
	SPARE_AT_ONCE = 4096, /* up to this text size, looking for a backslash is not worth it */
	SEEN_BITS = 8 * sizeof(uintptr_t),
};

static const uint64_t INTEGER_MAX = (UINT64_C(1) << 53) - 1;

struct reader {
	const char *text, *end;
	struct json_node *nodes;
	uint32_t used, room; /* nodes */
	uint32_t most;       /* nodes that the text can need at all */
	uint32_t open;       /* innermost open container, or AT_TOP */
	uint32_t depth, depth_max;
	uint32_t values;
	char *spare; /* where the next decoded byte goes */
	bool wide;   /* bytes from 0x80 on need no check */
	const struct json_limits *limits;
	struct arena *arena;
	enum json_fault fault;
	const char *at;
};

static const char *refuse(struct reader *r, enum json_fault fault, const char *at)
	__attribute__((cold, noinline));

static const char *refuse(struct reader *r, enum json_fault fault, const char *at)
{
	r->fault = fault;
	r->at = at;
	return NULL;
}

/* At a byte that does not fit, or at the end. */
static const char *refuse_byte(struct reader *r, const char *p)
{
	return refuse(r, p == r->end ? JSON_FAULT_END : JSON_FAULT_SYNTAX, p);
}

/* ---- memory */

static uint32_t most_nodes(size_t text_bytes, const struct json_limits *limits)
{
	/* Every value but the first has a comma or a bracket of its own, every key more. */
	uint64_t by_text = (uint64_t)text_bytes / 2 + 2;
	uint64_t by_limit = (uint64_t)limits->values * 2 + 2;
	return (uint32_t)(by_text < by_limit ? by_text : by_limit);
}

size_t json_arena_bytes(size_t text_bytes, const struct json_limits *limits)
{
	size_t nodes = most_nodes(text_bytes, limits);
	size_t slots = json_keys_slots((uint32_t)nodes);

	return text_bytes + nodes * sizeof(struct json_node) + slots * sizeof(uint32_t) + 256;
}

/* Makes room for more nodes: `least` of them. False when the arena has no more. */
static bool make_room(struct reader *r, uint64_t least)
{
	uint64_t wanted = (uint64_t)r->room * 2;

	if (wanted > r->most)
		wanted = r->most;
	if (wanted < least)
		wanted = least;
	if (wanted > UINT32_MAX - 1)
		return false;
	if (!arena_resize(r->arena, r->nodes, wanted * sizeof(*r->nodes))) {
		struct json_node *nodes = arena_alloc(r->arena, wanted * sizeof(*nodes));
		if (!nodes)
			return false;
		memcpy(nodes, r->nodes, r->used * sizeof(*nodes));
		r->nodes = nodes;
	}
	r->room = (uint32_t)wanted;
	return true;
}

static bool prepare_memory(struct reader *r, size_t len)
{
	const char *backslash = r->text;

	if (len > SPARE_AT_ONCE)
		backslash = memchr(r->text, '\\', len);
	if (len && backslash) {
		r->spare = arena_alloc(r->arena, (size_t)(r->end - backslash));
		if (!r->spare)
			return false;
	}
	/* As much of the arena's block as could be needed; at the end the rest goes back. */
	r->most = most_nodes(len, r->limits);
	size_t free_nodes = arena_free(r->arena) / sizeof(*r->nodes);
	size_t guess = len / 8 + 16;
	r->room = r->most;
	if (r->room > free_nodes)
		r->room = (uint32_t)(free_nodes > guess ? free_nodes : guess);
	if (r->room > r->most)
		r->room = r->most;
	r->nodes = arena_alloc(r->arena, r->room * sizeof(*r->nodes));
	return r->nodes != NULL;
}

static inline struct json_node *next_node(struct reader *r)
{
	if (__builtin_expect(r->used == r->room, 0) && !make_room(r, (uint64_t)r->room + 1))
		return NULL;
	return &r->nodes[r->used++];
}

/* ---- white space */

static inline bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *skip_space(const char *p, const char *end)
{
	while (p < end && is_space(*p))
		p++;
	return p;
}

/* ---- strings */

/* Four hexadecimal digits, or -1. */
static int32_t hex4(const char *p, const char *end)
{
	int32_t value = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = num_hex_digit(p[i]);
		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* Appends a surrogate as if UTF-8 had a form for it; only for any_strings. */
static void spare_surrogate(struct reader *r, int32_t unit)
{
	*r->spare++ = (char)(0xe0 | unit >> 12);
	*r->spare++ = (char)(0x80 | (unit >> 6 & 0x3f));
	*r->spare++ = (char)(0x80 | (unit & 0x3f));
}

/* p is at the backslash of a \u; decodes one or, with a surrogate pair, two of them. */
static const char *read_unicode_escape(struct reader *r, const char *p)
{
	int32_t unit = hex4(p + 2, r->end), low = -1;

	if (unit < 0)
		return refuse(r, JSON_FAULT_ESCAPE, p);
	if (unit == 0 && !r->limits->any_strings)
		return refuse(r, JSON_FAULT_NUL, p);
	if (unit < 0xd800 || unit > 0xdfff) {
		r->spare += utf8_encode((uint32_t)unit, r->spare);
		/* utf8_encode writes U+0000 as the byte 0, one byte. */
		return p + 6;
	}
	if (unit < 0xdc00 && r->end - p >= 12 && p[6] == '\\' && p[7] == 'u')
		low = hex4(p + 8, r->end);
	if (low >= 0xdc00 && low <= 0xdfff) {
		uint32_t c = 0x10000 + ((uint32_t)(unit - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
		r->spare += utf8_encode(c, r->spare);
		return p + 12;
	}
	if (!r->limits->any_strings)
		return refuse(r, JSON_FAULT_SURROGATE, p);
	spare_surrogate(r, unit);
	return p + 6;
}

/* p is at a backslash; the decoded character goes to the spare bytes. */
static const char *read_escape(struct reader *r, const char *p)
{
	char c;

	if (r->end - p < 2)
		return refuse(r, JSON_FAULT_END, r->end);
	/* clang-format off */
	switch (p[1]) {
	case '"': case '\\': case '/': c = p[1]; break;
	case 'b': c = '\b'; break;
	case 'f': c = '\f'; break;
	case 'n': c = '\n'; break;
	case 'r': c = '\r'; break;
	case 't': c = '\t'; break;
	case 'u': return read_unicode_escape(r, p);
	default:  return refuse(r, JSON_FAULT_ESCAPE, p);
	}
	/* clang-format on */
	*r->spare++ = c;
	return p + 2;
}

/* p is at a byte from 0x80 on: past all such bytes, each character checked. */
static const char *skip_characters(struct reader *r, const char *p)
{
	uint32_t ignored;

	while (p < r->end && (uint8_t)*p >= 0x80) {
		unsigned len = utf8_decode(slice_of(p, (size_t)(r->end - p)), &ignored);
		if (len == 0)
			return refuse(r, JSON_FAULT_UTF8, p);
		p += len;
	}
	return p;
}

/* From p to the next quote or backslash, which is returned. */
static inline const char *read_plain(struct reader *r, const char *p)
{
	for (;;) {
		p = json_scan(p, r->end, r->wide);
		if (__builtin_expect(p == r->end, 0))
			return refuse(r, JSON_FAULT_END, p);
		if (*p == '"' || *p == '\\')
			return p;
		if ((uint8_t)*p < 0x20)
			return refuse(r, JSON_FAULT_CONTROL, p);
		p = skip_characters(r, p);
		if (!p)
			return NULL;
	}
}

/* A string with escapes: p is at the first backslash, from is behind the opening quote. */
static const char *read_escaped(struct reader *r, const char *from, const char *p,
				struct json_node *v)
{
	char *decoded = r->spare;

	for (;;) {
		size_t plain = (size_t)(p - from);
		memcpy(r->spare, from, plain);
		r->spare += plain;
		if (*p == '"')
			break;
		from = read_escape(r, p);
		if (!from)
			return NULL;
		p = read_plain(r, from);
		if (!p)
			return NULL;
	}
	v->data = decoded;
	v->len = (uint32_t)(r->spare - decoded);
	v->flags |= JSON_IS_ESCAPED;
	return p + 1;
}

/* p is behind the opening quote. Returns the position behind the closing one. */
static inline const char *read_string(struct reader *r, const char *p, struct json_node *v)
{
	const char *from = p;

	v->type = JSON_STRING;
	v->flags = 0;
	v->unused = 0;
	v->as.string.hash = 0;
	v->as.string.at = (uint32_t)(p - 1 - r->text);
	p = read_plain(r, p);
	if (__builtin_expect(!p, 0))
		return NULL;
	if (__builtin_expect(*p == '\\', 0))
		return read_escaped(r, from, p, v);
	v->data = from;
	v->len = (uint32_t)(p - from);
	return p + 1;
}

/* ---- keys */

static bool is_forbidden(const char *key, uint32_t len)
{
	if (len == 9)
		return memcmp(key, "__proto__", 9) == 0 || memcmp(key, "prototype", 9) == 0;
	return len == 11 && memcmp(key, "constructor", 11) == 0;
}

/* p is behind a key's opening quote. Returns the position behind the colon. */
static inline const char *read_key(struct reader *r, const char *p)
{
	const char *quote = p - 1;

	if (r->nodes[r->open].len >= r->limits->members)
		return refuse(r, JSON_FAULT_MEMBERS, quote);
	struct json_node *key = next_node(r);
	if (!key)
		return refuse(r, JSON_FAULT_MEMORY, quote);
	p = read_string(r, p, key);
	if (!p)
		return NULL;
	if (__builtin_expect(is_forbidden(key->data, key->len), 0))
		return refuse(r, JSON_FAULT_FORBIDDEN, quote);

	uint32_t hash = json_key_mix(key->data, key->len);
	uintptr_t bit = (uintptr_t)1 << (hash % SEEN_BITS);
	struct json_node *object = &r->nodes[r->open];
	key->flags |= JSON_IS_KEY;
	key->as.string.hash = hash;
	if (object->seen & bit)
		object->flags |= KEYS_SUSPECT;
	object->seen |= bit;

	if (p == r->end || *p != ':') {
		p = skip_space(p, r->end);
		if (p == r->end || *p != ':')
			return refuse_byte(r, p);
	}
	return p + 1;
}

/* ---- numbers */

static inline bool is_digit(char c)
{
	return (uint8_t)(c - '0') <= 9;
}

static inline bool digit_at(const char *p, const char *end)
{
	return p < end && is_digit(*p);
}

/* p is at the dot or the exponent of the number that began at `from`; d has the digits so far
 * (all of them counted, but a single 0 as none). */
static const char *read_real(struct reader *r, const char *from, const char *p,
			     struct json_decimal *d, struct json_node *v)
{
	if (*p == '.') {
		const char *fraction = ++p;
		bool leading = d->digits == 0;
		for (; digit_at(p, r->end); p++) {
			d->mantissa = d->mantissa * 10 + (uint64_t)(*p - '0');
			leading = leading && *p == '0';
			d->digits += !leading;
		}
		if (p == fraction)
			return refuse_byte(r, p);
		d->exponent = -(int64_t)(p - fraction);
	}
	d->text.len = (size_t)(p - d->text.data);
	if (p < r->end && (*p | 0x20) == 'e') {
		bool down = false;
		int64_t power = 0;
		p++;
		if (p < r->end && (*p == '+' || *p == '-'))
			down = *p++ == '-';
		if (!digit_at(p, r->end))
			return refuse_byte(r, p);
		for (; digit_at(p, r->end); p++)
			if (power < INT64_C(1) << 40) /* far more than there can be digits */
				power = power * 10 + (*p - '0');
		d->exponent += down ? -power : power;
	}
	v->len = (uint32_t)(p - from);
	v->flags = 0;
	if (!json_decimal_to_double(d, &v->as.real))
		return refuse(r, JSON_FAULT_NUMBER, from);
	return p;
}

/* What to make of an integer of so many digits. */
static bool take_integer(struct reader *r, const struct json_decimal *d, struct json_node *v)
{
	uint64_t max = (uint64_t)INT64_MAX + d->negative;

	v->flags = JSON_IS_INTEGER;
	if (d->digits > 15) { /* else it is below 10^15 */
		if (d->digits > 19 || d->mantissa > max)
			return false;
		if (d->mantissa > INTEGER_MAX) {
			if (!r->limits->big_integers)
				return false;
			v->flags |= JSON_IS_BIG;
		}
	}
	v->as.integer = (int64_t)(d->negative ? 0 - d->mantissa : d->mantissa);
	return true;
}

/* p is at the minus or the first digit. */
static inline const char *read_number(struct reader *r, const char *p, struct json_node *v)
{
	const char *from = p;
	struct json_decimal d = {.negative = *p == '-'};

	v->type = JSON_NUMBER;
	v->unused = 0;
	v->data = from;
	p += d.negative;
	d.text.data = p;
	if (!digit_at(p, r->end))
		return refuse_byte(r, p);
	if (*p == '0') {
		p++;
		if (digit_at(p, r->end))
			return refuse(r, JSON_FAULT_SYNTAX, p);
	} else {
		uint64_t mantissa = 0;
		do
			mantissa = mantissa * 10 + (uint64_t)(*p++ - '0');
		while (digit_at(p, r->end));
		d.mantissa = mantissa;
		d.digits = (uint64_t)(p - d.text.data);
	}
	if (p < r->end && (*p == '.' || (*p | 0x20) == 'e'))
		return read_real(r, from, p, &d, v);
	v->len = (uint32_t)(p - from);
	if (!take_integer(r, &d, v))
		return refuse(r, JSON_FAULT_NUMBER, from);
	return p;
}

/* ---- literals */

static const char *read_literal(struct reader *r, const char *p, struct json_node *v)
{
	struct slice word = *p == 't' ? SLICE("true") : *p == 'f' ? SLICE("false") : SLICE("null");

	v->type = *p == 'n' ? JSON_NULL : JSON_BOOL;
	v->flags = *p == 't' ? JSON_IS_TRUE : 0;
	v->unused = 0;
	v->len = 0;
	v->data = p;
	v->as.integer = 0;
	for (size_t i = 0; i < word.len; i++, p++)
		if (p == r->end || *p != word.data[i])
			return refuse_byte(r, p);
	return p;
}

/* ---- containers */

/* p is at the bracket. */
static inline const char *open_container(struct reader *r, const char *p, struct json_node *v)
{
	if (r->depth >= r->depth_max)
		return refuse(r, JSON_FAULT_DEPTH, p);
	r->depth++;
	v->type = *p == '{' ? JSON_OBJECT : JSON_ARRAY;
	v->flags = 0;
	v->unused = 0;
	v->len = 0;
	v->seen = 0;
	v->as.nest.span = (uint32_t)(p - r->text);
	v->as.nest.up = r->open;
	r->open = (uint32_t)(v - r->nodes);
	return p + 1;
}

static bool keys_differ(struct reader *r)
{
	uint32_t slot_count = json_keys_slots(r->nodes[r->open].len);
	size_t scratch = (slot_count * sizeof(uint32_t)) / sizeof(*r->nodes) + 1;

	/* The table of keys lies behind the tape. */
	if (scratch > r->room - r->used && !make_room(r, (uint64_t)r->used + scratch))
		return refuse(r, JSON_FAULT_MEMORY, r->end);
	uint32_t *slots = (uint32_t *)(void *)(r->nodes + r->used);
	const struct json_node *again = json_keys_repeated(&r->nodes[r->open], &r->limits->secret,
							   slots, slot_count);
	if (again) {
		refuse(r, JSON_FAULT_DUPLICATE, r->text + again->as.string.at);
		return false;
	}
	return true;
}

/* p is at the closing bracket. */
static inline const char *close_container(struct reader *r, const char *p)
{
	struct json_node *v = &r->nodes[r->open];
	const char *began = r->text + v->as.nest.span;
	uint32_t up = v->as.nest.up;
	bool suspect = v->flags & KEYS_SUSPECT;

	v->flags = 0;
	v->data = began;
	v->as.nest.span = r->used - r->open;
	v->as.nest.up = 0;
	if (__builtin_expect(suspect, 0) && !keys_differ(r))
		return NULL;
	r->open = up;
	r->depth--;
	return p + 1;
}

/* ---- the text as a whole */

/* One value, but of a container only its opening bracket. */
static inline const char *read_value(struct reader *r, const char *p)
{
	if (__builtin_expect(p == r->end, 0))
		return refuse(r, JSON_FAULT_END, p);
	if (__builtin_expect(r->values >= r->limits->values, 0))
		return refuse(r, JSON_FAULT_VALUES, p);
	r->values++;
	struct json_node *v = next_node(r);
	if (__builtin_expect(!v, 0))
		return refuse(r, JSON_FAULT_MEMORY, p);

	/* clang-format off */
	switch (*p) {
	case '"':
		return read_string(r, p + 1, v);
	case '-': case '0': case '1': case '2': case '3': case '4':
	case '5': case '6': case '7': case '8': case '9':
		return read_number(r, p, v);
	case '{': case '[':
		return open_container(r, p, v);
	case 't': case 'f': case 'n':
		return read_literal(r, p, v);
	default:
		return refuse(r, JSON_FAULT_SYNTAX, p);
	}
	/* clang-format on */
}

/*
 * Between two values: commas, closing brackets, keys. Returns the position of the next value,
 * or of the end when the outermost container is complete (then r->open is AT_TOP). `fresh`
 * says that a container was opened just before p.
 */
static inline const char *read_between(struct reader *r, const char *p, bool fresh)
{
	while (r->open != AT_TOP) {
		struct json_node *v = &r->nodes[r->open];
		bool object = v->type == JSON_OBJECT;

		p = skip_space(p, r->end);
		if (p == r->end)
			return refuse(r, JSON_FAULT_END, p);
		if (*p == (object ? '}' : ']')) {
			p = close_container(r, p);
			if (!p)
				return NULL;
			fresh = false;
			continue;
		}
		if (!fresh) {
			if (*p != ',')
				return refuse(r, JSON_FAULT_SYNTAX, p);
			p = skip_space(p + 1, r->end);
		}
		if (object) {
			if (p == r->end || *p != '"')
				return refuse_byte(r, p);
			p = read_key(r, p + 1);
			if (!p)
				return NULL;
			p = skip_space(p, r->end);
		}
		r->nodes[r->open].len++;
		return p;
	}
	return p;
}

static const char *read_all(struct reader *r)
{
	const char *p = r->text;

	if (r->end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		return refuse(r, JSON_FAULT_BOM, p);
	p = skip_space(p, r->end);
	do {
		uint32_t open = r->open;
		p = read_value(r, p);
		if (!p)
			return NULL;
		p = read_between(r, p, r->open != open);
		if (!p)
			return NULL;
	} while (r->open != AT_TOP);

	p = skip_space(p, r->end);
	return p == r->end ? p : refuse(r, JSON_FAULT_TRAILING, p);
}

/* clang-format off */
static const struct {
	const char *word;
	enum reason reason;
} faults[] = {
	[JSON_FAULT_NONE]      = {"none",      REASON_NONE},
	[JSON_FAULT_SYNTAX]    = {"syntax",    REASON_JSON_MALFORMED},
	[JSON_FAULT_END]       = {"end",       REASON_JSON_MALFORMED},
	[JSON_FAULT_TRAILING]  = {"trailing",  REASON_JSON_MALFORMED},
	[JSON_FAULT_UTF8]      = {"utf8",      REASON_JSON_MALFORMED},
	[JSON_FAULT_BOM]       = {"bom",       REASON_JSON_MALFORMED},
	[JSON_FAULT_CONTROL]   = {"control",   REASON_JSON_MALFORMED},
	[JSON_FAULT_ESCAPE]    = {"escape",    REASON_JSON_MALFORMED},
	[JSON_FAULT_SURROGATE] = {"surrogate", REASON_JSON_MALFORMED},
	[JSON_FAULT_NUL]       = {"nul",       REASON_JSON_MALFORMED},
	[JSON_FAULT_DUPLICATE] = {"duplicate", REASON_JSON_DUPLICATE_KEY},
	[JSON_FAULT_FORBIDDEN] = {"forbidden", REASON_JSON_FORBIDDEN_KEY},
	[JSON_FAULT_NUMBER]    = {"number",    REASON_JSON_NUMBER},
	[JSON_FAULT_DEPTH]     = {"depth",     REASON_JSON_TOO_DEEP},
	[JSON_FAULT_MEMBERS]   = {"members",   REASON_JSON_TOO_LARGE},
	[JSON_FAULT_VALUES]    = {"values",    REASON_JSON_TOO_LARGE},
	[JSON_FAULT_MEMORY]    = {"memory",    REASON_JSON_TOO_LARGE},
};
/* clang-format on */

const char *json_fault_word(enum json_fault fault)
{
	return (size_t)fault < sizeof(faults) / sizeof(faults[0]) ? faults[fault].word : "unknown";
}

enum reason json_read(struct slice text, const struct json_limits *limits, struct arena *arena,
		      struct json_doc *doc)
{
	struct reader r = {
		.text = text.data,
		.end = text.data + text.len,
		.open = AT_TOP,
		.depth_max = limits->depth < JSON_DEPTH_MAX ? limits->depth : JSON_DEPTH_MAX,
		.wide = limits->utf8_checked,
		.limits = limits,
		.arena = arena,
		.at = text.data,
	};

	*doc = (struct json_doc){.text = text};
	if (text.len == 0)
		r.fault = JSON_FAULT_END;
	else if (text.len >= UINT32_MAX || !prepare_memory(&r, text.len))
		r.fault = JSON_FAULT_MEMORY;
	else if (read_all(&r)) {
		arena_resize(arena, r.nodes, r.used * sizeof(*r.nodes));
		doc->root = r.nodes;
		doc->nodes = r.used;
		return REASON_NONE;
	}
	doc->fault = r.fault;
	doc->at = text.len ? (size_t)(r.at - text.data) : 0;
	return faults[r.fault].reason;
}

size_t json_at(const struct json_doc *doc, const struct json_node *v)
{
	if (v->type == JSON_STRING)
		return v->as.string.at;
	return (size_t)(v->data - doc->text.data);
}
