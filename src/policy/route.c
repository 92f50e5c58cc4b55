/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths to routes, and back to paths.
 */
#include "policy/route.h"

#include "base/err.h"

static bool shape_fits(const struct conf_path *p, const struct http_target *t)
{
	if (t->asterisk)
		return false;
	if (p->prefix) /* something, if only a slash, stands for the asterisk */
		return t->segment_count > p->count ||
		       (t->segment_count == p->count && t->trailing_slash);
	return t->segment_count == p->count && t->trailing_slash == p->trailing_slash;
}

bool route_match_path(const struct conf_path *p, const struct http_target *t, struct route_match *m)
{
	m->param_count = 0;
	m->rest = p->count;
	if (!shape_fits(p, t))
		return false;
	for (size_t i = 0; i < m->rest; i++) {
		const struct conf_segment *wanted = &p->segments[i];
		if (!wanted->parameter) {
			if (!slice_eq(wanted->text, t->segments[i]))
				return false;
			continue;
		}
		if (!t->segments[i].len || m->param_count == ROUTE_PARAMS_MAX)
			return false;
		m->params[m->param_count++] = (struct route_param){wanted->text, t->segments[i]};
	}
	return true;
}

/* Of one piece: the less it lets through, the lower. */
static int looseness(const struct conf_path *p, size_t piece)
{
	if (piece >= p->count)
		return 2; /* under an asterisk; of a whole path nobody asks so far */
	return p->segments[piece].parameter ? 1 : 0;
}

/* Is a more specific than b? Both match the same path, so they differ in number of pieces
 * only where one of them is a prefix. */
static bool more_specific(const struct conf_path *a, const struct conf_path *b)
{
	size_t most = a->count > b->count ? a->count : b->count;
	for (size_t i = 0; i < most; i++) {
		if (looseness(a, i) != looseness(b, i))
			return looseness(a, i) < looseness(b, i);
	}
	return !a->prefix && b->prefix;
}

/* Does p match, and more specifically than the best so far (NULL: nothing yet)? */
static bool takes_over(const struct conf_path *p, const struct conf_path *best,
		       const struct http_target *t, struct route_match *m)
{
	struct route_match candidate;
	if (!route_match_path(p, t, &candidate))
		return false;
	if (best && !more_specific(p, best))
		return false;
	*m = candidate;
	return true;
}

const struct conf_route *route_find(const struct snapshot *s, const struct http_target *t,
				    struct route_match *m)
{
	const struct conf_route *best = NULL;
	for (size_t i = 0; i < s->route_count; i++) {
		if (takes_over(&s->routes[i].path, best ? &best->path : NULL, t, m))
			best = &s->routes[i];
	}
	return best;
}

const struct conf_site *route_find_site(const struct snapshot *s, const struct http_target *t,
					struct route_match *m)
{
	const struct conf_site *best = NULL;
	for (size_t i = 0; i < s->site_count; i++) {
		if (takes_over(&s->sites[i].path, best ? &best->path : NULL, t, m))
			best = &s->sites[i];
	}
	return best;
}

struct slice route_path_text(const struct http_target *t, struct arena *a)
{
	size_t bytes = 1; /* the slash at the end */
	for (size_t i = 0; i < t->segment_count; i++)
		bytes += 1 + t->segments[i].len;
	char *text = arena_alloc(a, bytes);
	if (!text)
		return slice_of(NULL, 0);
	char *at = text;
	for (size_t i = 0; i < t->segment_count; i++) {
		*at++ = '/';
		memcpy(at, t->segments[i].data, t->segments[i].len);
		at += t->segments[i].len;
	}
	if (t->trailing_slash || !t->segment_count)
		*at++ = '/';
	return slice_of(text, (size_t)(at - text));
}

static int append_piece(struct buf *to, struct slice piece)
{
	int r = buf_append(to, SLICE("/"));
	return r ? r : http_percent_encode(to, piece);
}

/* The client's segments from `from` on, each with its slash, and the one at the end. */
static int append_rest(struct buf *to, const struct http_target *t, size_t from)
{
	int r = 0;
	for (size_t i = from; !r && i < t->segment_count; i++)
		r = append_piece(to, t->segments[i]);
	if (!r && (t->trailing_slash || !t->segment_count))
		r = buf_append(to, SLICE("/"));
	return r;
}

static const struct slice *param_value(const struct route_match *m, struct slice name)
{
	for (size_t i = 0; i < m->param_count; i++) {
		if (slice_eq(m->params[i].name, name))
			return &m->params[i].value;
	}
	return NULL;
}

int route_upstream_path(const struct conf_path *upstream, const struct route_match *m,
			const struct http_target *t, struct buf *to)
{
	int r = 0;
	for (size_t i = 0; !r && i < upstream->count; i++) {
		const struct conf_segment *s = &upstream->segments[i];
		const struct slice *value = s->parameter ? param_value(m, s->text) : &s->text;
		if (!value)
			return err_raise(EINVAL, "the upstream's parameter %.*s is not the route's",
					 SLICE_ARG(s->text));
		r = append_piece(to, *value);
	}
	if (r)
		return r;
	if (upstream->prefix)
		return append_rest(to, t, m->rest);
	return upstream->trailing_slash ? buf_append(to, SLICE("/")) : 0;
}

int route_own_path(const struct http_target *t, struct buf *to)
{
	return append_rest(to, t, 0);
}
