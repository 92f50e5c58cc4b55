/* SPDX-License-Identifier: Apache-2.0 */
/* Following the chain; see auditlog_check.h. */
#include "obs/auditlog_check.h"

#include <stdarg.h>
#include <stdio.h>

static void broken(struct auditlog_check *c, size_t file, uint64_t line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The first one counts. */
static void broken(struct auditlog_check *c, size_t file, uint64_t line, const char *format, ...)
{
	va_list args;

	if (c->broken)
		return;
	c->broken = true;
	c->broken_file = file;
	c->broken_line = line;
	va_start(args, format);
	vsnprintf(c->why, sizeof(c->why), format, args);
	va_end(args);
}

void auditlog_check_init(struct auditlog_check *c, const struct auditlog_keys *trusted)
{
	*c = (struct auditlog_check){.trusted = trusted};
	buf_init(&c->partial, AUDITLOG_TORN_MAX);
	buf_init(&c->torn_piece, 2 * AUDITLOG_TORN_MAX);
}

void auditlog_check_deinit(struct auditlog_check *c)
{
	buf_deinit(&c->partial);
	buf_deinit(&c->torn_piece);
	auditlog_keys_deinit(&c->named);
}

void auditlog_check_expect(struct auditlog_check *c, uint64_t seq,
			   const uint8_t hash[AUDITLOG_HASH_BYTES])
{
	c->expected.wanted = true;
	c->expected.seq = seq;
	memcpy(c->expected.hash, hash, AUDITLOG_HASH_BYTES);
}

/* --- the chain */

static bool fits(const struct auditlog_check *c, const struct auditlog_line *l)
{
	return memcmp(l->prev, c->place.prev, AUDITLOG_HASH_BYTES) == 0;
}

static void judge_number(struct auditlog_check *c, const struct auditlog_line *l)
{
	unsigned long long is = l->seq, wanted = c->place.seq;

	if (is > wanted + 1)
		broken(c, c->file, c->line,
		       "the lines numbered %llu to %llu have their place before it: removed, or "
		       "moved",
		       wanted, is - 1);
	else if (is > wanted)
		broken(c, c->file, c->line,
		       "the line numbered %llu has its place before it: removed, or moved", wanted);
	else
		broken(c, c->file, c->line,
		       "it is numbered %llu, and %llu is due: inserted, repeated or moved", is,
		       wanted);
}

/* The line before did not fit the one before that; this one knows what it was. */
static void settle(struct auditlog_check *c, const struct auditlog_line *l)
{
	if (l->seq == c->place.seq && fits(c, l))
		broken(c, c->doubted_file, c->doubted_line,
		       "it was changed: its hash is not what the next line says");
	else
		broken(c, c->last_file, c->last_line,
		       "it was changed: neither does it fit the line before nor the next one it");
}

static bool signed_well(const struct auditlog_check *c, const struct auditlog_line *l)
{
	const struct auditlog_key *key =
		auditlog_keys_find(c->trusted ? c->trusted : &c->named, l->kid);

	return key && auditlog_verify(key, l->signed_part, l->signature);
}

/* It does not fit the line before. A checkpoint that is signed well is as it was written. */
static void doubt(struct auditlog_check *c, const struct auditlog_line *l)
{
	if (l->kind == AUDITLOG_CHECKPOINT && signed_well(c, l))
		broken(c, c->last_file, c->last_line,
		       "it was changed: its hash is not what the checkpoint behind it says");
	c->doubted = true;
	c->doubted_file = c->last_file;
	c->doubted_line = c->last_line;
}

static void follow(struct auditlog_check *c, const struct auditlog_line *l)
{
	if (c->doubted) {
		settle(c, l);
	} else if (l->seq != c->place.seq) {
		judge_number(c, l);
	} else if (!fits(c, l)) {
		doubt(c, l);
	}
}

/* Somebody looks at the first file that is there; what was before it cannot be known. */
static void start(struct auditlog_check *c, const struct auditlog_line *l)
{
	static const uint8_t nothing[AUDITLOG_HASH_BYTES];

	c->started = true;
	c->first_seq = l->seq;
	if (l->kind != AUDITLOG_BEGIN) {
		broken(c, c->file, c->line,
		       "a log starts with a line `begin`: removed, or cut off");
		return;
	}
	if (l->seq == 0 && memcmp(l->prev, nothing, sizeof(nothing)) != 0)
		broken(c, c->file, c->line, "it is the first line, and names one before it");
	memcpy(c->log, l->begin.log.data, sizeof(c->log));
	c->follows_one = l->begin.follows.len != 0;
	if (c->follows_one)
		memcpy(c->follows, l->begin.follows.data, sizeof(c->follows));
	snprintf(c->first_time, sizeof(c->first_time), "%.*s", SLICE_ARG(l->time));
}

/* --- what the lines of the log about itself promise */

static void on_begin(struct auditlog_check *c, const struct auditlog_line *l)
{
	if (!slice_eq(l->begin.log, slice_of(c->log, sizeof(c->log))))
		broken(c, c->file, c->line, "another log begins in the middle of this one");
	int r = auditlog_keys_add_x(&c->named, l->begin.x);
	if (r)
		broken(c, c->file, c->line, "its key: %s", auditlog_keys_complaint(r));
	else if (!auditlog_keys_find(&c->named, l->begin.kid))
		broken(c, c->file, c->line, "its key is not the one that it names");
	memcpy(c->kid, l->begin.kid.data, sizeof(c->kid));
	c->after_begin = true;
	if (l->seq != c->first_seq && c->line > 1)
		c->restarts++;
}

static void on_checkpoint(struct auditlog_check *c, const struct auditlog_line *l)
{
	const struct auditlog_keys *keys = c->trusted ? c->trusted : &c->named;

	if (!slice_eq(l->kid, slice_of(c->kid, sizeof(c->kid))))
		broken(c, c->file, c->line, "it is signed by another key than `begin` named");
	else if (!auditlog_keys_find(keys, l->kid))
		broken(c, c->file, c->line, "it is signed by the key %.*s, which was not given",
		       SLICE_ARG(l->kid));
	else if (!signed_well(c, l))
		broken(c, c->file, c->line, "its signature is wrong: it was changed, or forged");
	c->checkpoints++;
	c->unsigned_lines = 0;
}

static void keep_promises(struct auditlog_check *c, const struct auditlog_line *l)
{
	if (c->after_begin && l->kind != AUDITLOG_CHECKPOINT && l->kind != AUDITLOG_BEGIN)
		broken(c, c->file, c->line, "behind `begin` stands a checkpoint, and here is none");
	c->after_begin = false;
	c->unsigned_lines++;
	if (l->kind == AUDITLOG_BEGIN)
		on_begin(c, l);
	else if (l->kind == AUDITLOG_CHECKPOINT)
		on_checkpoint(c, l);
	else if (l->kind == AUDITLOG_LEFT_OUT)
		c->left_out += l->lines;
	else if (l->kind == AUDITLOG_DROPPED)
		c->dropped += l->lines;
	/* A restart writes a begin where a checkpoint was due. */
	if (c->unsigned_lines > AUDITLOG_UNSIGNED_MAX + 1 && l->kind != AUDITLOG_BEGIN)
		broken(c, c->file, c->line, "%u lines without a checkpoint: they were removed",
		       AUDITLOG_UNSIGNED_MAX);
}

/* What a crash left behind is there as the begin behind it says. */
static void judge_torn(struct auditlog_check *c, const struct auditlog_line *l)
{
	struct slice torn = buf_slice(&c->torn_piece);
	uint8_t hash[AUDITLOG_HASH_BYTES];
	bool said = l->kind == AUDITLOG_BEGIN && l->begin.torn_bytes;

	if (torn.len == 0 && !said)
		return;
	auditlog_hash(torn, hash);
	if (torn.len && !said)
		broken(c, c->file, c->torn_line,
		       "it is no line of an audit log: changed, or inserted");
	else if (torn.len != l->begin.torn_bytes || memcmp(hash, l->begin.torn, sizeof(hash)) != 0)
		broken(c, c->file, torn.len ? c->torn_line : c->line,
		       "what a crash left behind was changed since");
	buf_clear(&c->torn_piece);
	c->torn++;
}

static void meet_expected(struct auditlog_check *c, const struct auditlog_line *l)
{
	if (!c->expected.wanted || l->seq != c->expected.seq)
		return;
	c->expected.met = true;
	if (memcmp(c->place.prev, c->expected.hash, AUDITLOG_HASH_BYTES) != 0)
		broken(c, c->file, c->line, "it has not the hash that was demanded");
}

static void on_good_line(struct auditlog_check *c, struct slice text, const struct auditlog_line *l)
{
	if (!l->chained) {
		broken(c, c->file, c->line, "it is not chained (`chain: false`)");
		return;
	}
	judge_torn(c, l);
	if (!c->started)
		start(c, l);
	else
		follow(c, l);
	/* A line in doubt may be anything. */
	if (!c->broken && !c->doubted)
		keep_promises(c, l);
	auditlog_hash(text, c->place.prev);
	c->place.seq = l->seq + 1;
	c->last_file = c->file;
	c->last_line = c->line;
	c->lines++;
	snprintf(c->last_time, sizeof(c->last_time), "%.*s", SLICE_ARG(l->time));
	meet_expected(c, l);
}

static void on_torn(struct auditlog_check *c, struct slice text)
{
	if (!c->started) {
		broken(c, c->file, c->line, "it is no line of an audit log");
		return;
	}
	if (buf_waiting(&c->torn_piece) == 0)
		c->torn_line = c->line;
	if (buf_append(&c->torn_piece, text) || buf_append(&c->torn_piece, SLICE("\n")))
		broken(c, c->file, c->torn_line, "it is no line of an audit log, nor what follows");
}

static void on_line(struct auditlog_check *c, struct slice text)
{
	struct auditlog_line l;

	c->line++;
	if (auditlog_line_read(text, &l))
		on_good_line(c, text, &l);
	else
		on_torn(c, text);
}

/* --- files */

void auditlog_check_file(struct auditlog_check *c)
{
	c->file = c->files++;
	c->line = 0;
}

void auditlog_check_feed(struct auditlog_check *c, struct slice piece)
{
	while (!c->broken && piece.len) {
		size_t end = slice_index(piece, '\n');
		if (buf_append(&c->partial, slice_first(piece, end))) {
			broken(c, c->file, c->line + 1,
			       "it is longer than any line of an audit log");
			return;
		}
		if (end == piece.len)
			return;
		on_line(c, buf_slice(&c->partial));
		buf_clear(&c->partial);
		piece = slice_from(piece, end + 1);
	}
}

void auditlog_check_file_end(struct auditlog_check *c)
{
	if (buf_waiting(&c->partial))
		broken(c, c->file, c->line + 1, "it is cut off in the middle");
	if (buf_waiting(&c->torn_piece))
		broken(c, c->file, c->torn_line, "it is no line of an audit log");
	if (c->line == 0)
		broken(c, c->file, 0, "the file is empty");
	buf_clear(&c->partial);
	buf_clear(&c->torn_piece);
}

void auditlog_check_end(struct auditlog_check *c)
{
	if (c->doubted)
		broken(c, c->last_file, c->last_line,
		       "it does not fit the line before: one of the two was changed");
	if (!c->checkpoints)
		broken(c, c->last_file, c->last_line, "nothing is signed: cut off behind it");
	if (c->expected.wanted && !c->expected.met)
		broken(c, c->last_file, c->last_line,
		       "the line numbered %llu, which was demanded, is not there",
		       (unsigned long long)c->expected.seq);
}
