/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each state has at most one deadline, so there is one timer: for the next attempt, for
 * the look-up under way, for the connection, or for the oldest command.
 *
 * Replies come in the order of the commands. What fails while replies are handed out is
 * only noted; the connection is taken down when nobody is being called any more.
 */
#include "store/redis_link.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ct.h"
#include "base/err.h"
#include "base/obj.h"
#include "net/random.h"
#include "net/resolve.h"
#include "net/sock.h"
#include "store/store.h"
#include "tls/stream.h"

enum {
	LINK_MAGIC = 0x52656453,
	ADDRESSES = 8,
	NAME_BYTES = 256,
	LOOK_MS = 20, /* how often we look whether the look-up is done */
	KEEPALIVE_S = 30,
	PENDING_BYTES = 16 << 20, /* commands that Redis has not taken yet */
};

enum link_state {
	LINK_RESTING = 0,
	LINK_LOOKING,
	LINK_CONNECTING,
	LINK_GREETING,
	LINK_UP,
};

/* A name's addresses, asked for by a thread of its own: the system's resolver waits. */
struct lookup {
	pthread_t thread;
	char name[NAME_BYTES];
	uint16_t port;
	struct address addresses[ADDRESSES];
	size_t count; /* 0: failed */
	_Atomic bool done;
};

struct command {
	struct list link;
	redis_fn fn;
	void *arg;
	uint64_t deadline_ms;
};

struct redis_link {
	uint32_t magic;
	enum link_state state;
	struct redis_link_facts facts;
	struct reactor *reactor;
	struct tls_client *tls;
	struct stream stream;
	struct budget budget;
	struct timer timer;
	redisReader *reader;
	struct list commands; /* sent, without reply; the oldest first */
	size_t count;
	struct lookup *lookup;
	struct address addresses[ADDRESSES];
	size_t address_count, attempts; /* attempts: since it was up */
	bool connected;
	const char *doomed; /* why it is to be taken down */
};

static void on_stream(struct stream *s, unsigned why);

/* --- taking it down */

static void forget_lookup(struct redis_link *l)
{
	if (!l->lookup)
		return;
	pthread_join(l->lookup->thread, NULL);
	free(l->lookup);
	l->lookup = NULL;
}

static void arm(struct redis_link *l, uint64_t in_ms)
{
	timer_arm(&l->reactor->timers, &l->timer, reactor_now_ms(l->reactor) + in_ms);
}

/* Up to a quarter more than its turn, so that nodes do not come all at once. */
static uint64_t rest_ms(const struct redis_link *l)
{
	uint64_t ms = REDIS_REST_MS;
	uint8_t random = 0;

	for (size_t i = 1; i < l->attempts && ms < REDIS_REST_MAX_MS; i++)
		ms *= 2;
	if (ms > REDIS_REST_MAX_MS)
		ms = REDIS_REST_MAX_MS;
	if (random_bytes(&random, sizeof(random)))
		random = 0;
	return ms + ms * random / 1024;
}

static void close_all(struct redis_link *l)
{
	stream_deinit(&l->stream);
	if (l->reader)
		redisReaderFree(l->reader);
	l->reader = NULL;
	l->connected = false;
	l->doomed = NULL;
	l->state = LINK_RESTING;
}

static void forsake_commands(struct redis_link *l)
{
	struct list forsaken;

	list_init(&forsaken);
	list_splice(&forsaken, &l->commands);
	l->count = 0;
	LIST_EACH (at, &forsaken) {
		struct command *c = LIST_ENTRY(at, struct command, link);
		list_remove(&c->link);
		c->fn(c->arg, NULL);
		free(c);
	}
}

static void take_down(struct redis_link *l, const char *detail)
{
	close_all(l);
	l->attempts++;
	arm(l, rest_ms(l));
	l->facts.changed(l->facts.arg, detail);
	forsake_commands(l);
}

/* --- commands */

static int write_command(struct redis_link *l, const struct slice *arguments, size_t count)
{
	const char *texts[REDIS_ARGUMENTS];
	size_t lengths[REDIS_ARGUMENTS];
	sds bytes = NULL;

	MUST(count <= REDIS_ARGUMENTS);
	for (size_t i = 0; i < count; i++) {
		texts[i] = arguments[i].len ? arguments[i].data : "";
		lengths[i] = arguments[i].len;
	}
	int len = redisFormatSdsCommandArgv(&bytes, (int)count, texts, lengths);
	if (len < 0)
		return -ENOMEM;
	int r = stream_write(&l->stream, slice_of(bytes, (size_t)len));
	ct_wipe(bytes, (size_t)len); /* it may have been a password */
	redisFreeSdsCommand(bytes);
	return r;
}

static bool send_command(struct redis_link *l, const struct slice *arguments, size_t count,
			 size_t under_way_max, redis_fn fn, void *arg)
{
	struct command *c = l->count < under_way_max ? malloc(sizeof(*c)) : NULL;

	if (!c)
		return false;
	int r = write_command(l, arguments, count);
	if (r) {
		/* Nothing of it was taken where the queue is full; anything else is the end. */
		if (r != STREAM_FULL && r != -ENOMEM)
			l->doomed = "the connection broke";
		if (l->doomed)
			arm(l, 0);
		free(c);
		return false;
	}
	*c = (struct command){.fn = fn, .arg = arg};
	c->deadline_ms = reactor_now_ms(l->reactor) + STORE_ANSWER_MS;
	list_append(&l->commands, &c->link);
	if (l->count++ == 0 && l->state == LINK_UP && !l->doomed)
		arm(l, STORE_ANSWER_MS);
	return true;
}

void redis_link_send(struct redis_link *l, const struct slice *arguments, size_t count, redis_fn fn,
		     void *arg)
{
	OBJ_CHECK(l, LINK_MAGIC);
	if (l->state != LINK_UP || l->doomed ||
	    !send_command(l, arguments, count, l->facts.under_way_max, fn, arg))
		fn(arg, NULL);
}

void redis_link_send_first(struct redis_link *l, const struct slice *arguments, size_t count,
			   redis_fn fn, void *arg)
{
	OBJ_CHECK(l, LINK_MAGIC);
	if (l->state != LINK_UP || l->doomed ||
	    !send_command(l, arguments, count, l->facts.under_way_max + REDIS_RESERVED, fn, arg))
		fn(arg, NULL);
}

/* --- greeting */

static bool is_status(const struct redisReply *reply, const char *word)
{
	return reply && reply->type == REDIS_REPLY_STATUS &&
	       slice_eq(slice_of(reply->str, reply->len), slice_from_cstr(word));
}

/* What Redis says to a command that it does not like may hold the command's arguments. */
static void on_auth(void *arg, const struct redisReply *reply)
{
	struct redis_link *l = arg;

	if (reply && !is_status(reply, "OK") && !l->doomed)
		l->doomed = "the password was refused";
}

static void on_select(void *arg, const struct redisReply *reply)
{
	struct redis_link *l = arg;

	if (reply && !is_status(reply, "OK") && !l->doomed)
		l->doomed = "the database was refused";
}

static void on_ping(void *arg, const struct redisReply *reply)
{
	struct redis_link *l = arg;

	if (!reply || l->doomed)
		return;
	if (!is_status(reply, "PONG")) {
		bool wants = reply->type == REDIS_REPLY_ERROR &&
			     slice_starts_with(slice_of(reply->str, reply->len), SLICE("NOAUTH"));
		l->doomed = wants ? "it wants a password" : "it is not ready";
		return;
	}
	l->state = LINK_UP;
	l->attempts = 0;
	l->facts.changed(l->facts.arg, NULL);
}

static void greet(struct redis_link *l)
{
	const struct redis_link_facts *f = &l->facts;
	char database[16];
	bool sent = true;

	l->state = LINK_GREETING;
	l->reader = redisReaderCreate();
	if (!l->reader) {
		l->doomed = "no memory";
		return;
	}
	if (f->password.len) {
		struct slice auth[] = {SLICE("AUTH"), f->user, f->password};
		if (f->user.len)
			sent = send_command(l, auth, 3, REDIS_RESERVED, on_auth, l);
		else
			sent = send_command(l, (struct slice[]){auth[0], auth[2]}, 2,
					    REDIS_RESERVED, on_auth, l);
	}
	if (f->database) {
		int len = snprintf(database, sizeof(database), "%u", f->database);
		struct slice select[] = {SLICE("SELECT"), slice_of(database, (size_t)len)};
		sent = sent && send_command(l, select, 2, REDIS_RESERVED, on_select, l);
	}
	struct slice ping[] = {SLICE("PING")};
	sent = sent && send_command(l, ping, 1, REDIS_RESERVED, on_ping, l);
	if (!sent && !l->doomed)
		l->doomed = "no memory";
}

/* --- replies */

static void hand_out(struct redis_link *l, struct redisReply *reply)
{
	if (list_empty(&l->commands)) {
		l->doomed = "it said something unasked";
		return;
	}
	struct command *c = LIST_ENTRY(l->commands.next, struct command, link);
	list_remove(&c->link);
	MUST(l->commands.next != &c->link);
	l->count--;
	c->fn(c->arg, reply);
	free(c);
}

static void read_replies(struct redis_link *l)
{
	struct stream_bytes got;
	void *reply = NULL;

	int r = stream_read(&l->stream, &got);
	if (r == STREAM_AGAIN)
		return;
	if (r) {
		l->doomed = "the connection broke";
		return;
	}
	if (redisReaderFeed(l->reader, got.data, got.len) != REDIS_OK) {
		l->doomed = "no memory";
		return;
	}
	while (!l->doomed && (r = redisReaderGetReply(l->reader, &reply)) == REDIS_OK && reply) {
		hand_out(l, reply);
		freeReplyObject(reply);
		reply = NULL;
	}
	if (!l->doomed && (r != REDIS_OK || l->reader->len > REDIS_REPLY_MAX))
		l->doomed = "it does not speak as Redis does";
	if (l->state != LINK_UP || l->doomed)
		return;
	if (list_empty(&l->commands))
		timer_disarm(&l->timer);
	else
		timer_arm(&l->reactor->timers, &l->timer,
			  LIST_ENTRY(l->commands.next, struct command, link)->deadline_ms);
}

/* --- connecting */

static void on_connecting(struct redis_link *l)
{
	if (!l->connected) {
		int r = stream_connected(&l->stream);
		if (r == STREAM_AGAIN)
			return;
		if (r) {
			l->doomed = "nobody there";
			return;
		}
		sock_keepalive(l->stream.io.fd, KEEPALIVE_S);
		l->connected = true;
	}
	int r = stream_handshake(&l->stream);
	if (r == STREAM_AGAIN)
		return;
	if (r)
		l->doomed = r == STREAM_UNTRUSTED ? "its certificate is not trusted" : "TLS failed";
	else
		greet(l);
}

static void on_stream(struct stream *s, unsigned why)
{
	struct redis_link *l = STREAM_OWNER(s, struct redis_link, stream);

	(void)why;
	OBJ_CHECK(l, LINK_MAGIC);
	if (l->state == LINK_CONNECTING)
		on_connecting(l);
	else
		read_replies(l);
	if (l->doomed)
		take_down(l, l->doomed);
}

static void dial(struct redis_link *l)
{
	const struct address *a = &l->addresses[l->attempts % l->address_count];
	int fd;

	if (sock_connect(a, &fd)) {
		take_down(l, "nobody there");
		return;
	}
	if (stream_init(&l->stream, l->facts.scratch, fd, on_stream, PENDING_BYTES, &l->budget)) {
		close(fd);
		take_down(l, "no memory");
		return;
	}
	l->state = LINK_CONNECTING;
	if (l->tls && tls_stream_start_client(&l->stream, l->tls, l->facts.host))
		take_down(l, "TLS failed");
	else
		arm(l, REDIS_CONNECT_MS);
}

/* --- looking */

static void *look_up(void *arg)
{
	struct lookup *k = arg;

	if (resolve_now(slice_from_cstr(k->name), k->port, k->addresses, ADDRESSES, &k->count))
		k->count = 0;
	atomic_store(&k->done, true);
	return NULL;
}

static void look(struct redis_link *l)
{
	struct lookup *k = l->facts.host.len < NAME_BYTES ? calloc(1, sizeof(*k)) : NULL;

	if (!k) {
		take_down(l, "no memory");
		return;
	}
	memcpy(k->name, l->facts.host.data, l->facts.host.len);
	k->port = l->facts.port;
	if (pthread_create(&k->thread, NULL, look_up, k)) {
		free(k);
		take_down(l, "no thread for its name");
		return;
	}
	l->lookup = k;
	l->state = LINK_LOOKING;
	arm(l, LOOK_MS);
}

static void on_looked(struct redis_link *l)
{
	if (!atomic_load(&l->lookup->done)) {
		arm(l, LOOK_MS);
		return;
	}
	/* What resolved once stays in use when the resolver is away. */
	if (l->lookup->count) {
		memcpy(l->addresses, l->lookup->addresses, sizeof(l->addresses));
		l->address_count = l->lookup->count;
	}
	forget_lookup(l);
	if (l->address_count)
		dial(l);
	else
		take_down(l, "its name is not known");
}

static void begin(struct redis_link *l)
{
	struct address a;

	if (address_parse(l->facts.host, &a)) {
		a.port = l->facts.port;
		l->addresses[0] = a;
		l->address_count = 1;
		dial(l);
	} else {
		look(l);
	}
}

static void on_timer(struct timer *t)
{
	struct redis_link *l = TIMER_OWNER(t, struct redis_link, timer);

	OBJ_CHECK(l, LINK_MAGIC);
	switch (l->state) {
	case LINK_RESTING:
		begin(l);
		break;
	case LINK_LOOKING:
		on_looked(l);
		break;
	case LINK_CONNECTING:
	case LINK_GREETING:
	case LINK_UP:
	default:
		take_down(l, l->doomed ? l->doomed : "no answer in time");
	}
}

/* --- */

int redis_link_new(const struct redis_link_facts *facts, struct redis_link **out)
{
	struct redis_link *l = calloc(1, sizeof(*l));

	if (!l)
		return err_raise(ENOMEM, "the connection to the store");
	l->magic = LINK_MAGIC;
	l->facts = *facts;
	l->reactor = facts->scratch->reactor;
	budget_init(&l->budget, 2 * PENDING_BYTES, NULL);
	timer_init(&l->timer, on_timer);
	list_init(&l->commands);
	int r = facts->tls ? tls_client_new(slice_of(NULL, 0), &l->tls) : 0;
	if (r) {
		l->magic = 0;
		free(l);
		return r;
	}
	arm(l, 0);
	*out = l;
	return 0;
}

void redis_link_free(struct redis_link *l)
{
	if (!l)
		return;
	OBJ_CHECK(l, LINK_MAGIC);
	/* What was said last may still go out; nobody waits for it. */
	if (redis_link_is_up(l))
		(void)stream_flush(&l->stream);
	close_all(l);
	forsake_commands(l);
	timer_disarm(&l->timer);
	forget_lookup(l);
	tls_client_free(l->tls);
	budget_deinit(&l->budget);
	l->magic = 0;
	free(l);
}

bool redis_link_is_up(const struct redis_link *l)
{
	return l->state == LINK_UP && !l->doomed;
}
