/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ticket, asked for as the page of an application would: see protocols in the manual.
 *
 *   with a cookie:  GET /.sallyport/csrf   -> {"csrf": ...}
 *   always:         POST the ticket URL    -> 201 {"ticket": ...}
 *   under siege:    429 {"proof": {...}}   -> the same again, with the solution
 */
#include "cmd/connect.h"

#include <stdio.h>

#include <curl/curl.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/jsonout.h"
#include "cmd/cmd.h"
#include "json/read.h"
#include "policy/proof.h"

enum {
	BODY_MAX = 64 * 1024,
	URL_MAX = 4096,
	CSRF_TEXT_MAX = 1024,
	PROOF_ROUNDS = 3,    /* challenges that are solved before we give up */
	PROOF_WORK_MAX = 26, /* bits that are worth trying */
	PROOF_LUCK = 5,      /* so many times the expected tries are bad luck enough, in bits */
};

struct http_answer {
	long status;
	struct buf body;
};

bool connect_json_string(struct slice text, const char *name, char *out, size_t room)
{
	static const struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct json_doc doc;
	struct arena arena;
	bool found = false;

	arena_init(&arena, 64 * 1024, 16 * 1024 * 1024);
	if (json_read(text, &limits, &arena, &doc) == REASON_NONE) {
		const struct json_node *v = json_member(doc.root, slice_from_cstr(name));
		if (v && v->type == JSON_STRING && v->len < room) {
			memcpy(out, v->data, v->len);
			out[v->len] = 0;
			found = true;
		}
	}
	arena_deinit(&arena);
	return found;
}

static void print_safely(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		fputc((unsigned char)s.data[i] >= 0x20 && (unsigned char)s.data[i] < 0x7f
			      ? s.data[i]
			      : ' ',
		      stderr);
}

void connect_say_refusal(int status, struct slice body)
{
	char word[64], title[256];

	if (!connect_json_string(body, "reason", word, sizeof(word))) {
		fprintf(stderr, "sallyport: refused with status %d", status);
		if (body.len) {
			fputs(": ", stderr);
			print_safely(slice_first(body, 300));
		}
		fputc('\n', stderr);
		return;
	}
	fprintf(stderr, "sallyport: refused with status %d, ", status);
	print_safely(slice_from_cstr(word));
	if (connect_json_string(body, "title", title, sizeof(title))) {
		fputs(": ", stderr);
		print_safely(slice_from_cstr(title));
	}
	fputc('\n', stderr);
	if (connect_json_string(body, "request", title, sizeof(title))) {
		fputs("sallyport: the gateway's log knows it as request ", stderr);
		print_safely(slice_from_cstr(title));
		fputc('\n', stderr);
	}
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
	struct http_answer *a = arg;

	return buf_append(&a->body, slice_of(data, size * count)) ? 0 : size * count;
}

static struct curl_slist *add(struct curl_slist *list, const char *name, struct slice value)
{
	char line[8192];

	/* curl leaves a field out whose value is empty, unless it ends in a semicolon */
	int n = snprintf(line, sizeof(line), value.len ? "%s: %.*s" : "%s;%.*s", name,
			 SLICE_ARG(value));
	if (n < 0 || (size_t)n >= sizeof(line))
		return list;
	struct curl_slist *longer = curl_slist_append(list, line);
	return longer ? longer : list;
}

static struct curl_slist *common_headers(const struct connect_options *o)
{
	struct curl_slist *list = NULL;

	for (size_t i = 0; i < o->header_count; i++) {
		char name[128];
		snprintf(name, sizeof(name), "%.*s", SLICE_ARG(o->headers[i].name));
		list = add(list, name, o->headers[i].value);
	}
	return list;
}

/* body NULL: GET. Returns an exit status. */
static int call(const struct connect_options *o, const char *url, struct curl_slist *headers,
		const char *body, struct http_answer *a)
{
	char why[CURL_ERROR_SIZE] = "";
	CURL *c = curl_easy_init();

	if (!c)
		return EXIT_PROBLEM;
	buf_init(&a->body, BODY_MAX);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, a);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)o->timeout_ms);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	if (body)
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
	if (o->insecure) {
		curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (o->ca_file)
		curl_easy_setopt(c, CURLOPT_CAINFO, o->ca_file);
	if (o->verbose)
		fprintf(stderr, "* %s %s\n", body ? "POST" : "GET", url);
	CURLcode r = curl_easy_perform(c);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &a->status);
	curl_easy_cleanup(c);
	if (r == CURLE_OK)
		return EXIT_FINE;
	fprintf(stderr, "sallyport: %s: %s\n", url, why[0] ? why : curl_easy_strerror(r));
	return EXIT_PROBLEM;
}

/* The CSRF token of the cookie's session, from beside the ticket's address. An application's
 * own ticket endpoint may know none (404): then there is none to send. */
static int get_csrf(const struct connect_options *o, char csrf[CSRF_TEXT_MAX])
{
	struct http_answer a = {0};
	struct url u;
	char authority[300], url[URL_MAX];

	if (url_parse(slice_from_cstr(o->ticket_from), &u) ||
	    !url_authority(&u, authority, sizeof(authority)).data)
		return EXIT_WRONG_USE;
	snprintf(url, sizeof(url), "%s://%s/.sallyport/csrf",
		 http_scheme_is_tls(u.scheme) ? "https" : "http", authority);
	struct curl_slist *headers = common_headers(o);
	int r = call(o, url, headers, NULL, &a);
	curl_slist_free_all(headers);
	csrf[0] = 0;
	if (r == EXIT_FINE && a.status != 404 &&
	    (a.status != 200 ||
	     !connect_json_string(buf_slice(&a.body), "csrf", csrf, CSRF_TEXT_MAX))) {
		connect_say_refusal((int)a.status, buf_slice(&a.body));
		r = EXIT_PROBLEM;
	}
	buf_deinit(&a.body);
	return r;
}

/* The challenge in a 429's body, solved. False when it has none, or none worth trying. */
static bool solve(const struct connect_options *o, const struct http_answer *a,
		  char proof[PROOF_TEXT_MAX + 1])
{
	static const struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct json_doc doc;
	struct arena arena;
	int64_t bits = 0;
	bool solved = false;

	arena_init(&arena, 64 * 1024, 16 * 1024 * 1024);
	if (a->status == 429 &&
	    json_read(buf_slice(&a->body), &limits, &arena, &doc) == REASON_NONE) {
		const struct json_node *p = json_member(doc.root, SLICE("proof"));
		struct slice challenge = json_string(json_member(p, SLICE("challenge")));
		const struct json_node *cost = json_member(p, SLICE("bits"));
		bool ours = slice_eq(json_string(json_member(p, SLICE("algorithm"))),
				     SLICE("sha256")) &&
			    cost && json_integer(cost, &bits) && bits > 0 && bits <= PROOF_WORK_MAX;
		if (ours && o->verbose)
			fprintf(stderr, "* the ticket costs work: %d bits\n", (int)bits);
		solved = ours && proof_solve(challenge, (unsigned)bits,
					     UINT64_C(1) << (bits + PROOF_LUCK), proof);
	}
	arena_deinit(&arena);
	return solved;
}

static int post_once(const struct connect_options *o, const char *csrf, const char *proof,
		     const char *body, struct http_answer *a)
{
	struct curl_slist *headers = common_headers(o);

	headers = add(headers, "Content-Type", SLICE("application/json"));
	headers = add(headers, "Sallyport", SLICE("1"));
	if (csrf[0])
		headers = add(headers, "Sallyport-CSRF", slice_from_cstr(csrf));
	if (proof[0])
		headers = add(headers, "Sallyport-Proof", slice_from_cstr(proof));
	int r = call(o, o->ticket_from, headers, body, a);
	curl_slist_free_all(headers);
	return r;
}

static int post(const struct connect_options *o, const char *csrf, const char *body,
		char protocol[CONNECT_TICKET_MAX])
{
	static const char prefix[] = "sallyport.ticket.";
	char proof[PROOF_TEXT_MAX + 1] = "";
	struct http_answer a = {0};

	int r = post_once(o, csrf, proof, body, &a);
	for (int i = 0; r == EXIT_FINE && i < PROOF_ROUNDS && solve(o, &a, proof); i++) {
		buf_deinit(&a.body);
		r = post_once(o, csrf, proof, body, &a);
	}
	memcpy(protocol, prefix, sizeof(prefix));
	if (r == EXIT_FINE &&
	    ((a.status != 201 && a.status != 200) ||
	     !connect_json_string(buf_slice(&a.body), "ticket", protocol + sizeof(prefix) - 1,
				  CONNECT_TICKET_MAX - sizeof(prefix)))) {
		connect_say_refusal((int)a.status, buf_slice(&a.body));
		r = EXIT_PROBLEM;
	}
	if (r == EXIT_FINE && o->verbose)
		fprintf(stderr, "* got a ticket for %.*s\n", SLICE_ARG(o->url.path));
	buf_deinit(&a.body);
	return r;
}

int connect_ticket(const struct connect_options *o, char protocol[CONNECT_TICKET_MAX])
{
	char csrf[CSRF_TEXT_MAX] = "";
	struct buf body;
	struct jsonout j;

	if (o->cookie.len) {
		int r = get_csrf(o, csrf);
		if (r)
			return r;
	}
	buf_init(&body, URL_MAX);
	jsonout_init(&j, &body);
	jsonout_object_open(&j);
	jsonout_member(&j, "route", o->url.path.len ? o->url.path : SLICE("/"));
	jsonout_object_close(&j);
	int r = EXIT_PROBLEM;
	if (j.ok && buf_append(&body, slice_of("", 1)) == 0)
		r = post(o, csrf, buf_slice(&body).data, protocol);
	buf_deinit(&body);
	return r;
}
