/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Time zones from the system's files, for expressions that are tried.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* A cel_zone_fn without a context: "Europe/Zurich", "US/Central". Reads a file each time. */
bool zone_offset(void *context, struct slice name, int64_t unix_seconds, int32_t *offset_seconds);
