/* SPDX-License-Identifier: Apache-2.0 */
/* Commands to all workers; see command.h. */
#include "gateway/command.h"

#include <stdlib.h>
#include <string.h>

#include "base/jsonout.h"
#include "base/obj.h"
#include "gateway/conn.h"

/* --- on the worker */

static void list_session(struct command *m, const struct conn *c)
{
	const struct session *s = c->session;
	struct jsonout out;
	char peer[ADDRESS_TEXT_BYTES];

	if (m->hits && buf_append(&m->out, SLICE(","))) {
		m->failed = true;
		return;
	}
	jsonout_init(&out, &m->out);
	jsonout_object_open(&out);
	jsonout_member(&out, "id", slice_of(c->request_id, REQUEST_ID_CHARS));
	jsonout_member(&out, "sub", session_subject(s));
	jsonout_member(&out, "via", s->via);
	jsonout_member(&out, "route", s->run->conf->path.text);
	jsonout_member(&out, "peer", address_format(&c->peer, peer));
	jsonout_member_u64(&out, "age_ms", clock_since(s->opened_ms, conn_now(c)));
	jsonout_member_u64(&out, "client_messages", s->messages[CLIENT]);
	jsonout_member_u64(&out, "server_messages", s->messages[SERVER]);
	jsonout_object_close(&out);
	m->failed |= !out.ok;
	m->hits++;
}

static bool is_open(const struct conn *c)
{
	return c->state == CONN_OPEN;
}

static struct slice subject_of(const struct conn *c)
{
	return session_subject(c->session);
}

static void run_list(struct command *m, struct slice subject)
{
	LIST_EACH (at, &m->worker->conns) {
		const struct conn *c = LIST_ENTRY(at, struct conn, link);
		if (is_open(c) && (!subject.len || slice_eq(subject, subject_of(c))))
			list_session(m, c);
	}
}

static void run_close(struct command *m, struct slice id)
{
	LIST_EACH (at, &m->worker->conns) {
		struct conn *c = LIST_ENTRY(at, struct conn, link);
		if (!is_open(c) || !slice_eq(id, slice_of(c->request_id, REQUEST_ID_CHARS)))
			continue;
		relay_refuse(c, REASON_REVOKED, "closed by the operator");
		m->hits++;
		return;
	}
}

static void run_revoke(struct command *m, const struct command_batch *b, struct slice text)
{
	struct worker *w = m->worker;

	/* First the list, so that no handshake slips through behind us. */
	if (revocations_add(w->revocations, b->revocation, text, b->at_unix_ms))
		m->failed = true;
	LIST_EACH (at, &w->conns) {
		struct conn *c = LIST_ENTRY(at, struct conn, link);
		if (!is_open(c))
			continue;
		bool hit = b->revocation == REVOKE_SUBJECT
				   ? slice_eq(text, subject_of(c))
				   : slice_eq(text, session_key(c->session));
		if (!hit)
			continue;
		relay_refuse(c, REASON_REVOKED, NULL);
		m->hits++;
	}
}

static void run_lost(struct command *m)
{
	uint64_t spread_ms = worker_spread(m->worker);

	LIST_EACH (at, &m->worker->conns) {
		struct conn *c = LIST_ENTRY(at, struct conn, link);
		if (!is_open(c))
			continue;
		relay_end_within(c, REASON_STORE_FAILED, spread_ms);
		m->hits++;
	}
}

static void budget(struct jsonout *out, const char *key, uint64_t used, uint64_t max)
{
	jsonout_key(out, key);
	jsonout_object_open(out);
	jsonout_member_u64(out, "used", used);
	jsonout_member_u64(out, "max", max);
	jsonout_object_close(out);
}

static void run_budgets(struct command *m)
{
	const struct worker *w = m->worker;
	struct jsonout out;

	jsonout_init(&out, &m->out);
	jsonout_object_open(&out);
	jsonout_member_u64(&out, "worker", w->number);
	budget(&out, "memory", w->memory.used, w->memory.max);
	budget(&out, "questions", w->ask_count, w->generation->snapshot->limits.queue_per_worker);
	budget(&out, "told_they_are_too_many", w->doomed_count, WORKER_DOOMED);
	budget(&out, "idle_site_connections", w->idle_proxy_count, PROXY_IDLE_MAX);
	budget(&out, "spare_requests", w->free_request_count, WORKER_REQUESTS);
	jsonout_member_u64(&out, "connections", w->conn_count);
	jsonout_member_u64(&out, "timers", w->reactor.timers.armed);
	jsonout_object_close(&out);
	m->failed |= !out.ok;
}

static void come_home(struct mail *mail, void *receiver)
{
	struct command *m = MAIL_OWNER(mail, struct command, mail);
	struct command_batch *b = m->batch;

	(void)receiver;
	if (--b->waiting == 0)
		b->done(b);
}

static void carry_out(struct mail *mail, void *receiver)
{
	struct command *m = MAIL_OWNER(mail, struct command, mail);
	const struct command_batch *b = m->batch;
	struct slice text = slice_of(b->text, b->text_len);

	if (receiver) {
		switch (b->kind) {
		case COMMAND_LIST:
			run_list(m, text);
			break;
		case COMMAND_CLOSE:
			run_close(m, text);
			break;
		case COMMAND_REVOKE:
			run_revoke(m, b, text);
			break;
		case COMMAND_LOST:
			run_lost(m);
			break;
		case COMMAND_BUDGETS:
			run_budgets(m);
			break;
		case COMMAND_RELOAD:
			m->failed = worker_reload(m->worker, b->generation, m->listen_fds,
						  &m->tls) != 0;
			break;
		default:
			m->failed = true;
		}
	}
	m->mail.fn = come_home;
	MUST(mailbox_post_answer(m->worker->gateway->control, &m->mail) == 0);
}

/* --- on the control thread */

struct command_batch *command_batch_new(enum command_kind kind, struct slice text, unsigned workers,
					command_done_fn done, void *arg)
{
	struct command_batch *b = calloc(1, sizeof(*b) + workers * sizeof(b->commands[0]));

	if (!b)
		return NULL;
	MUST(text.len <= sizeof(b->text));
	b->kind = kind;
	b->done = done;
	b->arg = arg;
	b->count = workers;
	b->text_len = text.len;
	if (text.len)
		memcpy(b->text, text.data, text.len);
	for (unsigned i = 0; i < workers; i++)
		buf_init(&b->commands[i].out, COMMAND_OUT_MAX);
	return b;
}

void command_send(struct command_batch *b, struct worker *workers)
{
	b->waiting = b->count + 1; /* one for ourselves, until all are sent */
	for (unsigned i = 0; i < b->count; i++) {
		struct command *m = &b->commands[i];
		m->worker = &workers[i];
		m->batch = b;
		m->mail.fn = carry_out;
		if (mailbox_post(&workers[i].box, &m->mail) == 0)
			continue;
		m->failed = true;
		b->waiting--;
	}
	if (--b->waiting == 0)
		b->done(b);
}

size_t command_hits(const struct command_batch *b)
{
	size_t hits = 0;

	for (unsigned i = 0; i < b->count; i++)
		hits += b->commands[i].hits;
	return hits;
}

bool command_failed(const struct command_batch *b)
{
	bool failed = false;

	for (unsigned i = 0; i < b->count; i++)
		failed |= b->commands[i].failed;
	return failed;
}

void command_batch_free(struct command_batch *b)
{
	if (!b)
		return;
	for (unsigned i = 0; i < b->count; i++) {
		buf_deinit(&b->commands[i].out);
		worker_tls_deinit(&b->commands[i].tls);
	}
	generation_unref(b->generation);
	free(b);
}
