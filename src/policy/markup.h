/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * `text:` of a rule: what becomes of markup in a string that people will see in a page.
 *
 * The promise is about element content (innerHTML, a template's {text}): whatever comes out
 * creates no element there except those that `html` allows, and runs nothing. Only `escape`
 * also holds inside a quoted attribute. Nothing here makes a string safe inside a script, a
 * style sheet or a URL.
 *
 *   escape   & < > " ' become &amp; &lt; &gt; &quot; &#39;. Every string can be read back.
 *   strip    Tags, comments, doctypes and processing instructions go, with the content of
 *            elements that hold no text for people (script, style, iframe, ...). A '<' that
 *            begins none of them stays, unless what was removed behind it would make it
 *            begin one: then it goes. From a tag that never ends on, only the '<' go.
 *            Character references stay as they are. strip(strip(x)) is strip(x).
 *   refuse   Text with markup is refused: a '<' followed by a letter, '/', '!' or '?'. So
 *            "a < b", "<3" and "1 <2" pass, "a <b" and "</3" do not: an HTML parser swallows
 *            them. Character references pass: they only ever become text.
 *   html     A few elements stay (docs/config/text.md lists them), rebuilt from nothing but
 *            their name, links with the http, https or mailto URL they had; every other tag
 *            goes as with strip. What is text is escaped where it must be. Tags are balanced
 *            and html(html(x)) is html(x).
 *
 * Time is linear in the text for all of them, and the result is at most six times as long.
 */
#include "base/arena.h"
#include "base/reason.h"
#include "base/slice.h"
#include "conf/treatment.h"

/*
 * Returns REASON_NONE with *out set, or REASON_MARKUP with *out empty. Text that need not
 * change is returned as it is (out->data == text.data), anything else lies in the arena.
 * No memory, or a mode that does not exist, is REASON_MARKUP too.
 */
enum reason markup_apply(enum markup_mode mode, struct slice text, struct arena *arena,
			 struct slice *out) __attribute__((warn_unused_result));

/* True: markup_apply would return the text as it is. False: it knows. */
bool markup_leaves(enum markup_mode mode, struct slice text);

/* What `refuse` asks. */
bool markup_present(struct slice text);
