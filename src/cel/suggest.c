/* SPDX-License-Identifier: Apache-2.0 */
/* Which name was perhaps meant: the one with the fewest letters to change; see node.h. */
#include "cel/node.h"

enum { NAME_MAX_BYTES = 48 };

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Letters to add, drop, change or swap with their neighbour, to make b of a. */
static unsigned distance(struct slice a, struct slice b)
{
	unsigned rows[3][NAME_MAX_BYTES + 1];

	for (unsigned j = 0; j <= b.len; j++)
		rows[0][j] = j;
	for (unsigned i = 1; i <= a.len; i++) {
		unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *two = rows[(i + 1) % 3];
		row[0] = i;
		for (unsigned j = 1; j <= b.len; j++) {
			unsigned change = above[j - 1] + (a.data[i - 1] != b.data[j - 1]);
			row[j] = least(change, least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] &&
			    a.data[i - 2] == b.data[j - 1])
				row[j] = least(row[j], two[j - 2] + 1);
		}
	}
	return rows[a.len % 3][b.len];
}

void cel_suggest(struct cel_suggestion *s, struct slice candidate)
{
	if (s->wanted.len > NAME_MAX_BYTES || candidate.len > NAME_MAX_BYTES)
		return;
	/* With more than a third changed it is another word. */
	unsigned d = distance(s->wanted, candidate), most = (unsigned)s->wanted.len / 3 + 1;
	if (d > most || d >= s->wanted.len || (s->best.data && d >= s->distance))
		return;
	s->best = candidate;
	s->distance = d;
}
