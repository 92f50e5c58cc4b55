/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * From a path to everything that runs: the same at start and at every reload.
 *
 *   file --conf_load--> snapshot --keys, certificates--> generation
 */
#include "base/buf.h"
#include "gateway/generation.h"

enum { CONFIGURE_TEXT_MAX = 1 << 20 };

/* NULL when the configuration cannot be used. What there is to say, for people, is appended
 * to `text` in both cases (findings, or why keys and certificates could not be had). */
struct generation *configure(const char *path, struct buf *text);
