/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that grow; see builder.h. */
#include "cel/builder.h"

static bool make_room(struct cel_builder *b, size_t bytes)
{
	size_t room = b->room ? b->room : 64;

	while (room - b->len < bytes)
		room *= 2;
	if (room == b->room)
		return true;
	char *data = cel_new_bytes(b->run, b->node, room, &b->error);
	if (!data) {
		b->failed = true;
		return false;
	}
	if (b->len)
		memcpy(data, b->data, b->len);
	b->data = data;
	b->room = room;
	return true;
}

void cel_build(struct cel_builder *b, struct slice s)
{
	/* Longer than any arena: so that doubling cannot overflow. */
	if (b->failed || s.len == 0 || s.len > UINT32_MAX || !make_room(b, s.len))
		return;
	memcpy(b->data + b->len, s.data, s.len);
	b->len += s.len;
}

void cel_build_repeat(struct cel_builder *b, char c, size_t times)
{
	if (b->failed || times == 0 || times > UINT32_MAX || !make_room(b, times))
		return;
	memset(b->data + b->len, c, times);
	b->len += times;
}

void cel_build_fail(struct cel_builder *b, const char *sentence)
{
	if (b->failed)
		return;
	b->failed = true;
	b->error = cel_fail(b->node, sentence);
}

struct cel_value cel_built(const struct cel_builder *b)
{
	return b->failed ? b->error : cel_string(slice_of(b->data, b->len));
}
