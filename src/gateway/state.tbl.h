/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The states of a client's connection, one row each: what it waits for, what happens when
 * something comes and when its time is up, until when that is, and where it may go. A state
 * that waits without a deadline would be an empty cell. No include guard.
 *
 * STATE(id, name, deadline, on_client, on_deadline, what it waits for, may go)
 *
 * DEADLINE(id, sentence): conn_enter holds every arming to it
 */
/* clang-format off */
DEADLINE(HANDSHAKE, "handshake_timeout after accept or the request's first byte, half of it under siege; 15 s for that byte between two requests")
DEADLINE(ASK,       "5 s")
DEADLINE(UPSTREAM,  "upstream_time")
DEADLINE(SESSION,   "the earliest of lifetime, credential's end, recheck, idle and pong, message_time, slow_reader")
DEADLINE(CLOSING,   "250 ms, after which the application hears of the end; 3 s in all")
DEADLINE(PIECE,     "10 s for each piece of a page")
DEADLINE(PROXY,     "30 s for the application's next byte; for the client's body handshake_timeout and a second for each 8 KiB")
DEADLINE(LINGER,    "2 s; 250 ms from siege level 2 on")

STATE(PREFACE, "preface", HANDSHAKE, preface_on_client,         tls_timed_out,          "the balancer's PROXY header",            TO(TLS) | TO(HEAD) | TO(GONE))
STATE(TLS,     "tls",     HANDSHAKE, tls_on_client,             tls_timed_out,          "the client's TLS handshake",             TO(HEAD) | TO(RESPOND) | TO(LINGER) | TO(GONE))
STATE(HEAD,    "head",    HANDSHAKE, request_on_client,         head_timed_out,         "the client's request head",              TO(PROXY) | TO(HEAD) | TO(BODY) | TO(ASK) | TO(CONNECT) | TO(RESPOND) | TO(LINGER) | TO(GONE))
STATE(BODY,    "body",    HANDSHAKE, request_body_on_client,    head_timed_out,         "the client's body for an own endpoint",  TO(ASK) | TO(RESPOND) | TO(LINGER) | TO(GONE))
STATE(ASK,     "ask",     ASK,       request_waiting_on_client, ask_timed_out,          "an answer of the control thread",        TO(ASK) | TO(CONNECT) | TO(RESPOND) | TO(LINGER) | TO(GONE))
STATE(CONNECT, "connect", UPSTREAM,  request_waiting_on_client, upstream_timed_out,     "the application's 101",                  TO(CONNECT) | TO(OPEN) | TO(LINGER) | TO(GONE))
STATE(OPEN,    "open",    SESSION,   relay_on_client,           relay_on_deadline,      "messages of either side",                TO(CLOSING) | TO(GONE))
STATE(CLOSING, "closing", CLOSING,   relay_on_client,           relay_closing_deadline, "both sides' close frames and ends",      TO(GONE))
STATE(RESPOND, "respond", PIECE,     respond_on_client,         conn_end,               "the client to take the answer",          TO(RESPOND) | TO(HEAD) | TO(ASK) | TO(CONNECT) | TO(BODY) | TO(PROXY) | TO(LINGER) | TO(GONE))
STATE(PROXY,   "proxy",   PROXY,     proxy_on_client,           proxy_timed_out,        "the application's page, the client's body", TO(RESPOND) | TO(LINGER) | TO(GONE))
STATE(LINGER,  "linger",  LINGER,    linger_on_client,          conn_end,               "the client to end its side",             TO(GONE))
/* clang-format on */
