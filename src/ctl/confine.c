/* SPDX-License-Identifier: Apache-2.0 */
/* Which files a configuration is about, and what every process needs; see confine.h. */
#include "ctl/confine.h"

#include <limits.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "ctl/sandbox.h"

enum { PATHS_MAX = 4096, ROOM_BYTES = 32 * 1024, ROOM_MAX = 16 * 1024 * 1024 };

/* Names and addresses, authorities, libraries that the resolver loads, what libc asks about the
 * machine. Folders rather than files: a file that is replaced is another file. */
static const char *const everybodys[] = {
	"/etc",
	"/usr",
	"/lib",
	"/lib64",
	"/dev/null",
	"/dev/urandom",
	"/proc/self",
	"/run/systemd/resolve",
	"/run/resolvconf",
	"/run/NetworkManager",
	"/sys/devices/system/cpu",
	"/sys/fs/cgroup/memory.max",
};

struct paths {
	struct arena arena;
	struct slice *list;
	size_t count;
};

static void add(struct paths *p, struct slice path)
{
	if (path.len && p->count < PATHS_MAX)
		p->list[p->count++] = path;
}

static struct slice folder_of(struct slice path)
{
	while (path.len && path.data[path.len - 1] != '/')
		path.len--;
	return path.len ? path : SLICE(".");
}

/* The folder of a file, and of what it is a link to: certificates are often links, and files
 * get replaced by renaming others over them. */
static void add_file(struct paths *p, struct slice path)
{
	char real[PATH_MAX];

	if (!path.len)
		return;
	add(p, folder_of(path));
	struct slice whole = arena_printf(&p->arena, "%.*s", SLICE_ARG(path));
	if (whole.data && realpath(whole.data, real))
		add(p, arena_copy(&p->arena, folder_of(slice_from_cstr(real))));
}

static void add_environment(struct paths *p)
{
	const char *file = getenv(X509_get_default_cert_file_env());
	const char *folder = getenv(X509_get_default_cert_dir_env());

	for (size_t i = 0; i < sizeof(everybodys) / sizeof(everybodys[0]); i++)
		add(p, slice_from_cstr(everybodys[i]));
	add_file(p, slice_from_cstr(X509_get_default_cert_file()));
	add(p, slice_from_cstr(X509_get_default_cert_dir()));
	if (file)
		add_file(p, slice_from_cstr(file));
	if (folder)
		add(p, slice_from_cstr(folder));
}

static void add_identity(struct paths *p, const struct conf_identity *identity)
{
	if (identity->kind != CONF_IDENTITY_JWT)
		return;
	for (size_t i = 0; i < identity->jwt.files.count; i++)
		add_file(p, identity->jwt.files.items[i]);
	add_file(p, identity->jwt.secret);
}

static void add_configuration(struct paths *p, const struct snapshot *s)
{
	add_file(p, s->file);
	add(p, s->keys);
	add_file(p, s->tls.client_ca);
	add_file(p, s->admin.token_file);
	for (size_t i = 0; i < s->tls.count; i++) {
		add_file(p, s->tls.certificates[i].certificate);
		add_file(p, s->tls.certificates[i].key);
	}
	for (size_t i = 0; i < s->identity_count; i++)
		add_identity(p, &s->identities[i]);
	for (size_t i = 0; i < s->route_count; i++)
		add_file(p, s->routes[i].messages.file);
	for (size_t i = 0; i < s->site_count; i++)
		add(p, s->sites[i].root);
	for (size_t i = 0; i < s->alert_count; i++)
		add_file(p, s->alerts[i].token_file);
}

int confine_files(const struct snapshot *s, struct confined *out)
{
	struct paths p = {.list = calloc(PATHS_MAX, sizeof(*p.list))};

	*out = (struct confined){.off = s->sandbox_off ? "sandbox: off" : sandbox_unfit()};
	if (!p.list)
		return err_raise(ENOMEM, "sandbox");
	arena_init(&p.arena, ROOM_BYTES, ROOM_MAX);
	add_environment(&p);
	add_configuration(&p, s);
	struct slice audit = s->audit.file.len ? folder_of(s->audit.file) : slice_of(NULL, 0);
	out->writes = audit.len != 0;
	int r = 0;
	if (p.arena.overflow || p.count == PATHS_MAX)
		r = err_raise(E2BIG, "sandbox: more than %d paths", (int)PATHS_MAX);
	else if (!out->off)
		r = sandbox_files(p.list, p.count, audit, &out->landlock);
	arena_deinit(&p.arena);
	free(p.list);
	return r;
}

int confine_calls(const struct confined *c)
{
	return c->off ? 0 : sandbox_calls(c->writes);
}
