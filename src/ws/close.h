/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Close codes and the payload of a close frame (RFC 6455 sections 5.5.1, 7.4).
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/reason.h"
#include "base/slice.h"
#include "ws/frame.h"

enum {
	WS_CLOSE_NORMAL = 1000,
	WS_CLOSE_GOING_AWAY = 1001,
	WS_CLOSE_PROTOCOL = 1002,
	WS_CLOSE_NO_STATUS = 1005, /* a close frame without a code; never travels itself */
	WS_CLOSE_ABNORMAL = 1006,  /* the connection ended without a close frame; never travels */
	WS_CLOSE_INTERNAL = 1011,
};

/* May a close frame carry this code: 1000 to 1003, 1007 to 1014, 3000 to 4999. */
bool ws_close_code_travels(uint16_t code);

/* Reads the payload of a received close frame, already unmasked. Gives REASON_NONE with
 * *code (WS_CLOSE_NO_STATUS if the payload is empty) and *text (points into payload),
 * REASON_WS_CLOSE_CODE for half a code or one that must not travel, or REASON_WS_UTF8. */
enum reason ws_close_parse(struct slice payload, uint16_t *code, struct slice *text);

/* Writes the payload of a close frame and returns its length. A code that must not travel
 * (such as WS_CLOSE_NO_STATUS) gives an empty payload; a text that is too long is cut at
 * a character's end. The text must be UTF-8. */
size_t ws_close_payload(uint16_t code, struct slice text, char out[WS_CONTROL_MAX]);

/* The same for a refusal: its close code, and its word as the text. */
size_t ws_close_payload_for(enum reason why, char out[WS_CONTROL_MAX]);
