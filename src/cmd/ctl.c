/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport ctl: the admin API as a command line; sallyport ticket: a ticket from it.
 *
 * Where the API is and its token come from the configuration (-c), or from --url and --token.
 */
#include <curl/curl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/ct.h"
#include "base/jsonout.h"
#include "cmd/cmd.h"
#include "conf/load.h"

enum { URL_BYTES = 2048, TOKEN_BYTES = 4096, ANSWER_BYTES = 32 << 20, WAIT_MS = 15000 };

struct place {
	char url[URL_BYTES];
	char token[TOKEN_BYTES];
};

struct options {
	const char *configuration, *url, *token;
	const char *sub, *session, *key, *reason, *route, *origin, *claims, *ttl;
	bool insecure;
};

static int complain(const char *what, const char *more)
{
	fprintf(stderr, "sallyport: %s%s%s\n", what, more ? ": " : "", more ? more : "");
	return EXIT_PROBLEM;
}

/* --- where */

static bool read_token(const char *path, char token[TOKEN_BYTES])
{
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(token, 1, TOKEN_BYTES - 1, f) : 0;

	if (f)
		fclose(f);
	while (n && (token[n - 1] == '\n' || token[n - 1] == '\r'))
		n--;
	token[n] = '\0';
	return n > 0;
}

static int place_from_configuration(const char *path, struct place *p)
{
	struct diag *d = calloc(1, sizeof(*d));
	struct snapshot *s = NULL;
	char token_path[4096] = "";

	if (!d)
		return complain("no memory", NULL);
	diag_init(d);
	int r = conf_load(path, &s, d);
	diag_deinit(d);
	free(d);
	if (r)
		return complain("this configuration cannot be used; `sallyport check` says why",
				path);
	bool on = s->admin.on;
	snprintf(p->url, sizeof(p->url), "%.*s", SLICE_ARG(s->admin.listener.url));
	snprintf(token_path, sizeof(token_path), "%.*s", SLICE_ARG(s->admin.token_file));
	snapshot_unref(s);
	if (!on)
		return complain("the configuration has no `admin` listener", path);
	if (!p->token[0] && token_path[0] && !read_token(token_path, p->token))
		return complain("the admin token cannot be read", token_path);
	return EXIT_FINE;
}

static int find_place(const struct options *o, struct place *p)
{
	*p = (struct place){.url = ""};
	if (o->token && !read_token(o->token, p->token))
		return complain("the token cannot be read", o->token);
	if (!o->url)
		return place_from_configuration(o->configuration, p);
	snprintf(p->url, sizeof(p->url), "%s", o->url);
	return EXIT_FINE;
}

/* --- one call */

static size_t on_answer(char *data, size_t size, size_t count, void *arg)
{
	return buf_append(arg, slice_of(data, size * count)) ? 0 : size * count;
}

static struct curl_slist *headers_for(const struct place *p)
{
	char field[TOKEN_BYTES + 64];
	struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");

	/* libcurl would ask first, and nobody here answers that. */
	list = curl_slist_append(list, "Expect:");
	if (p->token[0]) {
		snprintf(field, sizeof(field), "Authorization: Bearer %s", p->token);
		list = curl_slist_append(list, field);
		ct_wipe(field, sizeof(field));
	}
	return list;
}

/* Prints the answer. EXIT_FINE for 2xx. */
static int call(const struct place *p, bool insecure, const char *method, const char *path,
		struct slice body)
{
	char url[URL_BYTES * 2];
	struct buf answer;
	long status = 0;
	CURL *e = curl_easy_init();

	if (!e)
		return complain("no memory", NULL);
	buf_init(&answer, ANSWER_BYTES);
	snprintf(url, sizeof(url), "%s%s", p->url, path);
	struct curl_slist *headers = headers_for(p);
	curl_easy_setopt(e, CURLOPT_URL, url);
	curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_answer);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, &answer);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)WAIT_MS);
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	if (insecure) {
		curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (body.len) {
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, body.data);
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)body.len);
	}
	CURLcode r = curl_easy_perform(e);
	curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	curl_easy_cleanup(e);
	bool fine = r == CURLE_OK && status >= 200 && status < 300;
	if (r == CURLE_OK)
		fprintf(fine ? stdout : stderr, "%.*s", SLICE_ARG(buf_slice(&answer)));
	else
		complain(url, curl_easy_strerror(r));
	buf_deinit(&answer);
	return fine ? EXIT_FINE : EXIT_PROBLEM;
}

/* --- subcommands */

static void member(struct jsonout *j, const char *name, const char *value)
{
	if (value)
		jsonout_member_cstring(j, name, value);
}

static int revoke(const struct place *p, const struct options *o)
{
	struct jsonout j;
	struct buf body;

	if ((o->sub != NULL) + (o->session != NULL) + (o->key != NULL) != 1) {
		fputs("sallyport: revoke takes one of --sub, --session, --key\n", stderr);
		return EXIT_WRONG_USE;
	}
	buf_init(&body, 1 << 16);
	jsonout_init(&j, &body);
	jsonout_object_open(&j);
	member(&j, "sub", o->sub);
	member(&j, "session", o->session);
	member(&j, "key", o->key);
	member(&j, "reason", o->reason);
	jsonout_object_close(&j);
	int r = j.ok ? call(p, o->insecure, "POST", "/v1/revocations", buf_slice(&body))
		     : complain("no memory", NULL);
	buf_deinit(&body);
	return r;
}

static int sessions(const struct place *p, const struct options *o)
{
	char path[URL_BYTES] = "/v1/sessions";

	if (o->sub) {
		char *encoded = curl_easy_escape(NULL, o->sub, 0);
		snprintf(path, sizeof(path), "/v1/sessions?sub=%s", encoded ? encoded : "");
		curl_free(encoded);
	}
	return call(p, o->insecure, "GET", path, slice_of(NULL, 0));
}

static int close_one(const struct place *p, const struct options *o, const char *id)
{
	char path[URL_BYTES];
	char *encoded = curl_easy_escape(NULL, id, 0);

	snprintf(path, sizeof(path), "/v1/sessions/%s", encoded ? encoded : "");
	curl_free(encoded);
	return call(p, o->insecure, "DELETE", path, slice_of(NULL, 0));
}

/* level NULL: only shows it. */
static int siege(const struct place *p, const struct options *o, const char *level)
{
	char body[64];
	bool number = level && level[0] >= '0' && level[0] <= '4' && !level[1];

	if (!level)
		return call(p, o->insecure, "GET", "/v1/siege", slice_of(NULL, 0));
	if (!number && strcmp(level, "auto") != 0) {
		fputs("sallyport: siege takes a level from 0 to 4, or auto\n", stderr);
		return EXIT_WRONG_USE;
	}
	snprintf(body, sizeof(body), number ? "{\"level\":%s}" : "{\"level\":\"%s\"}", level);
	return call(p, o->insecure, "POST", "/v1/siege", slice_from_cstr(body));
}

static const struct {
	const char *word, *method, *path, *help;
} plain[] = {
	{"health", "GET", "/healthz", "is the process alive"},
	{"ready", "GET", "/readyz", "does it take connections"},
	{"metrics", "GET", "/metrics", "Prometheus text"},
	{"config", "GET", "/v1/config", "what is in force, in plain words"},
	{"budgets", "GET", "/v1/budgets", "what is held, of how much"},
	{"refusals", "GET", "/v1/refusals", "the latest refusals"},
	{"alerts", "GET", "/v1/alerts", "the alerts that last"},
	{"reload", "POST", "/v1/reload", "read the configuration again"},
	{"drain", "POST", "/v1/drain", "close sessions with 1001 and end"},
};

enum { PLAIN = sizeof(plain) / sizeof(plain[0]) };

static void usage(FILE *to)
{
	fputs("usage: sallyport ctl [OPTIONS] COMMAND\n\n"
	      "  sessions [--sub SUBJECT]   open sessions\n"
	      "  close ID                   close one\n"
	      "  revoke --sub S|--session ID|--key K [--reason R]\n"
	      "                             close what it hits, refuse older credentials\n"
	      "  siege [0..4|auto]          how little is let in; hold a level, or measure again\n",
	      to);
	for (int i = 0; i < PLAIN; i++)
		fprintf(to, "  %-26s %s\n", plain[i].word, plain[i].help);
	fputs("\n  -c, --config FILE   where the admin listener and its token stand "
	      "(sallyport.yaml)\n"
	      "      --url URL       of the admin listener instead\n"
	      "      --token FILE    its token\n"
	      "  -k, --insecure      do not verify its certificate\n",
	      to);
}

static void ticket_usage(FILE *to)
{
	fputs("usage: sallyport ticket [OPTIONS] --sub SUBJECT --route /path\n\n"
	      "  --origin ORIGIN   the page that will use it\n"
	      "  --claims JSON     an object: what rules may ask about\n"
	      "  --ttl SECONDS     how long it may be used (30)\n"
	      "  -c, --url, --token, -k as for `sallyport ctl`\n",
	      to);
}

/* Returns false on an unknown option, with *help for -h. */
static bool parse(int argc, char **argv, struct options *o, bool *help)
{
	enum { URL = 256, TOKEN, SUB, SESSION, KEY, REASON, ROUTE, ORIGIN, CLAIMS, TTL };
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"url", required_argument, NULL, URL},
		{"token", required_argument, NULL, TOKEN},
		{"insecure", no_argument, NULL, 'k'},
		{"sub", required_argument, NULL, SUB},
		{"session", required_argument, NULL, SESSION},
		{"key", required_argument, NULL, KEY},
		{"reason", required_argument, NULL, REASON},
		{"route", required_argument, NULL, ROUTE},
		{"origin", required_argument, NULL, ORIGIN},
		{"claims", required_argument, NULL, CLAIMS},
		{"ttl", required_argument, NULL, TTL},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};

	*o = (struct options){.configuration = "sallyport.yaml"};
	*help = false;
	for (int c; (c = getopt_long(argc, argv, "c:kh", options, NULL)) != -1;) {
		const char **to = c == 'c'       ? &o->configuration
				  : c == URL     ? &o->url
				  : c == TOKEN   ? &o->token
				  : c == SUB     ? &o->sub
				  : c == SESSION ? &o->session
				  : c == KEY     ? &o->key
				  : c == REASON  ? &o->reason
				  : c == ROUTE   ? &o->route
				  : c == ORIGIN  ? &o->origin
				  : c == CLAIMS  ? &o->claims
				  : c == TTL     ? &o->ttl
						 : NULL;
		if (to)
			*to = optarg;
		else if (c == 'k')
			o->insecure = true;
		else if (c == 'h')
			*help = true;
		else
			return false;
	}
	return true;
}

static int run_ctl(const struct place *p, const struct options *o, int argc, char **argv)
{
	if (argc == 1 && strcmp(argv[0], "sessions") == 0)
		return sessions(p, o);
	if (argc == 2 && strcmp(argv[0], "close") == 0)
		return close_one(p, o, argv[1]);
	if (argc == 1 && strcmp(argv[0], "revoke") == 0)
		return revoke(p, o);
	if ((argc == 1 || argc == 2) && strcmp(argv[0], "siege") == 0)
		return siege(p, o, argc == 2 ? argv[1] : NULL);
	for (int i = 0; argc == 1 && i < PLAIN; i++)
		if (strcmp(argv[0], plain[i].word) == 0)
			return call(p, o->insecure, plain[i].method, plain[i].path,
				    slice_of(NULL, 0));
	usage(stderr);
	return EXIT_WRONG_USE;
}

int cmd_ctl(int argc, char **argv)
{
	struct options o;
	struct place p;
	bool help;

	if (!parse(argc, argv, &o, &help) || (optind == argc && !help)) {
		usage(stderr);
		return EXIT_WRONG_USE;
	}
	if (help) {
		usage(stdout);
		return EXIT_FINE;
	}
	int r = find_place(&o, &p);
	if (r == EXIT_FINE)
		r = run_ctl(&p, &o, argc - optind, argv + optind);
	ct_wipe(p.token, sizeof(p.token));
	return r;
}

int cmd_ticket(int argc, char **argv)
{
	struct options o;
	struct place p;
	struct jsonout j;
	struct buf body;
	bool help;

	if (!parse(argc, argv, &o, &help) || optind != argc || (!help && (!o.sub || !o.route))) {
		ticket_usage(stderr);
		return EXIT_WRONG_USE;
	}
	if (help) {
		ticket_usage(stdout);
		return EXIT_FINE;
	}
	int r = find_place(&o, &p);
	if (r)
		return r;
	buf_init(&body, 1 << 17);
	jsonout_init(&j, &body);
	jsonout_object_open(&j);
	member(&j, "sub", o.sub);
	member(&j, "route", o.route);
	member(&j, "origin", o.origin);
	if (o.claims) {
		jsonout_key(&j, "claims");
		jsonout_raw(&j, slice_from_cstr(o.claims));
	}
	if (o.ttl) {
		jsonout_key(&j, "ttl");
		jsonout_raw(&j, slice_from_cstr(o.ttl));
	}
	jsonout_object_close(&j);
	r = j.ok ? call(&p, o.insecure, "POST", "/v1/tickets", buf_slice(&body))
		 : complain("too long", NULL);
	buf_deinit(&body);
	ct_wipe(p.token, sizeof(p.token));
	return r;
}
