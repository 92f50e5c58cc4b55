/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl's sockets live in an epoll of their own, level-triggered as libcurl expects; that
 * epoll's descriptor is one edge-triggered member of our reactor.
 *
 *   reactor --edge--> inner epoll --level--> libcurl's sockets
 */
#include "ctl/fetch.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/ct.h"
#include "base/err.h"
#include "policy/verifier.h"

enum { INNER_EVENTS = 32, URL_BYTES = 4096, COOKIE_BYTES = 20 * 1024, TOKEN_BYTES = 4096 };

struct fetcher {
	struct reactor *reactor;
	CURLM *multi;
	struct io io; /* of the inner epoll */
	int inner;
	struct timer timer;
	struct list under_way;
	size_t count;
};

struct fetch {
	struct list link;
	struct fetcher *from;
	CURL *easy;
	struct buf body;
	struct curl_slist *fields; /* of a POST */
	bool too_long, drops;      /* drops: the answer's body is of no interest */
	fetch_fn fn;
	void *arg;
};

static void finish(struct fetch *q, int status, const char *detail)
{
	struct fetcher *f = q->from;

	list_remove(&q->link);
	f->count--;
	q->fn(q->arg, status, buf_slice(&q->body), detail);
	curl_multi_remove_handle(f->multi, q->easy);
	curl_easy_cleanup(q->easy);
	curl_slist_free_all(q->fields);
	buf_deinit(&q->body);
	free(q);
}

static const char *why(const struct fetch *q, CURLcode code)
{
	if (q->too_long)
		return "the answer is too long";
	switch ((int)code) {
	case CURLE_OPERATION_TIMEDOUT:
		return "no answer in time";
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
		return "nobody there";
	case CURLE_PEER_FAILED_VERIFICATION:
		return "its certificate is not trusted";
	default:
		return "it could not be asked";
	}
}

static void collect(struct fetcher *f)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(f->multi, &left))) {
		struct fetch *q = NULL;
		long status = 0;
		if (m->msg != CURLMSG_DONE)
			continue;
		CURLcode code = m->data.result;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &q);
		curl_easy_getinfo(m->easy_handle, CURLINFO_RESPONSE_CODE, &status);
		if (code == CURLE_OK)
			finish(q, (int)status, NULL);
		else
			finish(q, 0, why(q, code));
	}
}

static void act(struct fetcher *f, curl_socket_t fd, int what)
{
	int running;

	curl_multi_socket_action(f->multi, fd, what, &running);
	collect(f);
}

static void on_inner(struct io *io)
{
	struct fetcher *f = IO_OWNER(io, struct fetcher, io);
	struct epoll_event events[INNER_EVENTS];
	int n = epoll_wait(f->inner, events, INNER_EVENTS, 0);

	if (n <= 0) {
		io_drained(io, IO_READABLE);
		return;
	}
	for (int i = 0; i < n; i++) {
		int what = 0;
		if (events[i].events & EPOLLIN)
			what |= CURL_CSELECT_IN;
		if (events[i].events & EPOLLOUT)
			what |= CURL_CSELECT_OUT;
		if (events[i].events & (EPOLLERR | EPOLLHUP))
			what |= CURL_CSELECT_ERR;
		act(f, events[i].data.fd, what);
	}
	io_again(io);
}

static void on_timer(struct timer *t)
{
	act(TIMER_OWNER(t, struct fetcher, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct fetcher *f = arg;

	(void)multi;
	if (timeout_ms < 0)
		timer_disarm(&f->timer);
	else
		timer_arm(&f->reactor->timers, &f->timer,
			  reactor_now_ms(f->reactor) + (uint64_t)timeout_ms);
	return 0;
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct fetcher *f = arg;
	struct epoll_event e = {.data.fd = fd};

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(f->inner, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN)
		e.events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		e.events |= EPOLLOUT;
	if (epoll_ctl(f->inner, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &e))
		return -1;
	curl_multi_assign(f->multi, fd, f);
	return 0;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
	struct fetch *q = arg;

	if (!q->drops && buf_append(&q->body, slice_of(data, size * count))) {
		q->too_long = true;
		return 0; /* libcurl ends the transfer */
	}
	return size * count;
}

int fetcher_new(struct reactor *r, struct fetcher **out)
{
	struct fetcher *f = calloc(1, sizeof(*f));

	if (!f)
		return err_raise(ENOMEM, "the fetcher");
	f->reactor = r;
	list_init(&f->under_way);
	timer_init(&f->timer, on_timer);
	f->inner = epoll_create1(EPOLL_CLOEXEC);
	f->multi = f->inner < 0 ? NULL : curl_multi_init();
	if (!f->multi || io_add(r, &f->io, f->inner, on_inner)) {
		int failed = errno;
		fetcher_free(f);
		return err_raise(failed ? failed : ENOMEM, "the fetcher");
	}
	curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f);
	curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f);
	curl_multi_setopt(f->multi, CURLMOPT_MAX_HOST_CONNECTIONS, 64L);
	curl_multi_setopt(f->multi, CURLMOPT_MAXCONNECTS, 64L);
	*out = f;
	return 0;
}

void fetcher_free(struct fetcher *f)
{
	if (!f)
		return;
	LIST_EACH (at, &f->under_way)
		finish(LIST_ENTRY(at, struct fetch, link), 0, "the gateway is ending");
	if (f->multi)
		curl_multi_cleanup(f->multi);
	timer_disarm(&f->timer);
	io_remove(&f->io);
	if (f->inner >= 0)
		close(f->inner);
	free(f);
}

static bool set_options(struct fetch *q, const char *url, const char *cookie)
{
	CURL *e = q->easy;
	CURLcode r = curl_easy_setopt(e, CURLOPT_URL, url);

	if (cookie)
		r = r ? r : curl_easy_setopt(e, CURLOPT_COOKIE, cookie);
	r = r ? r : curl_easy_setopt(e, CURLOPT_PRIVATE, q);
	r = r ? r : curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	r = r ? r : curl_easy_setopt(e, CURLOPT_WRITEDATA, q);
	r = r ? r : curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	r = r ? r : curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	r = r ? r : curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	r = r ? r : curl_easy_setopt(e, CURLOPT_PROXY, "");
	r = r ? r : curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)FETCH_MS);
	r = r ? r : curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)FETCH_CONNECT_MS);
	r = r ? r : curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	r = r ? r : curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	r = r ? r : curl_easy_setopt(e, CURLOPT_USERAGENT, "sallyport/" SALLYPORT_VERSION);
	return r == CURLE_OK;
}

/* What a POST carries. */
struct post {
	struct slice json;
	const char *authorization; /* the whole field; NULL: none */
};

static bool add_field(struct fetch *q, const char *field)
{
	struct curl_slist *longer = curl_slist_append(q->fields, field);

	if (longer)
		q->fields = longer;
	return longer != NULL;
}

static bool set_post(struct fetch *q, const struct post *post)
{
	CURL *e = q->easy;
	CURLcode r;

	q->drops = true;
	if (!add_field(q, "Content-Type: application/json") || !add_field(q, "Expect:") ||
	    (post->authorization && !add_field(q, post->authorization)))
		return false;
	r = curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)post->json.len);
	r = r ? r : curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, post->json.data);
	r = r ? r : curl_easy_setopt(e, CURLOPT_HTTPHEADER, q->fields);
	return r == CURLE_OK;
}

/* cookie NULL: none. post NULL: a GET. What they point to is the control thread's own. */
static void begin(struct fetcher *f, const char *url, const char *cookie, const struct post *post,
		  size_t body_max, fetch_fn fn, void *arg)
{
	struct fetch *q = f->count < FETCH_MAX ? calloc(1, sizeof(*q)) : NULL;

	if (!q) {
		fn(arg, 0, slice_of(NULL, 0), "no room for another question");
		return;
	}
	*q = (struct fetch){.from = f, .fn = fn, .arg = arg, .easy = curl_easy_init()};
	buf_init(&q->body, body_max);
	if (!q->easy || !set_options(q, url, cookie) || (post && !set_post(q, post)) ||
	    curl_multi_add_handle(f->multi, q->easy) != CURLM_OK) {
		if (q->easy)
			curl_easy_cleanup(q->easy);
		curl_slist_free_all(q->fields);
		free(q);
		fn(arg, 0, slice_of(NULL, 0), "no room for another question");
		return;
	}
	list_append(&f->under_way, &q->link);
	f->count++;
}

void fetch_get(struct fetcher *f, struct slice url, struct slice cookie_name,
	       struct slice cookie_value, fetch_fn fn, void *arg)
{
	static char url_text[URL_BYTES], cookie[COOKIE_BYTES]; /* of the control thread */

	if (url.len >= sizeof(url_text) ||
	    cookie_name.len + cookie_value.len + 2 >= sizeof(cookie)) {
		fn(arg, 0, slice_of(NULL, 0), "no room for another question");
		return;
	}
	snprintf(url_text, sizeof(url_text), "%.*s", SLICE_ARG(url));
	snprintf(cookie, sizeof(cookie), "%.*s=%.*s", SLICE_ARG(cookie_name),
		 SLICE_ARG(cookie_value));
	begin(f, url_text, cookie, NULL, VERIFIER_BODY_MAX, fn, arg);
	ct_wipe(cookie, sizeof(cookie));
}

void fetch_plain(struct fetcher *f, struct slice url, size_t body_max, fetch_fn fn, void *arg)
{
	char url_text[URL_BYTES];

	if (url.len >= sizeof(url_text)) {
		fn(arg, 0, slice_of(NULL, 0), "no room for another question");
		return;
	}
	snprintf(url_text, sizeof(url_text), "%.*s", SLICE_ARG(url));
	begin(f, url_text, NULL, NULL, body_max, fn, arg);
}

void fetch_post(struct fetcher *f, struct slice url, struct slice json, struct slice token,
		fetch_fn fn, void *arg)
{
	static char authorization[TOKEN_BYTES + 32]; /* of the control thread */
	char url_text[URL_BYTES];
	struct post post = {.json = json};

	if (url.len >= sizeof(url_text) || token.len > TOKEN_BYTES) {
		fn(arg, 0, slice_of(NULL, 0), "no room for another question");
		return;
	}
	snprintf(url_text, sizeof(url_text), "%.*s", SLICE_ARG(url));
	snprintf(authorization, sizeof(authorization), "Authorization: Bearer %.*s",
		 SLICE_ARG(token));
	if (token.len)
		post.authorization = authorization;
	begin(f, url_text, NULL, &post, 0, fn, arg);
	ct_wipe(authorization, sizeof(authorization));
}
