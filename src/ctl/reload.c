/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new configuration for a running gateway.
 *
 *   configure --> sockets, keys, TLS, addresses --> COMMAND_RELOAD to all workers --> in force
 *       \_______________ any failure: the old one stays, and why is said ________/
 *
 * All that can fail comes before the first worker hears of it.
 */
#include <string.h>
#include <unistd.h>

#include "base/ct.h"
#include "base/err.h"
#include "ctl/beat.h"
#include "ctl/configure.h"
#include "ctl/keysets.h"
#include "ctl/life.h"
#include "ctl/parent.h"
#include "ctl/serve_priv.h"

static void log_outcome(struct serve *s, enum event_level level, const char *name,
			const char *detail)
{
	struct event e;

	event_init(&e, level, name);
	event_cstr(&e, "detail", detail);
	event_emit(serve_log(s), &e);
}

/* The workers have closed them; as long as the parent holds them the kernel would go on
 * taking connections for nobody. */
static void forget_removed(const struct snapshot *old, const struct snapshot *now)
{
	for (size_t o = 0; o < old->listener_count; o++) {
		bool kept = false;
		for (size_t i = 0; i < now->listener_count; i++)
			kept |= address_eq_with_port(&old->listeners[o].address,
						     &now->listeners[i].address);
		if (!kept)
			parent_forget_address(&old->listeners[o].address);
	}
}

static void reload_auditlog(struct serve *s)
{
	const struct auditlog_keys *keys = &s->generation->auditlog_keys;
	struct auditlog_rules rules = serve_auditlog_rules(&s->generation->snapshot->audit);

	if (s->auditlog)
		auditlog_reload(s->auditlog, &rules,
				keys->count ? &keys->keys[keys->count - 1] : NULL);
}

static void on_reloaded(struct command_batch *b)
{
	struct serve *s = b->arg;
	struct generation *old = s->generation;

	s->reload = NULL;
	forget_removed(old->snapshot, b->generation->snapshot);
	s->generation = generation_ref(b->generation);
	keysets_forget_others(control_keysets(s->control), s->generation);
	if (s->admin)
		admin_set_conf(s->admin, s->generation->snapshot);
	resolver_stop(s->resolver);
	s->resolver = s->next_resolver;
	s->next_resolver = NULL;
	if (command_failed(b))
		log_outcome(s, EVENT_ERROR, "reload_incomplete", "a worker ends");
	else
		log_outcome(s, EVENT_INFO, "reloaded", NULL);
	generation_unref(old);
	command_batch_free(b);
	reload_auditlog(s);
	alerts_adopt(control_alerts(s->control));
	life_look_at_certificates(s);
	parent_say_reloaded();
	if (s->reload_again) {
		s->reload_again = false;
		serve_reload(s, NULL);
	}
}

/* Which listeners of the new configuration has the old one not. */
static void find_new_listeners(const struct snapshot *old, const struct snapshot *now, bool *is_new)
{
	for (size_t i = 0; i < now->listener_count; i++) {
		is_new[i] = true;
		for (size_t o = 0; o < old->listener_count; o++)
			if (old->listeners[o].tls == now->listeners[i].tls &&
			    address_eq_with_port(&old->listeners[o].address,
						 &now->listeners[i].address))
				is_new[i] = false;
	}
}

static void close_all(struct command_batch *b, unsigned workers, size_t count)
{
	for (unsigned w = 0; w < workers; w++)
		for (size_t i = 0; i < count; i++)
			if (b->commands[w].listen_fds[i] >= 0)
				close(b->commands[w].listen_fds[i]);
}

static int open_sockets(struct serve *s, struct command_batch *b)
{
	const struct snapshot *now = b->generation->snapshot;
	struct address addresses[WORKER_LISTENERS];
	bool is_new[WORKER_LISTENERS];
	size_t count = now->listener_count;

	if (count > WORKER_LISTENERS)
		return err_raise(E2BIG, "more than %d listeners", (int)WORKER_LISTENERS);
	find_new_listeners(s->generation->snapshot, now, is_new);
	for (size_t i = 0; i < count; i++)
		addresses[i] = now->listeners[i].address;
	for (unsigned w = 0; w < b->count; w++) {
		int r = serve_listen(addresses, b->commands[w].listen_fds, is_new, count);
		if (r) {
			close_all(b, w, count);
			return r;
		}
	}
	for (size_t i = 0; i < count; i++)
		if (is_new[i])
			serve_log_listening(s, now->listeners[i].tls, b->commands[0].listen_fds[i],
					    "clients");
	return 0;
}

/* The first line that is not about a warning: an error with its place, or a sentence of our own. */
static struct slice main_line(struct slice said)
{
	while (said.len) {
		struct slice line = slice_first(said, slice_index(said, '\n'));
		bool place = memmem(line.data, line.len, ": error: ", 9) ||
			     memmem(line.data, line.len, ": unsafe: ", 10);
		if (place || slice_starts_with(line, SLICE("sallyport: ")))
			return line;
		said = slice_from(said, line.len + 1);
	}
	return SLICE("no memory");
}

/* detail NULL: text says it already. The log gets one line. */
static int refuse(struct serve *s, struct buf *text, const char *detail)
{
	struct event e;

	if (detail)
		(void)!buf_printf(text, "sallyport: %s: %s\n", s->path, detail);
	event_init(&e, EVENT_ERROR, "reload_failed");
	event_text(&e, "detail", detail ? slice_from_cstr(detail) : main_line(buf_slice(text)));
	event_cstr(&e, "what", "the old configuration stays in force");
	event_emit(serve_log(s), &e);
	parent_say_reloaded();
	return 1;
}

/* The tickets that were issued lie where they lie. */
static bool store_moves(const struct conf_store *old, const struct conf_store *now)
{
	return old->redis != now->redis || !slice_eq(old->url, now->url) ||
	       !slice_eq(old->user, now->user) || !ct_slice_eq(old->password, now->password);
}

/* The sandbox knows one folder for it, and the chain has one file. */
static bool auditlog_moves(const struct conf_audit *old, const struct conf_audit *now)
{
	return !slice_eq(old->file, now->file) || old->chain_off != now->chain_off;
}

/* What the workers are given, and what runs beside them. Nothing is left behind on failure. */
static int prepare(struct serve *s, struct command_batch *b)
{
	struct generation *g = b->generation;
	int r = open_sockets(s, b);

	if (r)
		return r;
	for (unsigned w = 0; r == 0 && w < b->count; w++)
		r = worker_tls_init(&b->commands[w].tls, g);
	if (r == 0)
		r = resolver_start(g, serve_log(s), &s->next_resolver);
	if (r == 0) /* last: it cannot be taken back. Before the first connection asks for them. */
		r = keysets_adopt(control_keysets(s->control), g);
	if (r == 0)
		return 0;
	close_all(b, b->count, g->snapshot->listener_count);
	resolver_stop(s->next_resolver);
	s->next_resolver = NULL;
	return r;
}

static int reload(struct serve *s, struct buf *text)
{
	struct generation *g = configure(s->path, text);

	if (!g)
		return refuse(s, text, NULL);
	if (store_moves(&s->generation->snapshot->store, &g->snapshot->store)) {
		generation_unref(g);
		return refuse(s, text, "another `store` needs a restart");
	}
	if (auditlog_moves(&s->generation->snapshot->audit, &g->snapshot->audit)) {
		generation_unref(g);
		return refuse(s, text,
			      "another `log.audit` file or chain needs a roll or a restart");
	}
	if (alerts_prepare(control_alerts(s->control), g->snapshot)) {
		generation_unref(g);
		return refuse(s, text, err_sentence());
	}
	struct command_batch *b = command_batch_new(COMMAND_RELOAD, slice_of(NULL, 0),
						    s->worker_count, on_reloaded, s);
	if (!b) {
		generation_unref(g);
		return refuse(s, text, "no memory");
	}
	b->generation = g;
	if (prepare(s, b)) {
		command_batch_free(b);
		return refuse(s, text, err_sentence());
	}
	s->reload = b;
	command_send(b, s->workers);
	return 0;
}

int serve_reload(struct serve *s, struct buf *text)
{
	struct buf own;

	if (s->draining)
		return 1;
	if (s->reload) {
		s->reload_again = true;
		return 0;
	}
	buf_init(&own, CONFIGURE_TEXT_MAX);
	enum beat_state before = beat_enter(BEAT_BUSY);
	int r = reload(s, text ? text : &own);
	beat_enter(before);
	buf_deinit(&own);
	return r;
}
