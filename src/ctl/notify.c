/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol is small enough to need no library; see notify.h and sd_notify(3). */
#include "ctl/notify.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/num.h"

enum { MESSAGE_BYTES = 512 };

static int to_manager = -1;
static bool watched;

static bool number(const char *name, uint64_t *out)
{
	const char *text = getenv(name);
	return text && num_parse_u64(slice_from_cstr(text), UINT64_MAX, out);
}

/* "/path", or "@name" for one without a file. */
static void connect_to(const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	size_t len = strlen(path);

	if ((path[0] != '/' && path[0] != '@') || len < 2 || len >= sizeof(name.sun_path))
		return;
	memcpy(name.sun_path, path, len);
	if (path[0] == '@')
		name.sun_path[0] = '\0';
	to_manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (to_manager >= 0 && connect(to_manager, (const struct sockaddr *)&name,
				       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len))) {
		close(to_manager);
		to_manager = -1;
	}
}

static size_t take_sockets(void)
{
	uint64_t pid, count;

	if (!number("LISTEN_PID", &pid) || pid != (uint64_t)getpid() ||
	    !number("LISTEN_FDS", &count))
		return 0;
	if (count > NOTIFY_SOCKETS_MAX)
		count = NOTIFY_SOCKETS_MAX;
	for (int fd = NOTIFY_FIRST_SOCKET; fd < NOTIFY_FIRST_SOCKET + (int)count; fd++) {
		int flags = fcntl(fd, F_GETFL);
		if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) ||
		    fcntl(fd, F_SETFD, FD_CLOEXEC))
			return (size_t)(fd - NOTIFY_FIRST_SOCKET);
	}
	return (size_t)count;
}

size_t notify_begin(void)
{
	static const char *const ours[] = {"LISTEN_PID",    "LISTEN_FDS",    "LISTEN_FDNAMES",
					   "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"};
	const char *path = getenv("NOTIFY_SOCKET");
	size_t sockets = take_sockets();
	uint64_t us, pid;

	if (path)
		connect_to(path);
	watched = number("WATCHDOG_USEC", &us) && us &&
		  (!number("WATCHDOG_PID", &pid) || pid == (uint64_t)getpid());
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		unsetenv(ours[i]);
	return sockets;
}

void notify_say(const char *format, ...)
{
	char text[MESSAGE_BYTES];
	va_list args;

	if (to_manager < 0)
		return;
	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n > 0 && (size_t)n < sizeof(text))
		(void)!send(to_manager, text, (size_t)n, MSG_NOSIGNAL);
}

void notify_alive(void)
{
	if (watched)
		notify_say("WATCHDOG=1");
}
