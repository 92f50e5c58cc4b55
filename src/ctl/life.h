/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Once a second, on the control thread: do all the workers' loops still turn?
 *
 *   all of them      the parent hears so, and the service manager from it
 *   not all          nobody hears anything
 *   one not for LIFE_STUCK_S   the process says so and aborts; the parent starts another
 *
 * Seconds are counted as rounds of the control thread: a process that was stopped as a whole
 * has not been stuck.
 *
 * Once a day, and after each reload: how long the certificates are still good.
 */
#include "ctl/serve_priv.h"

enum {
	LIFE_STUCK_S = 10,
	LIFE_SOON_DAYS = 14, /* a certificate ends so soon: a warning */
	LIFE_LATE_DAYS = 2,  /* an error */
};

void life_start(struct serve *s);
void life_stop(struct serve *s);

/* There are new certificates. */
void life_look_at_certificates(struct serve *s);
