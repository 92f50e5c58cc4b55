/* SPDX-License-Identifier: Apache-2.0 */
/* Files of keys; see keyfiles.h. */
#include "ctl/keyfiles.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/ct.h"
#include "base/err.h"

enum { PATH_BYTES = 4096, PIECE_BYTES = 16 * 1024, SECRET_MAX = 4096 };

static int read_all(int fd, const char *path, struct buf *to)
{
	for (;;) {
		char *room;
		size_t left = to->max - buf_waiting(to);
		/* One byte more than fits tells a file that is too long from one that just fits. */
		int r = buf_reserve(to, left < PIECE_BYTES ? left : PIECE_BYTES, &room);
		if (r)
			return r == BUF_FULL ? err_raise(EFBIG, "%s", path) : r;
		ssize_t n = read(fd, room, left < PIECE_BYTES ? left : PIECE_BYTES);
		if (n == 0)
			return left ? 0 : err_raise(EFBIG, "%s", path);
		if (n < 0 && errno != EINTR)
			return err_raise(errno, "%s", path);
		if (n > 0)
			buf_commit(to, (size_t)n);
	}
}

static int read_file(const char *path, struct buf *to)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return err_raise(errno, "%s", path);
	int r = read_all(fd, path, to);
	close(fd);
	return r;
}

static bool is_json(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] != ' ' && text.data[i] != '\n' && text.data[i] != '\r' &&
		    text.data[i] != '\t')
			return text.data[i] == '{';
	return false;
}

static int add_text(struct jwk_ring *ring, bool secret, struct slice text, const char **detail)
{
	if (secret)
		return jwk_ring_add_secret(ring, text, detail);
	return is_json(text) ? jwk_ring_add_set(ring, text, detail)
			     : jwk_ring_add_pem(ring, text, detail);
}

static int add_file(struct jwk_ring *ring, bool secret, struct slice file)
{
	char path[PATH_BYTES];
	const char *detail = NULL;
	struct buf text;

	if (file.len >= sizeof(path))
		return err_raise(ENAMETOOLONG, "a file of keys");
	snprintf(path, sizeof(path), "%.*s", SLICE_ARG(file));
	buf_init(&text, (secret ? (size_t)SECRET_MAX : (size_t)JWK_TEXT_MAX) + 1);
	int r = read_file(path, &text);
	if (r == 0)
		r = add_text(ring, secret, buf_slice(&text), &detail);
	if (r == JWK_UNUSABLE)
		r = err_raise(EINVAL, "%s: %s", path, detail);
	if (text.data)
		ct_wipe(text.data, text.cap);
	buf_deinit(&text);
	return r;
}

int keyfiles_read(const struct conf_identity *identity, struct jwk_ring **out)
{
	struct jwk_ring *ring;
	int r = 0;

	*out = NULL;
	if (identity->kind != CONF_IDENTITY_JWT || identity->jwt.jwks.len)
		return 0;
	ring = jwk_ring_new(identity->jwt.algorithms);
	if (!ring)
		return err_raise(ENOMEM, "keys");
	if (identity->jwt.secret.len)
		r = add_file(ring, true, identity->jwt.secret);
	for (size_t i = 0; r == 0 && i < identity->jwt.files.count; i++)
		r = add_file(ring, false, identity->jwt.files.items[i]);
	if (r) {
		jwk_ring_unref(ring);
		return r;
	}
	*out = ring;
	return 0;
}

int keyfiles_load(struct generation *g)
{
	for (size_t i = 0; i < g->snapshot->identity_count; i++) {
		struct jwk_ring *ring;
		int r = keyfiles_read(&g->snapshot->identities[i], &ring);
		if (r)
			return r;
		if (!ring)
			continue;
		g->slots[i] = jwk_slot_new();
		if (!g->slots[i]) {
			jwk_ring_unref(ring);
			return err_raise(ENOMEM, "keys");
		}
		jwk_slot_set(g->slots[i], ring);
	}
	return 0;
}
