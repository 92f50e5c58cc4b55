/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A few times a second, on the control thread: do all the workers' loops still turn?
 *
 *   this one         is what the parent looks at (ctl/beat)
 *   all of them      the parent hears so each second, and the service manager from it
 *   not all          nobody hears anything
 *   one is stuck     the process says so and aborts; the parent starts another
 *
 * What stuck means, and what it does not: ctl/watch.
 *
 * Once a second: what the levels of siege, the audit log and alerts need. Once a day, and after
 * each reload: how long the certificates are still good.
 */
#include "ctl/serve_priv.h"

enum {
	LIFE_SOON_DAYS = 14, /* a certificate ends so soon: a warning */
	LIFE_LATE_DAYS = 2,  /* an error */
};

void life_start(struct serve *s);
void life_stop(struct serve *s);

/* There are new certificates. */
void life_look_at_certificates(struct serve *s);
