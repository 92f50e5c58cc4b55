/* SPDX-License-Identifier: Apache-2.0 */
/* simdjson's document parser; it copies the text to have its padding. */
#include <simdjson.h>

#include "bench_peers.h"

size_t peer_simdjson(const char *text, size_t len)
{
	static simdjson::dom::parser parser;
	simdjson::dom::element root;

	if (parser.parse(text, len).get(root))
		return 0;
	return static_cast<size_t>(root.type());
}
