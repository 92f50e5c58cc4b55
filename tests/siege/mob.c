/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attackers who cost little: what they send was written before, and what they do with the answer
 * is one of a few things. So most of what an attack costs is the gateway's.
 *
 *   mob PORT FIRST UNDER_WAY [together]
 *       PORT        of the gateway; clear or TLS is a matter of the bytes
 *       FIRST       of the source addresses 127.FIRST.x.y, another one for each connection
 *       UNDER_WAY   connections at a time; `together`: all of them begin at once, and end
 *
 * Standard input has shots, each a line and its bytes, then the line `go`; its end is the end:
 *
 *       LABEL <tab> ADDRESS or nothing <tab> HOW <tab> BYTES <tab> BYTES <newline> first, second
 *
 *   reset     first, and gone                status    first, and the answer's status and reason
 *   answer    first, a byte of an answer, second, and gone
 *   end       first, and until they end it
 *   session   first, 101, second over and over until they end it: their close code and reason
 *   once      first, 101, second, as many bytes of an answer, and gone
 *
 * Standard output: what became of them, as one JSON object.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
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

enum {
	SHOTS_MAX = 8192,
	UNDER_WAY_MAX = 4096,
	WORDS_MAX = 256,
	WORD_BYTES = 80,
	HEAD_BYTES = 2048, /* of an answer, kept */
	SCRATCH = 256 * 1024,
	EVENTS = 256,
	PATIENCE_MS = 4000,
	ANSWER_MS = 1000, /* for the first byte */
	TIMES = 4,        /* a session says it in one turn */
};

enum how { RESET, STATUS, ANSWER, END, SESSION, ONCE, HOW_COUNT };
static const char *const hows[] = {"reset", "status", "answer", "end", "session", "once"};

struct shot {
	char label[32];
	in_addr_t from; /* 0: any */
	enum how how;
	char *bytes[2];
	size_t len[2];
};

/* Of the frames that come: where we are in the one at hand. */
struct reader {
	unsigned char head[10];
	unsigned have, opcode, said;
	uint64_t left;
	char close[128];
};

struct attacker {
	int fd; /* -1: waits for its turn */
	const struct shot *shot;
	unsigned part; /* which bytes are being sent; 2: none */
	size_t at;     /* of them */
	bool in;       /* 101 was seen */
	bool again;    /* it can go on at once, but others have their turn first */
	uint64_t deadline_ms;
	char head[HEAD_BYTES + 1];
	size_t have;
	struct reader reader;
	uint64_t answered; /* bytes behind the head */
};

static struct shot shots[SHOTS_MAX];
static struct attacker attackers[UNDER_WAY_MAX];
static unsigned shot_count, next_shot, attacker_count, under_way;
static struct sockaddr_in target;
static unsigned first_network, next_address;
static int epoll_fd;
static uint64_t now_ms;
static char scratch[SCRATCH];

static struct {
	char text[WORD_BYTES];
	uint64_t count;
} words[WORDS_MAX];
static unsigned word_count;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void read_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	now_ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void count(const char *text)
{
	unsigned i = 0;

	while (i < word_count && strcmp(words[i].text, text) != 0)
		i++;
	if (i == word_count && word_count == WORDS_MAX)
		return;
	if (i == word_count)
		snprintf(words[word_count++].text, WORD_BYTES, "%s", text);
	words[i].count++;
}

/* --- shots */

static char *read_bytes(size_t len)
{
	char *bytes = malloc(len + 1);

	if (!bytes || fread(bytes, 1, len, stdin) != len)
		die("shot");
	return bytes;
}

static void read_shots(void)
{
	char line[256];

	while (fgets(line, sizeof(line), stdin) && strcmp(line, "go\n") != 0) {
		struct shot *s = &shots[shot_count++];
		char *rest = line, *label = strsep(&rest, "\t"), *from = strsep(&rest, "\t"),
		     *how = strsep(&rest, "\t"), *first = strsep(&rest, "\t");
		if (!rest || shot_count == SHOTS_MAX)
			exit(2);
		snprintf(s->label, sizeof(s->label), "%s", label);
		s->from = *from ? inet_addr(from) : 0;
		while (s->how < HOW_COUNT && strcmp(hows[s->how], how) != 0)
			s->how++;
		s->len[0] = strtoul(first, NULL, 10);
		s->len[1] = strtoul(rest, NULL, 10);
		s->bytes[0] = read_bytes(s->len[0]);
		s->bytes[1] = read_bytes(s->len[1]);
	}
	if (!shot_count)
		exit(2);
}

/* --- one connection */

static void leave(struct attacker *a, const char *word)
{
	const struct linger at_once = {.l_onoff = 1};

	if (word)
		count(word);
	setsockopt(a->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(a->fd);
	a->fd = -1;
	under_way--;
}

static void begin(struct attacker *a)
{
	const struct shot *s = &shots[next_shot++ % shot_count];
	unsigned n = next_address++;
	struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr.s_addr = s->from};
	const int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (!s->from)
		source.sin_addr.s_addr = htonl(127U << 24 | first_network << 16 | n % 251 << 8 |
					       (1 + n / 251 % 250));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &one, sizeof(one));
	*a = (struct attacker){.fd = fd, .shot = s, .deadline_ms = now_ms + PATIENCE_MS};
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = a};
	under_way++;
	if (fd < 0 || bind(fd, (struct sockaddr *)&source, sizeof(source)) ||
	    (connect(fd, (struct sockaddr *)&target, sizeof(target)) && errno != EINPROGRESS) ||
	    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e)) {
		leave(a, "not connected");
		return;
	}
	count("tried");
	count(s->label);
}

/* What they said to a request: "503 siege". Empty: not yet. */
static void judge_head(struct attacker *a, bool over, char word[WORD_BYTES])
{
	const char *end = strstr(a->head, "\r\n\r\n");
	const char *reason = end ? strstr(end, "\"reason\":\"") : NULL;

	*word = '\0';
	if (reason && strchr(reason + 10, '"'))
		snprintf(word, WORD_BYTES, "%.3s %.*s", a->head + 9,
			 (int)strcspn(reason + 10, "\""), reason + 10);
	else if (end && (over || memcmp(a->head + 9, "101", 3) == 0))
		snprintf(word, WORD_BYTES, "%.3s", a->head + 9);
	else if (over)
		snprintf(word, WORD_BYTES, "%s", a->have ? "half an answer" : "ended");
}

/* Frames of a server; what counts is only how it says goodbye. */
static void read_frames(struct reader *r, const unsigned char *data, size_t len)
{
	while (len) {
		if (r->left) {
			size_t n = len < r->left ? len : (size_t)r->left;
			for (size_t i = 0; r->opcode == 8 && i < n && r->said < 127; i++)
				r->close[r->said++] = (char)data[i];
			r->left -= n;
			data += n;
			len -= n;
			continue;
		}
		r->head[r->have++] = *data++;
		len--;
		unsigned size = r->have < 2                 ? 2
				: (r->head[1] & 127) == 126 ? 4
				: (r->head[1] & 127) == 127 ? 10
							    : 2;
		if (r->have < size)
			continue;
		r->left = size == 2 ? r->head[1] & 127 : 0;
		for (unsigned i = 2; i < size; i++)
			r->left = r->left << 8 | r->head[i];
		r->opcode = r->head[0] & 15;
		r->have = 0;
	}
}

static void judge_session(const struct attacker *a, char word[WORD_BYTES])
{
	const struct reader *r = &a->reader;

	if (r->said < 2)
		snprintf(word, WORD_BYTES, "session ended");
	else
		snprintf(word, WORD_BYTES, "close %u %.*s",
			 (unsigned)(unsigned char)r->close[0] << 8 | (unsigned char)r->close[1],
			 (int)r->said - 2, r->close + 2);
}

static void end_of(struct attacker *a)
{
	char word[WORD_BYTES];

	if (a->in)
		judge_session(a, word);
	else if (a->shot->how == END || a->shot->how == ANSWER)
		snprintf(word, sizeof(word), "they ended it");
	else
		judge_head(a, true, word);
	leave(a, word);
}

/* What came; the head of an answer is kept. Returns whether that is the end. */
static bool take(struct attacker *a, const char *data, size_t len)
{
	char word[WORD_BYTES];

	if (a->in) {
		a->answered += len;
		read_frames(&a->reader, (const unsigned char *)data, len);
		if (a->shot->how == ONCE && a->answered + 4 >= a->shot->len[1]) {
			leave(a, "answered");
			return true;
		}
		return false;
	}
	size_t n = len < HEAD_BYTES - a->have ? len : HEAD_BYTES - a->have;
	memcpy(a->head + a->have, data, n);
	a->have += n;
	a->head[a->have] = '\0';
	if (a->shot->how == ANSWER && a->part == 2) {
		a->part = 1;
		return false;
	}
	if (a->shot->how == RESET || a->shot->how == ANSWER || a->shot->how == END)
		return false;
	judge_head(a, false, word);
	if (!*word)
		return false;
	bool stays = a->shot->how != STATUS && strcmp(word, "101") == 0;
	if (!stays) {
		leave(a, word);
		return true;
	}
	count(word);
	a->in = true;
	a->part = 1;
	a->deadline_ms = now_ms + 10 * PATIENCE_MS;
	const char *behind = strstr(a->head, "\r\n\r\n") + 4;
	size_t more = a->have - (size_t)(behind - a->head);
	return more ? take(a, behind, more) : false;
}

/* Returns whether the connection is over. */
static bool push(struct attacker *a)
{
	for (int times = 0; a->part < 2; times++) {
		a->again = times == TIMES;
		if (a->again)
			return false;
		const struct shot *s = a->shot;
		while (a->at < s->len[a->part]) {
			ssize_t n = send(a->fd, s->bytes[a->part] + a->at, s->len[a->part] - a->at,
					 MSG_NOSIGNAL | MSG_DONTWAIT);
			if (n < 0 && (errno == EAGAIN || errno == ENOTCONN))
				return false;
			if (n < 0) { /* what they said may still be there to read */
				a->part = 2;
				return false;
			}
			a->at += (size_t)n;
		}
		a->at = 0;
		if (s->how == RESET || (s->how == ANSWER && a->part == 1)) {
			leave(a, NULL);
			return true;
		}
		if (s->how != SESSION || a->part == 0)
			a->part = 2;
		else
			count("said again");
		if (s->how == ANSWER)
			a->deadline_ms = now_ms + ANSWER_MS;
	}
	return false;
}

static void attend(struct attacker *a)
{
	/* In turns, so that nobody keeps us, and what they say is read while we talk. */
	for (int i = 0; i < 16; i++) {
		ssize_t got = recv(a->fd, scratch, sizeof(scratch), MSG_DONTWAIT);
		if (got > 0) {
			if (take(a, scratch, (size_t)got))
				return;
			continue;
		}
		if (got == 0 || errno != EAGAIN) {
			if (errno != ENOTCONN || got == 0)
				end_of(a);
			return;
		}
		break;
	}
	push(a);
}

static void give_up(struct attacker *a)
{
	if (a->shot->how == ANSWER && a->part == 2) { /* no answer: what was to follow follows */
		a->part = 1;
		a->deadline_ms = now_ms + ANSWER_MS;
		push(a);
		return;
	}
	leave(a, a->in ? "still in" : "no answer");
}

static bool told_to_end(void)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};

	return poll(&in, 1, 0) > 0;
}

static void report(void)
{
	const char *comma = "";

	printf("{");
	for (unsigned i = 0; i < word_count; i++) {
		printf("%s\"", comma);
		for (const char *c = words[i].text; *c; c++)
			putchar(*c < ' ' || *c == '"' || *c == '\\' || *c > '~' ? '?' : *c);
		printf("\": %llu", (unsigned long long)words[i].count);
		comma = ", ";
	}
	printf("}\n");
}

static void look_at_deadlines(void)
{
	for (unsigned i = 0; i < attacker_count; i++)
		if (attackers[i].fd >= 0 && attackers[i].deadline_ms < now_ms)
			give_up(&attackers[i]);
}

static void run(bool together)
{
	struct epoll_event events[EVENTS];
	uint64_t looked_ms = 0;

	while (!told_to_end()) {
		read_clock();
		/* A few at a time: who is under way is attended to meanwhile. */
		unsigned begun = 0;
		for (unsigned i = 0; i < attacker_count && (!together || under_way == begun); i++)
			if (attackers[i].fd < 0 && (together || begun < 16)) {
				begin(&attackers[i]);
				begun += attackers[i].fd >= 0;
			}
		bool again = false;
		for (unsigned i = 0; i < attacker_count; i++)
			if (attackers[i].fd >= 0 && attackers[i].again) {
				attackers[i].again = false;
				attend(&attackers[i]);
				again |= attackers[i].fd >= 0 && attackers[i].again;
			}
		int n = epoll_wait(epoll_fd, events, EVENTS, again ? 0 : 20);
		read_clock();
		for (int i = 0; i < n; i++) {
			struct attacker *a = events[i].data.ptr;
			if (a->fd >= 0)
				attend(a);
		}
		if (now_ms - looked_ms > 50) {
			looked_ms = now_ms;
			look_at_deadlines();
		}
	}
}

int main(int argc, char **argv)
{
	if (argc < 4 || argc > 5)
		return 2;
	target = (struct sockaddr_in){.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10)),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	first_network = (unsigned)strtoul(argv[2], NULL, 10);
	attacker_count = (unsigned)strtoul(argv[3], NULL, 10);
	if (!attacker_count || attacker_count > UNDER_WAY_MAX)
		return 2;
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		die("epoll");
	for (unsigned i = 0; i < attacker_count; i++)
		attackers[i].fd = -1;
	setvbuf(stdin, NULL, _IOFBF, 1 << 16);
	read_shots();
	run(argc == 5);
	report();
	return 0;
}
