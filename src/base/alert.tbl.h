/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an operator is called for, one row each. The words are those of `alerts[].on` and of
 * the webhooks' bodies; they are never renamed. No include guard: included many times.
 *
 * ALERT(id, word, MOMENT, LASTING or LEVELS, sentence)
 *   MOMENT   it has happened, and nothing is over later
 *   LASTING  it is raised, and later it is over; the level is the worst so far
 *   LEVELS   likewise, and each change of its level is news
 */
/* clang-format off */
ALERT(SIEGE,       "siege",       LEVELS,  "The gateway is under siege: only some are let in")
ALERT(CRASH,       "crash",       MOMENT,  "The gateway died and was started again: its sessions are lost")
ALERT(CERTIFICATE, "certificate", LASTING, "A certificate expires soon, or has expired")
ALERT(VERIFIER,    "verifier",    LASTING, "Credentials cannot be verified: who needs that is refused")
ALERT(STORE,       "store",       LASTING, "The shared store is away: tickets and revocations do not work")
ALERT(SURGE,       "surge",       LASTING, "Unusually much is refused")
ALERT(AUDIT,       "audit",       LASTING, "The audit log cannot be written: lines get lost")
/* clang-format on */
