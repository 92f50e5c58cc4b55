/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What libinjection overlooks, and what it sees where there is only prose: small checks of
 * our own, each linear in the text. docs/detect.md lists what they bring.
 */
#include <stdbool.h>

#include "base/slice.h"

/* Tags that act, as an HTML parser sees them; javascript: URLs that call something; a quote
 * that ends a script's string and goes on with a call. */
bool detect_hint_xss(struct slice text);

/* A quote that ends a query's string before a comment, or with a keyword behind it that only
 * queries have; functions and statements that reach out of the database. */
bool detect_hint_sqli(struct slice text);

/* Whether a text with that fingerprint is a sentence with a quoted mark in it rather than a
 * query: "what is the '<' for?" */
bool detect_hint_prose(struct slice text, const char *fingerprint);
