/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which events the audit log takes, one row each. What has no row is taken as OTHER: an
 * event that somebody adds is audited until he says that it is not worth it. No include guard:
 * included many times.
 *
 * AUDITLOG(name, EVERY | LIMITED | NEVER)
 *   EVERY    each one: who came, who went, what an operator did, what became of the process
 *   LIMITED  at most `log.audit.lines` for each reason; those above it are counted
 *   NEVER    no decision, or about the audit log itself
 */
/* clang-format off */
AUDITLOG("refused",                 LIMITED)
AUDITLOG("observed",                LIMITED)
AUDITLOG("upstream_failed",         LIMITED)
AUDITLOG("accept_failed",           LIMITED)
AUDITLOG("handshake",               EVERY)
AUDITLOG("closed",                  EVERY)
AUDITLOG("ticket",                  EVERY)
AUDITLOG("renewed",                 EVERY)
AUDITLOG("revoked",                 EVERY)
AUDITLOG("revocation_incomplete",   EVERY)
AUDITLOG("sessions_closed",         EVERY)
AUDITLOG("reloaded",                EVERY)
AUDITLOG("reload_failed",           EVERY)
AUDITLOG("reload_incomplete",       EVERY)
AUDITLOG("weak",                    EVERY)
AUDITLOG("draining",                EVERY)
AUDITLOG("ended",                   EVERY)
AUDITLOG("restarted",               EVERY)
AUDITLOG("worker_stuck",            EVERY)
AUDITLOG("alert",                   EVERY)
AUDITLOG("siege",                   EVERY)
AUDITLOG("turned_away",             EVERY)
AUDITLOG("listening",               EVERY)
AUDITLOG("sandbox",                 EVERY)
AUDITLOG("development_certificate", EVERY)
AUDITLOG("worker_failed",           EVERY)
AUDITLOG("state",                   NEVER)
AUDITLOG("csp_violation",           NEVER)
AUDITLOG("tls_failed",              NEVER)
AUDITLOG("resolve_failed",          NEVER)
AUDITLOG("auditlog",                NEVER)
AUDITLOG("auditlog_checkpoint",     NEVER)
AUDITLOG("auditlog_failed",         NEVER)
AUDITLOG("auditlog_written",        NEVER)
AUDITLOG("auditlog_unreadable",     NEVER)
AUDITLOG("auditlog_lost",           NEVER)
AUDITLOG("alert_failed",            NEVER)
AUDITLOG("alert_delayed",           NEVER)
/* clang-format on */
