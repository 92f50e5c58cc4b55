/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The honest people of the siege, and the application that they talk to.
 *
 *   honest application          prints its port; /room/... tells everybody what anybody says,
 *                               any other path is an echo. It stops reading from whoever does
 *                               not read, and leaves members out who are that far behind
 *   honest sessions PORT        reads HANDSHAKES, one line each (path, tab, Origin, tab,
 *                               subprotocols), then `open`, then commands:
 *
 *      flat MS      one message in flight on each session; answers {"rate": messages a second}
 *      rate N       from now on N messages a second over all sessions, at times of our own
 *      mark         since the last mark: {"sent", "got", "wrong", "gone", "waiting", "took"
 * (seconds), "p50", "p99", "max" (microseconds)} end          waits for what is under way, says the
 * same of the whole time, closes
 *
 * Each message has a number and the time at which it was to be sent, and its echo has to be
 * the next one of that session, byte for byte: none lost, none twice, none changed. The delay is
 * counted from the time at which it was to be sent, so a sender that was held up hides nothing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/obj.h"
#include "http/handshake.h"
#include "ws/frame.h"
#include "ws/mask.h"

enum {
	EVENTS = 256,
	SCRATCH = 1 << 20,
	PENDING_MAX = 1 << 20, /* bytes that wait for somebody who does not read */
	SESSIONS_MAX = 4096,
	WINDOW = 64, /* messages under way on one session; more are late, and count as such */
	BUCKETS = 64 * 16,
	TEXT_BYTES = 160, /* of a message */
	END_MS = 60000,
};

struct bytes {
	char *data;
	size_t len, cap;
};

struct peer {
	int fd;
	bool open;        /* handshake done */
	bool room;        /* hears what anybody says */
	bool leaving;     /* close frames were exchanged: a server ends TCP first */
	bool muted;       /* not read until what waits for it is gone */
	uint32_t watched; /* for what */
	struct bytes in, out;
	struct peer *next, **back; /* all of the application's */
	uint64_t sent, got;        /* of a session */
	uint64_t due[WINDOW];      /* when each message under way was to be sent, in ns */
};

static char scratch[SCRATCH];
static int epoll_fd;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

/* --- bytes and frames */

static char *room_for(struct bytes *b, size_t more)
{
	if (b->len + more > b->cap) {
		b->cap = (b->len + more) * 2;
		b->data = realloc(b->data, b->cap);
		if (!b->data)
			die("realloc");
	}
	return b->data + b->len;
}

static void append(struct bytes *b, const char *data, size_t len)
{
	memcpy(room_for(b, len), data, len);
	b->len += len;
}

static void drop_front(struct bytes *b, size_t n)
{
	memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
}

/* The whole frame at the front of what lies from `at` on; false if there is none. */
static bool frame_at(const struct bytes *b, size_t at, enum ws_side side, struct ws_header *h)
{
	struct ws_rules rules = {
		.side = side, .text_ok = true, .binary_ok = true, .max_payload = 64 << 20};
	enum reason why;

	if (ws_header_decode(slice_of(b->data + at, b->len - at), &rules, h, &why) !=
	    WS_HEADER_DONE)
		return false;
	return b->len - at >= h->header_bytes + h->payload_bytes;
}

static void append_frame(struct bytes *b, const struct ws_header *h, const char *payload)
{
	char *to = room_for(b, h->payload_bytes + WS_HEADER_MAX);
	size_t n = ws_header_encode(h, to);

	memcpy(to + n, payload, h->payload_bytes);
	if (h->masked)
		ws_mask(to + n, h->payload_bytes, h->key, 0);
	b->len += n + h->payload_bytes;
}

/* --- sockets */

static void watch(struct peer *p, int how, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = p};

	p->watched = events;
	if (epoll_ctl(epoll_fd, how, p->fd, &e))
		die("epoll_ctl");
}

static void watch_again(struct peer *p)
{
	uint32_t events = (p->muted ? 0 : EPOLLIN) | (p->out.len ? EPOLLOUT : 0);

	if (events != p->watched)
		watch(p, EPOLL_CTL_MOD, events);
}

/* Sends what the socket takes. False when the connection is over. */
static bool flush_out(struct peer *p)
{
	size_t at = 0;

	while (at < p->out.len) {
		ssize_t n =
			send(p->fd, p->out.data + at, p->out.len - at, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	drop_front(&p->out, at);
	p->muted = p->out.len > PENDING_MAX;
	watch_again(p);
	return true;
}

/* --- the application */

static struct peer *everybody;

static void leave(struct peer *p)
{
	close(p->fd);
	*p->back = p->next;
	if (p->next)
		p->next->back = p->back;
	free(p->in.data);
	free(p->out.data);
	p->fd = -1; /* freed after this turn: its event may still come */
}

static void answer_head(struct peer *p)
{
	char accept[HTTP_ACCEPT_CHARS], text[512];
	char *end = p->in.len ? memmem(p->in.data, p->in.len, "\r\n\r\n", 4) : NULL;

	if (!end)
		return;
	char *key = memmem(p->in.data, p->in.len, "Sec-WebSocket-Key: ", 19);
	if (!key)
		die("no key");
	p->room = memcmp(p->in.data, "GET /room", 9) == 0;
	MUST(http_accept(slice_of(key + 19, HTTP_KEY_CHARS), accept) == 0);
	int n = snprintf(text, sizeof(text),
			 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
			 "Connection: Upgrade\r\nSec-WebSocket-Accept: %.*s\r\n\r\n",
			 (int)sizeof(accept), accept);
	append(&p->out, text, (size_t)n);
	drop_front(&p->in, (size_t)(end - p->in.data) + 4);
	p->open = true;
}

static void tell_room(const struct ws_header *h, const char *payload)
{
	for (struct peer *p = everybody; p; p = p->next) {
		if (!p->room || p->out.len > PENDING_MAX)
			continue;
		append_frame(&p->out, h, payload);
		watch_again(p);
	}
}

static void answer_frames(struct peer *p)
{
	size_t at = 0;
	struct ws_header h;

	while (at < p->in.len && frame_at(&p->in, at, WS_SERVER, &h)) {
		char *payload = p->in.data + at + h.header_bytes;
		ws_mask(payload, h.payload_bytes, h.key, 0);
		struct ws_header back = {.fin = h.fin,
					 .opcode = h.opcode == WS_OPCODE_PING ? WS_OPCODE_PONG
									      : h.opcode,
					 .payload_bytes = h.payload_bytes};
		bool data = h.opcode <= WS_OPCODE_BINARY;
		if (p->room && data)
			tell_room(&back, payload);
		else if (h.opcode != WS_OPCODE_PONG)
			append_frame(&p->out, &back, payload);
		p->leaving |= h.opcode == WS_OPCODE_CLOSE;
		at += h.header_bytes + h.payload_bytes;
	}
	drop_front(&p->in, at);
}

static bool serve_peer(struct peer *p, uint32_t events)
{
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		ssize_t got = recv(p->fd, scratch, sizeof(scratch), MSG_DONTWAIT);
		if (got < 0 && errno == EAGAIN)
			return true;
		if (got <= 0)
			return false;
		append(&p->in, scratch, (size_t)got);
		if (!p->open)
			answer_head(p);
		if (p->open)
			answer_frames(p);
	}
	return flush_out(p) && !(p->leaving && !p->out.len);
}

static struct peer *new_peer(int fd)
{
	struct peer *p = calloc(1, sizeof(*p));
	int one = 1;

	if (!p)
		die("calloc");
	p->fd = fd;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	watch(p, EPOLL_CTL_ADD, EPOLLIN);
	return p;
}

static void welcome(int listener)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
		if (fd < 0)
			return;
		struct peer *p = new_peer(fd);
		p->next = everybody;
		p->back = &everybody;
		if (everybody)
			everybody->back = &p->next;
		everybody = p;
	}
}

static int listen_anywhere(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 4096) ||
	    getsockname(fd, (struct sockaddr *)&a, &len))
		die("listen");
	printf("%u\n", ntohs(a.sin_port));
	fflush(stdout);
	return fd;
}

static int run_application(void)
{
	struct peer listener = {.fd = listen_anywhere()}, parent = {.fd = STDIN_FILENO};
	struct epoll_event events[EVENTS];

	watch(&listener, EPOLL_CTL_ADD, EPOLLIN);
	watch(&parent, EPOLL_CTL_ADD, EPOLLIN); /* who started us is gone when this ends */
	for (;;) {
		struct peer *gone[EVENTS];
		int n = epoll_wait(epoll_fd, events, EVENTS, -1), count = 0;
		for (int i = 0; i < n; i++) {
			struct peer *p = events[i].data.ptr;
			if (p == &parent)
				return 0;
			if (p == &listener)
				welcome(listener.fd);
			else if (!serve_peer(p, events[i].events)) {
				leave(p);
				gone[count++] = p;
			}
		}
		while (count)
			free(gone[--count]);
	}
}

/* --- what was measured */

/* Delays in microseconds, in sixteen steps to each power of two. */
struct figures {
	uint64_t sent, got, wrong, gone;
	uint64_t began; /* ns */
	uint64_t max;
	uint64_t delays[BUCKETS];
};

static struct figures since_mark, whole;

static unsigned bucket_of(uint64_t us)
{
	if (us < 16)
		return (unsigned)us;
	unsigned top = 63 - (unsigned)__builtin_clzll(us);
	return (top - 3) * 16 + (unsigned)((us >> (top - 4)) & 15);
}

static uint64_t bucket_end(unsigned b)
{
	return b < 16 ? b : ((uint64_t)(16 + b % 16 + 1) << (b / 16 - 1)) - 1;
}

static void note_delay(struct figures *f, uint64_t us)
{
	f->got++;
	f->delays[bucket_of(us)]++;
	if (us > f->max)
		f->max = us;
}

static uint64_t quantile(const struct figures *f, double part)
{
	uint64_t seen = 0, wanted = (uint64_t)((double)f->got * part);

	for (unsigned b = 0; b < BUCKETS; b++) {
		seen += f->delays[b];
		if (seen > wanted)
			return bucket_end(b) < f->max ? bucket_end(b) : f->max;
	}
	return f->max;
}

/* --- sessions */

static struct peer *sessions[SESSIONS_MAX];
static unsigned session_count;
static uint64_t waiting; /* messages under way */
static bool flat;        /* an answer is followed by the next message at once */

static void count(uint64_t offset_wrong, uint64_t offset_gone)
{
	since_mark.wrong += offset_wrong;
	whole.wrong += offset_wrong;
	since_mark.gone += offset_gone;
	whole.gone += offset_gone;
}

static size_t write_message(char *text, uint64_t number)
{
	int n = snprintf(text, TEXT_BYTES + 1, "{\"type\":\"say\",\"n\":%" PRIu64 ",\"text\":\"",
			 number);
	memset(text + n, 'a' + (int)(number % 26), (size_t)(TEXT_BYTES - n - 2));
	memcpy(text + TEXT_BYTES - 2, "\"}", 2);
	return TEXT_BYTES;
}

static void lose(struct peer *p)
{
	if (p->fd < 0)
		return;
	close(p->fd);
	p->fd = -1;
	waiting -= p->sent - p->got;
	count(0, 1);
}

static void say(struct peer *p, uint64_t due)
{
	char text[TEXT_BYTES + 1];
	struct ws_header h = {
		.fin = true, .masked = true, .opcode = WS_OPCODE_TEXT, .key = {7, 1, 8, 2}};

	if (p->fd < 0)
		return;
	h.payload_bytes = write_message(text, p->sent);
	append_frame(&p->out, &h, text);
	p->due[p->sent % WINDOW] = due;
	p->sent++;
	waiting++;
	since_mark.sent++;
	whole.sent++;
	if (!flush_out(p))
		lose(p);
}

static void hear(struct peer *p, const struct ws_header *h, const char *payload)
{
	char wanted[TEXT_BYTES + 1];

	if (h->opcode == WS_OPCODE_PING || h->opcode == WS_OPCODE_PONG) {
		struct ws_header pong = {.fin = true,
					 .masked = true,
					 .opcode = WS_OPCODE_PONG,
					 .payload_bytes = h->payload_bytes};
		if (h->opcode == WS_OPCODE_PING)
			append_frame(&p->out, &pong, payload);
		return;
	}
	size_t len = write_message(wanted, p->got);
	if (p->got == p->sent || h->opcode != WS_OPCODE_TEXT || h->payload_bytes != len ||
	    memcmp(payload, wanted, len) != 0) {
		fprintf(stderr, "wanted %.80s, got opcode %d %.80s\n", wanted, (int)h->opcode,
			h->payload_bytes ? payload : "");
		count(1, 0);
		lose(p);
		return;
	}
	uint64_t t = now(), due = p->due[p->got % WINDOW], us = t > due ? (t - due) / 1000 : 0;
	note_delay(&since_mark, us);
	note_delay(&whole, us);
	p->got++;
	waiting--;
	if (flat)
		say(p, now());
}

static void attend(struct peer *p, uint32_t events)
{
	struct ws_header h;
	size_t at = 0;

	if (p->fd < 0)
		return;
	if (events & ~(uint32_t)EPOLLOUT) {
		ssize_t got = recv(p->fd, scratch, sizeof(scratch), MSG_DONTWAIT);
		if (got == 0 || (got < 0 && errno != EAGAIN)) {
			lose(p);
			return;
		}
		if (got > 0)
			append(&p->in, scratch, (size_t)got);
	}
	while (p->fd >= 0 && at < p->in.len && frame_at(&p->in, at, WS_CLIENT, &h)) {
		hear(p, &h, p->in.data + at + h.header_bytes);
		at += h.header_bytes + h.payload_bytes;
	}
	if (p->fd < 0)
		return;
	drop_front(&p->in, at);
	if (p->out.len && !flush_out(p))
		lose(p);
}

/* Waits no longer than until `until`. */
static void turn(uint64_t until)
{
	struct epoll_event events[EVENTS];
	uint64_t t = now();
	struct timespec left = {0};

	if (until > t) {
		left.tv_sec = (time_t)((until - t) / 1000000000U);
		left.tv_nsec = (long)((until - t) % 1000000000U);
	}
	int n = epoll_pwait2(epoll_fd, events, EVENTS, &left, NULL);
	for (int i = 0; i < n; i++)
		if (events[i].data.ptr)
			attend(events[i].data.ptr, events[i].events);
}

static void open_session(uint16_t port, const char *path, const char *origin, const char *protocols)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
	char text[2048], *end = NULL;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	/* Each from an address of its own, 127.0.1.1 and so on: they are many people. */
	struct sockaddr_in source = {.sin_family = AF_INET};
	source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 0x100 + session_count % 250);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&source, sizeof(source)) ||
	    connect(fd, (struct sockaddr *)&a, sizeof(a)))
		die("connect");
	int len = snprintf(
		text, sizeof(text),
		"GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nOrigin: %s\r\n"
		"Sec-WebSocket-Protocol: %s\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
		path, port, origin, protocols);
	if (send(fd, text, (size_t)len, MSG_NOSIGNAL) != len)
		die("handshake");
	size_t have = 0;
	while (!end && have < sizeof(text)) {
		ssize_t got = recv(fd, text + have, sizeof(text) - have, 0);
		if (got <= 0)
			die("handshake");
		have += (size_t)got;
		end = memmem(text, have, "\r\n\r\n", 4);
	}
	if (!end || memcmp(text, "HTTP/1.1 101", 12) != 0) {
		fprintf(stderr, "%.*s\n", (int)have, text);
		exit(1);
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	sessions[session_count++] = new_peer(fd);
}

static void report(struct figures *f)
{
	printf("{\"sent\": %" PRIu64 ", \"got\": %" PRIu64 ", \"wrong\": %" PRIu64
	       ", \"gone\": %" PRIu64 ", \"waiting\": %" PRIu64
	       ", \"took\": %.3f, \"p50\": %" PRIu64 ", \"p99\": %" PRIu64 ", \"max\": %" PRIu64
	       "}\n",
	       f->sent, f->got, f->wrong, f->gone, waiting, (double)(now() - f->began) / 1e9,
	       quantile(f, 0.5), quantile(f, 0.99), f->max);
	fflush(stdout);
	*f = (struct figures){.began = now()};
}

static void run_flat(unsigned ms)
{
	uint64_t began = now(), until = began + ms * UINT64_C(1000000), before = whole.got;

	flat = true;
	for (unsigned i = 0; i < session_count; i++)
		say(sessions[i], now());
	while (now() < until)
		turn(until);
	double took = (double)(now() - began) / 1e9;
	flat = false;
	printf("{\"rate\": %.0f}\n", (double)(whole.got - before) / took);
	fflush(stdout);
}

static void finish(void)
{
	uint64_t until = now() + END_MS * UINT64_C(1000000);
	struct ws_header bye = {
		.fin = true, .masked = true, .opcode = WS_OPCODE_CLOSE, .payload_bytes = 2};

	while (waiting && now() < until)
		turn(until < now() + 10000000 ? until : now() + 10000000);
	report(&whole);
	for (unsigned i = 0; i < session_count; i++) {
		struct peer *p = sessions[i];
		if (p->fd < 0)
			continue;
		append_frame(&p->out, &bye, "\x03\xe8");
		flush_out(p);
	}
	/* Theirs is the next to come, and the last. */
	for (unsigned i = 0; i < session_count; i++) {
		struct pollfd one = {.fd = sessions[i]->fd, .events = POLLIN};
		if (one.fd >= 0 && poll(&one, 1, 5000) > 0)
			close(one.fd);
	}
}

struct pace {
	double every; /* ns between two messages of all sessions; 0: none are sent */
	double next;
	unsigned turn;
};

static void send_due(struct pace *pace)
{
	while (pace->every > 0 && pace->next <= (double)now()) {
		/* One whose last answers are still missing is passed over: what it did not
		 * send does not count as sent. */
		for (unsigned tries = 0; tries < session_count; tries++) {
			struct peer *p = sessions[pace->turn++ % session_count];
			if (p->fd >= 0 && p->sent - p->got < WINDOW) {
				say(p, (uint64_t)pace->next);
				break;
			}
		}
		pace->next += pace->every;
	}
}

/* False at the end. */
static bool obey(char *line, struct pace *pace)
{
	if (strncmp(line, "rate ", 5) == 0) {
		double rate = strtod(line + 5, NULL);
		pace->every = rate > 0 ? 1e9 / rate : 0;
		pace->next = (double)now();
	} else if (strncmp(line, "flat ", 5) == 0) {
		run_flat((unsigned)strtoul(line + 5, NULL, 10));
	} else if (strcmp(line, "mark") == 0) {
		report(&since_mark);
	} else {
		return false;
	}
	return true;
}

static bool next_command(char *line, size_t size)
{
	if (!fgets(line, (int)size, stdin))
		return false;
	line[strcspn(line, "\n")] = '\0';
	return true;
}

static int run_sessions(uint16_t port)
{
	char line[1024];
	struct pace pace = {0};
	struct epoll_event e = {.events = EPOLLIN}; /* without a peer: a command has come */

	setvbuf(stdin, NULL, _IONBF, 0); /* so that poll sees what is there */
	while (next_command(line, sizeof(line)) && strcmp(line, "open") != 0) {
		char *save, *path = strtok_r(line, "\t", &save),
			    *origin = strtok_r(NULL, "\t", &save),
			    *protocols = strtok_r(NULL, "\t", &save);
		if (!protocols || session_count == SESSIONS_MAX)
			return 2;
		open_session(port, path, origin, protocols);
	}
	printf("{\"open\": %u}\n", session_count);
	fflush(stdout);
	if (!session_count || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &e))
		die("stdin");
	for (;;) {
		uint64_t soon = now() + 100000000;
		turn(pace.every > 0 && pace.next < (double)soon ? (uint64_t)pace.next : soon);
		send_due(&pace);
		struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
		if (poll(&in, 1, 0) > 0 &&
		    (!next_command(line, sizeof(line)) || !obey(line, &pace)))
			break;
	}
	finish();
	return 0;
}

int main(int argc, char **argv)
{
	epoll_fd = epoll_create1(0);
	if (argc == 2 && strcmp(argv[1], "application") == 0)
		return run_application();
	if (argc == 3 && strcmp(argv[1], "sessions") == 0)
		return run_sessions((uint16_t)strtoul(argv[2], NULL, 10));
	fputs("usage: honest application | sessions PORT\n", stderr);
	return 2;
}
