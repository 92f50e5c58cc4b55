/* SPDX-License-Identifier: Apache-2.0 */
/* `alerts`: webhooks for operators. No sentence from here repeats a URL behind its host. */
#include "base/alert.h"
#include "conf/load_priv.h"

enum { PLACE_BYTES = 512 };

static void check_url(struct load *l, const struct yaml_node *node, const struct url *u,
		      bool cleartext_allowed)
{
	if (u->scheme != HTTP_SCHEME_HTTP && u->scheme != HTTP_SCHEME_HTTPS) {
		diag_add(l->diag, DIAG_ERROR, node->at, "`webhook` is an http or https URL");
	} else if (u->port == 0) {
		diag_add(l->diag, DIAG_ERROR, node->at, "`webhook` needs a port that is not 0");
	} else if (u->scheme == HTTP_SCHEME_HTTP && !load_host_is_local(u->host) &&
		   !cleartext_allowed) {
		diag_add(l->diag, DIAG_ERROR, node->at,
			 "`webhook` sends alerts in clear text beyond loopback");
		diag_help(l->diag, "use https, or write `cleartext: allowed` beside it");
	}
}

static void read_url(struct load *l, const struct yaml_node *map, struct conf_alert *out)
{
	const struct yaml_node *node = load_get(map, SET_ALERT_WEBHOOK);
	char room[PLACE_BYTES], place[PLACE_BYTES + 16];
	struct url u;

	out->cleartext_allowed = load_is(map, SET_ALERT_CLEARTEXT, "allowed");
	if (!load_text(node).len)
		return;
	const char *fault = url_parse(node->text, &u);
	if (fault) {
		diag_add(l->diag, DIAG_ERROR, node->at, "`webhook`: %s", fault);
		diag_help(l->diag, "write `https://ops.example.com/hook`, say");
		return;
	}
	check_url(l, node, &u, out->cleartext_allowed);
	out->webhook = load_copy(l, node->text);
	struct slice authority = url_authority(&u, room, sizeof(room));
	int n = snprintf(place, sizeof(place), "http%s://%.*s",
			 u.scheme == HTTP_SCHEME_HTTPS ? "s" : "", SLICE_ARG(authority));
	out->place = load_copy(l, slice_of(place, n > 0 ? (size_t)n : 0));
}

static void read_on(struct load *l, const struct yaml_node *map, struct conf_alert *out)
{
	const struct yaml_node *on = load_get(map, SET_ALERT_ON);
	struct load_items items = load_items(on);

	for (const struct yaml_node *item; (item = load_next(&items));) {
		enum alert_kind kind = alert_from_word(load_text(item));
		if (kind != ALERT_NONE)
			out->on |= ALERT_BIT(kind);
	}
	if (!on)
		out->on = UINT32_MAX;
	else if (on->kind == YAML_LIST && on->count == 0)
		diag_add(l->diag, DIAG_WARNING, on->at, "this webhook is never called");
}

static void read_token(struct load *l, const struct yaml_node *map, struct conf_alert *out)
{
	const struct yaml_node *token = load_get(map, SET_ALERT_TOKEN);
	struct conf_file_info info;

	if (!load_text(token).len)
		return;
	out->token_file = load_file_path(l, token->text);
	if (!load_look(l, token, out->token_file, false, "the token", &info) || !(info.mode & 0007))
		return;
	diag_add(l->diag, DIAG_UNSAFE, token->at,
		 "the token %.*s is open to everybody on this machine (mode %04o)",
		 SLICE_ARG(out->token_file), info.mode);
	diag_help(l->diag, "chmod 0600 %.*s", SLICE_ARG(out->token_file));
}

void load_alerts(struct load *l)
{
	const struct yaml_node *list = load_get(l->root, SET_ALERTS);
	struct load_items items = load_items(list);
	struct conf_alert *all;
	size_t count = 0;

	if (load_count(list) > CONF_ALERTS_MAX) {
		diag_add(l->diag, DIAG_ERROR, list->at, "more than %d webhooks",
			 (int)CONF_ALERTS_MAX);
		return;
	}
	all = load_room(l, load_count(list), sizeof(*all));
	for (const struct yaml_node *item; all && (item = load_next(&items));) {
		if (item->kind != YAML_MAP)
			continue;
		struct conf_alert *out = &all[count++];
		load_fields(SECTION_ALERT, item, out);
		read_url(l, item, out);
		read_on(l, item, out);
		read_token(l, item, out);
	}
	l->s->alerts = all;
	l->s->alert_count = count;
}
