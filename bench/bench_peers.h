/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Libraries to compare with, behind plain C functions. Each parses the text into its own
 * document and returns something that depends on it.
 */
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

size_t peer_simdjson(const char *text, size_t len);
size_t peer_rapidjson(const char *text, size_t len);
size_t peer_jansson(const char *text, size_t len);

#ifdef __cplusplus
}
#endif
