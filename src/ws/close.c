/* SPDX-License-Identifier: Apache-2.0 */
/* What may stand in a close frame; see close.h. */
#include "ws/close.h"

#include "base/obj.h"
#include "base/utf8.h"

enum { CODE_BYTES = 2, TEXT_MAX = WS_CONTROL_MAX - CODE_BYTES };

bool ws_close_code_travels(uint16_t code)
{
	//= rfc6455#7.4.1 1004 is reserved; 1005, 1006 and 1015 "MUST NOT be set as a status code in
	// a Close control frame"; 1012 to 1014 were registered with IANA later
	if (code >= 1000 && code <= 1003)
		return true;
	if (code >= 1007 && code <= 1014)
		return true;
	//= rfc6455#7.4.2 3000-3999 for libraries, 4000-4999 for private use
	return code >= 3000 && code <= 4999;
}

enum reason ws_close_parse(struct slice payload, uint16_t *code, struct slice *text)
{
	*code = WS_CLOSE_NO_STATUS;
	*text = slice_of(NULL, 0);
	if (payload.len == 0)
		return REASON_NONE;
	//= rfc6455#5.5.1 "If there is a body, the first two bytes of the body MUST be a 2-byte
	// unsigned integer"
	if (payload.len < CODE_BYTES)
		return REASON_WS_CLOSE_CODE;
	unsigned got = (unsigned)(uint8_t)payload.data[0] << 8 | (uint8_t)payload.data[1];
	if (!ws_close_code_travels((uint16_t)got))
		return REASON_WS_CLOSE_CODE;
	struct slice rest = slice_from(payload, CODE_BYTES);
	if (!utf8_valid(rest))
		return REASON_WS_UTF8;
	*code = (uint16_t)got;
	*text = rest;
	return REASON_NONE;
}

/* The longest part of the text that fits and ends behind a whole character. */
static size_t cut_text(struct slice text)
{
	size_t len = TEXT_MAX;

	if (text.len <= len)
		return text.len;
	while (len && ((uint8_t)text.data[len] & 0xc0) == 0x80)
		len--;
	return len;
}

size_t ws_close_payload(uint16_t code, struct slice text, char out[WS_CONTROL_MAX])
{
	if (!ws_close_code_travels(code))
		return 0;
	size_t len = cut_text(text);
	out[0] = (char)(code >> 8);
	out[1] = (char)(code & 0xff);
	if (len)
		memcpy(out + CODE_BYTES, text.data, len);
	return CODE_BYTES + len;
}

size_t ws_close_payload_for(enum reason why, char out[WS_CONTROL_MAX])
{
	return ws_close_payload(reason_close_code(why), slice_from_cstr(reason_word(why)), out);
}
