/* SPDX-License-Identifier: Apache-2.0 */
/* From root to somebody else, and no way back; see privileges.h. */
#include "ctl/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/err.h"

enum { NAME_BYTES = 256 };

/* What was dropped must not come back, whichever way it is asked for. */
static bool is_for_good(uid_t uid, gid_t gid)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	if (getresuid(&r, &e, &s) || getresgid(&rg, &eg, &sg))
		return false;
	return r == uid && e == uid && s == uid && rg == gid && eg == gid && sg == gid &&
	       setresuid(0, 0, 0) && seteuid(0) && setresgid(0, 0, 0);
}

int privileges_drop(struct slice user)
{
	char name[NAME_BYTES];
	pid_t parent = getppid();

	if (user.len >= sizeof(name))
		return err_raise(ENAMETOOLONG, "user");
	snprintf(name, sizeof(name), "%.*s", SLICE_ARG(user));
	errno = 0;
	const struct passwd *to = getpwnam(name);
	if (!to)
		return err_raise(errno ? errno : ENOENT, "user %s", name);
	uid_t uid = to->pw_uid;
	gid_t gid = to->pw_gid;
	if (uid == 0)
		return err_raise(EINVAL, "user %s is root", name);
	if (geteuid() == uid)
		return 0;
	if (geteuid() != 0)
		return err_raise(EPERM, "user %s: only root can become somebody else", name);
	if (initgroups(name, gid) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		return err_raise(errno, "user %s", name);
	if (!is_for_good(uid, gid))
		return err_raise(EPERM, "user %s: root could be had again", name);
	/* The wish to end with the parent got lost on the way. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) || getppid() != parent)
		return err_raise(ESRCH, "the parent is gone");
	return 0;
}

bool privileges_are_all(void)
{
	return geteuid() == 0;
}
