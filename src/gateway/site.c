/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages: static files of a folder, with the headers that keep a page in its place.
 *
 *   GET --> ask: open --> head + first piece --> taken by the client --> ask: next piece --> ...
 *
 * The control thread touches the disk; a connection holds at most one piece. A folder is
 * answered by its index.html.
 */
#include <inttypes.h>
#include <string.h>

#include "base/num.h"
#include "base/obj.h"
#include "gateway/conn.h"
#include "http/header.h"
#include "http/respond.h"

enum { PATH_BYTES = 4096, ETAG_BYTES = 48 };

static const struct {
	const char *ending, *type;
} types[] = {
	{".html", "text/html; charset=utf-8"},
	{".htm", "text/html; charset=utf-8"},
	{".css", "text/css; charset=utf-8"},
	{".js", "text/javascript; charset=utf-8"},
	{".mjs", "text/javascript; charset=utf-8"},
	{".json", "application/json"},
	{".map", "application/json"},
	{".txt", "text/plain; charset=utf-8"},
	{".md", "text/plain; charset=utf-8"},
	{".xml", "application/xml"},
	{".svg", "image/svg+xml"},
	{".png", "image/png"},
	{".jpg", "image/jpeg"},
	{".jpeg", "image/jpeg"},
	{".gif", "image/gif"},
	{".webp", "image/webp"},
	{".avif", "image/avif"},
	{".ico", "image/x-icon"},
	{".woff", "font/woff"},
	{".woff2", "font/woff2"},
	{".wasm", "application/wasm"},
	{".webmanifest", "application/manifest+json"},
	{".pdf", "application/pdf"},
	{".mp3", "audio/mpeg"},
	{".mp4", "video/mp4"},
	{".webm", "video/webm"},
};

static const char *content_type(struct slice path)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (slice_ends_with(path, slice_from_cstr(types[i].ending)))
			return types[i].type;
	return "application/octet-stream";
}

static struct ask *ask_file(struct conn *c)
{
	struct ask *a = ask_new(c, ASK_FILE, PATH_BYTES + FILE_PIECE_BYTES);

	if (!a)
		return NULL;
	a->file.data = arena_alloc(&a->arena, FILE_PIECE_BYTES);
	if (a->file.data)
		return a;
	ask_free(a);
	return NULL;
}

/* The path below the root, from the segments that the site's path leaves free. Hidden
 * files do not exist. False when there can be no such file. */
static bool relative_path(const struct conn *c, char *room, size_t *len)
{
	const struct http_target *t = &c->request->http.target;
	size_t first = c->request->dispatch.site->path.prefix ? c->request->dispatch.match.rest : 0;
	size_t at = 0;

	for (size_t i = first; i < t->segment_count; i++) {
		struct slice s = t->segments[i];
		if (s.len == 0 || s.data[0] == '.' || s.len + 2 > PATH_BYTES - 16 - at)
			return false;
		if (at)
			room[at++] = '/';
		memcpy(room + at, s.data, s.len);
		at += s.len;
	}
	if (t->trailing_slash || t->segment_count == first) {
		struct slice index = at ? SLICE("/index.html") : SLICE("index.html");
		memcpy(room + at, index.data, index.len);
		at += index.len;
	}
	*len = at;
	return true;
}

void site_start(struct conn *c)
{
	char path[PATH_BYTES];
	size_t len;

	c->request->head_only = c->request->parser.head.method == HTTP_HEAD;
	if (!relative_path(c, path, &len)) {
		conn_refuse(c, verdict_refuse(REASON_ROUTE_UNKNOWN, "no such page"));
		return;
	}
	struct ask *a = ask_file(c);
	if (a) {
		a->file.root = c->request->dispatch.site->root;
		a->file.path = arena_copy(&a->arena, slice_of(path, len));
		if (!a->file.path.data) {
			ask_free(a);
			a = NULL;
		}
	}
	if (!a || !ask_send(a)) {
		conn_refuse(c, verdict_refuse(REASON_OVERLOADED, "files"));
		return;
	}
	conn_enter(c, CONN_ASK, conn_now(c) + ASK_MS);
}

/* --- the answer's head */

static int add_field(struct buf *out, const char *name, struct slice value,
		     const struct http_head *already)
{
	if (already && http_header_find(already, slice_from_cstr(name)))
		return 0;
	return http_respond_field(out, name, value);
}

/* `already`: an application's own answer, whose fields of these names count instead; or NULL. */
int site_security_fields(const struct conn *c, struct buf *out, const struct conf_site *site,
			 const struct http_head *already)
{
	static const struct {
		const char *name, *value;
	} always[] = {
		{"X-Content-Type-Options", "nosniff"},
		{"X-Frame-Options", "DENY"},
		{"Referrer-Policy", "no-referrer"},
		{"Permissions-Policy", "camera=(), geolocation=(), microphone=()"},
		{"Cross-Origin-Opener-Policy", "same-origin"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
	};
	int r = site->csp.len ? add_field(out, "Content-Security-Policy", site->csp, already) : 0;

	/* Where `report-to sallyport` leads. */
	if (r == 0 && site->csp_reports)
		r = add_field(out, "Reporting-Endpoints",
			      SLICE("sallyport=\"/.sallyport/csp-report\""), already);

	for (size_t i = 0; r == 0 && i < sizeof(always) / sizeof(always[0]); i++)
		r = add_field(out, always[i].name, slice_from_cstr(always[i].value), already);
	/* RFC 6797 section 7.2: never over clear text. */
	if (r == 0 && c->secure)
		r = add_field(out, "Strict-Transport-Security",
			      SLICE("max-age=31536000; includeSubDomains"), already);
	return r;
}

static int page_fields(const struct conn *c, struct buf *out, const char *etag)
{
	const struct conf_site *site = c->request->dispatch.site;
	int r = http_respond_field(out, "ETag", slice_from_cstr(etag));

	if (r == 0)
		r = http_respond_field(out, "Cache-Control", SLICE("no-cache"));
	if (r == 0)
		r = conn_close_field(c, out);
	if (r == 0 && !site->headers_off)
		r = site_security_fields(c, out, site, NULL);
	return r;
}

/* The part of a file that is sent: [from, to). */
struct range {
	int status; /* 200, 206, 304, 416 */
	uint64_t from, to;
};

/* One range of bytes (RFC 9110 section 14.1.2); several, other units and nonsense are ignored,
 * as the standard allows. */
static struct range parse_range(struct slice text, uint64_t size)
{
	struct range whole = {200, 0, size};
	uint64_t from, to;

	if (!slice_starts_with(text, SLICE("bytes=")))
		return whole;
	struct slice spec = slice_from(text, 6);
	size_t dash = slice_index(spec, '-');
	struct slice first = slice_first(spec, dash), last = slice_from(spec, dash + 1);
	if (dash == spec.len)
		return whole;
	if (!first.len) {
		if (!num_parse_u64_zeros(last, UINT64_MAX, &to))
			return whole;
		if (!to || !size)
			return (struct range){416, 0, size};
		return (struct range){206, to < size ? size - to : 0, size};
	}
	if (!num_parse_u64_zeros(first, UINT64_MAX, &from))
		return whole;
	if (last.len && (!num_parse_u64_zeros(last, UINT64_MAX, &to) || to < from))
		return whole;
	if (from >= size)
		return (struct range){416, 0, size};
	return (struct range){206, from, last.len && to < size ? to + 1 : size};
}

static struct range choose_range(const struct conn *c, uint64_t size, const char *etag)
{
	const struct http_head *head = &c->request->parser.head;
	struct slice text, condition;

	if (head->method != HTTP_GET || !http_header_single(head, SLICE("Range"), &text))
		return (struct range){200, 0, size};
	/* The part fits only to the file that the client has the rest of. */
	if (http_header_count(head, SLICE("If-Range")) &&
	    (!http_header_single(head, SLICE("If-Range"), &condition) ||
	     !slice_eq(condition, slice_from_cstr(etag))))
		return (struct range){200, 0, size};
	return parse_range(text, size);
}

static int range_fields(struct buf *out, const struct range *range, uint64_t size)
{
	char text[80];
	int n = range->status == 206
			? snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
				   range->from, range->to - 1, size)
			: snprintf(text, sizeof(text), "bytes */%" PRIu64, size);

	if (range->status == 200)
		return http_respond_field(out, "Accept-Ranges", SLICE("bytes"));
	return range->status == 304
		       ? 0
		       : http_respond_field(out, "Content-Range", slice_of(text, (size_t)n));
}

static int page_head(const struct conn *c, const struct range *range, const struct ask_file *f,
		     const char *etag)
{
	struct buf *out = &c->worker->response;
	int status = range->status;

	buf_clear(out);
	int r = http_respond_start(out, status, reactor_realtime_ms(&c->worker->reactor) / 1000);
	if (r == 0)
		r = page_fields(c, out, etag);
	if (r == 0)
		r = range_fields(out, range, f->size);
	if (r == 0 && status < 300)
		r = http_respond_field(out, "Content-Type", slice_from_cstr(content_type(f->path)));
	return r ? r : http_respond_end(out, status, status < 300 ? range->to - range->from : 0);
}

/* A folder asked for without its slash: its relative links would be wrong. */
static int folder_head(const struct conn *c)
{
	struct buf *out = &c->worker->response;
	char room[PATH_BYTES];
	struct buf location = {.data = room, .cap = sizeof(room), .max = sizeof(room) - 1};

	buf_clear(out);
	int r = route_own_path(&c->request->http.target, &location);
	if (r == 0)
		r = buf_append(&location, SLICE("/"));
	if (r == 0)
		r = http_respond_start(out, 301, reactor_realtime_ms(&c->worker->reactor) / 1000);
	if (r == 0)
		r = http_respond_field(out, "Location", buf_slice(&location));
	return r ? r : http_respond_end(out, 301, 0);
}

static bool not_modified(const struct conn *c, const char *etag)
{
	struct slice seen;

	return http_header_single(&c->request->parser.head, SLICE("If-None-Match"), &seen) &&
	       slice_eq(seen, slice_from_cstr(etag));
}

static void first_piece(struct conn *c, struct ask *a)
{
	struct request *q = c->request;
	struct ask_file *f = &a->file;
	char etag[ETAG_BYTES];

	snprintf(etag, sizeof(etag), "\"%" PRIx64 "-%" PRIx64 "\"", f->size, (uint64_t)f->mtime_s);
	struct range range = choose_range(c, f->size, etag);
	if (not_modified(c, etag))
		range = (struct range){304, 0, 0};
	metric_add(&c->worker->metrics, METRIC_PAGES, 1);
	if (page_head(c, &range, f, etag)) {
		conn_end(c);
		return;
	}
	bool body = range.status < 300 && !q->head_only && range.to > range.from;
	/* What came with the answer is the file's beginning. */
	size_t here = body && range.from == 0 ? f->len : 0;
	if (here > range.to)
		here = (size_t)range.to;
	if (here && buf_append(&c->worker->response, slice_of(f->data, here))) {
		conn_end(c);
		return;
	}
	if (body && range.from + here < range.to) {
		q->file_fd = f->fd;
		f->fd = -1;
		q->file_size = range.to;
		q->file_offset = range.from + here;
	}
	conn_respond(c, true);
}

static void next_piece(struct conn *c, struct ask_file *f)
{
	struct request *q = c->request;

	uint64_t left = q->file_size - q->file_offset;
	size_t len = f->len < left ? f->len : (size_t)left;
	/* The length was promised: a file that shrinks meanwhile ends the connection. */
	if (f->outcome != FILE_PIECE || len == 0 ||
	    stream_write(&c->client, slice_of(f->data, len))) {
		conn_end(c);
		return;
	}
	q->file_offset += len;
	if (q->file_offset < q->file_size) {
		q->file_fd = f->fd;
		f->fd = -1;
	}
	conn_enter(c, CONN_RESPOND, conn_now(c) + RESPOND_MS);
	stream_resume(&c->client);
}

void site_answer(struct conn *c, struct ask *a)
{
	switch (a->file.outcome) {
	case FILE_OPENED:
		first_piece(c, a);
		break;
	case FILE_PIECE:
		next_piece(c, &a->file);
		break;
	case FILE_FOLDER:
		if (folder_head(c))
			conn_end(c);
		else
			conn_respond(c, true);
		break;
	case FILE_ABSENT:
		conn_refuse(c, verdict_refuse(REASON_ROUTE_UNKNOWN, "no such page"));
		break;
	case FILE_FAILED:
	default:
		if (c->request->file_offset)
			conn_end(c);
		else
			conn_refuse(c, verdict_refuse(REASON_INTERNAL, "files"));
	}
	ask_free(a);
}

/* In RESPOND with more of the file to come: the next piece when the last one is taken. */
void site_on_client(struct conn *c, unsigned why)
{
	struct request *q = c->request;

	(void)why;
	if (conn_still_sending(c))
		return;
	struct ask *a = ask_file(c);
	if (!a) {
		conn_end(c);
		return;
	}
	/* The file belongs to the question until it is answered. */
	a->file.fd = q->file_fd;
	q->file_fd = -1;
	a->file.offset = q->file_offset;
	if (!ask_send(a)) {
		conn_end(c);
		return;
	}
	conn_enter(c, CONN_ASK, conn_now(c) + ASK_MS);
}
