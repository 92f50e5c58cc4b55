/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * `text: html`, the part of markup.h that lets a little markup through. Nothing is passed on
 * as it was: the elements below are written anew, without attributes but a checked href, in
 * a tree that is balanced and that no HTML parser rearranges.
 */
#include "base/arena.h"
#include "base/slice.h"

/* As markup_apply does; false when there is no room, then *out means nothing. */
bool markup_html(struct slice text, struct arena *arena, struct slice *out)
	__attribute__((warn_unused_result));

/*
 * The URL of an href as a browser would read it: character references decoded, blanks and
 * control characters around it and line breaks in it gone. Writes it to `out`, which has room
 * for value.len bytes. An empty slice when it is not plainly http, https or mailto.
 */
struct slice markup_href(struct slice value, char *out);
