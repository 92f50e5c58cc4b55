/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a kind of store can do: store.h's functions, one each. For store/ only.
 */
#include "store/store.h"

struct store_ops {
	void (*put)(struct store *s, const uint8_t *id, struct slice record,
		    uint64_t expires_unix_ms, uint64_t now_unix_ms, store_fn fn, void *arg);
	void (*take)(struct store *s, const uint8_t *id, uint64_t now_unix_ms, store_fn fn,
		     void *arg);
	/* NULL where one has to wait for an answer. */
	bool (*put_now)(struct store *s, const uint8_t *id, struct slice record,
			uint64_t expires_unix_ms, uint64_t now_unix_ms, int *r);
	bool (*take_now)(struct store *s, const uint8_t *id, uint64_t now_unix_ms, store_fn fn,
			 void *arg);
	void (*enter)(struct store *s, struct slice subject, uint64_t max, store_fn fn, void *arg);
	void (*leave)(struct store *s, struct slice subject);
	void (*publish)(struct store *s, uint8_t kind, struct slice text, uint64_t at_unix_ms,
			store_fn fn, void *arg);
	void (*tell_again)(struct store *s);
	bool (*up)(const struct store *s);
	bool (*told_all)(const struct store *s);
	size_t (*sweep)(struct store *s, uint64_t now_unix_ms);
	size_t (*count)(struct store *s);
	void (*counted_take)(struct store *s, const struct counted *items, size_t count,
			     store_counted_fn fn, void *arg);
	void (*counted_give)(struct store *s, const uint8_t *key, const uint8_t *slot);
	void (*free)(struct store *s);
};

/* First member of each kind's own struct. */
struct store {
	const struct store_ops *ops;
};
