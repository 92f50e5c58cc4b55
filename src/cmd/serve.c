/* SPDX-License-Identifier: Apache-2.0 */
/* sallyport serve: runs the gateway in the foreground. */
#include <getopt.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "ctl/parent.h"
#include "ctl/serve.h"

static void usage(FILE *to)
{
	fputs("usage: sallyport serve [-c FILE]\n\n"
	      "  -c, --config FILE   the configuration (sallyport.yaml)\n\n"
	      "Stays in the foreground and logs to standard error. SIGTERM drains, a second one "
	      "ends;\n"
	      "SIGHUP reads the configuration again; SIGUSR1 looks for the audit log's file again; "
	      "SIGUSR2\nrolls to the binary as it is on disk now.\n",
	      to);
}

int cmd_serve(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	static char usual[] = "sallyport.yaml";
	char *configuration = usual;

	for (int o; (o = getopt_long(argc, argv, "c:h", options, NULL)) != -1;) {
		if (o == 'c') {
			configuration = optarg;
		} else {
			usage(o == 'h' ? stdout : stderr);
			return o == 'h' ? EXIT_FINE : EXIT_WRONG_USE;
		}
	}
	if (optind < argc) {
		usage(stderr);
		return EXIT_WRONG_USE;
	}
	return parent_present() ? serve_run(configuration) : parent_run(configuration);
}
