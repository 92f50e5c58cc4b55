/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * sallyport try contract: which message of an AsyncAPI document's channel is this?
 */
#include "base/buf.h"

/*
 * {"file": "chat.asyncapi.yaml", "channel": "...", "direction": "client"|"server", "message": ...}
 * gives {"message": "say", "ok": true}, {"ok": false, "reason": ..., "at": "/a", "keyword": ...} or
 * {"error": ...}. Without "message" it lists the channel's messages. Returns as buf_append.
 */
int try_contract_line(struct slice line, struct buf *out);
