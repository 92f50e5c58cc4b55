/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An echo with libwebsockets:  peer_lws PORT
 *
 * As its examples do it: what came is kept and sent from the callback that says that there
 * is room, one message a time.
 */
#include <libwebsockets.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct piece {
	struct piece *next;
	size_t len;
	bool first, last;
	unsigned char data[];
};

struct visitor {
	struct piece *oldest, **end;
};

static bool keep(struct visitor *v, struct lws *wsi, const void *in, size_t len)
{
	struct piece *p = malloc(sizeof(*p) + LWS_PRE + len);

	if (!p)
		return false;
	*p = (struct piece){.len = len,
			    .first = lws_is_first_fragment(wsi),
			    .last = lws_is_final_fragment(wsi)};
	memcpy(p->data + LWS_PRE, in, len);
	*v->end = p;
	v->end = &p->next;
	lws_callback_on_writable(wsi);
	return true;
}

static bool send_one(struct visitor *v, struct lws *wsi)
{
	struct piece *p = v->oldest;

	if (!p)
		return true;
	int flags = lws_write_ws_flags(LWS_WRITE_TEXT, p->first, p->last);
	int n = lws_write(wsi, p->data + LWS_PRE, p->len, (enum lws_write_protocol)flags);
	v->oldest = p->next;
	if (!v->oldest)
		v->end = &v->oldest;
	else
		lws_callback_on_writable(wsi);
	free(p);
	return n >= 0;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		    size_t len)
{
	struct visitor *v = user;

	switch ((int)reason) {
	case LWS_CALLBACK_ESTABLISHED:
		v->oldest = NULL;
		v->end = &v->oldest;
		return 0;
	case LWS_CALLBACK_RECEIVE:
		return keep(v, wsi, in, len) ? 0 : -1;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return send_one(v, wsi) ? 0 : -1;
	case LWS_CALLBACK_CLOSED:
		while (v->oldest) {
			struct piece *p = v->oldest;
			v->oldest = p->next;
			free(p);
		}
		return 0;
	default:
		return 0;
	}
}

int main(int argc, char **argv)
{
	static const struct lws_protocols protocols[] = {
		{"echo", on_event, sizeof(struct visitor), 65536, 0, NULL, 0},
		{NULL, NULL, 0, 0, 0, NULL, 0},
	};
	struct lws_context_creation_info info = {
		.port = argc > 1 ? atoi(argv[1]) : 7681,
		.iface = "127.0.0.1",
		.protocols = protocols,
		.options = LWS_SERVER_OPTION_DISABLE_IPV6,
	};

	lws_set_log_level(LLL_ERR, NULL);
	struct lws_context *context = lws_create_context(&info);
	if (!context)
		return 1;
	while (lws_service(context, 0) >= 0)
		;
	lws_context_destroy(context);
	return 0;
}
