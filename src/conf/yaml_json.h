/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A YAML document as JSON text: for documents that are data and not settings (contracts,
 * test cases), so that everything behind reads one form.
 */
#include "base/buf.h"
#include "conf/yaml.h"

/* Outcome: a value that JSON cannot write (.inf, .nan). */
enum { YAML_JSON_IMPOSSIBLE = 2 };

/* Appends the tree as JSON; plain scalars by the core schema of YAML 1.2, quoted ones as
 * strings. Returns 0, YAML_JSON_IMPOSSIBLE, BUF_FULL or -ENOMEM. */
int yaml_to_json(const struct yaml_node *node, struct buf *out) __attribute__((warn_unused_result));
