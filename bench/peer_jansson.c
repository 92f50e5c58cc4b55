/* SPDX-License-Identifier: Apache-2.0 */
/* jansson, told to refuse duplicate keys. In a file of its own: its names are ours too. */
#include <jansson.h>

#include "bench_peers.h"

size_t peer_jansson(const char *text, size_t len)
{
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	size_t type = root ? (size_t)json_typeof(root) + 1 : 0;

	json_decref(root);
	return type;
}
