/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others collected: llhttp's request cases and the headers of defparam's smuggler, from the
 * folder that SALLYPORT_TESTDATA names. Skipped where that is not.
 *
 * The files are JSON of a fixed form, one member a line; this layer has no JSON reader, so the
 * members are found by their names.
 */
#include "base/base64.h"
#include "http/header.h"
#include "http/request.h"
#include "http_unit.h"

enum { FILE_MAX = 1 << 20, LLHTTP_REQUESTS = 95, LLHTTP_REFUSED = 41, SMUGGLER = 1279 };

static char file[FILE_MAX];
static struct arena arena;

static struct slice load(const char *name)
{
	const char *folder = getenv("SALLYPORT_TESTDATA");
	char path[1024];

	snprintf(path, sizeof(path), "%s/http1/%s", folder ? folder : ".", name);
	FILE *f = fopen(path, "rb");
	if (!f)
		skip();
	size_t len = fread(file, 1, sizeof(file), f);
	fclose(f);
	assert_true(len > 0 && len < sizeof(file));
	return slice_of(file, len);
}

/* Moves *rest behind the next `"key": ` and returns what follows up to the end of the line, less a
 * comma. */
static bool next_member(struct slice *rest, const char *key, struct slice *value)
{
	char wanted[64];
	int len = snprintf(wanted, sizeof(wanted), "\"%s\": ", key);
	const char *at = memmem(rest->data, rest->len, wanted, (size_t)len);

	if (!at)
		return false;
	*rest = slice_from(*rest, (size_t)(at - rest->data) + (size_t)len);
	*value = slice_first(*rest, slice_index(*rest, '\n'));
	if (slice_ends_with(*value, SLICE(",")))
		value->len--;
	return true;
}

static struct slice decode(struct slice quoted, char *room, size_t bytes)
{
	size_t len;

	assert_true(quoted.len >= 2);
	if (!base64_decode(slice_first(slice_from(quoted, 1), quoted.len - 2), room, bytes, &len))
		fail_msg("base64: %.*s", SLICE_ARG(quoted));
	return slice_of(room, len);
}

static struct http_judgement judge(struct slice text)
{
	static struct http_header room[UNIT_HEADERS];

	arena_reset(&arena);
	return http_request_judge(text, room, UNIT_HEADERS, UNIT_HEAD_BYTES, &arena);
}

static void llhttp(void **state)
{
	struct slice rest = load("llhttp-requests.json"), name, mode, text, error;
	static char room[8192];
	unsigned requests = 0, wrong = 0;

	(void)state;
	while (next_member(&rest, "name", &name)) {
		assert_true(next_member(&rest, "mode", &mode));
		assert_true(next_member(&rest, "request_b64", &text));
		assert_true(next_member(&rest, "strict_error", &error));
		struct http_judgement j = judge(decode(text, room, sizeof(room)));
		bool strict = slice_eq(mode, SLICE("\"request\""));
		bool bad = !slice_eq(error, SLICE("null"));
		requests += strict;
		wrong += strict && bad;
		/* Half a head is not let in either: it waits for its deadline. */
		if (bad && j.outcome == HTTP_PARSE_DONE)
			fail_msg("accepted: %.*s", SLICE_ARG(name));
		/* What only lenient modes let through. */
		if (!strict && !slice_eq(mode, SLICE("\"request-finish\"")) &&
		    j.outcome == HTTP_PARSE_DONE)
			fail_msg("lenient: %.*s", SLICE_ARG(name));
	}
	/* A part of the set is held elsewhere; this part must have been seen. */
	assert_true(requests >= LLHTTP_REQUESTS && wrong >= LLHTTP_REFUSED);
}

static bool has_disguised_encoding(const struct http_head *h)
{
	for (size_t i = 0; i < h->header_count; i++) {
		char letters[64];
		size_t len = 0;
		struct slice name = h->headers[i].name;
		for (size_t c = 0; c < name.len && len < sizeof(letters); c++)
			if ((name.data[c] | 0x20) >= 'a' && (name.data[c] | 0x20) <= 'z')
				letters[len++] = name.data[c];
		if (slice_eq_icase(slice_of(letters, len), SLICE("transferencoding")))
			return true;
	}
	return false;
}

static void smuggler(void **state)
{
	static const char before[] =
		"GET /chat HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\n"
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
	struct slice rest = load("smuggler-te-headers.json"), name, text;
	static char request[1024], room[512];
	unsigned seen = 0, accepted = 0;

	(void)state;
	while (next_member(&rest, "name", &name)) {
		assert_true(next_member(&rest, "header_b64", &text));
		struct slice fragment = decode(text, room, sizeof(room));
		memcpy(request, before, sizeof(before) - 1);
		memcpy(request + sizeof(before) - 1, fragment.data, fragment.len);
		memcpy(request + sizeof(before) - 1 + fragment.len, "\r\n\r\n", 4);
		struct http_judgement j =
			judge(slice_of(request, sizeof(before) - 1 + fragment.len + 4));
		seen++;
		if (j.outcome != HTTP_PARSE_DONE)
			continue;
		accepted++;
		/* One line more, whose name is another word altogether. */
		if (j.head.header_count != 6 || has_disguised_encoding(&j.head))
			fail_msg("accepted: %.*s", SLICE_ARG(name));
	}
	assert_true(seen >= SMUGGLER);
	/* `Content-Encoding: chunked`, and the words as the value of a field X on one line. */
	assert_int_equal(accepted, 2);
}

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 4096, 1 << 16);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_deinit(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(llhttp),
		cmocka_unit_test(smuggler),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
