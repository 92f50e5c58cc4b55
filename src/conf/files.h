/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The disk and the machine, as conf/load asks about them. The one place of the layer that
 * makes system calls.
 */
#include "conf/load.h"

/* Valid until the next call on this thread; reads the limits of the moment. */
const struct conf_files *conf_files_real(void);
