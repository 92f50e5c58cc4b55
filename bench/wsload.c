/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load over WebSocket, and an application to echo it.
 *
 *   wsload echo PORT|/PATH/OF/SOCKET     the application
 *   wsload load  URL [option ...]        messages: each is sent again when its echo has come
 *   wsload shake URL [option ...]        opening handshakes, each ended once it is open
 *   wsload idle  URL [option ...]        opens connections, says so, holds them until its
 *                                        standard input ends
 *
 * URL is ws://PORT/PATH or wss://PORT/PATH; everything happens on 127.0.0.1, and nobody's
 * certificate is looked at.
 *
 *   -c N      connections (load, idle), handshakes at a time (shake)                       [1]
 *   -f N      messages in flight on each connection                                        [1]
 *   -b        ... as a batch: the next ones go when all have come back
 *   -p FILE   the message; "{}" otherwise
 *   -z        the message goes compressed (with -H to offer permessage-deflate)
 *   -r        any text is an answer, not only the echo
 *   -s SECS   how long                                                                     [1]
 *   -n N      so many messages or handshakes instead
 *   -w N      messages or handshakes before that, not measured                             [0]
 *   -H LINE   a line of the request: "Origin: https://shop.example"; may be repeated
 *   -t FILE   shake: a ticket a line, each used once, and then from the front again
 *   -g        shake: each says goodbye and waits for the end; else it resets the connection
 *   -k FILE   a client's certificate and its key (PEM)
 *   -a N      addresses of 127/8 to connect from                                           [one]
 *   -e CODE   shake: the status that is expected                                           [101]
 *   -P PIDS   processes whose time is counted (scheduler nanoseconds of all their threads)
 *
 * Prints one JSON object: {"count": ..., "seconds": ..., "cpu_ns": per message or handshake,
 * "p50_us", "p90_us", "p99_us", "p999_us": from sending a message or a batch, or connecting,
 * to its end}. What the other side does wrong ends it with a sentence.
 */
#include <dirent.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "ws/frame.h"
#include "ws/mask.h"
#include "wsload.h"

enum { TICKETS_MAX = 200000, PIDS_MAX = 16 };
enum { SUB_BITS = 8, HISTOGRAM = (64 - SUB_BITS + 1) << SUB_BITS };

static struct options {
	struct target target;
	unsigned conns, flight;
	bool batch, compress, any_reply, goodbye;
	double seconds;
	uint64_t count, warm_up;
	unsigned expected;
	char headers[4096];
	unsigned pids[PIDS_MAX], pid_count;
} o = {.conns = 1, .flight = 1, .seconds = 1, .expected = 101};

static struct peer *peers;
static int epoll_fd;
static char *frames; /* the message `flight` times, framed and masked */
static size_t frame_bytes, payload_bytes;
static char **tickets;
static size_t ticket_count, ticket_at;

/* What was done so far; the measurement is the difference of two. */
static uint64_t done;
static bool recording;
static uint64_t histogram[HISTOGRAM], recorded;

static void fail(const char *what)
{
	fprintf(stderr, "wsload: %s\n", what);
	exit(1);
}

/* --- times */

/* Exponent and the bits behind the first one: less than half a per cent wide. */
static size_t slot_of(uint64_t ns)
{
	unsigned top = ns < (1u << SUB_BITS) ? SUB_BITS : 63 - (unsigned)__builtin_clzll(ns);

	return ((top - SUB_BITS) << SUB_BITS) + (size_t)(ns >> (top - SUB_BITS));
}

static double slot_us(size_t slot)
{
	size_t high = slot >> SUB_BITS, shift = high ? high - 1 : 0;
	size_t low = high ? (slot & ((1u << SUB_BITS) - 1)) | 1u << SUB_BITS : slot;

	return ((double)low + 0.5) * (double)((uint64_t)1 << shift) / 1000;
}

static void record(uint64_t ns)
{
	if (!recording)
		return;
	histogram[slot_of(ns)]++;
	recorded++;
}

static double percentile(double part)
{
	uint64_t seen = 0, wanted = (uint64_t)((double)recorded * part);

	for (size_t i = 0; i < HISTOGRAM; i++) {
		seen += histogram[i];
		if (seen > wanted)
			return slot_us(i);
	}
	return 0;
}

static uint64_t cpu_of(unsigned pid)
{
	char path[512];
	uint64_t total = 0;

	snprintf(path, sizeof(path), "/proc/%u/task", pid);
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));) {
		snprintf(path, sizeof(path), "/proc/%u/task/%s/schedstat", pid, e->d_name);
		FILE *f = e->d_name[0] == '.' ? NULL : fopen(path, "r");
		char line[128];
		if (f && fgets(line, sizeof(line), f))
			total += strtoull(line, NULL, 10);
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return total;
}

struct moment {
	uint64_t ns, cpu, done;
};

static struct moment now(void)
{
	struct moment m = {.ns = load_now_ns(), .done = done};

	for (unsigned i = 0; i < o.pid_count; i++)
		m.cpu += cpu_of(o.pids[i]);
	return m;
}

static void report(const struct moment *a, const struct moment *b)
{
	uint64_t count = b->done - a->done;
	double each = count ? (double)(b->cpu - a->cpu) / (double)count : 0;

	printf("{\"count\": %lu, \"seconds\": %.4f, \"cpu_ns\": %.1f, \"p50_us\": %.2f, "
	       "\"p90_us\": %.2f, \"p99_us\": %.2f, \"p999_us\": %.2f}\n",
	       (unsigned long)count, (double)(b->ns - a->ns) / 1e9, each, percentile(0.5),
	       percentile(0.9), percentile(0.99), percentile(0.999));
}

/* --- opening */

static const char *next_ticket(void)
{
	return tickets[ticket_at++ % ticket_count];
}

static void refused(const struct peer *p)
{
	fprintf(stderr, "wsload: status %u instead of %u\n%.*s\n", p->status, o.expected,
		(int)(p->len < 2000 ? p->len : 2000), p->in ? p->in : "");
	exit(1);
}

/* So many at a time, all of them open in the end. */
static void open_all(void)
{
	enum { AT_A_TIME = 64 };
	struct epoll_event events[LOAD_EVENTS];
	unsigned begun = 0, open = 0;

	while (open < o.conns) {
		while (begun < o.conns && begun - open < AT_A_TIME)
			peer_connect(&peers[begun++], &o.target, epoll_fd);
		int n = epoll_wait(epoll_fd, events, LOAD_EVENTS, 20000);
		if (n == 0)
			fail("no connection within 20 seconds");
		for (int i = 0; i < n; i++) {
			struct peer *p = events[i].data.ptr;
			if (p->state == PEER_OPEN)
				continue;
			if (!peer_advance(p, &o.target, epoll_fd))
				refused(p);
			open += p->state == PEER_OPEN;
		}
	}
}

/* --- messages */

static void send_messages(struct peer *p, unsigned count)
{
	p->outstanding += count;
	if (p->out_len) {
		p->owed += count;
		return;
	}
	p->out = frames;
	p->out_len = count * frame_bytes;
	p->asked_ns = load_now_ns();
	peer_flush(p, epoll_fd);
}

static void send_owed(struct peer *p)
{
	unsigned count = p->owed;

	if (p->out_len || !count)
		return;
	p->owed = 0;
	p->outstanding -= count;
	send_messages(p, count);
}

/* Messages that ended in what was read. Only their heads are looked at. */
static unsigned count_messages(struct peer *p)
{
	static const struct ws_rules rules = {
		.side = WS_CLIENT, .text_ok = true, .rsv1_ok = true, .max_payload = LOAD_BUFFER};
	struct ws_header h;
	enum reason why;
	unsigned ended = 0;
	size_t at = 0;

	for (;;) {
		size_t passing = p->len - at < p->skip ? p->len - at : p->skip;
		at += passing;
		p->skip -= passing;
		ended += passing && p->skip == 0;
		if (p->skip || ws_header_decode(slice_of(p->in + at, p->len - at), &rules, &h,
						&why) != WS_HEADER_DONE)
			break;
		if (h.opcode != WS_OPCODE_TEXT ||
		    (!o.any_reply && h.payload_bytes != payload_bytes)) {
			fprintf(stderr, "wsload: instead of the echo: %.*s\n",
				(int)(p->len - at - h.header_bytes), p->in + at + h.header_bytes);
			exit(1);
		}
		at += h.header_bytes;
		p->skip = h.payload_bytes;
	}
	peer_drop_front(p, at);
	return ended;
}

static void take_answers(struct peer *p)
{
	unsigned ended = 0;
	bool again, more;

	/* What TLS has taken in already epoll does not tell of. */
	do {
		more = peer_read(p, &again);
		ended += more ? count_messages(p) : 0;
	} while (more && p->ssl && SSL_has_pending(p->ssl));
	if (!more && !again)
		fail("the connection was closed");
	if (!ended)
		return;
	done += ended;
	p->outstanding -= ended;
	if (o.flight == 1 || (o.batch && p->outstanding == 0))
		record(load_now_ns() - p->asked_ns);
	if (!o.batch)
		send_messages(p, ended);
	else if (p->outstanding == 0)
		send_messages(p, o.flight);
}

static void load_round(void)
{
	struct epoll_event events[LOAD_EVENTS];
	int n = epoll_wait(epoll_fd, events, LOAD_EVENTS, 20000);

	if (n == 0)
		fail("no answer within 20 seconds");
	for (int i = 0; i < n; i++) {
		struct peer *p = events[i].data.ptr;
		if (events[i].events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP))
			fail("the connection was closed");
		if (events[i].events & EPOLLOUT) {
			peer_flush(p, epoll_fd);
			send_owed(p);
		}
		if (events[i].events & ~(unsigned)EPOLLOUT)
			take_answers(p);
	}
}

/* As permessage-deflate wants it (RFC 7692 section 7.2.1): without the empty block's end. */
static char *deflated(const char *text, size_t *len)
{
	enum { EMPTY_BLOCK = 4, WINDOW_BITS = 15, MEMORY = 8 };
	z_stream z = {0};
	size_t room = *len + 1000;
	char *out = malloc(room);

	if (!out || deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -WINDOW_BITS, MEMORY,
				 Z_DEFAULT_STRATEGY) != Z_OK)
		load_die("deflate");
	z.next_in = (Bytef *)(uintptr_t)text;
	z.avail_in = (uInt)*len;
	z.next_out = (Bytef *)out;
	z.avail_out = (uInt)room;
	if (deflate(&z, Z_SYNC_FLUSH) != Z_OK || z.avail_in)
		load_die("deflate");
	*len = z.total_out - EMPTY_BLOCK;
	deflateEnd(&z);
	return out;
}

static void make_frames(const char *payload)
{
	struct ws_header h = {.fin = true,
			      .masked = true,
			      .opcode = WS_OPCODE_TEXT,
			      .rsv1 = o.compress,
			      .key = {1, 2, 3, 4},
			      .payload_bytes = payload_bytes};

	frame_bytes = ws_header_size(&h) + payload_bytes;
	frames = malloc(frame_bytes * o.flight);
	if (!frames)
		load_die("memory");
	for (unsigned i = 0; i < o.flight; i++) {
		char *at = frames + i * frame_bytes;
		at += ws_header_encode(&h, at);
		memcpy(at, payload, payload_bytes);
		ws_mask(at, payload_bytes, h.key, 0);
	}
}

/* --- handshakes */

static void begin(struct peer *p)
{
	peer_connect(p, &o.target, epoll_fd);
	p->asked_ns = load_now_ns();
}

static void shake_round(void)
{
	struct epoll_event events[LOAD_EVENTS];
	int n = epoll_wait(epoll_fd, events, LOAD_EVENTS, 20000);

	if (n == 0)
		fail("no answer within 20 seconds");
	for (int i = 0; i < n; i++) {
		struct peer *p = events[i].data.ptr;
		bool leaving = p->state == PEER_LEAVING;
		if (p->state == PEER_ENDED ||
		    (peer_advance(p, &o.target, epoll_fd) && p->state != PEER_OPEN))
			continue;
		if (p->status != o.expected)
			refused(p);
		if (!leaving)
			record(load_now_ns() - p->asked_ns);
		if (o.goodbye && p->state == PEER_OPEN) {
			peer_leave(p, epoll_fd);
			continue;
		}
		done++;
		peer_close(p);
		begin(p);
	}
}

/* --- the kinds of load */

static void work_until(void (*round)(void), uint64_t count, uint64_t end_ns)
{
	while (count ? done < count : load_now_ns() < end_ns)
		round();
}

static void measure(void (*round)(void))
{
	if (o.warm_up)
		work_until(round, done + o.warm_up, 0);
	recording = true;
	struct moment a = now();
	work_until(round, o.count ? done + o.count : 0, a.ns + (uint64_t)(o.seconds * 1e9));
	struct moment b = now();
	report(&a, &b);
}

static void run_load(void)
{
	open_all();
	for (unsigned i = 0; i < o.conns; i++)
		send_messages(&peers[i], o.flight);
	measure(load_round);
}

static void run_shake(void)
{
	for (unsigned i = 0; i < o.conns; i++)
		begin(&peers[i]);
	measure(shake_round);
}

static void run_idle(void)
{
	char ignored[64];

	open_all();
	printf("{\"open\": %u}\n", o.conns);
	fflush(stdout);
	while (read(0, ignored, sizeof(ignored)) > 0)
		;
}

/* --- options */

static char *read_file(const char *path, size_t *len)
{
	struct stat st;
	FILE *f = fopen(path, "r");

	if (!f || fstat(fileno(f), &st))
		load_die(path);
	char *text = calloc(1, (size_t)st.st_size + 1);
	if (!text || fread(text, 1, (size_t)st.st_size, f) != (size_t)st.st_size)
		load_die(path);
	fclose(f);
	*len = (size_t)st.st_size;
	return text;
}

static void read_tickets(const char *path)
{
	size_t len;
	char *text = read_file(path, &len), *rest = NULL;

	tickets = calloc(TICKETS_MAX, sizeof(*tickets));
	if (!tickets)
		load_die("memory");
	for (char *line = strtok_r(text, "\n", &rest); line && ticket_count < TICKETS_MAX;
	     line = strtok_r(NULL, "\n", &rest))
		tickets[ticket_count++] = line;
	o.target.ticket = next_ticket;
}

static void add_header(const char *line)
{
	size_t len = strlen(o.headers);

	snprintf(o.headers + len, sizeof(o.headers) - len, "%s\r\n", line);
	o.target.headers = o.headers;
}

static void add_pids(char *list)
{
	char *rest = NULL;

	for (const char *pid = strtok_r(list, ",", &rest); pid && o.pid_count < PIDS_MAX;
	     pid = strtok_r(NULL, ",", &rest))
		o.pids[o.pid_count++] = (unsigned)strtoul(pid, NULL, 10);
}

static bool take_url(const char *url)
{
	char *path;

	o.target.tls = strncmp(url, "wss://", 6) == 0;
	if (!o.target.tls && strncmp(url, "ws://", 5) != 0)
		return false;
	o.target.port = (uint16_t)strtoul(url + (o.target.tls ? 6 : 5), &path, 10);
	snprintf(o.target.path, sizeof(o.target.path), "%s", path);
	return o.target.port && path[0] == '/';
}

static unsigned number(const char *text)
{
	return (unsigned)strtoul(text, NULL, 10);
}

static void usage(void)
{
	fputs("usage: wsload echo PORT|/SOCKET\n"
	      "       wsload load|shake|idle ws[s]://PORT/PATH [-c N] [-f N] [-b] [-z] [-r]\n"
	      "              [-p FILE] [-s SECONDS] [-n N] [-w N] [-H LINE] [-t FILE] [-g]\n"
	      "              [-k FILE] [-a N] [-e CODE] [-P PID,...]\n",
	      stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	const char *message = NULL;
	size_t len = 2;

	if (argc == 3 && strcmp(argv[1], "echo") == 0)
		echo_run(argv[2]);
	if (argc < 3 || !take_url(argv[2]))
		usage();
	for (int c; (c = getopt(argc - 2, argv + 2, "c:f:bzrp:s:n:w:H:t:gk:a:e:P:")) != -1;) {
		/* clang-format off */
		switch (c) {
		case 'c': o.conns = number(optarg); break;
		case 'f': o.flight = number(optarg); break;
		case 'b': o.batch = true; break;
		case 'z': o.compress = o.any_reply = true; break;
		case 'r': o.any_reply = true; break;
		case 'p': message = read_file(optarg, &len); break;
		case 's': o.seconds = strtod(optarg, NULL); break;
		case 'n': o.count = strtoul(optarg, NULL, 10); break;
		case 'w': o.warm_up = strtoul(optarg, NULL, 10); break;
		case 'H': add_header(optarg); break;
		case 't': read_tickets(optarg); break;
		case 'g': o.goodbye = true; break;
		case 'k': load_certificate(optarg); break;
		case 'a': o.target.addresses = number(optarg); break;
		case 'e': o.expected = number(optarg); break;
		case 'P': add_pids(optarg); break;
		default: usage();
		}
		/* clang-format on */
	}
	message = message ? message : "{}";
	if (o.compress)
		message = deflated(message, &len);
	payload_bytes = len;
	make_frames(message);
	peers = calloc(o.conns, sizeof(*peers));
	epoll_fd = epoll_create1(0);
	if (!peers || epoll_fd < 0)
		load_die("memory");
	if (strcmp(argv[1], "load") == 0)
		run_load();
	else if (strcmp(argv[1], "shake") == 0)
		run_shake();
	else if (strcmp(argv[1], "idle") == 0)
		run_idle();
	else
		usage();
	return 0;
}
