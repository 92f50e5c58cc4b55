/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How many descriptors this process has open: before and after, for whoever must lose none.
 */
#include <dirent.h>

#include "unit.h"

static inline unsigned open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}
