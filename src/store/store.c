/* SPDX-License-Identifier: Apache-2.0 */
/* Whichever kind it is; see store.h. */
#include "store/store.h"

#include <stddef.h>

#include "store/store_ops.h"

struct store *store_free(struct store *s)
{
	if (s)
		s->ops->free(s);
	return NULL;
}

void store_put(struct store *s, const uint8_t id[STORE_ID_BYTES], struct slice record,
	       uint64_t expires_unix_ms, uint64_t now_unix_ms, store_fn fn, void *arg)
{
	s->ops->put(s, id, record, expires_unix_ms, now_unix_ms, fn, arg);
}

void store_take(struct store *s, const uint8_t id[STORE_ID_BYTES], uint64_t now_unix_ms,
		store_fn fn, void *arg)
{
	s->ops->take(s, id, now_unix_ms, fn, arg);
}

bool store_put_now(struct store *s, const uint8_t id[STORE_ID_BYTES], struct slice record,
		   uint64_t expires_unix_ms, uint64_t now_unix_ms, int *r)
{
	return s->ops->put_now && s->ops->put_now(s, id, record, expires_unix_ms, now_unix_ms, r);
}

bool store_take_now(struct store *s, const uint8_t id[STORE_ID_BYTES], uint64_t now_unix_ms,
		    store_fn fn, void *arg)
{
	return s->ops->take_now && s->ops->take_now(s, id, now_unix_ms, fn, arg);
}

void store_enter(struct store *s, struct slice subject, uint64_t max, store_fn fn, void *arg)
{
	s->ops->enter(s, subject, max, fn, arg);
}

void store_leave(struct store *s, struct slice subject)
{
	s->ops->leave(s, subject);
}

void store_publish(struct store *s, uint8_t kind, struct slice text, uint64_t at_unix_ms,
		   store_fn fn, void *arg)
{
	s->ops->publish(s, kind, text, at_unix_ms, fn, arg);
}

void store_tell_again(struct store *s)
{
	s->ops->tell_again(s);
}

void store_counted_take(struct store *s, const struct counted *items, size_t count,
			store_counted_fn fn, void *arg)
{
	s->ops->counted_take(s, items, count, fn, arg);
}

void store_counted_give(struct store *s, const uint8_t key[COUNTED_KEY_BYTES],
			const uint8_t slot[COUNTED_KEY_BYTES])
{
	s->ops->counted_give(s, key, slot);
}

bool store_up(const struct store *s)
{
	return s->ops->up(s);
}

bool store_told_all(const struct store *s)
{
	return s->ops->told_all(s);
}

size_t store_sweep(struct store *s, uint64_t now_unix_ms)
{
	return s->ops->sweep(s, now_unix_ms);
}

size_t store_count(struct store *s)
{
	return s->ops->count(s);
}
