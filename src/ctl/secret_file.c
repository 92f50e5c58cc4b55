/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a token; see secret_file.h. */
#include "ctl/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"

/* It stands in a header field. */
static bool is_token(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.data[i] <= 0x20 || (unsigned char)s.data[i] >= 0x7f)
			return false;
	return true;
}

int secret_file_read(const char *setting, struct slice path, char *room, size_t bytes, size_t *len)
{
	char name[PATH_MAX];

	if (path.len >= sizeof(name))
		return err_raise(ENAMETOOLONG, "%s", setting);
	snprintf(name, sizeof(name), "%.*s", SLICE_ARG(path));
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, room, bytes);
	int failed = errno;
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return err_raise(failed, "%s %s", setting, name);
	struct slice token = slice_of(room, (size_t)n);
	while (token.len &&
	       (token.data[token.len - 1] == '\n' || token.data[token.len - 1] == '\r'))
		token.len--;
	*len = token.len;
	if ((size_t)n == bytes || token.len < SECRET_FILE_LEAST)
		return err_raise(EINVAL, "%s %s: shorter than %d bytes, or far too long", setting,
				 name, (int)SECRET_FILE_LEAST);
	return is_token(token) ? 0
			       : err_raise(EINVAL, "%s %s: not one line of ASCII", setting, name);
}
