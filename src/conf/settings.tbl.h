/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every setting of sallyport.yaml, one row each, in the order of the manual. The row is the
 * key that is accepted, the check of its type and range, its default, and its line in the
 * manual. No include guard: included many times.
 *
 * SECTION(id, path, sentence)
 * SETTING(id, section, key, type, flags, section of its maps, default, range or words, field, sentence)
 */
/* clang-format off */
SECTION(FILE,         "",                    "The whole file")
SECTION(LISTENER,     "listen[]",            "A listener that needs more than its URL")
SECTION(TLS,          "tls",                 "Certificates and versions of TLS, for all https listeners")
SECTION(CERTIFICATE,  "tls.certificates[]",  "A certificate chain and its private key")
SECTION(IDENTITY,     "identity.<name>",     "A named way to prove who one is: exactly one kind")
SECTION(TICKET,       "identity.<name>.ticket", "A one-time ticket that the gateway issued")
SECTION(COOKIE,       "identity.<name>.cookie", "A session cookie that the application verifies")
SECTION(JWT,          "identity.<name>.jwt", "A signed token")
SECTION(MTLS,         "identity.<name>.mtls", "A client certificate")
SECTION(ROUTE,        "routes[]",            "A WebSocket path: who may open it, and where it leads")
SECTION(ORIGINS,      "routes[].origins",    "Pages and programs that may connect")
SECTION(CONTRACT,     "routes[].contract",   "The AsyncAPI document of a route")
SECTION(RULES,        "routes[].rules",      "What each message may say; what no rule speaks of is refused")
SECTION(RULE,         "routes[].rules.client.<message>", "A message that clients send, by its id in the contract, or `*`")
SECTION(RULE_RATE,    "routes[].rules.client.<message>.rate", "A rate, and over whose messages it counts")
SECTION(RUNNING,      "routes[].rules.client.<message>.running", "A message that starts something expensive")
SECTION(UNIQUE,       "routes[].rules.client.<message>.unique", "A message that may come only once")
SECTION(SERVER_RULE,  "routes[].rules.server.<message>", "A message that the application sends, by its id in the contract, or `*`")
SECTION(ON_REFUSAL,   "routes[].on_refusal", "What happens when a client's message is refused")
SECTION(FORWARD,      "routes[].forward",    "What of the handshake the upstream gets to see")
SECTION(ROUTE_LIMITS, "routes[].limits",     "Limits of each connection of a route")
SECTION(JSON_LIMITS,  "routes[].limits.json", "Limits of each JSON message")
SECTION(SITE,         "site[]",              "Ordinary HTTP on the same origin")
SECTION(LIMITS,       "limits",              "Limits of the whole gateway")
SECTION(SIEGE,        "siege",               "When less is let in, and who still is")
SECTION(ADMIN,        "admin",               "The listener for operators")
SECTION(LOG,          "log",                 "What is logged")
SECTION(AUDIT,        "log.audit",           "The log of decisions for auditors")
SECTION(ALERT,        "alerts[]",            "A webhook for operators")

/* --- the file */
SETTING(LISTEN, FILE, "listen", SETTING_LIST, SETTING_REQUIRED | SETTING_OR_TEXT, LISTENER, "", "", NO_FIELD,
	"Where to listen: `https://ADDRESS:PORT` (wss and https) or `http://ADDRESS:PORT` (clear text, only on loopback unless the words `cleartext: allowed` stand beside it)")
SETTING(TLS, FILE, "tls", SETTING_MAP, 0, TLS, "", "", NO_FIELD,
	"Certificates and versions of TLS; needed by every https listener")
SETTING(HOSTS, FILE, "hosts", SETTING_TEXTS, 0, NONE, "", "", NO_FIELD,
	"Names that are ours, beside those of the certificates and the literal addresses of the listeners; a request for any other Host gets 421")
SETTING(TRUSTED_PROXIES, FILE, "trusted_proxies", SETTING_TEXTS, 0, NONE, "[]", "", NO_FIELD,
	"Networks whose PROXY header, `Forwarded` and `X-Forwarded-For` are believed; nobody's by default")
SETTING(PROXY_PROTOCOL, FILE, "proxy_protocol", SETTING_WORD, 0, NONE, "off", "off | required", NO_FIELD,
	"Whether connections start with a PROXY header (versions 1 and 2); with `required` only `trusted_proxies` may connect")
SETTING(KEYS, FILE, "keys", SETTING_FOLDER, 0, NONE, "keys/", "", NO_FIELD,
	"Folder of secret keys for tickets and CSRF tokens; made at first start, its files with mode 0600; share it between nodes, rotate by adding a file")
SETTING(IDENTITY, FILE, "identity", SETTING_NAMED, 0, IDENTITY, "", "", NO_FIELD,
	"Named ways to prove who one is; routes choose among them with `identify`")
SETTING(ROUTES, FILE, "routes", SETTING_LIST, 0, ROUTE, "", "", NO_FIELD,
	"WebSocket paths; a path that no route has gets 404. The most specific path wins, whatever the order")
SETTING(SITE, FILE, "site", SETTING_LIST, 0, SITE, "", "", NO_FIELD,
	"Ordinary HTTP on the same origin; routes go first")
SETTING(STORE, FILE, "store", SETTING_TEXT, 0, NONE, "memory", "memory | redis://host:6379/0 | rediss://", NO_FIELD,
	"Where tickets live and revocations are passed on: this process's memory, or the Redis that all nodes share; rediss is over TLS")
SETTING(LIMITS, FILE, "limits", SETTING_MAP, 0, LIMITS, "", "", NO_FIELD,
	"Limits of the whole gateway; those of a connection stand under its route")
SETTING(SIEGE, FILE, "siege", SETTING_MAP, 0, SIEGE, "", "", NO_FIELD,
	"When less is let in because of load, and who still is: the levels are in the manual under SIEGE")
SETTING(ADMIN, FILE, "admin", SETTING_MAP, 0, ADMIN, "", "", NO_FIELD,
	"Metrics, health and API for operators; off when left out")
SETTING(LOG, FILE, "log", SETTING_MAP, 0, LOG, "", "", NO_FIELD,
	"What is logged; to standard error, one JSON object per line")
SETTING(ALERTS, FILE, "alerts", SETTING_LIST, 0, ALERT, "[]", "", NO_FIELD,
	"Webhooks that are called when something needs a person")
SETTING(WORKERS, FILE, "workers", SETTING_COUNT_OF, 0, NONE, "", "1..256", FIELD(snapshot, workers),
	"Threads that serve connections; one per processor when left out")
SETTING(USER, FILE, "user", SETTING_TEXT, 0, NONE, "", "", NO_FIELD,
	"The user that the gateway becomes when root has started it, after sockets are open and keys and certificates are read")
SETTING(SANDBOX, FILE, "sandbox", SETTING_WORD, 0, NONE, "on", "on | off", NO_FIELD,
	"Whether the process gives up, once it has started, files that the configuration does not name (Landlock) and system calls that a gateway does not make (seccomp)")

/* --- listen */
SETTING(LISTENER_URL, LISTENER, "url", SETTING_URL, SETTING_REQUIRED, NONE, "", "", NO_FIELD,
	"`https://ADDRESS:PORT` or `http://ADDRESS:PORT`; the address is literal, 0.0.0.0 or [::] for all, or `localhost`")
SETTING(LISTENER_CLEARTEXT, LISTENER, "cleartext", SETTING_WORD, 0, NONE, "", "allowed", NO_FIELD,
	"`allowed`: clear text beyond loopback is meant; whoever is on the way reads and changes everything")
SETTING(LISTENER_PROXY_PROTOCOL, LISTENER, "proxy_protocol", SETTING_WORD, 0, NONE, "off", "off | required", NO_FIELD,
	"As `proxy_protocol` of the file, for this listener")

/* --- tls */
SETTING(TLS_CERTIFICATES, TLS, "certificates", SETTING_LIST, 0, CERTIFICATE, "", "", NO_FIELD,
	"Certificates, chosen by the name that the client asks for (SNI); the first is the default")
SETTING(TLS_MINIMUM, TLS, "minimum", SETTING_WORD, 0, NONE, "1.2", "1.2 | 1.3", NO_FIELD,
	"The oldest version of TLS that is spoken")
SETTING(TLS_CLIENT_CA, TLS, "client_ca", SETTING_FILE, 0, NONE, "", "", NO_FIELD,
	"PEM file: authorities of client certificates, for `mtls` identities. Nobody has to present a certificate; a bad one ends the TLS handshake")
SETTING(TLS_DEVELOPMENT, TLS, "development", SETTING_BOOLEAN, 0, NONE, "false", "", NO_FIELD,
	"A self-signed certificate for localhost, made at start; not for anybody else to use")
SETTING(CERTIFICATE_CERTIFICATE, CERTIFICATE, "certificate", SETTING_FILE, SETTING_REQUIRED, NONE, "", "", NO_FIELD,
	"PEM file: the server's certificate, then the intermediate ones")
SETTING(CERTIFICATE_KEY, CERTIFICATE, "key", SETTING_FILE, SETTING_REQUIRED, NONE, "", "", NO_FIELD,
	"PEM file: its private key, readable by nobody else")

/* --- identity */
SETTING(IDENTITY_TICKET, IDENTITY, "ticket", SETTING_MAP, 0, TICKET, "", "", NO_FIELD,
	"A one-time ticket from `POST /.sallyport/ticket`")
SETTING(IDENTITY_COOKIE, IDENTITY, "cookie", SETTING_MAP, 0, COOKIE, "", "", NO_FIELD,
	"A session cookie, verified by the application")
SETTING(IDENTITY_ANYONE, IDENTITY, "anyone", SETTING_BOOLEAN, 0, NONE, "", "", NO_FIELD,
	"`true`: no credential at all; the subject is empty. The name `anyone` always exists")
SETTING(IDENTITY_JWT, IDENTITY, "jwt", SETTING_MAP, 0, JWT, "", "", NO_FIELD,
	"A signed token (JWT), verified by the gateway itself")
SETTING(IDENTITY_MTLS, IDENTITY, "mtls", SETTING_MAP, 0, MTLS, "", "", NO_FIELD,
	"A client certificate")
SETTING(TICKET_FROM, TICKET, "from", SETTING_TEXTS, 0, NONE, "", "", NO_FIELD,
	"Identities with which one may ask for a ticket, in the order in which they are tried")
SETTING(TICKET_TTL, TICKET, "ttl", SETTING_DURATION, 0, NONE, "30s", "100ms..1h", FIELD(conf_identity, ticket.ttl_ms),
	"How long a ticket may be used, once")
SETTING(TICKET_BIND, TICKET, "bind", SETTING_WORDS, 0, NONE, "[origin, route]", "origin | route | address", NO_FIELD,
	"What must be the same when the ticket is asked for and when it is used")
SETTING(COOKIE_NAME, COOKIE, "name", SETTING_TEXT, SETTING_REQUIRED, NONE, "", "", NO_FIELD,
	"The cookie's name")
SETTING(COOKIE_VERIFY, COOKIE, "verify", SETTING_URL, SETTING_REQUIRED, NONE, "", "", NO_FIELD,
	"Asked with GET and that cookie: 200 and JSON with `sub` is a yes, 401 and 403 are a no, anything else refuses with 503")
SETTING(COOKIE_CACHE, COOKIE, "cache", SETTING_DURATION, 0, NONE, "10s", "0s..5m", FIELD(conf_identity, cookie.cache_ms),
	"How long a yes is remembered, and so how long a session that ended may still open connections")
SETTING(COOKIE_RECHECK, COOKIE, "recheck", SETTING_DURATION, 0, NONE, "60s", "1s..24h", FIELD(conf_identity, cookie.recheck_ms),
	"How often an open connection's cookie is asked about again, and so how long a socket outlives a log-out")
SETTING(COOKIE_CSRF, COOKIE, "csrf", SETTING_WORD, 0, NONE, "required", "required | off", NO_FIELD,
	"Whether a token of `GET /.sallyport/csrf` must come with the cookie")
SETTING(COOKIE_CLEARTEXT, COOKIE, "cleartext", SETTING_WORD, 0, NONE, "", "allowed", NO_FIELD,
	"`allowed`: `verify` may be http beyond loopback; whoever is on the way sees the cookies and forges the answers")
SETTING(JWT_FROM, JWT, "from", SETTING_TEXTS, SETTING_REQUIRED, NONE, "", "", NO_FIELD,
	"Where the token is, the first place that has one: `authorization` (Bearer), `cookie:NAME`, `subprotocol:bearer` (an offered `bearer.TOKEN`), `query:NAME` (with `allow_in_url`)")
SETTING(JWT_JWKS, JWT, "jwks", SETTING_URL, 0, NONE, "", "", NO_FIELD,
	"URL of the issuer's key set; exactly one of `jwks`, `keys` and `secret`")
SETTING(JWT_KEYS, JWT, "keys", SETTING_TEXTS, 0, NONE, "", "", NO_FIELD,
	"Files of public keys instead: PEM (`BEGIN PUBLIC KEY`), a JWK, or a JWK set")
SETTING(JWT_SECRET, JWT, "secret", SETTING_FILE, 0, NONE, "", "", NO_FIELD,
	"File of a shared secret instead, at least 32 raw bytes, for `HS256`, `HS384`, `HS512`")
SETTING(JWT_ALGORITHMS, JWT, "algorithms", SETTING_TEXTS, SETTING_REQUIRED, NONE, "", "", NO_FIELD,
	"Signatures that are accepted: `ES256`, `ES384`, `ES512`, `EdDSA`, `RS256`, `RS384`, `RS512`, `PS256`, `PS384`, `PS512`; with `secret` only `HS256`, `HS384`, `HS512`; never `none`")
SETTING(JWT_ISSUER, JWT, "issuer", SETTING_TEXT, 0, NONE, "", "", NO_FIELD,
	"What the token's `iss` must be")
SETTING(JWT_AUDIENCE, JWT, "audience", SETTING_TEXTS, 0, NONE, "", "", NO_FIELD,
	"What the token's `aud` must name, or one of several; without it tokens made for other services are good here too")
SETTING(JWT_TYPE, JWT, "type", SETTING_TEXT, 0, NONE, "", "", NO_FIELD,
	"What the token's `typ` must be; without it `JWT`, `at+jwt` or none at all")
SETTING(JWT_LEEWAY, JWT, "leeway", SETTING_DURATION, 0, NONE, "30s", "0s..5m", FIELD(conf_identity, jwt.leeway_ms),
	"How far the issuer's clock may be from ours")
SETTING(JWT_REFRESH, JWT, "refresh", SETTING_DURATION, 0, NONE, "5m", "1s..24h", FIELD(conf_identity, jwt.refresh_ms),
	"How often `jwks` is asked for; a token that names an unknown key makes it be asked at once, at most every 10 seconds")
SETTING(JWT_GRACE, JWT, "grace", SETTING_DURATION, 0, NONE, "1h", "0s..7d", FIELD(conf_identity, jwt.grace_ms),
	"How long the keys go on when `jwks` can not be asked; then all tokens are refused with 503")
SETTING(JWT_CLEARTEXT, JWT, "cleartext", SETTING_WORD, 0, NONE, "", "allowed", NO_FIELD,
	"`allowed`: `jwks` may be http beyond loopback; whoever is on the way can make keys of his own count")
SETTING(JWT_ALLOW_IN_URL, JWT, "allow_in_url", SETTING_BOOLEAN, 0, NONE, "false", "", NO_FIELD,
	"`true`: `query:NAME` may stand in `from`; URLs end up in logs, histories and Referer fields")
SETTING(MTLS_SUBJECT, MTLS, "subject", SETTING_WORD, 0, NONE, "san", "san | cn", NO_FIELD,
	"What of the certificate is the subject: `san` the first URI of its subjectAltName, else the first DNS name, else the first e-mail address; `cn` its common name")

/* --- routes */
SETTING(ROUTE_PATH, ROUTE, "path", SETTING_TEXT, SETTING_REQUIRED, NONE, "", "", NO_FIELD,
	"The exact path, with `{parameters}` for whole pieces between slashes; a trailing `/*` takes everything below")
SETTING(ROUTE_ORIGINS, ROUTE, "origins", SETTING_MAP, SETTING_OR_TEXTS, ORIGINS, "same", "", NO_FIELD,
	"Pages that may connect: a list of exact origins, or `same` for pages of the gateway's own origin")
SETTING(ROUTE_IDENTIFY, ROUTE, "identify", SETTING_TEXTS, SETTING_REQUIRED, NONE, "", "", NO_FIELD,
	"Names from `identity`; the first that is presented decides. `anyone` lets everybody in and must come last")
SETTING(ROUTE_ALLOW, ROUTE, "allow", SETTING_EXPRESSION, 0, NONE, "true", "", NO_FIELD,
	"Who of the identified may connect: an expression over `identity`, `request`, `params` and `now`; `true` for whoever is identified")
SETTING(ROUTE_UPSTREAM, ROUTE, "upstream", SETTING_TEXTS, SETTING_REPEATED, NONE, "", "", NO_FIELD,
	"The application: `ws://`, `wss://` or `ws+unix:///socket:/path`, one or a list; its path may use the route's parameters, and without a path it gets the route's")
SETTING(ROUTE_SUBPROTOCOLS, ROUTE, "subprotocols", SETTING_TEXTS, 0, NONE, "[]", "", NO_FIELD,
	"Subprotocols that are offered to both sides; others are refused")
SETTING(ROUTE_CONTRACT, ROUTE, "contract", SETTING_MAP, SETTING_OR_TEXT, CONTRACT, "", "none", NO_FIELD,
	"The AsyncAPI document that the messages are held against: a file, or `file#/channels/name`; the word `none` if there is none")
SETTING(ROUTE_RULES, ROUTE, "rules", SETTING_MAP, 0, RULES, "", "", NO_FIELD,
	"What each message may say, and to whom; needed with a contract")
SETTING(ROUTE_ON_REFUSAL, ROUTE, "on_refusal", SETTING_MAP, SETTING_OR_WORD, ON_REFUSAL, "close", "close | drop", NO_FIELD,
	"What a client whose message is refused sees: the end, nothing, or a reply")
SETTING(ROUTE_MODE, ROUTE, "mode", SETTING_WORD, 0, NONE, "enforce", "enforce | observe", NO_FIELD,
	"`observe` judges, logs and counts messages and lets them pass; handshakes and the protocol stay enforced")
SETTING(ROUTE_COMPRESSION, ROUTE, "compression", SETTING_WORD, 0, NONE, "off", "off | on", NO_FIELD,
	"permessage-deflate without context takeover, ended at the gateway")
SETTING(ROUTE_LIMITS, ROUTE, "limits", SETTING_MAP, 0, ROUTE_LIMITS, "", "", NO_FIELD,
	"Limits of each connection")
SETTING(ROUTE_FORWARD, ROUTE, "forward", SETTING_MAP, 0, FORWARD, "", "", NO_FIELD,
	"What of the handshake the upstream gets to see beside what the gateway says itself; nothing by default")
SETTING(ROUTE_HUB, ROUTE, "hub", SETTING_FREE, SETTING_NOT_YET, NONE, "", "", NO_FIELD,
	"Channels instead of an upstream")
SETTING(ROUTE_SEAL, ROUTE, "seal", SETTING_BOOLEAN, SETTING_NOT_YET, NONE, "false", "", NO_FIELD,
	"Signed server messages")
SETTING(ROUTE_OPAQUE, ROUTE, "opaque", SETTING_FREE, SETTING_NOT_YET, NONE, "", "", NO_FIELD,
	"References that only this session can use")
SETTING(ORIGINS_ALLOW, ORIGINS, "allow", SETTING_TEXTS, 0, NONE, "same", "", NO_FIELD,
	"Exact origins, or `same`")
SETTING(ORIGINS_MISSING, ORIGINS, "missing", SETTING_WORD, 0, NONE, "refused", "refused | allowed", NO_FIELD,
	"`allowed`: programs, which send no Origin, may connect too; cookies are then no credential for them")
SETTING(CONTRACT_FILE, CONTRACT, "file", SETTING_TEXT, SETTING_REQUIRED, NONE, "", "", NO_FIELD,
	"The AsyncAPI document (2.0 to 2.6, 3.0; YAML or JSON), with `#/channels/name` behind it where the channel is not found by the route's path")
SETTING(CONTRACT_DESCRIBES, CONTRACT, "describes", SETTING_WORD, 0, NONE, "application", "application | client", NO_FIELD,
	"Whose side the document takes: what it receives clients send, or with `client` the other way round")
SETTING(CONTRACT_FRAMES, CONTRACT, "frames", SETTING_WORD, 0, NONE, "text", "text | any", NO_FIELD,
	"`any`: JSON may travel in binary frames too")
SETTING(RULES_UNDECLARED, RULES, "undeclared", SETTING_WORD, 0, NONE, "refuse", "refuse | strip | allow", NO_FIELD,
	"What becomes of members that the schema neither names nor forbids")
SETTING(RULES_CLIENT, RULES, "client", SETTING_NAMED, 0, RULE, "", "", NO_FIELD,
	"Rules for what clients send, by message; `*` is for every declared message without a rule of its own")
SETTING(RULES_SERVER, RULES, "server", SETTING_NAMED, 0, SERVER_RULE, "", "", NO_FIELD,
	"Rules for what the application sends, likewise")
SETTING(RULE_ALLOW, RULE, "allow", SETTING_EXPRESSION, SETTING_REQUIRED, NONE, "", "", NO_FIELD,
	"Whether the message passes: an expression that has to be `true`, or the word `true` for whoever got this far")
SETTING(RULE_SET, RULE, "set", SETTING_FIELDS, 0, NONE, "", "", NO_FIELD,
	"Members that the gateway writes, whatever the client sent: `field: expression`")
SETTING(RULE_TEXT, RULE, "text", SETTING_FIELDS, 0, NONE, "", "", NO_FIELD,
	"What becomes of markup in texts: `field: escape`, `strip`, `refuse` or `html`")
SETTING(RULE_DETECT, RULE, "detect", SETTING_FIELDS, 0, NONE, "", "", NO_FIELD,
	"Injections to look for, `[sqli, xss]` in every text, or `{sqli: [field]}`")
SETTING(RULE_RATE, RULE, "rate", SETTING_MAP, SETTING_OR_TEXT, RULE_RATE, "", "", NO_FIELD,
	"How often: `5/s burst 10` per identity, or a map that says per what")
SETTING(RULE_COST, RULE, "cost", SETTING_COUNT_OF, 0, NONE, "", "1..1000000", FIELD(conf_rule, cost),
	"What the message takes from the route's `cost` budget")
SETTING(RULE_RUNNING, RULE, "running", SETTING_MAP, 0, RUNNING, "", "", NO_FIELD,
	"How many of this message may be under way at once")
SETTING(RULE_UNIQUE, RULE, "unique", SETTING_MAP, 0, UNIQUE, "", "", NO_FIELD,
	"A value that comes a second time is a replay")
SETTING(RULE_AFTER, RULE, "after", SETTING_FIELDS, 0, NONE, "", "", NO_FIELD,
	"Only so long after the application sent a message: `{message: 10s}`; `never` forbids it for good")
SETTING(RULE_ON_REFUSAL, RULE, "on_refusal", SETTING_MAP, SETTING_OR_WORD, ON_REFUSAL, "", "close | drop", NO_FIELD,
	"As the route's, for this message; the route's when left out")
SETTING(RULE_MODE, RULE, "mode", SETTING_WORD, 0, NONE, "enforce", "enforce | observe", NO_FIELD,
	"`observe`: what this rule refuses is logged and passes")
SETTING(RULE_RATE_RATE, RULE_RATE, "rate", SETTING_RATE, SETTING_REQUIRED, NONE, "", "", NO_FIELD,
	"How often: `5/s burst 10`")
SETTING(RULE_RATE_PER, RULE_RATE, "per", SETTING_WORD, 0, NONE, "identity", "identity | connection | address", NO_FIELD,
	"Over whose messages it counts: of a subject on all its connections, of one connection, of an address")
SETTING(RUNNING_AT_MOST, RUNNING, "at_most", SETTING_COUNT_OF, SETTING_REQUIRED, NONE, "", "1..1000000", FIELD(conf_running, at_most),
	"How many may be under way")
SETTING(RUNNING_QUEUE, RUNNING, "queue", SETTING_COUNT_OF, 0, NONE, "", "0..1000000", FIELD(conf_running, queue),
	"How many may wait until one of them has ended, none when left out; more are refused")
SETTING(RUNNING_UNTIL, RUNNING, "until", SETTING_TEXT, SETTING_REQUIRED, NONE, "", "", NO_FIELD,
	"The application's message that ends one")
SETTING(RUNNING_DEADLINE, RUNNING, "deadline", SETTING_DURATION, 0, NONE, "30s", "100ms..1h", FIELD(conf_running, deadline_ms),
	"When one counts as ended although no such message came")
SETTING(RUNNING_PER, RUNNING, "per", SETTING_WORD, 0, NONE, "identity", "identity | connection | address", NO_FIELD,
	"Whose messages count together")
SETTING(UNIQUE_BY, UNIQUE, "by", SETTING_TEXT, SETTING_REQUIRED, NONE, "", "", NO_FIELD,
	"The field whose value may not come again")
SETTING(UNIQUE_WITHIN, UNIQUE, "within", SETTING_DURATION, SETTING_REQUIRED, NONE, "", "100ms..24h", FIELD(conf_unique, within_ms),
	"For how long a value is remembered")
SETTING(UNIQUE_PER, UNIQUE, "per", SETTING_WORD, 0, NONE, "identity", "identity | connection | address", NO_FIELD,
	"Whose messages count together")
SETTING(SERVER_RULE_ALLOW, SERVER_RULE, "allow", SETTING_EXPRESSION, SETTING_REQUIRED, NONE, "", "", NO_FIELD,
	"Whether this client gets the message: an expression that has to be `true`, or the word `true`")
SETTING(SERVER_RULE_DROP, SERVER_RULE, "drop", SETTING_TEXTS, 0, NONE, "[]", "", NO_FIELD,
	"Fields that are taken out: `internal`, `user.email`, `internal.*`")
SETTING(SERVER_RULE_REDACT, SERVER_RULE, "redact", SETTING_FIELDS, 0, NONE, "", "", NO_FIELD,
	"What is blacked out in texts: `[card, email, secret, private_ip, stack_trace]`, or `{card: [field]}`")
SETTING(SERVER_RULE_TEXT, SERVER_RULE, "text", SETTING_FIELDS, 0, NONE, "", "", NO_FIELD,
	"As for clients, for texts that did not come through this gateway")
SETTING(SERVER_RULE_REMEMBER, SERVER_RULE, "remember", SETTING_BOOLEAN, 0, NONE, "false", "", NO_FIELD,
	"Whether expressions see the last such message as `last.<message>`")
SETTING(SERVER_RULE_ON_REFUSAL, SERVER_RULE, "on_refusal", SETTING_WORD, 0, NONE, "drop", "close | drop", NO_FIELD,
	"What becomes of the connection when the application's message is refused; the message never arrives")
SETTING(SERVER_RULE_MODE, SERVER_RULE, "mode", SETTING_WORD, 0, NONE, "enforce", "enforce | observe", NO_FIELD,
	"`observe`: what this rule refuses is logged and passes")
SETTING(REPLY, ON_REFUSAL, "reply", SETTING_FREE, SETTING_REQUIRED, NONE, "", "", NO_FIELD,
	"A JSON message that the client gets instead; `$reason` in its texts becomes the reason word")
SETTING(FORWARD_HEADERS, FORWARD, "headers", SETTING_TEXTS, 0, NONE, "[]", "", NO_FIELD,
	"Request headers that are passed on")
SETTING(FORWARD_QUERY, FORWARD, "query", SETTING_TEXTS, 0, NONE, "[]", "", NO_FIELD,
	"Query parameters that are passed on")
SETTING(FORWARD_ASSERTION, FORWARD, "assertion", SETTING_BOOLEAN, 0, NONE, "false", "", NO_FIELD,
	"Sends `Sallyport-Assertion`: a JWT (ES256, 60 s) that says who connects, signed with a key of the `keys` folder, whose public half is at `/v1/jwks.json` of the admin listener")

/* --- limits of a route */
SETTING(MESSAGE_SIZE, ROUTE_LIMITS, "message_size", SETTING_SIZE, 0, NONE, "64KiB", "1B..1GiB", FIELD(conf_route_limits, message_size),
	"The longest message that a client may send")
SETTING(SERVER_MESSAGE_SIZE, ROUTE_LIMITS, "server_message_size", SETTING_SIZE, 0, NONE, "1MiB", "1B..1GiB", FIELD(conf_route_limits, server_message_size),
	"The longest message that the application may send")
SETTING(FRAGMENTS, ROUTE_LIMITS, "fragments", SETTING_COUNT_OF, SETTING_UNLIMITED, NONE, "32", "1..1000000", FIELD(conf_route_limits, fragments),
	"In how many frames one message may come")
SETTING(MESSAGE_TIME, ROUTE_LIMITS, "message_time", SETTING_DURATION, 0, NONE, "10s", "100ms..1h", FIELD(conf_route_limits, message_time_ms),
	"In which time one message must have arrived whole, counted from its first byte")
SETTING(MESSAGES, ROUTE_LIMITS, "messages", SETTING_RATE, SETTING_UNLIMITED, NONE, "50/s burst 100", "", FIELD(conf_route_limits, messages),
	"Messages of a client; over it, they are refused")
SETTING(BYTES, ROUTE_LIMITS, "bytes", SETTING_BYTE_RATE, SETTING_UNLIMITED, NONE, "256KiB/s burst 1MiB", "", FIELD(conf_route_limits, bytes),
	"Bytes of a client's messages")
SETTING(COST, ROUTE_LIMITS, "cost", SETTING_RATE, SETTING_UNLIMITED, NONE, "", "", FIELD(conf_route_limits, cost),
	"The budget per identity from which messages with a `cost` in their rule take; none when left out")
SETTING(CONTROL_FRAMES, ROUTE_LIMITS, "control_frames", SETTING_RATE, SETTING_UNLIMITED, NONE, "10/s burst 20", "", FIELD(conf_route_limits, control_frames),
	"Pings and pongs of a client")
SETTING(ROUTE_BUFFERED, ROUTE_LIMITS, "buffered", SETTING_SIZE, 0, NONE, "1MiB", "1KiB..1GiB", FIELD(conf_route_limits, buffered),
	"What may wait for one slow reader; above it, nothing more is read from whoever feeds it")
SETTING(SLOW_READER, ROUTE_LIMITS, "slow_reader", SETTING_DURATION, 0, NONE, "10s", "100ms..1h", FIELD(conf_route_limits, slow_reader_ms),
	"How long a reader may stay above `buffered` before it is closed")
SETTING(INFLATED, ROUTE_LIMITS, "inflated", SETTING_SIZE, 0, NONE, "", "1B..1GiB", FIELD(conf_route_limits, inflated),
	"The longest a compressed message may become; as `message_size` when left out")
SETTING(INFLATE_RATIO, ROUTE_LIMITS, "inflate_ratio", SETTING_COUNT_OF, SETTING_UNLIMITED, NONE, "200", "1..10000", FIELD(conf_route_limits, inflate_ratio),
	"How many times longer a compressed message may become")
SETTING(IDLE, ROUTE_LIMITS, "idle", SETTING_DURATION, 0, NONE, "2m", "100ms..24h", FIELD(conf_route_limits, idle_ms),
	"After so long without a frame the client is pinged")
SETTING(PONG, ROUTE_LIMITS, "pong", SETTING_DURATION, 0, NONE, "20s", "100ms..1h", FIELD(conf_route_limits, pong_ms),
	"How long the answer to that ping may take before the connection is closed")
SETTING(LIFETIME, ROUTE_LIMITS, "lifetime", SETTING_DURATION, 0, NONE, "12h", "100ms..30d", FIELD(conf_route_limits, lifetime_ms),
	"How long a connection may live; never longer than its credential")
SETTING(JSON, ROUTE_LIMITS, "json", SETTING_MAP, 0, JSON_LIMITS, "", "", NO_FIELD,
	"Limits of each JSON message")
SETTING(REFUSALS, ROUTE_LIMITS, "refusals", SETTING_RATE, SETTING_UNLIMITED, NONE, "20/m", "", FIELD(conf_route_limits, refusals),
	"Refused messages of a connection before it is closed, whatever `on_refusal` says")
SETTING(UPSTREAM_TIME, ROUTE_LIMITS, "upstream_time", SETTING_DURATION, 0, NONE, "5s", "100ms..5m", FIELD(conf_route_limits, upstream_time_ms),
	"How long the application may take to answer the handshake")
SETTING(JSON_DEPTH, JSON_LIMITS, "depth", SETTING_COUNT_OF, 0, NONE, "32", "1..512", FIELD(conf_route_limits, json_depth),
	"How deep arrays and objects may be nested")
SETTING(JSON_MEMBERS, JSON_LIMITS, "members", SETTING_COUNT_OF, 0, NONE, "1024", "1..1000000", FIELD(conf_route_limits, json_members),
	"Members of one object")
SETTING(JSON_VALUES, JSON_LIMITS, "values", SETTING_COUNT_OF, 0, NONE, "10000", "1..10000000", FIELD(conf_route_limits, json_values),
	"Values of one message in all")

/* --- site */
SETTING(SITE_PATH, SITE, "path", SETTING_TEXT, SETTING_REQUIRED, NONE, "", "", NO_FIELD,
	"The exact path, or everything below it with a trailing `/*`")
SETTING(SITE_ROOT, SITE, "root", SETTING_FOLDER, 0, NONE, "", "", NO_FIELD,
	"Folder of files to serve")
SETTING(SITE_UPSTREAM, SITE, "upstream", SETTING_URL, 0, NONE, "", "", NO_FIELD,
	"An HTTP application instead of files: `http://127.0.0.1:3000`; a path in it stands in front of the client's")
SETTING(SITE_BODY_SIZE, SITE, "body_size", SETTING_SIZE, 0, NONE, "1MiB", "0B..1GiB", FIELD(conf_site, body_size),
	"Bytes of a request's body that the application may be sent")
SETTING(SITE_HEADERS, SITE, "headers", SETTING_WORD, 0, NONE, "secure", "secure | off", NO_FIELD,
	"HSTS, Content-Security-Policy, nosniff, no framing, referrer policy")
SETTING(SITE_CSP, SITE, "csp", SETTING_FREE, 0, NONE, "", "", NO_FIELD,
	"Additions to the Content-Security-Policy: directives and their sources")
SETTING(SITE_CSP_REPORTS, SITE, "csp_reports", SETTING_BOOLEAN, 0, NONE, "false", "", NO_FIELD,
	"Browsers report violations of the Content-Security-Policy to `/.sallyport/csp-report`, and each becomes a line of the log")

/* --- limits of the gateway */
SETTING(CONNECTIONS, LIMITS, "connections", SETTING_COUNT_OF, SETTING_UNLIMITED, NONE, "", "1..10000000", FIELD(conf_limits, connections),
	"Open connections in all; when left out, what the limit of open files (RLIMIT_NOFILE) allows at two per connection")
SETTING(CONNECTIONS_PER_ADDRESS, LIMITS, "connections_per_address", SETTING_COUNT_OF, SETTING_UNLIMITED, NONE, "256", "1..10000000", FIELD(conf_limits, connections_per_address),
	"Open connections of one address (IPv4 /32, IPv6 /64)")
SETTING(CONNECTIONS_PER_PREFIX, LIMITS, "connections_per_prefix", SETTING_COUNT_OF, SETTING_UNLIMITED, NONE, "4096", "1..10000000", FIELD(conf_limits, connections_per_prefix),
	"Open connections of one network (IPv4 /24, IPv6 /48; of an IPv6 /56 a quarter of it)")
SETTING(CONNECTIONS_PER_IDENTITY, LIMITS, "connections_per_identity", SETTING_COUNT_OF, SETTING_UNLIMITED, NONE, "16", "1..10000000", FIELD(conf_limits, connections_per_identity),
	"Open connections of one subject")
SETTING(HANDSHAKES_PER_ADDRESS, LIMITS, "handshakes_per_address", SETTING_RATE, SETTING_UNLIMITED, NONE, "20/s burst 40", "", FIELD(conf_limits, handshakes_per_address),
	"Handshakes and requests of one address, counted before anything is verified")
SETTING(HANDSHAKES_PER_PREFIX, LIMITS, "handshakes_per_prefix", SETTING_RATE, SETTING_UNLIMITED, NONE, "", "", FIELD(conf_limits, handshakes_per_prefix),
	"The same of one network (IPv4 /24, IPv6 /48; of an IPv6 /56 a quarter of it); 20 times `handshakes_per_address` when left out")
SETTING(HANDSHAKE_TIMEOUT, LIMITS, "handshake_timeout", SETTING_DURATION, 0, NONE, "5s", "100ms..5m", FIELD(conf_limits, handshake_timeout_ms),
	"In which time TLS and the request head must have arrived, counted from the first byte and not renewed")
SETTING(REQUEST_HEAD, LIMITS, "request_head", SETTING_SIZE, 0, NONE, "16KiB", "256B..1MiB", FIELD(conf_limits, request_head),
	"The longest request head")
SETTING(REQUEST_HEADERS, LIMITS, "request_headers", SETTING_COUNT_OF, 0, NONE, "64", "4..256", FIELD(conf_limits, request_headers),
	"Header fields of one request")
SETTING(BUFFERED, LIMITS, "buffered", SETTING_SIZE, 0, NONE, "", "64KiB..1024GiB", FIELD(conf_limits, buffered),
	"What all connections together may keep in buffers; a quarter of the memory when left out")
SETTING(QUEUE_PER_WORKER, LIMITS, "queue_per_worker", SETTING_COUNT_OF, 0, NONE, "1024", "1..1000000", FIELD(conf_limits, queue_per_worker),
	"Questions to the application that may be under way at once, per worker; over it, 503")

/* --- siege */
SETTING(SIEGE_MODE, SIEGE, "mode", SETTING_WORD, 0, NONE, "auto", "auto | manual", NO_FIELD,
	"`auto`: measured load raises the level; `manual`: only `sallyport ctl siege` does")
SETTING(SIEGE_HANDSHAKES, SIEGE, "handshakes", SETTING_COUNT_OF, 0, NONE, "2000", "1..10000000", FIELD(conf_siege, handshakes),
	"New connections per second and worker that are full load: level 1 at 60 of a hundred, level 2 at 80")
SETTING(SIEGE_TICKETS, SIEGE, "tickets", SETTING_COUNT_OF, 0, NONE, "500", "1..10000000", FIELD(conf_siege, tickets),
	"Requests for tickets per second and worker that are full load: level 3 at 80 of a hundred")
SETTING(SIEGE_LAG, SIEGE, "lag", SETTING_DURATION, 0, NONE, "250ms", "1ms..1m", FIELD(conf_siege, lag_ms),
	"How long a worker may be busy before it looks at its connections again: level 1 at that, level 2 at four times that")
SETTING(SIEGE_CALM, SIEGE, "calm", SETTING_DURATION, 0, NONE, "60s", "1s..24h", FIELD(conf_siege, calm_ms),
	"After so long without its load a level is left")
SETTING(SIEGE_PROOF_BITS, SIEGE, "proof_bits", SETTING_COUNT_OF, 0, NONE, "17", "1..24", FIELD(conf_siege, proof_bits),
	"What a ticket costs at level 3: leading zero bits of a SHA-256, each one twice the work; up to four more under heavier load")
SETTING(SIEGE_PROOF_TIME, SIEGE, "proof_time", SETTING_DURATION, 0, NONE, "60s", "1s..10m", FIELD(conf_siege, proof_time_ms),
	"How long a challenge may be solved, once")
SETTING(SIEGE_ALLOW, SIEGE, "allow", SETTING_TEXTS, 0, NONE, "[]", "", NO_FIELD,
	"Networks whose connections go in at every level")

/* --- admin, log, alerts */
SETTING(ADMIN_LISTEN, ADMIN, "listen", SETTING_URL, SETTING_REQUIRED, NONE, "", "", NO_FIELD,
	"`http://ADDRESS:PORT` on loopback; beyond it only `https` with a `token`")
SETTING(ADMIN_TOKEN, ADMIN, "token", SETTING_FILE, 0, NONE, "", "", NO_FIELD,
	"File that holds the bearer token; without it only health and, on loopback, metrics answer")
SETTING(LOG_LEVEL, LOG, "level", SETTING_WORD, 0, NONE, "info", "error | warn | info | debug", NO_FIELD,
	"The least important lines that are written")
SETTING(LOG_AUDIT, LOG, "audit", SETTING_MAP, 0, AUDIT, "", "", NO_FIELD,
	"A second log, in a file: decisions, in a signed chain that `sallyport verify-log` follows")
SETTING(AUDIT_FILE, AUDIT, "file", SETTING_FILE, SETTING_REQUIRED, NONE, "", "", NO_FIELD,
	"Where it is written; its folder must be there and writable. A file of each gateway's own; full ones are renamed, none is ever deleted")
SETTING(AUDIT_CHAIN, AUDIT, "chain", SETTING_BOOLEAN, 0, NONE, "true", "", NO_FIELD,
	"Whether each line carries the hash of the one before, and checkpoints are signed with a key of the `keys` folder")
SETTING(AUDIT_SIZE, AUDIT, "size", SETTING_SIZE, 0, NONE, "64MiB", "4KiB..1024GiB", FIELD(conf_audit, size),
	"A file that has become so long is renamed with a number behind, and another is begun")
SETTING(AUDIT_CHECKPOINT, AUDIT, "checkpoint", SETTING_DURATION, 0, NONE, "1m", "1s..24h", FIELD(conf_audit, checkpoint_ms),
	"How long lines may stay unsigned; 1000 lines are signed at once")
SETTING(AUDIT_LINES, AUDIT, "lines", SETTING_RATE, SETTING_UNLIMITED, NONE, "20/s burst 200", "", FIELD(conf_audit, lines),
	"Refusals that are written, for each reason; those above it are counted, and the count is written")
SETTING(ALERT_WEBHOOK, ALERT, "webhook", SETTING_URL, SETTING_REQUIRED, NONE, "", "", NO_FIELD,
	"`https://` URL that is called with POST and a JSON body; its path and query are taken for a secret and shown nowhere")
SETTING(ALERT_ON, ALERT, "on", SETTING_WORDS, 0, NONE, "[siege, crash, certificate, verifier, store, surge, audit]", "siege | crash | certificate | verifier | store | surge | audit", NO_FIELD,
	"What it is called for; everything when left out")
SETTING(ALERT_TOKEN, ALERT, "token", SETTING_FILE, 0, NONE, "", "", NO_FIELD,
	"File that holds a bearer token for it")
SETTING(ALERT_AGAIN, ALERT, "again", SETTING_DURATION, 0, NONE, "1h", "1s..7d", FIELD(conf_alert, again_ms),
	"After how long it is called again for what still lasts")
SETTING(ALERT_SURGE, ALERT, "surge", SETTING_RATE, 0, NONE, "50/s", "", FIELD(conf_alert, surge),
	"More refusals than that, over ten seconds, are a `surge`")
SETTING(ALERT_CLEARTEXT, ALERT, "cleartext", SETTING_WORD, 0, NONE, "", "allowed", NO_FIELD,
	"`allowed`: `webhook` may be http beyond loopback; whoever is on the way reads and forges alerts")
/* clang-format on */
