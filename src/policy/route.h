/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which route a path belongs to, and the path to the application.
 *
 * Literal pieces match exactly, by bytes after decoding. A parameter matches one piece that
 * is not empty. A path that ends in an asterisk ("/chat/" and the asterisk) matches what is
 * below it, "/chat/" itself too, "/chat" not. A final slash is part of a path.
 *
 * Of several that match, the most specific one has it, wherever it stands in the file: read
 * from the left, at the first piece where they differ a literal goes before a parameter and
 * a parameter before an asterisk. (The snapshot is sorted that way; nothing here relies on
 * it.) Two that do not differ are refused by the loader; here the first would have it.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "conf/snapshot.h"
#include "http/target.h"

enum { ROUTE_PARAMS_MAX = 16 };

struct route_param {
	struct slice name;  /* in the snapshot */
	struct slice value; /* decoded, in the target's memory */
};

/* How a path was matched; valid as long as the snapshot and the target. */
struct route_match {
	struct route_param params[ROUTE_PARAMS_MAX];
	size_t param_count;
	size_t rest; /* index of the first segment that stands for the asterisk */
};

/* Does the path match? More than ROUTE_PARAMS_MAX parameters match nothing. */
bool route_match_path(const struct conf_path *p, const struct http_target *t,
		      struct route_match *m);

/* The route or the site with the most specific match, or NULL. *m is filled in if not. */
const struct conf_route *route_find(const struct snapshot *s, const struct http_target *t,
				    struct route_match *m);
const struct conf_site *route_find_site(const struct snapshot *s, const struct http_target *t,
					struct route_match *m);

/* The decoded path as one text, such as "/chat/lobby": what tickets are bound to and logs
 * say. In the arena; data is NULL when that is full. */
struct slice route_path_text(const struct http_target *t, struct arena *a);

/*
 * Appends the path at the application: the upstream's literal pieces, the values of its
 * parameters, and behind a prefix the rest of the client's path, all percent-encoded anew.
 * Returns as buf_append; -EINVAL (raised) for a parameter that the route does not have,
 * which the loader refuses.
 */
int route_upstream_path(const struct conf_path *upstream, const struct route_match *m,
			const struct http_target *t, struct buf *to)
	__attribute__((warn_unused_result));

/* Appends the client's own path, encoded anew. */
int route_own_path(const struct http_target *t, struct buf *to) __attribute__((warn_unused_result));
