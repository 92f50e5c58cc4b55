/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of sallyport connect; see connect.h. */
#include "cmd/connect.h"

#include <getopt.h>
#include <stdio.h>

#include <curl/curl.h>

#include "base/num.h"
#include "cmd/cmd.h"

static const char usage[] =
	"usage: sallyport connect [options] URL\n"
	"\n"
	"Opens a WebSocket, sends each line of standard input as a text message and prints each\n"
	"message that comes as a line. After the end of the input it stays until nothing has\n"
	"come for a while, then closes. URL: ws://..., wss://... or ws+unix:///socket:/path\n"
	"\n"
	"  -H, --header 'NAME: VALUE'  a field of the request; may be repeated\n"
	"      --origin ORIGIN         the page that asks, as https://shop.example\n"
	"      --cookie 'NAME=VALUE'   cookies, as a browser would send them\n"
	"      --subprotocol NAME      offer it; may be repeated\n"
	"      --ticket-from URL       ask there for a ticket first (POST; with a cookie, a CSRF\n"
	"                              token is fetched too) and present it\n"
	"      --binary                lines are hexadecimal and are sent as binary messages\n"
	"      --compress              offer permessage-deflate\n"
	"      --wait DURATION         silence to wait for after the end of the input (1s)\n"
	"      --count N               close after N messages; an error if they do not come\n"
	"      --timeout DURATION      for the handshake, and for the messages of --count (10s)\n"
	"      --ca FILE               certificate authorities to trust besides the system's\n"
	"  -k, --insecure              do not verify the certificate\n"
	"  -v, --verbose               explain the handshake and every frame (secrets withheld)\n"
	"  -h, --help\n"
	"\n"
	"Exit status: 0 closed normally, 1 refused or closed for a reason, 2 wrong use.\n";

enum option_id {
	OPTION_ORIGIN = 256,
	OPTION_COOKIE,
	OPTION_SUBPROTOCOL,
	OPTION_TICKET_FROM,
	OPTION_BINARY,
	OPTION_COMPRESS,
	OPTION_WAIT,
	OPTION_COUNT,
	OPTION_TIMEOUT,
	OPTION_CA,
};

static const struct option options[] = {
	{"header", required_argument, NULL, 'H'},
	{"origin", required_argument, NULL, OPTION_ORIGIN},
	{"cookie", required_argument, NULL, OPTION_COOKIE},
	{"subprotocol", required_argument, NULL, OPTION_SUBPROTOCOL},
	{"ticket-from", required_argument, NULL, OPTION_TICKET_FROM},
	{"binary", no_argument, NULL, OPTION_BINARY},
	{"compress", no_argument, NULL, OPTION_COMPRESS},
	{"wait", required_argument, NULL, OPTION_WAIT},
	{"count", required_argument, NULL, OPTION_COUNT},
	{"timeout", required_argument, NULL, OPTION_TIMEOUT},
	{"ca", required_argument, NULL, OPTION_CA},
	{"insecure", no_argument, NULL, 'k'},
	{"verbose", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static int wrong_use(const char *what, const char *value)
{
	fprintf(stderr, "sallyport connect: %s: %s\n", what, value);
	return EXIT_WRONG_USE;
}

static int add_header(struct connect_options *o, struct slice name, struct slice value)
{
	if (o->header_count == CONNECT_HEADERS_MAX)
		return wrong_use("too many header fields", "at most 32");
	o->headers[o->header_count++] = (struct http_header){name, value};
	return EXIT_FINE;
}

static int add_header_line(struct connect_options *o, const char *line)
{
	struct slice all = slice_from_cstr(line);
	size_t colon = slice_index(all, ':');

	if (colon == 0 || colon == all.len)
		return wrong_use("a header field is written 'Name: value'", line);
	return add_header(o, slice_first(all, colon), slice_trim(slice_from(all, colon + 1)));
}

static int add_protocol(struct connect_options *o, const char *name)
{
	if (o->protocol_count == CONNECT_PROTOCOLS_MAX)
		return wrong_use("too many subprotocols", name);
	o->protocols[o->protocol_count++] = slice_from_cstr(name);
	return EXIT_FINE;
}

static int take_duration(const char *text, uint64_t *ms)
{
	return num_parse_duration_ms(slice_from_cstr(text), ms)
		       ? EXIT_FINE
		       : wrong_use("a duration is written 500ms, 30s, 5m or 12h", text);
}

static int take_option(struct connect_options *o, int option, const char *value)
{
	switch (option) {
	case 'H':
		return add_header_line(o, value);
	case 'k':
		o->insecure = true;
		return EXIT_FINE;
	case 'v':
		o->verbose = true;
		return EXIT_FINE;
	case OPTION_ORIGIN:
		o->origin = slice_from_cstr(value);
		return add_header(o, SLICE("Origin"), o->origin);
	case OPTION_COOKIE:
		o->cookie = slice_from_cstr(value);
		return add_header(o, SLICE("Cookie"), o->cookie);
	case OPTION_SUBPROTOCOL:
		return add_protocol(o, value);
	case OPTION_TICKET_FROM:
		o->ticket_from = value;
		return EXIT_FINE;
	case OPTION_BINARY:
		o->binary = true;
		return EXIT_FINE;
	case OPTION_COMPRESS:
		o->compress = true;
		return EXIT_FINE;
	case OPTION_WAIT:
		return take_duration(value, &o->wait_ms);
	case OPTION_TIMEOUT:
		return take_duration(value, &o->timeout_ms);
	case OPTION_COUNT:
		if (!num_parse_u64(slice_from_cstr(value), UINT32_MAX, &o->count) || o->count == 0)
			return wrong_use("a count is a number from 1 on", value);
		return EXIT_FINE;
	case OPTION_CA:
		o->ca_file = value;
		return EXIT_FINE;
	default:
		fputs("try: sallyport connect --help\n", stderr);
		return EXIT_WRONG_USE;
	}
}

static int take_url(struct connect_options *o, const char *text)
{
	const char *wrong = url_parse(slice_from_cstr(text), &o->url);

	if (wrong)
		return wrong_use(wrong, text);
	if (o->url.scheme != HTTP_SCHEME_WS && o->url.scheme != HTTP_SCHEME_WSS &&
	    o->url.scheme != HTTP_SCHEME_WS_UNIX)
		return wrong_use("a WebSocket's URL begins with ws:// or wss://", text);
	return EXIT_FINE;
}

static int run(struct connect_options *o)
{
	static char ticket[CONNECT_TICKET_MAX]; /* o points into it from here on */

	if (o->ticket_from) {
		int r = connect_ticket(o, ticket);
		if (r == EXIT_FINE)
			r = add_protocol(o, ticket);
		if (r)
			return r;
	}
	return connect_talk(o);
}

int cmd_connect(int argc, char **argv)
{
	struct connect_options o = {.wait_ms = 1000, .timeout_ms = 10000};
	int option;

	optind = 0; /* main may have used getopt before */
	while ((option = getopt_long(argc, argv, "H:kvh", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return EXIT_FINE;
		}
		int r = take_option(&o, option, optarg);
		if (r)
			return r;
	}
	if (optind + 1 != argc) {
		fputs(usage, stderr);
		return EXIT_WRONG_USE;
	}
	int r = take_url(&o, argv[optind]);
	if (r)
		return r;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	r = run(&o);
	curl_global_cleanup();
	return r;
}
