/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The beginning of a connection behind a balancer. Holds: the longer the input, the firmer
 * the answer (MORE may become anything, DONE and MALFORMED stay); what follows the header
 * does not change it; DONE never takes more than there is.
 */
#include "base/obj.h"
#include "policy/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice all = slice_of((const char *)data, size);
	struct proxy_header whole = {0};
	enum proxy_outcome last = proxy_header_parse(all, &whole);
	size_t most = size < 300 ? size : 300;

	if (last == PROXY_DONE) {
		MUST(whole.bytes > 0 && whole.bytes <= size && whole.bytes <= PROXY_HEADER_MAX);
		MUST(!whole.local || whole.source.family == 0);
	}
	MUST(last != PROXY_MORE || size < PROXY_HEADER_MAX);
	for (size_t len = 0; len < most; len++) {
		struct proxy_header part = {0};
		enum proxy_outcome r = proxy_header_parse(slice_first(all, len), &part);
		if (r == PROXY_MORE)
			continue;
		MUST(r == last);
		if (r == PROXY_DONE)
			MUST(part.bytes == whole.bytes && part.local == whole.local &&
			     part.source.family == whole.source.family &&
			     part.source.port == whole.source.port);
	}
	return 0;
}
