/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a session keeps from one message to the next: `remember`, `after`, `running`.
 *
 *   slots    per message that matters: when it came, and its copy   [entries | nodes | bytes]
 *   last     the map that expressions see: id -> copy with `at`
 *   leases   operations under way: a slot of the quota and a deadline each
 *   waiting  messages that wait for a slot, first come first served per rule
 *
 * Everything is charged to the session's budget; the receipt is r->charge.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "policy/rules_priv.h"

static const struct conf_messages *messages_of(const struct rules *r)
{
	return &r->route->messages;
}

/* --- memory */

static size_t held_bytes(const struct rules *r)
{
	size_t bytes = sizeof(*r) + context_bytes(&r->context);

	bytes += messages_of(r)->slots * (sizeof(*r->slots) + sizeof(*r->last));
	bytes += r->leases ? RULES_LEASES_MAX * sizeof(*r->leases) : 0;
	for (uint32_t i = 0; r->slots && i < messages_of(r)->slots; i++)
		bytes += r->slots[i].bytes;
	bytes += r->given ? RULES_LEASES_MAX * sizeof(*r->given) : 0;
	for (const struct rules_waiting *w = r->waiting; w; w = w->next)
		bytes += sizeof(*w) + w->bytes;
	bytes += r->asking ? sizeof(*r->asking) + r->asking->bytes : 0;
	return bytes;
}

bool rules_recharge(struct rules *r)
{
	return charge_resize(&r->charge, r->budget, held_bytes(r)) == 0;
}

bool rules_keep_init(struct rules *r)
{
	size_t slots = messages_of(r)->slots;

	r->waiting_end = &r->waiting;
	r->slots = calloc(slots + 1, sizeof(*r->slots));
	r->last = calloc(slots + 1, sizeof(*r->last));
	return r->slots && r->last;
}

static void free_slots(struct rules_slot *slots, size_t count)
{
	for (size_t i = 0; slots && i < count; i++)
		free(slots[i].memory);
	free(slots);
}

void rules_keep_deinit(struct rules *r)
{
	for (uint32_t i = 0; i < r->lease_count; i++)
		quota_release(&r->leases[i].slot);
	while (r->waiting) {
		struct rules_waiting *next = r->waiting->next;
		free(r->waiting);
		r->waiting = next;
	}
	free(r->going);
	free(r->asking);
	free(r->leases);
	free(r->given);
	free(r->last);
	free_slots(r->slots, messages_of(r)->slots);
}

/* --- remember and after */

/* Every message kept, as the map `last`. */
static void list_last(struct rules *r)
{
	r->last_count = 0;
	for (size_t i = 0; i < messages_of(r)->rule_count; i++) {
		const struct conf_rule *rule = &messages_of(r)->rules[i];
		if (!rule->slot || !r->slots[rule->slot - 1].memory)
			continue;
		const struct rules_slot *slot = &r->slots[rule->slot - 1];
		r->last[r->last_count++] = (struct cel_entry){
			cel_string(rule->id), cel_map(slot->memory, slot->entry_count)};
	}
}

/* Room for so many bytes, for the message that comes; never shrinks while it is in use. */
static bool make_room(struct rules *r, struct rules_slot *slot, size_t bytes)
{
	if (bytes <= slot->bytes)
		return true;
	size_t rounded = 256;
	while (rounded < bytes)
		rounded *= 2;
	if (charge_resize(&r->charge, r->budget, r->charge.units + rounded - slot->bytes))
		return false;
	void *memory = malloc(rounded);
	if (!memory) {
		(void)rules_recharge(r);
		return false;
	}
	free(slot->memory);
	slot->memory = memory;
	slot->bytes = rounded;
	return true;
}

/* The members of the copy, and `at` behind them: it wins over a member of that name, since
 * entries are sought from the front. */
static void fill(struct rules_slot *slot, const struct json_node *object, uint64_t now_unix_ms)
{
	struct cel_entry *entries = slot->memory;
	uint32_t count = json_count(object) + 1, at = 0;
	const struct json_node *copy = json_copy(object, entries + count);

	entries[at++] = (struct cel_entry){
		cel_string(SLICE("at")),
		cel_timestamp((int64_t)(now_unix_ms / CLOCK_MS_PER_S),
			      (uint32_t)(now_unix_ms % CLOCK_MS_PER_S) * 1000000)};
	JSON_EACH_MEMBER (key, copy)
		if (!slice_eq(json_string(key), SLICE("at")))
			entries[at++] = (struct cel_entry){cel_string(json_string(key)),
							   cel_from_json(json_value_of(key))};
	slot->entry_count = at;
}

bool rules_remember(struct rules *r, const struct conf_rule *rule, const struct json_node *object,
		    uint64_t now_us, uint64_t now_unix_ms)
{
	if (!rule->slot)
		return true;
	struct rules_slot *slot = &r->slots[rule->slot - 1];
	if (rule->remember) {
		if (json_type(object) != JSON_OBJECT)
			return false;
		size_t entries = ((size_t)json_count(object) + 1) * sizeof(struct cel_entry);
		if (!make_room(r, slot, entries + json_copy_bytes(object)))
			return false;
		fill(slot, object, now_unix_ms);
		list_last(r);
	}
	slot->at_us = now_us ? now_us : 1;
	return true;
}

bool rules_in_turn(const struct rules *r, const struct conf_rule *rule, uint64_t now_us)
{
	if (rule->never)
		return false;
	for (size_t i = 0; i < rule->after_count; i++) {
		const struct conf_after *after = &rule->after[i];
		uint16_t number = messages_of(r)->rules[after->message].slot;
		uint64_t at = number ? r->slots[number - 1].at_us : 0;
		if (!at || clock_since(at, now_us) > clock_ms_to_us(after->within_ms))
			return false;
	}
	return true;
}

/* --- running */

uint64_t rules_key(struct rules *r, enum quota_kind kind, enum conf_per per,
		   const struct conf_rule *rule)
{
	uint32_t number = rule ? (uint32_t)(rule - r->route->messages.rules) + 1 : 0;
	uint32_t what = number << 8 | (uint32_t)kind << 4 | (uint32_t)per;
	struct rules_key *known = &r->keys[(number + kind) % RULES_KEYS];

	if (known->what != what) {
		known->what = what;
		known->key = quota_key(r->quota, kind, rules_who(r, per), r->route->path.text,
				       rule ? rule->id : slice_of(NULL, 0));
	}
	return known->key;
}

static bool take_lease(struct rules *r, const struct conf_rule *rule, uint64_t now_us)
{
	const struct conf_running *running = &rule->running;

	if (r->lease_count == RULES_LEASES_MAX)
		return false;
	if (!r->leases) {
		r->leases = calloc(RULES_LEASES_MAX, sizeof(*r->leases));
		if (quota_is_shared(r->quota))
			r->given = calloc(RULES_LEASES_MAX, sizeof(*r->given));
		if (!r->leases || (quota_is_shared(r->quota) && !r->given) || !rules_recharge(r)) {
			free(r->leases);
			free(r->given);
			r->leases = NULL;
			r->given = NULL;
			return false;
		}
	}
	struct rules_lease *lease = &r->leases[r->lease_count];
	*lease = (struct rules_lease){.until = running->until};
	if (!quota_run(r->quota, rules_key(r, QUOTA_RUNNING, running->per, rule), running->at_most,
		       &lease->slot))
		return false;
	lease->time_ms = running->deadline_ms;
	lease->deadline_us = clock_add(now_us, clock_ms_to_us(lease->time_ms));
	r->lease_count++;
	return true;
}

static uint32_t waiting_for(const struct rules *r, const struct conf_rule *rule)
{
	uint32_t count = 0;

	for (const struct rules_waiting *w = r->waiting; w; w = w->next)
		count += w->rule == rule;
	return count;
}

enum rules_run rules_run(struct rules *r, const struct conf_rule *rule, uint64_t now_us)
{
	uint32_t before = waiting_for(r, rule);

	if (!before && take_lease(r, rule, now_us))
		return RULES_RUNS;
	return before < rule->running.queue && r->waiting_count < RULES_WAITING_MAX ? RULES_WAITS
										    : RULES_BUSY;
}

/* Where too many are to be given back at once the store's own deadline does it. */
static void give_back(struct rules *r, const struct rules_held *held)
{
	if (r->given_count < RULES_LEASES_MAX)
		r->given[r->given_count++] = *held;
}

static void end_lease(struct rules *r, uint32_t index)
{
	quota_release(&r->leases[index].slot);
	if (r->leases[index].shared)
		give_back(r, &r->leases[index].held);
	r->lease_count--;
	memmove(&r->leases[index], &r->leases[index + 1],
		(r->lease_count - index) * sizeof(*r->leases));
}

void rules_run_undo(struct rules *r)
{
	end_lease(r, r->lease_count - 1);
}

void rules_ran(struct rules *r, const struct conf_rule *until)
{
	uint32_t index = (uint32_t)(until - messages_of(r)->rules);

	for (uint32_t i = 0; i < r->lease_count; i++) {
		if (r->leases[i].until == index && !r->leases[i].asking) {
			end_lease(r, i);
			return;
		}
	}
}

static void append_waiting(struct rules *r, struct rules_waiting *w)
{
	*r->waiting_end = w;
	r->waiting_end = &w->next;
	r->waiting_count++;
}

bool rules_wait(struct rules *r, const struct conf_rule *rule, struct slice text, bool binary,
		const struct rules_asked *asked, bool for_slot)
{
	struct rules_waiting *w = NULL;

	if (charge_resize(&r->charge, r->budget, r->charge.units + sizeof(*w) + text.len))
		return false;
	w = malloc(sizeof(*w) + text.len);
	if (!w) {
		(void)rules_recharge(r);
		return false;
	}
	*w = (struct rules_waiting){.rule = rule, .binary = binary, .bytes = text.len};
	if (asked->count)
		w->asked = *asked;
	if (text.len)
		memcpy(w->text, text.data, text.len);
	if (for_slot) {
		append_waiting(r, w);
		return true;
	}
	/* The lease that was taken last, if any, is this message's. */
	if (rule->running.on)
		r->leases[r->lease_count - 1].asking = true;
	r->asking = w;
	return true;
}

static const struct counted *slot_of(const struct rules_asked *asked)
{
	for (size_t i = 0; i < asked->count; i++)
		if (asked->items[i].kind == COUNTED_SLOT)
			return &asked->items[i];
	return NULL;
}

void rules_run_answered(struct rules *r, bool held, bool begins, uint64_t now_us)
{
	const struct counted *slot = slot_of(&r->asking->asked);
	struct rules_held name = {{0}, {0}};
	uint32_t index = 0;

	if (slot) {
		memcpy(name.key, slot->key, sizeof(name.key));
		memcpy(name.slot, slot->slot, sizeof(name.slot));
	}
	while (index < r->lease_count && !r->leases[index].asking)
		index++;
	if (index == r->lease_count) {
		/* None is needed, or it went with a reload. */
		if (slot && held)
			give_back(r, &name);
		return;
	}
	struct rules_lease *lease = &r->leases[index];
	lease->asking = false;
	lease->shared = slot && held;
	lease->held = name;
	lease->deadline_us = clock_add(now_us, clock_ms_to_us(lease->time_ms));
	if (!begins)
		end_lease(r, index);
}

bool rules_wait_again(struct rules *r, uint64_t now_us)
{
	struct rules_waiting *w = r->asking;

	if (!w->rule || waiting_for(r, w->rule) >= w->rule->running.queue ||
	    r->waiting_count >= RULES_WAITING_MAX)
		return false;
	r->asking = NULL;
	w->not_before_us = clock_add(now_us, RULES_ASK_AGAIN_US);
	w->next = r->waiting;
	if (!r->waiting)
		r->waiting_end = &w->next;
	r->waiting = w;
	r->waiting_count++;
	return true;
}

bool rules_give_back(struct rules *r, struct question *q)
{
	if (!r->given_count)
		return false;
	*q = (struct question){.kind = QUESTION_GIVE_BACK};
	while (r->given_count && q->counted_count < COUNTED_MAX) {
		const struct rules_held *held = &r->given[--r->given_count];
		struct counted *item = &q->counted[q->counted_count++];
		item->kind = COUNTED_SLOT;
		memcpy(item->key, held->key, sizeof(item->key));
		memcpy(item->slot, held->slot, sizeof(item->slot));
	}
	return q->counted_count > 0;
}

/* Where there is no room for more, the one that would end first goes. */
static void adopt(struct rules_room *room, const struct rules_lease *lease)
{
	uint32_t at = 0;

	if (!room->orphans)
		room->orphans = calloc(RULES_ORPHANS_MAX, sizeof(*room->orphans));
	if (!room->orphans) {
		struct quota_slot slot = lease->slot;
		quota_release(&slot);
		return;
	}
	if (room->orphan_count < RULES_ORPHANS_MAX) {
		at = room->orphan_count++;
	} else {
		for (uint32_t i = 1; i < room->orphan_count; i++)
			if (room->orphans[i].deadline_us < room->orphans[at].deadline_us)
				at = i;
		quota_release(&room->orphans[at].slot);
	}
	room->orphans[at] = (struct rules_orphan){lease->slot, lease->deadline_us};
}

void rules_end(struct rules *r, struct rules_room *room)
{
	for (uint32_t i = 0; i < r->lease_count; i++) {
		/* One that the store was only asked for has not begun. */
		if (r->leases[i].asking)
			quota_release(&r->leases[i].slot);
		else
			adopt(room, &r->leases[i]);
	}
	r->lease_count = 0;
}

uint64_t rules_room_deadline_us(const struct rules_room *room)
{
	uint64_t at = UINT64_MAX;

	for (uint32_t i = 0; i < room->orphan_count; i++)
		if (room->orphans[i].deadline_us < at)
			at = room->orphans[i].deadline_us;
	return at;
}

void rules_room_sweep(struct rules_room *room, uint64_t now_us)
{
	for (uint32_t i = 0; i < room->orphan_count;) {
		if (room->orphans[i].deadline_us > now_us) {
			i++;
			continue;
		}
		quota_release(&room->orphans[i].slot);
		room->orphans[i] = room->orphans[--room->orphan_count];
	}
}

bool rules_runs(const struct rules *r)
{
	return r->lease_count || r->waiting;
}

bool rules_idle(const struct rules *r)
{
	return !r->given_count && !rules_runs(r);
}

uint64_t rules_deadline_us(const struct rules *r, uint64_t now_us)
{
	uint64_t at = r->waiting ? clock_add(now_us, RULES_RETRY_US) : UINT64_MAX;

	for (uint32_t i = 0; i < r->lease_count; i++)
		if (r->leases[i].deadline_us < at && !r->leases[i].asking)
			at = r->leases[i].deadline_us;
	return at;
}

/* Takes it out of the list; *link points to it. */
static struct rules_waiting *unlink_waiting(struct rules *r, struct rules_waiting **link)
{
	struct rules_waiting *w = *link;

	*link = w->next;
	if (r->waiting_end == &w->next)
		r->waiting_end = link;
	r->waiting_count--;
	return w;
}

/* Rules whose first message cannot go now: those behind it may not overtake it. */
struct blocked {
	const struct conf_rule *rules[16];
	size_t count;
};

static bool is_blocked(const struct blocked *b, const struct conf_rule *rule)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->rules[i] == rule)
			return true;
	return b->count == sizeof(b->rules) / sizeof(b->rules[0]);
}

static bool may_go(struct rules *r, const struct rules_waiting *w, uint64_t now_us)
{
	if (w->not_before_us > now_us || (w->asked.count && r->asking))
		return false;
	return take_lease(r, w->rule, now_us);
}

/* The first of its rule that may go, out of the list, with a lease; NULL: none. */
static struct rules_waiting *next_waiting(struct rules *r, uint64_t now_us)
{
	struct blocked blocked = {.count = 0};

	for (struct rules_waiting **link = &r->waiting; *link; link = &(*link)->next) {
		if (is_blocked(&blocked, (*link)->rule))
			continue;
		if (may_go(r, *link, now_us))
			return unlink_waiting(r, link);
		blocked.rules[blocked.count++] = (*link)->rule;
	}
	return NULL;
}

enum rules_turn rules_next(struct rules *r, uint64_t now_us, struct slice *text, bool *binary)
{
	for (uint32_t i = 0; i < r->lease_count;) {
		if (r->leases[i].deadline_us <= now_us && !r->leases[i].asking)
			end_lease(r, i);
		else
			i++;
	}
	free(r->going);
	r->going = NULL;
	struct rules_waiting *w = next_waiting(r, now_us);
	enum rules_turn turn = RULES_NOBODY;
	if (w && w->asked.count) {
		r->asking = w;
		r->leases[r->lease_count - 1].asking = true;
		turn = RULES_ASKS;
	} else if (w) {
		r->going = w;
		*text = slice_of(w->text, w->bytes);
		*binary = w->binary;
		turn = RULES_GOES;
	}
	/* It only shrinks, which cannot fail. */
	(void)rules_recharge(r);
	return turn;
}

/* --- another configuration */

/* The new route's rule for that message of the same direction, or NULL. */
static const struct conf_rule *same_rule(const struct conf_messages *of, bool from_client,
					 struct slice id)
{
	for (size_t i = 0; of->contract && i < of->rule_count; i++)
		if (of->contract->messages[i].from_client == from_client &&
		    slice_eq(of->rules[i].id, id))
			return &of->rules[i];
	return NULL;
}

static void move_slots(struct rules *r, const struct conf_messages *to, struct rules_slot *slots)
{
	for (size_t i = 0; i < messages_of(r)->rule_count; i++) {
		const struct conf_rule *old = &messages_of(r)->rules[i];
		const struct conf_rule *rule = same_rule(to, false, old->id);
		if (!old->slot || !rule || !rule->slot ||
		    messages_of(r)->contract->messages[i].from_client)
			continue;
		struct rules_slot *slot = &slots[rule->slot - 1];
		*slot = r->slots[old->slot - 1];
		r->slots[old->slot - 1].memory = NULL;
		if (rule->remember)
			continue;
		free(slot->memory);
		slot->memory = NULL;
		slot->bytes = 0;
	}
}

static void move_leases(struct rules *r, const struct conf_messages *to)
{
	for (uint32_t i = 0; i < r->lease_count;) {
		const struct conf_rule *until =
			same_rule(to, false, messages_of(r)->rules[r->leases[i].until].id);
		if (until) {
			r->leases[i].until = (uint32_t)(until - to->rules);
			i++;
		} else {
			end_lease(r, i);
		}
	}
}

/* What waits for a rule that is gone goes nowhere. */
static void move_waiting(struct rules *r, const struct conf_messages *to)
{
	for (struct rules_waiting **link = &r->waiting; *link;) {
		const struct conf_rule *rule = same_rule(to, true, (*link)->rule->id);
		if (rule && rule->running.on) {
			(*link)->rule = rule;
			link = &(*link)->next;
		} else {
			free(unlink_waiting(r, link));
		}
	}
	if (r->asking && r->asking->rule)
		r->asking->rule = to->contract     ? same_rule(to, true, r->asking->rule->id)
				  : to->rule_count ? &to->rules[0]
						   : NULL;
}

bool rules_keep_reload(struct rules *r, const struct conf_route *route)
{
	const struct conf_messages *to = &route->messages;
	struct rules_slot *slots = calloc((size_t)to->slots + 1, sizeof(*slots));
	struct cel_entry *last = calloc((size_t)to->slots + 1, sizeof(*last));

	if (!slots || !last) {
		free(slots);
		free(last);
		return false;
	}
	move_slots(r, to, slots);
	move_leases(r, to);
	move_waiting(r, to);
	free_slots(r->slots, messages_of(r)->slots);
	free(r->last);
	r->slots = slots;
	r->last = last;
	r->route = route;
	memset(r->keys, 0, sizeof(r->keys));
	list_last(r);
	return rules_recharge(r);
}
