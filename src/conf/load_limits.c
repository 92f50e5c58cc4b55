/* SPDX-License-Identifier: Apache-2.0 */
/* `limits` of the gateway, the log, and what the machine decides when nobody else does. */
#include "conf/load_priv.h"

enum {
	OWN_DESCRIPTORS = 64, /* listeners, epoll, files, questions */
	LEAST_CONNECTIONS = 16,
	LEAST_BUFFERED = 16 * 1024 * 1024,
};

static void from_machine(struct load *l, const struct yaml_node *map)
{
	struct conf_limits *out = &l->s->limits;
	uint64_t descriptors = l->files->descriptors;

	if (!load_get(map, SET_CONNECTIONS)) {
		/* A client and its upstream: two descriptors. */
		out->connections =
			descriptors > OWN_DESCRIPTORS ? (descriptors - OWN_DESCRIPTORS) / 2 : 0;
		if (out->connections < LEAST_CONNECTIONS)
			out->connections = LEAST_CONNECTIONS;
		out->connections_by_machine = true;
	}
	if (!load_get(map, SET_BUFFERED)) {
		out->buffered = l->files->memory / 4;
		if (out->buffered < LEAST_BUFFERED)
			out->buffered = LEAST_BUFFERED;
		out->buffered_by_machine = true;
	}
}

static void read_log(struct load *l)
{
	static const struct {
		const char *word;
		enum conf_log_level level;
	} levels[] = {{"error", CONF_LOG_ERROR},
		      {"warn", CONF_LOG_WARN},
		      {"info", CONF_LOG_INFO},
		      {"debug", CONF_LOG_DEBUG}};
	const struct yaml_node *log = load_get(l->root, SET_LOG);

	l->s->log_level = CONF_LOG_INFO;
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (load_is(log, SET_LOG_LEVEL, levels[i].word))
			l->s->log_level = levels[i].level;
}

void load_limits(struct load *l)
{
	const struct yaml_node *map = load_get(l->root, SET_LIMITS);

	load_fields(SECTION_LIMITS, map, &l->s->limits);
	from_machine(l, map);
	load_fields(SECTION_FILE, l->root, l->s);
	read_log(l);
}
