/* SPDX-License-Identifier: Apache-2.0 */
/* Taking and giving back; see charge.h. Invariant: used <= max, all the way up. */
#include "base/charge.h"

#include "base/obj.h"

void budget_init(struct budget *b, uint64_t max, struct budget *parent)
{
	*b = (struct budget){.max = max, .parent = parent};
}

void budget_deinit(struct budget *b)
{
	MUST(b->used == 0);
	*b = (struct budget){0};
}

static void budget_give_back(struct budget *b, uint64_t units, const struct budget *stop)
{
	for (; b != stop; b = b->parent) {
		MUST(b->used >= units);
		b->used -= units;
	}
}

static int budget_take(struct budget *first, uint64_t units)
{
	for (struct budget *b = first; b; b = b->parent) {
		if (units > b->max - b->used) {
			budget_give_back(first, units, b);
			return CHARGE_OVER;
		}
		b->used += units;
	}
	return 0;
}

int charge_take(struct charge *c, struct budget *from, uint64_t units)
{
	MUST(!c->from || c->from == from);
	if (budget_take(from, units))
		return CHARGE_OVER;
	c->from = from;
	c->units += units;
	return 0;
}

int charge_resize(struct charge *c, struct budget *from, uint64_t units)
{
	if (units > c->units)
		return charge_take(c, from, units - c->units);
	if (c->from)
		budget_give_back(c->from, c->units - units, NULL);
	c->units = units;
	return 0;
}

void charge_release(struct charge *c)
{
	if (c->from)
		budget_give_back(c->from, c->units, NULL);
	*c = (struct charge){0};
}
