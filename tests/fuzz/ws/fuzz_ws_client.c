/* SPDX-License-Identifier: Apache-2.0 */
/* The reader towards applications: unmasked frames, which a fuzzer changes more easily. */
#include "reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return read_as(WS_CLIENT, data, size);
}
