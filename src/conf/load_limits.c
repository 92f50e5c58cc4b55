/* SPDX-License-Identifier: Apache-2.0 */
/* `limits` of the gateway, `siege`, the log, and what the machine decides when nobody else does. */
#include "conf/load_priv.h"

enum {
	OWN_DESCRIPTORS = 64, /* listeners, epoll, files, questions */
	LEAST_CONNECTIONS = 16,
	LEAST_BUFFERED = 16 * 1024 * 1024,
	ADDRESSES_PER_PREFIX = 20, /* that may be at their rate at once */
};

static uint32_t times(uint32_t n, uint32_t by)
{
	return n > UINT32_MAX / by ? UINT32_MAX : n * by;
}

struct rate load_prefix_rate(const struct rate *address)
{
	struct rate prefix = *address;

	prefix.count = times(address->count, ADDRESSES_PER_PREFIX);
	prefix.burst = times(address->burst, ADDRESSES_PER_PREFIX);
	return prefix;
}

/* What nobody wrote down. */
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
	if (!load_get(map, SET_HANDSHAKES_PER_PREFIX)) {
		out->handshakes_per_prefix = load_prefix_rate(&out->handshakes_per_address);
		out->prefix_rate_by_address = true;
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

void load_siege(struct load *l)
{
	const struct yaml_node *map = load_get(l->root, SET_SIEGE);

	load_fields(SECTION_SIEGE, map, &l->s->siege);
	l->s->siege.manual = load_is(map, SET_SIEGE_MODE, "manual");
	l->s->siege.allow = load_networks(l, load_get(map, SET_SIEGE_ALLOW));
}

void load_limits(struct load *l)
{
	const struct yaml_node *map = load_get(l->root, SET_LIMITS);

	load_fields(SECTION_LIMITS, map, &l->s->limits);
	from_machine(l, map);
	load_fields(SECTION_FILE, l->root, l->s);
	read_log(l);
}
