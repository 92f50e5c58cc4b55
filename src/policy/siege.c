/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ladder; see siege.h.
 */
#include "policy/siege.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/obj.h"

enum {
	PERCENT = 100,
	REFUSALS_FROM_PERCENT = 10, /* of full load: fewer handshakes say nothing */
	TRICKLE_PERCENT = 5,        /* of a worker's full load */
	PROOF_HARDER_MAX = 4,       /* bits */
	PROOF_BITS_MAX = 24,
	RETRY_S = 5,
};

/* From so many per cent on a level is shown; 0: never by this input. */
static const struct siege_row {
	const char *word;
	uint32_t from[SIEGE_LEVELS];
	bool twice; /* counts with the second second in a row: a rate, which may be an accident */
} rows[SIEGE_INPUTS] = {
	[SIEGE_HANDSHAKES] = {"handshakes", {0, 60, 80, 0, 0}, true},
	[SIEGE_REFUSALS] = {"refusals", {0, 50, 0, 0, 0}, true},
	[SIEGE_TLS] = {"tls", {0, 40, 80, 0, 0}, true},
	[SIEGE_LAG] = {"lag", {0, 100, 400, 0, 0}, true},
	[SIEGE_ASKED] = {"tickets", {0, 0, 0, 80, 0}, true},
	[SIEGE_DESCRIPTORS] = {"descriptors", {0, 60, 80, 0, 95}, false},
	[SIEGE_MEMORY] = {"memory", {0, 60, 80, 0, 95}, false},
};

const char *siege_input_word(enum siege_input input)
{
	return rows[input].word;
}

struct slice siege_words(uint32_t bits, char room[SIEGE_WORDS_BYTES])
{
	struct buf b = {.data = room, .cap = SIEGE_WORDS_BYTES, .max = SIEGE_WORDS_BYTES - 1};

	for (unsigned i = 0; i < SIEGE_INPUTS; i++) {
		if (!(bits & 1u << i))
			continue;
		bool fits = (!buf_waiting(&b) || !buf_append(&b, SLICE(" "))) &&
			    !buf_append(&b, slice_from_cstr(rows[i].word));
		MUST(fits);
	}
	return buf_slice(&b);
}

/* --- measuring */

/* In per cent, rounded down; what has no maximum is never full. */
static uint32_t percent_of(uint64_t used, uint64_t max)
{
	if (!max || max == UINT64_MAX)
		return 0;
	if (used > UINT64_MAX / PERCENT)
		return UINT32_MAX;
	uint64_t percent = used * PERCENT / max;
	return percent > UINT32_MAX ? UINT32_MAX : (uint32_t)percent;
}

/* What `per second and worker` is for this window and these workers. */
static uint64_t full_load(uint64_t per_second, const struct siege_load *load)
{
	return per_second * load->workers * load->window_ms / CLOCK_MS_PER_S;
}

static void measure(const struct conf_siege *conf, const struct siege_load *load,
		    uint32_t percent[SIEGE_INPUTS])
{
	uint64_t handshakes = full_load(conf->handshakes, load);
	bool many = percent_of(load->handshakes, handshakes) >= REFUSALS_FROM_PERCENT;
	uint32_t files = percent_of(load->descriptors, load->descriptors_max);
	uint32_t connections = percent_of(load->connections, load->connections_max);

	percent[SIEGE_HANDSHAKES] = percent_of(load->handshakes, handshakes);
	percent[SIEGE_REFUSALS] = many ? percent_of(load->refused, load->handshakes) : 0;
	percent[SIEGE_TLS] =
		percent_of(load->tls_us, load->workers * load->window_ms * CLOCK_US_PER_MS);
	percent[SIEGE_LAG] = percent_of(load->lag_us, conf->lag_ms * CLOCK_US_PER_MS);
	percent[SIEGE_ASKED] = percent_of(load->tickets, full_load(conf->tickets, load));
	percent[SIEGE_DESCRIPTORS] = files > connections ? files : connections;
	percent[SIEGE_MEMORY] = percent_of(load->buffered, load->buffered_max);
}

static unsigned level_shown(const struct siege_row *row, uint32_t percent)
{
	unsigned shown = SIEGE_CALM;

	for (unsigned level = SIEGE_ELEVATED; level < SIEGE_LEVELS; level++)
		if (row->from[level] && percent >= row->from[level])
			shown = level;
	return shown;
}

/* Each input's level of this second; those that have to be seen twice count as the lower of
 * this second's and the last one's. */
static void look(struct siege *s, unsigned counts[SIEGE_INPUTS])
{
	for (unsigned i = 0; i < SIEGE_INPUTS; i++) {
		unsigned shown = level_shown(&rows[i], s->percent[i]);
		unsigned before = s->shown[i];
		counts[i] = rows[i].twice && before < shown ? before : shown;
		s->shown[i] = (uint8_t)shown;
	}
}

static void remember(struct siege *s, const unsigned counts[SIEGE_INPUTS], uint64_t now_ms)
{
	for (unsigned level = SIEGE_ELEVATED; level < SIEGE_LEVELS; level++) {
		uint32_t why = 0;
		for (unsigned i = 0; i < SIEGE_INPUTS; i++)
			why |= counts[i] >= level ? 1u << i : 0;
		if (!why)
			continue;
		s->seen_ms[level] = now_ms;
		s->why[level] = why;
	}
}

/* The highest level that was there within `calm`. */
static unsigned level_by_load(const struct siege *s, const struct conf_siege *conf, uint64_t now_ms)
{
	for (unsigned level = SIEGE_LEVELS - 1; level > SIEGE_CALM; level--)
		if (s->seen_ms[level] && clock_since(s->seen_ms[level], now_ms) < conf->calm_ms)
			return level;
	return SIEGE_CALM;
}

/* Each doubling of the load that brought the proof makes it one bit dearer. */
static unsigned proof_bits(const struct siege *s, const struct conf_siege *conf)
{
	unsigned bits = conf->proof_bits;
	uint32_t percent = s->percent[SIEGE_ASKED];

	for (unsigned i = 0; i < PROOF_HARDER_MAX && percent >= 2 * PERCENT; i++, percent /= 2)
		bits++;
	return bits < PROOF_BITS_MAX ? bits : PROOF_BITS_MAX;
}

/* --- the level */

static bool settle(struct siege *s, const struct conf_siege *conf, uint64_t now_ms)
{
	unsigned before = s->level;
	unsigned by_load = conf->manual ? SIEGE_CALM : level_by_load(s, conf, now_ms);

	s->level = s->held ? s->held_level : by_load;
	s->reasons = s->held || !by_load ? 0 : s->why[by_load];
	return s->level != before;
}

bool siege_step(struct siege *s, const struct conf_siege *conf, const struct siege_load *load,
		uint64_t now_ms)
{
	unsigned counts[SIEGE_INPUTS];

	measure(conf, load, s->percent);
	look(s, counts);
	remember(s, counts, now_ms);
	s->measured = level_by_load(s, conf, now_ms);
	s->proof_bits = proof_bits(s, conf);
	return settle(s, conf, now_ms);
}

bool siege_hold(struct siege *s, unsigned level)
{
	unsigned before = s->level;

	MUST(level < SIEGE_LEVELS);
	s->held = true;
	s->held_level = s->level = level;
	s->reasons = 0;
	return s->level != before;
}

bool siege_release(struct siege *s, const struct conf_siege *conf, uint64_t now_ms)
{
	s->held = false;
	return settle(s, conf, now_ms);
}

/* --- who is let in */

static struct verdict refuse(const char *detail)
{
	struct verdict v = verdict_refuse(REASON_SIEGE, detail);

	v.retry_after_s = RETRY_S;
	return v;
}

static struct verdict trickle(const struct siege_gate *g)
{
	if (g->trickle && g->trickle_rate && rate_take(g->trickle_rate, g->trickle, g->now_us, 1))
		return verdict_pass();
	return refuse("the trickle of those who have to be verified");
}

struct verdict siege_admit(const struct siege_gate *g, enum siege_guest who)
{
	if (g->level < SIEGE_TICKETS || g->allowed || who == SIEGE_KNOWN)
		return verdict_pass();
	if (g->level >= SIEGE_FORTRESS)
		return refuse("only tickets that are out");
	if (who == SIEGE_CLAIMED || g->none_better)
		return trickle(g);
	return refuse("nothing was shown");
}

struct verdict siege_admit_endpoint(const struct siege_gate *g)
{
	if (g->level < SIEGE_FORTRESS || g->allowed)
		return verdict_pass();
	return refuse("no tickets are given");
}

struct rate siege_trickle_rate(const struct conf_siege *conf)
{
	uint64_t count = conf->handshakes * TRICKLE_PERCENT / PERCENT;

	if (!count)
		count = 1;
	if (count > UINT32_MAX)
		count = UINT32_MAX;
	return (struct rate){
		.count = (uint32_t)count, .per_ms = CLOCK_MS_PER_S, .burst = (uint32_t)count};
}

bool siege_knows_nobody(const struct snapshot *s)
{
	for (size_t r = 0; r < s->route_count; r++)
		for (size_t i = 0; i < s->routes[r].identify_count; i++)
			if (s->identities[s->routes[r].identify[i]].kind != CONF_IDENTITY_ANYONE)
				return false;
	return true;
}

bool siege_is_allowed(const struct conf_siege *conf, const struct address *peer)
{
	for (size_t i = 0; i < conf->allow.count; i++)
		if (prefix_contains(&conf->allow.items[i], peer))
			return true;
	return false;
}
