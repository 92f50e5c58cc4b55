/* SPDX-License-Identifier: Apache-2.0 */
/* One remembered sentence per thread; see err.h. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

static _Thread_local char sentence[512] = "no error";
static _Thread_local char traced[640];

int err_raise_at(int code, const char *file, int line, const char *format, ...)
{
	va_list args;

	if (code > 0)
		code = -code;
	va_start(args, format);
	int used = vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	if (code < 0 && used >= 0 && (size_t)used < sizeof(sentence))
		snprintf(sentence + used, sizeof(sentence) - (size_t)used, ": %s", strerror(-code));
	snprintf(traced, sizeof(traced), "%s (%s:%d)", sentence, file, line);
	return code;
}

const char *err_text(void)
{
	return traced[0] ? traced : sentence;
}

const char *err_sentence(void)
{
	return sentence;
}
