/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does this look like an attack? See detect.h.
 *
 *   text -> percent-decoded -> references -> escapes -> folded
 *     |            |               |            |          |
 *   judged       judged          judged       judged     judged, each where it differs
 *
 * Each view is made from the one before it, so that a string that was wrapped in several
 * ways is unwrapped in the order in which applications unwrap.
 */
#include "policy/detect.h"

#include "policy/detect_hint.h"
#include "policy/detect_view.h"
#include "policy/injection.h"

static unsigned judge(unsigned wanted, struct slice text)
{
	char fingerprint[FINGERPRINT_BYTES];
	unsigned found = 0;

	if ((wanted & DETECT_XSS) && (injection_is_xss(text) || detect_hint_xss(text)))
		found |= DETECT_XSS;
	if (wanted & DETECT_SQLI) {
		bool sqli = injection_is_sqli(text, fingerprint);
		if ((sqli && !detect_hint_prose(text, fingerprint)) || detect_hint_sqli(text))
			found |= DETECT_SQLI;
	}
	return found;
}

/* Letters and digits: a name, a word, a number. That is no attack on anything, and it is what
 * most strings of most messages are. (With an underscore it may be: xp_cmdshell.) */
static bool is_word(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char lower = (unsigned char)text.data[i] | 0x20;
		if ((unsigned)(lower - 'a') > 25 && (unsigned)(text.data[i] - '0') > 9)
			return false;
	}
	return true;
}

unsigned detect_find(unsigned wanted, struct slice text, struct arena *arena)
{
	if (is_word(text))
		return 0;

	static const detect_view_fn views[] = {detect_view_percent, detect_view_references,
					       detect_view_escapes, detect_view_folded};
	unsigned found = judge(wanted, text);
	struct slice view = text;

	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]) && found != wanted; i++) {
		char *room = arena_alloc(arena, text.len + !text.len);
		if (!room)
			return wanted;
		struct slice next = views[i](view, room);
		if (next.data == view.data)
			continue;
		view = next;
		found |= judge(wanted & ~found, view);
	}
	return found;
}
