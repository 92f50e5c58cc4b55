/* SPDX-License-Identifier: Apache-2.0 */
/* Strict number parsers and their opposites; see num.h. */
#include "base/num.h"

#include "base/clock.h"

struct unit {
	const char *name;
	uint64_t worth;
};

/* Both lists: smallest first. */
static const struct unit durations[] = {
	{"ms", 1},
	{"s", CLOCK_MS_PER_S},
	{"m", CLOCK_MS_PER_MINUTE},
	{"h", CLOCK_MS_PER_HOUR},
	{"d", 24 * CLOCK_MS_PER_HOUR},
	{NULL, 0},
};
static const struct unit sizes[] = {
	{"B", 1},
	{"KiB", UINT64_C(1) << 10},
	{"MiB", UINT64_C(1) << 20},
	{"GiB", UINT64_C(1) << 30},
	{NULL, 0},
};

static size_t digits(struct slice s)
{
	size_t n = 0;

	while (n < s.len && s.data[n] >= '0' && s.data[n] <= '9')
		n++;
	return n;
}

bool num_parse_u64_zeros(struct slice s, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (s.len == 0 || digits(s) != s.len)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(s.data[i] - '0'), &n))
			return false;
	}
	if (n > max)
		return false;
	*out = n;
	return true;
}

bool num_parse_u64(struct slice s, uint64_t max, uint64_t *out)
{
	if (s.len > 1 && s.data[0] == '0')
		return false;
	return num_parse_u64_zeros(s, max, out);
}

int num_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool num_parse_hex(struct slice s, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (s.len == 0 || s.len > 16)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		int digit = num_hex_digit(s.data[i]);
		if (digit < 0)
			return false;
		n = n << 4 | (uint64_t)digit;
	}
	if (n > max)
		return false;
	*out = n;
	return true;
}

static bool parse_with_unit(struct slice s, const struct unit *units, uint64_t *out)
{
	size_t split = digits(s);
	uint64_t n;

	if (!num_parse_u64(slice_first(s, split), UINT64_MAX, &n))
		return false;
	for (const struct unit *u = units; u->name; u++)
		if (slice_eq(slice_from(s, split), slice_from_cstr(u->name)))
			return !__builtin_mul_overflow(n, u->worth, out);
	return false;
}

bool num_parse_duration_ms(struct slice s, uint64_t *ms)
{
	uint64_t n;

	if (!parse_with_unit(s, durations, &n))
		return false;
	*ms = n;
	return true;
}

bool num_parse_size(struct slice s, uint64_t *bytes)
{
	uint64_t n;

	if (!parse_with_unit(s, sizes, &n))
		return false;
	*bytes = n;
	return true;
}

typedef bool (*count_fn)(struct slice s, uint64_t *n);

static bool parse_plain_count(struct slice s, uint64_t *n)
{
	return num_parse_u64(s, UINT32_MAX, n);
}

static bool parse_count(struct slice s, count_fn parse, uint32_t *count)
{
	uint64_t n;

	if (!parse(s, &n) || n == 0 || n > UINT32_MAX)
		return false;
	*count = (uint32_t)n;
	return true;
}

static uint32_t period_ms(struct slice s)
{
	if (slice_eq(s, SLICE("s")))
		return CLOCK_MS_PER_S;
	if (slice_eq(s, SLICE("m")))
		return CLOCK_MS_PER_MINUTE;
	if (slice_eq(s, SLICE("h")))
		return CLOCK_MS_PER_HOUR;
	return 0;
}

static bool parse_rate(struct slice s, count_fn parse, struct rate *r)
{
	static const struct slice between = {" burst ", 7};
	size_t slash = slice_index(s, '/');
	struct slice behind = slice_from(s, slash + 1);
	size_t space = slice_index(behind, ' ');
	struct slice burst = slice_from(behind, space);
	struct rate found = {0};

	if (slice_eq(s, SLICE("unlimited"))) {
		*r = (struct rate){.unlimited = true};
		return true;
	}
	found.per_ms = period_ms(slice_first(behind, space));
	if (found.per_ms == 0 || !parse_count(slice_first(s, slash), parse, &found.count))
		return false;
	found.burst = found.count;
	if (burst.len && (!slice_starts_with(burst, between) ||
			  !parse_count(slice_from(burst, between.len), parse, &found.burst)))
		return false;
	*r = found;
	return true;
}

bool num_parse_rate(struct slice s, struct rate *r)
{
	return parse_rate(s, parse_plain_count, r);
}

bool num_parse_byte_rate(struct slice s, struct rate *r)
{
	return parse_rate(s, num_parse_size, r);
}

/* With the largest unit that divides it. */
static struct slice format_with_unit(uint64_t n, const struct unit *units, char *text)
{
	const struct unit *best = units;

	for (const struct unit *u = units; u->name && n; u++)
		if (n % u->worth == 0)
			best = u;
	int len = snprintf(text, NUM_TEXT_BYTES, "%llu%s", (unsigned long long)(n / best->worth),
			   best->name);
	return slice_of(text, (size_t)len);
}

struct slice num_format_u64(uint64_t n, char text[NUM_TEXT_BYTES])
{
	size_t at = NUM_TEXT_BYTES;

	do
		text[--at] = (char)('0' + n % 10);
	while (n /= 10);
	return slice_of(text + at, NUM_TEXT_BYTES - at);
}

struct slice num_format_duration_ms(uint64_t ms, char text[NUM_TEXT_BYTES])
{
	/* Nothing in seconds, which reads better than 0ms. */
	return format_with_unit(ms, ms ? durations : durations + 1, text);
}

struct slice num_format_size(uint64_t bytes, char text[NUM_TEXT_BYTES])
{
	return format_with_unit(bytes, sizes, text);
}

static struct slice format_rate(const struct rate *r, const struct unit *units, char *text)
{
	static const struct unit none[] = {{"", 1}, {NULL, 0}};
	char count[NUM_TEXT_BYTES], burst[NUM_TEXT_BYTES];
	char period = r->per_ms == CLOCK_MS_PER_HOUR     ? 'h'
		      : r->per_ms == CLOCK_MS_PER_MINUTE ? 'm'
							 : 's';
	int len;

	if (r->unlimited)
		return slice_of(text, (size_t)snprintf(text, NUM_TEXT_BYTES, "unlimited"));
	format_with_unit(r->count, units ? units : none, count);
	format_with_unit(r->burst, units ? units : none, burst);
	if (r->burst == r->count)
		len = snprintf(text, NUM_TEXT_BYTES, "%.20s/%c", count, period);
	else
		len = snprintf(text, NUM_TEXT_BYTES, "%.20s/%c burst %.20s", count, period, burst);
	return slice_of(text, (size_t)len);
}

struct slice num_format_rate(const struct rate *r, char text[NUM_TEXT_BYTES])
{
	return format_rate(r, NULL, text);
}

struct slice num_format_byte_rate(const struct rate *r, char text[NUM_TEXT_BYTES])
{
	return format_rate(r, sizes, text);
}
