/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A bearer token that lies in a file of its own.
 */
#include "base/slice.h"

enum { SECRET_FILE_LEAST = 16 };

/* Reads the file's text without the line feed at its end into room[0..bytes). `setting` is for the
 * sentence. Returns 0, or -errno when it cannot be read, has line feeds inside, or is shorter
 * than SECRET_FILE_LEAST bytes or longer than room. */
int secret_file_read(const char *setting, struct slice path, char *room, size_t bytes, size_t *len);
