/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, checking, loading keys and certificates; see configure.h. */
#include "ctl/configure.h"

#include <stdlib.h>

#include "base/err.h"
#include "conf/load.h"
#include "ctl/keyfiles.h"
#include "ctl/keysdir.h"
#include "net/clock.h"

static void say(struct buf *text, const char *path, const char *what)
{
	/* Without room for it the caller still sees that there is no generation. */
	if (buf_printf(text, "sallyport: %s: %s: %s\n", path, what, err_sentence()))
		return;
}

static struct snapshot *load_snapshot(const char *path, struct buf *text)
{
	struct diag *d = calloc(1, sizeof(*d));
	struct snapshot *s = NULL;

	if (!d)
		return NULL;
	diag_init(d);
	int r = conf_load(path, &s, d);
	if (r < 0)
		say(text, path, "cannot be read");
	bool said = diag_print(d, text) == 0;
	if (r)
		said &= buf_printf(text, "sallyport: %s: this configuration cannot be used\n",
				   path) == 0;
	(void)said; /* what does not fit is lost; that there is no snapshot is not */
	diag_deinit(d);
	free(d);
	return s;
}

static int load_certificates(const struct conf_tls *tls, struct tls_certificate ***out,
			     size_t *count)
{
	uint64_t now = clock_read().unix_ms;
	size_t wanted = tls->count + (tls->development ? 1 : 0);
	int r = 0;

	*count = 0;
	*out = calloc(wanted + 1, sizeof(**out));
	if (!*out)
		return err_raise(ENOMEM, "certificates");
	for (size_t i = 0; r == 0 && i < tls->count; i++) {
		r = tls_certificate_load(tls->certificates[i].certificate, tls->certificates[i].key,
					 now, &(*out)[*count]);
		*count += r == 0;
	}
	if (r == 0 && tls->development) {
		r = tls_certificate_develop(now, &(*out)[*count]);
		*count += r == 0;
	}
	return r;
}

/* The parts that a generation has only where the configuration wants them. */
static int add_client_ca(struct generation *g)
{
	if (!g->snapshot->tls.client_ca.len || !g->certificate_count)
		return 0;
	return tls_authorities_load(g->snapshot->tls.client_ca, &g->client_ca);
}

static int add_assertion_keys(struct generation *g)
{
	bool made;

	if (!g->snapshot->assertions)
		return 0;
	return keysdir_load_assertion(g->snapshot->keys, &g->assertion_keys, &made);
}

static int add_auditlog_keys(struct generation *g)
{
	const struct conf_audit *audit = &g->snapshot->audit;
	bool made;

	if (!audit->file.len || audit->chain_off)
		return 0;
	return keysdir_load_auditlog(g->snapshot->keys, &g->auditlog_keys, &made);
}

static struct generation *make_generation(struct snapshot *s, const char *path, struct buf *text)
{
	struct tls_certificate **certificates;
	struct keyset keys = {0};
	size_t count;
	bool made = false;

	if (s->keys.len && keysdir_load(s->keys, &keys, &made)) {
		say(text, path, "keys");
		snapshot_unref(s);
		return NULL;
	}
	if (load_certificates(&s->tls, &certificates, &count)) {
		say(text, path, "tls");
		for (size_t i = 0; i < count; i++)
			tls_certificate_unref(certificates[i]);
		free(certificates);
		keyset_deinit(&keys);
		snapshot_unref(s);
		return NULL;
	}
	struct generation *g = generation_new(s, &keys, certificates, count);
	keyset_deinit(&keys);
	if (!g) {
		say(text, path, "no memory");
	} else if (keyfiles_load(g)) {
		say(text, path, "identity");
		g = generation_unref(g);
	} else if (add_client_ca(g)) {
		say(text, path, "tls");
		g = generation_unref(g);
	} else if (add_assertion_keys(g) || add_auditlog_keys(g)) {
		say(text, path, "keys");
		g = generation_unref(g);
	}
	return g;
}

struct generation *configure(const char *path, struct buf *text)
{
	struct snapshot *s = load_snapshot(path, text);

	return s ? make_generation(s, path, text) : NULL;
}
