/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other main of every fuzz target: runs it once over each file of the folders named
 * on the command line, so that every input that ever mattered is tried in every check.
 * A folder that does not exist or is empty is a failure: a corpus cannot vanish unseen.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		return -1;
	static uint8_t input[1 << 20];
	size_t size = fread(input, 1, sizeof(input), f);
	fclose(f);
	/* An exact copy on the heap, so that sanitizers see one byte too far. */
	uint8_t *copy = malloc(size ? size : 1);
	if (!copy)
		return -1;
	for (size_t i = 0; i < size; i++)
		copy[i] = input[i];
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	return 0;
}

static int replay_folder(const char *folder)
{
	int files = 0;
	DIR *d = opendir(folder);
	if (!d)
		return -1;
	for (struct dirent *entry; (entry = readdir(d));) {
		char path[4096];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (replay_file(path)) {
			files = -1;
			break;
		}
		files++;
	}
	closedir(d);
	return files;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int files = replay_folder(argv[i]);
		if (files <= 0) {
			fprintf(stderr, "%s: no corpus\n", argv[i]);
			return 1;
		}
		printf("%s: %d inputs\n", argv[i], files);
	}
	return argc < 2;
}
