/* SPDX-License-Identifier: Apache-2.0 */
/* rapidjson's document parser, told to check UTF-8 and to round numbers correctly. */
#include <rapidjson/document.h>

#include "bench_peers.h"

size_t peer_rapidjson(const char *text, size_t len)
{
	rapidjson::Document document;

	document.Parse<rapidjson::kParseValidateEncodingFlag | rapidjson::kParseFullPrecisionFlag>(
		text, len);
	return document.HasParseError() ? 0 : static_cast<size_t>(document.GetType());
}
