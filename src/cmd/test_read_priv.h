/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the files of the reader of test cases share. Readers of a value return false when they
 * added a finding, or when there was no memory, which the arena remembers.
 */
#include "base/arena.h"
#include "cmd/test_case.h"
#include "conf/diag.h"
#include "conf/yaml.h"

struct test_reader {
	struct arena *arena;
	struct diag *diag;
	struct slice file;
};

/* One key that a map may have; `in` says in which of several forms of that map. */
struct test_key {
	struct slice word;
	unsigned in;
};

/* Adds the finding and returns false. help may be NULL. */
bool test_wrong(struct test_reader *r, struct diag_place at, const char *help, const char *format,
		...) __attribute__((format(printf, 4, 5)));

/* It is a map, and each of its keys is one of `count`. `what` is for sentences: "a case". */
bool test_check_keys(struct test_reader *r, const struct yaml_node *map, const char *what,
		     const struct test_key *keys, size_t count);

/* A scalar with something in it. NUL behind. */
bool test_read_text(struct test_reader *r, const struct yaml_node *node, struct slice *out);

/* `true` or `false`. */
bool test_read_bool(struct test_reader *r, const struct yaml_node *node, bool *out);

/* The value as JSON text. */
bool test_read_json(struct test_reader *r, const struct yaml_node *node, struct slice *out);

/* A text (that may be empty) in quotes or not; and the bytes that a base64 text stands for. */
bool test_read_raw(struct test_reader *r, const struct yaml_node *node, struct slice *out);
bool test_read_base64(struct test_reader *r, const struct yaml_node *node, struct slice *out);

/* `as`, `origin` and so on of a case or a handshake; missing_origin: what a missing `origin`
 * means. */
bool test_read_client(struct test_reader *r, const struct yaml_node *map,
		      enum test_origin missing_origin, struct test_client *out);

/* `expect:` of a step of that kind; NULL: what is expected when nothing is said. */
bool test_read_expect(struct test_reader *r, const struct yaml_node *node, enum test_kind kind,
		      struct test_expect *out);
