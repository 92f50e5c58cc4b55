/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a question; see ask.h. */
#include "gateway/ask.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/obj.h"
#include "gateway/conn.h"
#include "store/store.h"

enum {
	ASK_MAGIC = 0x25c0a5c0,
	ASK_BLOCK_BYTES = 4096,
	ASK_ROOM_BYTES = 2 * (IDENTITY_CLAIMS_MAX + 16 * 1024), /* question and answer */
};

/* Nobody waits for it any more. Slots that it brings are nobody's. */
static void return_to_nobody(struct ask *a)
{
	struct question *q = &a->question;
	size_t slots = 0;

	if (q->kind == QUESTION_COUNT && a->answer.kind == ANSWER_YES)
		for (size_t i = 0; i < q->counted_count; i++)
			if (q->counted[i].kind == COUNTED_SLOT)
				q->counted[slots++] = q->counted[i];
	if (!slots) {
		ask_free(a);
		return;
	}
	q->counted_count = slots;
	q->kind = QUESTION_GIVE_BACK;
	ask_send_off(a);
}

static void return_mail(struct mail *mail, void *receiver)
{
	struct ask *a = MAIL_OWNER(mail, struct ask, mail);

	OBJ_CHECK(a, ASK_MAGIC);
	/* No receiver when the worker is ending: then nobody waits for it either. */
	if (a->conn)
		conn_answer(a->conn, a);
	else if (receiver)
		return_to_nobody(a);
	else
		ask_free(a);
}

struct ask *ask_new(struct conn *c, enum ask_kind kind, size_t bytes)
{
	struct worker *w = c->worker;
	struct ask *a = NULL;
	struct charge charge = {0};

	if (w->ask_count >= conn_conf(c)->limits.queue_per_worker)
		return NULL;
	if (charge_take(&charge, &w->memory, sizeof(*a) + bytes) == 0)
		a = calloc(1, sizeof(*a));
	if (!a) {
		charge_release(&charge);
		return NULL;
	}
	a->magic = ASK_MAGIC;
	a->kind = kind;
	a->worker = w;
	a->conn = c;
	a->charge = charge;
	a->generation = generation_ref(c->generation);
	a->file.fd = -1;
	arena_init(&a->arena, ASK_BLOCK_BYTES, bytes + ASK_BLOCK_BYTES + ASK_ROOM_BYTES);
	w->ask_count++;
	return a;
}

bool ask_copy_question(struct ask *a, const struct question *q)
{
	a->question = *q;
	a->question.record = arena_copy(&a->arena, q->record);
	a->question.cookie = arena_copy(&a->arena, q->cookie);
	a->question.subject = arena_copy(&a->arena, q->subject);
	return !a->arena.overflow;
}

bool ask_make_seat(struct ask *a)
{
	struct slice subject = a->question.subject;

	a->seat = malloc(sizeof(*a->seat) + subject.len);
	if (!a->seat)
		return false;
	a->seat->len = subject.len;
	memcpy(a->seat->subject, subject.data, subject.len);
	return true;
}

/* As many as there are connections, so there is always room for its mail. */
void seat_leave(struct worker *w, struct seat *seat)
{
	if (!seat)
		return;
	seat->mail.fn = w->gateway->leave_fn;
	if (mailbox_post_answer(w->gateway->control, &seat->mail))
		free(seat);
}

bool ask_send_as(struct ask *a, struct ask **place)
{
	*place = a;
	a->mail.fn = a->worker->gateway->ask_fn;
	if (mailbox_post(a->worker->gateway->control, &a->mail) == 0)
		return true;
	*place = NULL;
	ask_free(a);
	return false;
}

bool ask_send(struct ask *a)
{
	return ask_send_as(a, &a->conn->ask);
}

void ask_send_off(struct ask *a)
{
	struct ask *place;

	a->conn = NULL;
	(void)ask_send_as(a, &place);
}

const char *ask_why_not(int r)
{
	switch (r) {
	case STORE_FULL:
		return "the store of tickets is full";
	case STORE_AWAY:
		return "the store is away";
	default:
		return NULL;
	}
}

struct answer ask_answer_ticket(int r, struct slice record, struct arena *a, const char **detail)
{
	struct answer answer = {.kind = r == STORE_ABSENT ? ANSWER_NO : ANSWER_FAILED};

	*detail = ask_why_not(r);
	if (r)
		return answer;
	if (record.len)
		answer.record = arena_copy(a, record);
	if (!record.len || answer.record.data)
		answer.kind = ANSWER_YES;
	return answer;
}

void ask_give_back(struct ask *a)
{
	a->mail.fn = return_mail;
	/* The worker stays until all of its questions are back, so its box is open. */
	MUST(mailbox_post_answer(&a->worker->box, &a->mail) == 0);
}

void ask_free(struct ask *a)
{
	OBJ_CHECK(a, ASK_MAGIC);
	if (a->file.fd >= 0)
		close(a->file.fd);
	if (a->answer.kind == ANSWER_YES)
		seat_leave(a->worker, a->seat);
	else
		free(a->seat);
	a->worker->ask_count--;
	charge_release(&a->charge);
	generation_unref(a->generation);
	arena_deinit(&a->arena);
	a->magic = 0;
	free(a);
}
