/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Errors about us (never about a peer: those are verdicts, see reason.h).
 *
 * A function that can fail returns an int:
 *   0         done
 *   negative  -errno: it cannot go on; passed up unchanged
 *   positive  this function's own documented outcome; its caller handles it
 * The first to notice says what happened with err_raise; whoever handles the error
 * reads the sentence with err_text. The sentence is per thread and is overwritten by
 * the next err_raise.
 */
#include <errno.h>

#ifdef __clang_analyzer__ /* which cannot know that it is never 0 */
#define err_raise(code, ...) (err_raise_at((code), __FILE__, __LINE__, __VA_ARGS__), -1)
#else
#define err_raise(code, ...) err_raise_at((code), __FILE__, __LINE__, __VA_ARGS__)
#endif

/* Remembers the sentence and returns -|code|. Never contains secrets. */
int err_raise_at(int code, const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 4, 5), cold));

/* The last sentence raised on this thread, with the text of its errno; never NULL. */
const char *err_text(void);

/* The same without the place in the source: for people. */
const char *err_sentence(void);
