/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * `sallyport try cel`: what an expression gives.
 *
 *   {"expr": "a.b + 1", "vars": {"a": {"b": 2}}}
 *   {"value": 3, "type": "int"}
 *   {"error": "there is no variable 'c'", "at": 0, "phase": "check", "suggestion": "a"}
 *
 * `"typed": true`: the variables and the value are objects of one member that names the kind:
 * null, bool, int and uint (decimal strings), double (a number, or "NaN", "Infinity",
 * "-Infinity", "-0.0"), string, bytes_b64, list, map (an array of [key, value]), timestamp and
 * duration ({seconds, nanos}), type. Values of that form come from conformance suites, so an
 * expression that the check refuses but that has a value gives it, with what the check said as
 * `"refused"`. `"unchecked": true`: without the type check; `"no_macros":
 * true`: all(), exists(), has(), ... are ordinary names.
 */
#include "base/buf.h"
#include "base/slice.h"

/* One line. Returns as buf_append. */
int try_cel_line(struct slice line, struct buf *out);

/* One file: the expression itself, without variables. */
int try_cel_text(struct slice text, struct buf *out);
