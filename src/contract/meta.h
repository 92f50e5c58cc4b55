/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The official metaschemas, as text; made from the files in meta/ when building.
 */
#include "base/slice.h"

struct meta_document {
	struct slice uri; /* without fragment */
	struct slice text;
};

extern const struct meta_document meta_documents[];
extern const unsigned meta_document_count;
