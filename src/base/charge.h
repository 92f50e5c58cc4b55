/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A limit, and the receipts that count against it.
 *
 * Whoever takes n units of a budget holds a charge for them; releasing the charge
 * gives the units back. The receipt lives in the object that uses the units, so the
 * object's own deinit returns them and no limit can leak.
 *
 * A budget belongs to one thread. Budgets may be stacked: taking from a child takes
 * from its parent as well, or from neither.
 */
#include <stdint.h>

enum { CHARGE_OVER = 1 };

struct budget {
	uint64_t max, used;
	struct budget *parent; /* NULL at the top; outlives this one */
};

struct charge {
	struct budget *from;
	uint64_t units;
};

void budget_init(struct budget *b, uint64_t max, struct budget *parent);

/* Stops the process if somebody still holds a charge: a leaked limit is a bug. */
void budget_deinit(struct budget *b);

/* Adds units to c, which must be empty or already charged to `from`.
 * Returns 0, or CHARGE_OVER with nothing taken. */
int charge_take(struct charge *c, struct budget *from, uint64_t units);

/* Makes c stand for exactly `units`. Growing may return CHARGE_OVER with c unchanged. */
int charge_resize(struct charge *c, struct budget *from, uint64_t units);

/* Gives everything back. Harmless on an empty charge, and twice. */
void charge_release(struct charge *c);
