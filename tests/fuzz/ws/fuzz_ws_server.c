/* SPDX-License-Identifier: Apache-2.0 */
/* The reader towards clients: masked frames, everything hostile. */
#include "reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return read_as(WS_SERVER, data, size);
}
