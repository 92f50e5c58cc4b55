/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to the workers' questions; see control.h. */
#include "ctl/control.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/obj.h"
#include "ctl/fetch.h"
#include "ctl/keysets.h"
#include "gateway/ask.h"
#include "http/url.h"
#include "net/random.h"
#include "policy/verifier.h"
#include "store/redis.h"
#include "store/store.h"

enum {
	CONTROL_MAGIC = 0x0c0721,
	MAILBOX_MAX = 65536,
	TICKETS_MAX = 100000,
	TICKET_BYTES_MAX = 64 << 20,
	VERIFIED_MAX = 50000,
	VERIFIED_BYTES_MAX = 32 << 20,
	SWEEP_MS = 1000,
	ALERT_EVERY_MS = 10000,
	PATH_BYTES = 4096,
};

struct control {
	uint32_t magic;
	struct control_facts facts;
	struct reactor *reactor;
	struct event_sink *log;
	struct metrics metrics;
	struct mailbox box;
	struct store *store;
	struct verifier_cache *verified;
	uint8_t secret[32]; /* of verified */
	struct fetcher *fetcher;
	struct alerts *alerts;
	struct keysets *keysets;
	struct timer sweep, grace;
	bool lost;
	uint64_t alerted_ms;
};

/* --- the store */

static void say_lost(struct control *c, bool lost)
{
	struct event e;

	c->lost = lost;
	event_init(&e, lost ? EVENT_ERROR : EVENT_INFO, lost ? "store_lost" : "store_found");
	event_cstr(&e, "what",
		   lost ? "sessions are closed, handshakes refused until it is back" : NULL);
	event_emit(c->log, &e);
	c->facts.lost(c->facts.arg, lost);
}

static void on_grace_over(struct timer *t)
{
	say_lost(TIMER_OWNER(t, struct control, grace), true);
}

static void on_store_changed(void *arg, bool up)
{
	struct control *c = arg;
	bool was_up = atomic_load(&c->metrics.values[METRIC_STORE_UP]);

	metric_set(&c->metrics, METRIC_STORE_UP, up);
	if (up)
		alerts_over(c->alerts, ALERT_STORE, c->facts.conf->store.url);
	else
		alerts_raise(c->alerts, ALERT_STORE, c->facts.conf->store.url,
			     "tickets are neither issued nor accepted", 0);
	if (up) {
		timer_disarm(&c->grace);
		if (c->lost)
			say_lost(c, false);
	} else if (was_up) {
		timer_arm(&c->reactor->timers, &c->grace,
			  reactor_now_ms(c->reactor) + CONTROL_GRACE_MS);
	}
}

static void on_store_revoked(void *arg, uint8_t kind, struct slice text, uint64_t at_unix_ms)
{
	struct control *c = arg;
	struct event e;

	if (kind == REVOKE_SUBJECT || kind == REVOKE_KEY) {
		c->facts.revoked(c->facts.arg, (enum revocation_kind)kind, text, at_unix_ms);
		return;
	}
	event_init(&e, EVENT_ERROR, "revocation_unreadable");
	event_number(&e, "kind", kind);
	event_emit(c->log, &e);
}

static int open_store(struct control *c, const struct siphash_key *key)
{
	const struct conf_store *conf = &c->facts.conf->store;

	if (!conf->redis) {
		metric_set(&c->metrics, METRIC_STORE_UP, 1);
		c->store = store_new_memory(key, TICKETS_MAX, TICKET_BYTES_MAX);
		return c->store ? 0 : err_raise(ENOMEM, "the store of tickets");
	}
	const struct redis_facts facts = {
		.scratch = c->facts.scratch,
		.log = c->log,
		.url = conf->url,
		.host = conf->host,
		.port = conf->port,
		.tls = conf->tls,
		.user = conf->user,
		.password = conf->password,
		.database = conf->database,
		.changed = on_store_changed,
		.revoked = on_store_revoked,
		.arg = c,
	};
	/* From the start on: nobody has ever heard of what was revoked. */
	timer_arm(&c->reactor->timers, &c->grace, reactor_now_ms(c->reactor) + CONTROL_GRACE_MS);
	return store_new_redis(&facts, &c->store);
}

/* --- tickets */

static void on_ticket(void *arg, int r, struct slice record)
{
	struct ask *a = arg;

	a->answer = ask_answer_ticket(r, record, &a->arena, &a->detail);
	ask_give_back(a);
}

static void put_ticket(struct control *c, struct ask *a)
{
	store_put(c->store, a->question.ticket_id, a->question.record, a->question.expires_unix_ms,
		  reactor_realtime_ms(c->reactor), on_ticket, a);
}

static void take_ticket(struct control *c, struct ask *a)
{
	store_take(c->store, a->question.ticket_id, reactor_realtime_ms(c->reactor), on_ticket, a);
}

/* --- connections of a subject */

static void on_entered(void *arg, int r, struct slice record)
{
	struct ask *a = arg;

	(void)record;
	a->answer.kind = r == 0 ? ANSWER_YES : r == STORE_FULL ? ANSWER_NO : ANSWER_FAILED;
	if (r == STORE_AWAY)
		a->detail = ask_why_not(r);
	ask_give_back(a);
}

void control_on_leave(struct mail *mail, void *receiver)
{
	struct seat *seat = MAIL_OWNER(mail, struct seat, mail);
	struct control *c = receiver;

	if (c)
		store_leave(c->store, slice_of(seat->subject, seat->len));
	free(seat);
}

/* --- what all nodes count */

static void on_counted(void *arg, int r, size_t over)
{
	struct ask *a = arg;

	a->answer.kind = r == 0 ? ANSWER_YES : r == STORE_OVER ? ANSWER_NO : ANSWER_FAILED;
	a->answer.over = over;
	a->detail = ask_why_not(r);
	ask_give_back(a);
}

static void give_back_slots(struct control *c, struct ask *a)
{
	const struct question *q = &a->question;

	for (size_t i = 0; i < q->counted_count; i++)
		store_counted_give(c->store, q->counted[i].key, q->counted[i].slot);
	ask_give_back(a);
}

/* --- cookies */

/* The answer's texts move into the ask's arena. */
static void give_identity(struct ask *a, const struct answer *answer)
{
	a->answer = *answer;
	a->answer.subject = arena_copy(&a->arena, answer->subject);
	a->answer.claims = arena_copy(&a->arena, answer->claims);
	if (a->arena.overflow)
		a->answer.kind = ANSWER_FAILED;
	ask_give_back(a);
}

/* One line now and then, however many questions fail. */
static void alert(struct control *c, const struct conf_identity *identity, const char *detail)
{
	uint64_t now = reactor_now_ms(c->reactor);
	struct event e;

	alerts_raise(c->alerts, ALERT_VERIFIER, identity->name, detail, 0);
	if (c->alerted_ms && now < c->alerted_ms + ALERT_EVERY_MS)
		return;
	c->alerted_ms = now;
	event_init(&e, EVENT_ERROR, "verifier_failed");
	event_text(&e, "identity", identity->name);
	event_text(&e, "verify", url_without_query(identity->cookie.verify));
	event_cstr(&e, "detail", detail);
	event_emit(c->log, &e);
}

struct verify {
	struct control *control;
	struct ask *ask;
};

static void on_verified(void *arg, int status, struct slice body, const char *detail)
{
	struct verify *v = arg;
	struct control *c = v->control;
	struct ask *a = v->ask;
	struct arena arena;
	struct answer answer = {.kind = ANSWER_FAILED};

	free(v);
	arena_init(&arena, 4096, 1 << 20);
	if (status)
		answer = verifier_judge(status, body, &arena, &detail);
	if (answer.kind == ANSWER_FAILED)
		alert(c, a->question.identity, detail);
	else
		alerts_over(c->alerts, ALERT_VERIFIER, a->question.identity->name);
	if (answer.kind != ANSWER_FAILED && c->verified)
		verifier_cache_put(c->verified, a->question.identity, a->question.cookie, &answer,
				   reactor_now_us(c->reactor));
	if (answer.kind == ANSWER_FAILED)
		a->detail = detail;
	give_identity(a, &answer);
	arena_deinit(&arena);
}

static void verify_cookie(struct control *c, struct ask *a)
{
	const struct question *q = &a->question;
	struct answer known;

	if (c->verified && verifier_cache_get(c->verified, q->identity, q->cookie,
					      reactor_now_us(c->reactor), &known)) {
		give_identity(a, &known);
		return;
	}
	struct verify *v = malloc(sizeof(*v));
	if (!v) {
		a->answer.kind = ANSWER_FAILED;
		ask_give_back(a);
		return;
	}
	*v = (struct verify){.control = c, .ask = a};
	fetch_get(c->fetcher, q->identity->cookie.verify, q->identity->cookie.name, q->cookie,
		  on_verified, v);
}

/* --- files */

/* Below the root and nowhere else: openat2 would say it in one call, but one piece after
 * the other without following links says the same on every kernel. */
static int open_below(struct slice root, struct slice path)
{
	char piece[PATH_BYTES];
	struct slice rest = path;
	bool more = true;

	snprintf(piece, sizeof(piece), "%.*s", SLICE_ARG(root));
	int fd = open(piece, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (fd >= 0 && more) {
		struct slice name;
		slice_next(&rest, &more, '/', &name);
		snprintf(piece, sizeof(piece), "%.*s", SLICE_ARG(name));
		int flags =
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (more ? O_DIRECTORY : 0);
		int next = openat(fd, piece, flags);
		int failed = errno;
		close(fd);
		errno = failed;
		fd = next;
	}
	return fd;
}

static enum file_outcome open_file(struct ask_file *f)
{
	struct stat st;

	if (f->root.len >= PATH_BYTES || f->path.len >= PATH_BYTES)
		return FILE_ABSENT;
	f->fd = open_below(f->root, f->path);
	if (f->fd < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == EIO
			       ? FILE_FAILED
			       : FILE_ABSENT;
	if (fstat(f->fd, &st))
		return FILE_FAILED;
	if (S_ISDIR(st.st_mode))
		return FILE_FOLDER;
	if (!S_ISREG(st.st_mode))
		return FILE_ABSENT;
	f->size = (uint64_t)st.st_size;
	f->mtime_s = st.st_mtim.tv_sec;
	return FILE_OPENED;
}

static void answer_file(struct ask *a)
{
	struct ask_file *f = &a->file;

	f->outcome = f->fd < 0 ? open_file(f) : FILE_PIECE;
	if (f->outcome == FILE_OPENED || f->outcome == FILE_PIECE) {
		ssize_t n = pread(f->fd, f->data, FILE_PIECE_BYTES, (off_t)f->offset);
		if (n < 0)
			f->outcome = FILE_FAILED;
		else
			f->len = (size_t)n;
		if (f->outcome == FILE_OPENED && f->len < f->size && f->len < FILE_PIECE_BYTES)
			f->size = f->len; /* it shrank since fstat */
		if (f->outcome == FILE_OPENED && f->len > f->size)
			f->len = (size_t)f->size;
	}
	ask_give_back(a);
}

/* --- */

void control_on_ask(struct mail *mail, void *receiver)
{
	struct ask *a = MAIL_OWNER(mail, struct ask, mail);
	struct control *c = receiver;

	if (!c) {
		ask_give_back(a);
		return;
	}
	OBJ_CHECK(c, CONTROL_MAGIC);
	if (a->kind == ASK_FILE) {
		answer_file(a);
		return;
	}
	switch (a->question.kind) {
	case QUESTION_PUT_TICKET:
		put_ticket(c, a);
		break;
	case QUESTION_TAKE_TICKET:
		take_ticket(c, a);
		break;
	case QUESTION_ENTER:
		store_enter(c->store, a->question.subject, a->question.max, on_entered, a);
		break;
	case QUESTION_VERIFY_COOKIE:
		verify_cookie(c, a);
		break;
	case QUESTION_REFRESH_KEYS:
		keysets_ask(c->keysets, a);
		break;
	case QUESTION_COUNT:
		store_counted_take(c->store, a->question.counted, a->question.counted_count,
				   on_counted, a);
		break;
	case QUESTION_GIVE_BACK:
		give_back_slots(c, a);
		break;
	case QUESTION_NONE:
	default:
		a->answer.kind = ANSWER_FAILED;
		ask_give_back(a);
	}
}

static void on_sweep(struct timer *t)
{
	struct control *c = TIMER_OWNER(t, struct control, sweep);

	store_sweep(c->store, reactor_realtime_ms(c->reactor));
	timer_arm(&c->reactor->timers, &c->sweep, reactor_now_ms(c->reactor) + SWEEP_MS);
}

static int open_alerts(struct control *c)
{
	const struct alerts_facts facts = {
		.reactor = c->reactor,
		.fetcher = c->fetcher,
		.log = c->log,
		.metrics = &c->metrics,
		.conf = c->facts.conf,
	};

	return alerts_new(&facts, &c->alerts);
}

int control_new(const struct control_facts *facts, struct control **out)
{
	struct reactor *r = facts->reactor;
	struct control *c = calloc(1, sizeof(*c));
	struct siphash_key key;

	if (!c)
		return err_raise(ENOMEM, "the control thread");
	c->magic = CONTROL_MAGIC;
	c->facts = *facts;
	c->reactor = r;
	c->log = facts->log;
	timer_init(&c->sweep, on_sweep);
	timer_init(&c->grace, on_grace_over);
	int failed = random_bytes(&key, sizeof(key));
	if (failed == 0)
		failed = random_bytes(c->secret, sizeof(c->secret));
	if (failed == 0)
		failed = mailbox_open(&c->box, r, MAILBOX_MAX, c);
	if (failed) {
		free(c);
		return failed;
	}
	snapshot_ref(facts->conf);
	c->verified = verifier_cache_new(c->secret, VERIFIED_MAX, VERIFIED_BYTES_MAX);
	failed = c->verified ? open_store(c, &key) : err_raise(ENOMEM, "the cache of cookies");
	if (failed == 0)
		failed = fetcher_new(r, &c->fetcher);
	if (failed == 0)
		failed = open_alerts(c);
	if (failed == 0)
		failed = keysets_new(r, c->log, c->fetcher, c->alerts, &c->keysets);
	if (failed) {
		control_free(c);
		return failed;
	}
	timer_arm(&r->timers, &c->sweep, reactor_now_ms(r) + SWEEP_MS);
	*out = c;
	return 0;
}

void control_free(struct control *c)
{
	if (!c)
		return;
	OBJ_CHECK(c, CONTROL_MAGIC);
	alerts_stop(c->alerts);
	fetcher_free(c->fetcher);
	keysets_free(c->keysets);
	alerts_free(c->alerts);
	store_free(c->store);
	mailbox_close(&c->box);
	mailbox_deinit(&c->box);
	timer_disarm(&c->sweep);
	timer_disarm(&c->grace);
	snapshot_unref(c->facts.conf);
	verifier_cache_free(c->verified);
	c->magic = 0;
	free(c);
}

/* Without memory for a new cache the old one would lie: then nothing is remembered. */
void control_forget_verified(struct control *c)
{
	verifier_cache_free(c->verified);
	c->verified = verifier_cache_new(c->secret, VERIFIED_MAX, VERIFIED_BYTES_MAX);
}

struct alerts *control_alerts(struct control *c)
{
	return c->alerts;
}

struct keysets *control_keysets(struct control *c)
{
	return c->keysets;
}

void control_put_ticket(struct control *c, const uint8_t id[16], struct slice record,
			uint64_t expires_unix_ms, store_fn fn, void *arg)
{
	store_put(c->store, id, record, expires_unix_ms, reactor_realtime_ms(c->reactor), fn, arg);
}

void control_publish(struct control *c, enum revocation_kind kind, struct slice text,
		     uint64_t at_unix_ms, store_fn fn, void *arg)
{
	store_publish(c->store, (uint8_t)kind, text, at_unix_ms, fn, arg);
}

void control_tell_again(struct control *c)
{
	store_tell_again(c->store);
}

bool control_told_all(const struct control *c)
{
	return store_told_all(c->store);
}

struct metrics *control_metrics(struct control *c)
{
	return &c->metrics;
}

struct store *control_store(struct control *c)
{
	return c->store;
}

struct mailbox *control_mailbox(struct control *c)
{
	return &c->box;
}
