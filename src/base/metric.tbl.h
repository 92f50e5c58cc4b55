/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every number that /metrics shows, one row each; refusals have one label per reason
 * besides. No include guard: included many times.
 *
 * METRIC(id, name without the sallyport_ in front, kind, sentence)
 */
/* clang-format off */
METRIC(CONNECTIONS,       "connections",              GAUGE,   "Client connections held, in any state")
METRIC(SESSIONS,          "sessions",                 GAUGE,   "Open WebSocket sessions")
METRIC(UPSTREAMS,         "upstream_connections",     GAUGE,   "Connections to applications")
METRIC(BUFFERED,          "buffered_bytes",           GAUGE,   "Bytes held for slow peers and unfinished messages")
METRIC(QUESTIONS,         "questions",                GAUGE,   "Questions to the control thread that wait for their answer")
METRIC(STORE_UP,          "store_up",                 GAUGE,   "1 while the store of tickets can be asked, 0 while it is away")
METRIC(ACCEPTED,          "accepted_total",           COUNTER, "Connections accepted")
METRIC(REQUESTS,          "requests_total",           COUNTER, "Request heads read whole")
METRIC(HANDSHAKES,        "handshakes_total",         COUNTER, "WebSocket handshakes answered 101")
METRIC(TICKETS,           "tickets_total",            COUNTER, "Tickets issued")
METRIC(PAGES,             "pages_total",              COUNTER, "Answers given for ordinary pages")
METRIC(CSP_REPORTS,       "csp_reports_total",        COUNTER, "Violations of a Content-Security-Policy that browsers reported, one line of log each")
METRIC(CSP_DROPPED,       "csp_reports_dropped_total", COUNTER, "Reports of browsers that were not logged: too many, not usable or of another type")
METRIC(CLIENT_MESSAGES,   "client_messages_total",    COUNTER, "Messages forwarded to applications")
METRIC(SERVER_MESSAGES,   "server_messages_total",    COUNTER, "Messages forwarded to clients")
METRIC(CLIENT_BYTES,      "client_bytes_total",       COUNTER, "Bytes of messages forwarded to applications")
METRIC(SERVER_BYTES,      "server_bytes_total",       COUNTER, "Bytes of messages forwarded to clients")
METRIC(OBSERVED,          "observed_total",           COUNTER, "Messages let through by mode: observe that would have been refused")
METRIC(REWRITTEN,         "rewritten_total",          COUNTER, "Messages forwarded in another form than they came in, because a rule says so")
METRIC(UPSTREAM_FAILURES, "upstream_failures_total",  COUNTER, "Connections to applications that failed")
METRIC(TLS_FAILURES,      "tls_failures_total",       COUNTER, "TLS handshakes that failed")
METRIC(ACCEPT_FAILURES,   "accept_failures_total",    COUNTER, "Connections not accepted for want of descriptors or memory")
METRIC(CERTIFICATE_EXPIRES, "certificate_expires_seconds", GAUGE, "Until the first of our certificates expires; 0 without any")
METRIC(AUDIT_LINES,       "audit_lines_total",        COUNTER, "Lines written to the audit log")
METRIC(AUDIT_LEFT_OUT,    "audit_left_out_total",     COUNTER, "Refusals over the rate of the audit log, counted there and not written")
METRIC(AUDIT_DROPPED,     "audit_dropped_total",      COUNTER, "Lines of the audit log that found no room")
METRIC(AUDIT_FAILING,     "audit_failing",            GAUGE,   "1 while the audit log cannot be written")
METRIC(ALERTS_SENT,       "alerts_sent_total",        COUNTER, "Calls of webhooks that were answered 2xx")
METRIC(ALERTS_FAILED,     "alerts_failed_total",      COUNTER, "Alerts that a webhook was not told, after all attempts")
METRIC(ALERTS_LASTING,    "alerts_lasting",           GAUGE,   "Alerts that last at the moment")
/* clang-format on */
