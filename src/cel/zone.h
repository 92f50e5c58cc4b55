/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A time zone as the system's files describe it (RFC 8536), read from memory: who has files
 * brings the bytes.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* How far the zone's clocks are ahead of UTC at that second, by the file's table; behind its
 * last entry, as there. False when the bytes are no such file. */
bool cel_zone_offset(struct slice file, int64_t unix_seconds, int32_t *offset_seconds);
