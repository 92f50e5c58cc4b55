/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A question that travels: from a worker to the control thread and back.
 *
 *   worker: ask_new, fill in, ask_send --mailbox--> control: answers --mailbox--> worker:
 * conn_answer
 *
 * One object makes the whole way, so that an answer never needs memory that is not there.
 * `worker` and `conn` belong to the worker's side all the time and the control thread does
 * not look at conn: a connection that ends meanwhile sets it to NULL, and the answer
 * is thrown away on arrival. All texts lie in the ask's own arena.
 */
#include "base/arena.h"
#include "base/charge.h"
#include "gateway/generation.h"
#include "net/mailbox.h"
#include "policy/question.h"

struct conn;
struct worker;

enum ask_kind {
	ASK_POLICY = 0, /* question, answer */
	ASK_FILE,       /* file */
};

enum file_outcome {
	FILE_FAILED = 0, /* error of ours: 500 */
	FILE_ABSENT,     /* 404 */
	FILE_FOLDER,     /* a folder, asked for without its slash */
	FILE_OPENED,     /* fd, size, mtime; and the first piece */
	FILE_PIECE,      /* a further piece; len 0 = the file has become shorter */
};

enum { FILE_PIECE_BYTES = 128 * 1024 };

/*
 * A connection's place among those of its subject at all nodes (QUESTION_ENTER). Made with the
 * question, so that leaving needs no memory: what is given up is this object itself.
 */
struct seat {
	struct mail mail;
	size_t len;
	char subject[];
};

/* A static file: opened with the first question, read piece by piece with further ones. */
struct ask_file {
	struct slice root, path; /* path is relative, without . and .. */
	int fd;                  /* -1 to open */
	uint64_t offset;
	enum file_outcome outcome;
	uint64_t size;
	int64_t mtime_s;
	char *data; /* FILE_PIECE_BYTES in the arena */
	size_t len;
};

struct ask {
	struct mail mail;
	struct list link; /* for whoever answers it */
	uint32_t magic;
	enum ask_kind kind;
	struct worker *worker;
	struct conn *conn; /* the worker's side only */
	struct charge charge;
	struct generation *generation; /* one reference */
	struct arena arena;
	struct question question;
	struct answer answer;
	const char *detail; /* static text for the log */
	struct seat *seat;  /* ENTER; it is taken if the answer is YES */
	struct ask_file file;
};

/* With arena room for `bytes`. NULL when memory, the budget or the worker's number of
 * questions is used up. */
struct ask *ask_new(struct conn *c, enum ask_kind kind, size_t bytes);

/* Copies the question's texts. False when they do not fit. */
bool ask_copy_question(struct ask *a, const struct question *q);

/* Sends it; the connection's ask is set. False when the control thread's box is full: then
 * a was freed. */
bool ask_send(struct ask *a);

/* The same for a question beside that one: *place is set. */
bool ask_send_as(struct ask *a, struct ask **place);

/* The same for one whose answer nobody waits for. */
void ask_send_off(struct ask *a);

/* What a store's word is in the log; NULL: it speaks for itself. */
const char *ask_why_not(int r);

/* What the store's word on a ticket means (store_put; store_take, with its record), with its
 * ask_why_not. The record is copied into a; without room for it the answer is a failure. */
struct answer ask_answer_ticket(int r, struct slice record, struct arena *a, const char **detail);

/* For the control thread: gives the answered question back to its worker. */
void ask_give_back(struct ask *a);

/* Room for the seat that the question is about. False without memory. */
bool ask_make_seat(struct ask *a);

/* On the worker: the place is free again. Accepts NULL. */
void seat_leave(struct worker *w, struct seat *seat);

/* On the worker. Also closes file.fd if it is open, and leaves a seat that nobody took. */
void ask_free(struct ask *a);
