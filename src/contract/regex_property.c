/* SPDX-License-Identifier: Apache-2.0 */
/*
 * \p{...}: ECMA-262 table 66 to 69 and what PCRE2 calls the same. General categories have long
 * names that PCRE2 does not know; scripts and binary properties have the same names.
 */
#include "contract/regex_parse.h"

/* clang-format off */
static const struct {
	struct slice name, pcre;
} categories[] = {
	{SLICE_INIT("Cased_Letter"), SLICE_INIT("L&")}, {SLICE_INIT("LC"), SLICE_INIT("L&")},
	{SLICE_INIT("Close_Punctuation"), SLICE_INIT("Pe")}, {SLICE_INIT("Pe"), SLICE_INIT("Pe")},
	{SLICE_INIT("Connector_Punctuation"), SLICE_INIT("Pc")}, {SLICE_INIT("Pc"), SLICE_INIT("Pc")},
	{SLICE_INIT("Control"), SLICE_INIT("Cc")}, {SLICE_INIT("Cc"), SLICE_INIT("Cc")},
	{SLICE_INIT("cntrl"), SLICE_INIT("Cc")},
	{SLICE_INIT("Currency_Symbol"), SLICE_INIT("Sc")}, {SLICE_INIT("Sc"), SLICE_INIT("Sc")},
	{SLICE_INIT("Dash_Punctuation"), SLICE_INIT("Pd")}, {SLICE_INIT("Pd"), SLICE_INIT("Pd")},
	{SLICE_INIT("Decimal_Number"), SLICE_INIT("Nd")}, {SLICE_INIT("Nd"), SLICE_INIT("Nd")},
	{SLICE_INIT("digit"), SLICE_INIT("Nd")},
	{SLICE_INIT("Enclosing_Mark"), SLICE_INIT("Me")}, {SLICE_INIT("Me"), SLICE_INIT("Me")},
	{SLICE_INIT("Final_Punctuation"), SLICE_INIT("Pf")}, {SLICE_INIT("Pf"), SLICE_INIT("Pf")},
	{SLICE_INIT("Format"), SLICE_INIT("Cf")}, {SLICE_INIT("Cf"), SLICE_INIT("Cf")},
	{SLICE_INIT("Initial_Punctuation"), SLICE_INIT("Pi")}, {SLICE_INIT("Pi"), SLICE_INIT("Pi")},
	{SLICE_INIT("Letter"), SLICE_INIT("L")}, {SLICE_INIT("L"), SLICE_INIT("L")},
	{SLICE_INIT("Letter_Number"), SLICE_INIT("Nl")}, {SLICE_INIT("Nl"), SLICE_INIT("Nl")},
	{SLICE_INIT("Line_Separator"), SLICE_INIT("Zl")}, {SLICE_INIT("Zl"), SLICE_INIT("Zl")},
	{SLICE_INIT("Lowercase_Letter"), SLICE_INIT("Ll")}, {SLICE_INIT("Ll"), SLICE_INIT("Ll")},
	{SLICE_INIT("Mark"), SLICE_INIT("M")}, {SLICE_INIT("M"), SLICE_INIT("M")},
	{SLICE_INIT("Combining_Mark"), SLICE_INIT("M")},
	{SLICE_INIT("Math_Symbol"), SLICE_INIT("Sm")}, {SLICE_INIT("Sm"), SLICE_INIT("Sm")},
	{SLICE_INIT("Modifier_Letter"), SLICE_INIT("Lm")}, {SLICE_INIT("Lm"), SLICE_INIT("Lm")},
	{SLICE_INIT("Modifier_Symbol"), SLICE_INIT("Sk")}, {SLICE_INIT("Sk"), SLICE_INIT("Sk")},
	{SLICE_INIT("Nonspacing_Mark"), SLICE_INIT("Mn")}, {SLICE_INIT("Mn"), SLICE_INIT("Mn")},
	{SLICE_INIT("Number"), SLICE_INIT("N")}, {SLICE_INIT("N"), SLICE_INIT("N")},
	{SLICE_INIT("Open_Punctuation"), SLICE_INIT("Ps")}, {SLICE_INIT("Ps"), SLICE_INIT("Ps")},
	{SLICE_INIT("Other"), SLICE_INIT("C")}, {SLICE_INIT("C"), SLICE_INIT("C")},
	{SLICE_INIT("Other_Letter"), SLICE_INIT("Lo")}, {SLICE_INIT("Lo"), SLICE_INIT("Lo")},
	{SLICE_INIT("Other_Number"), SLICE_INIT("No")}, {SLICE_INIT("No"), SLICE_INIT("No")},
	{SLICE_INIT("Other_Punctuation"), SLICE_INIT("Po")}, {SLICE_INIT("Po"), SLICE_INIT("Po")},
	{SLICE_INIT("Other_Symbol"), SLICE_INIT("So")}, {SLICE_INIT("So"), SLICE_INIT("So")},
	{SLICE_INIT("Paragraph_Separator"), SLICE_INIT("Zp")}, {SLICE_INIT("Zp"), SLICE_INIT("Zp")},
	{SLICE_INIT("Private_Use"), SLICE_INIT("Co")}, {SLICE_INIT("Co"), SLICE_INIT("Co")},
	{SLICE_INIT("Punctuation"), SLICE_INIT("P")}, {SLICE_INIT("P"), SLICE_INIT("P")},
	{SLICE_INIT("punct"), SLICE_INIT("P")},
	{SLICE_INIT("Separator"), SLICE_INIT("Z")}, {SLICE_INIT("Z"), SLICE_INIT("Z")},
	{SLICE_INIT("Space_Separator"), SLICE_INIT("Zs")}, {SLICE_INIT("Zs"), SLICE_INIT("Zs")},
	{SLICE_INIT("Spacing_Mark"), SLICE_INIT("Mc")}, {SLICE_INIT("Mc"), SLICE_INIT("Mc")},
	{SLICE_INIT("Surrogate"), SLICE_INIT("Cs")}, {SLICE_INIT("Cs"), SLICE_INIT("Cs")},
	{SLICE_INIT("Symbol"), SLICE_INIT("S")}, {SLICE_INIT("S"), SLICE_INIT("S")},
	{SLICE_INIT("Titlecase_Letter"), SLICE_INIT("Lt")}, {SLICE_INIT("Lt"), SLICE_INIT("Lt")},
	{SLICE_INIT("Unassigned"), SLICE_INIT("Cn")}, {SLICE_INIT("Cn"), SLICE_INIT("Cn")},
	{SLICE_INIT("Uppercase_Letter"), SLICE_INIT("Lu")}, {SLICE_INIT("Lu"), SLICE_INIT("Lu")},
};

/* Table 67 (binary properties) as far as PCRE2 10.42 has them; under the same name. */
static const struct slice binary[] = {
	SLICE_INIT("ASCII"), SLICE_INIT("ASCII_Hex_Digit"), SLICE_INIT("AHex"), SLICE_INIT("Alphabetic"),
	SLICE_INIT("Alpha"), SLICE_INIT("Any"), SLICE_INIT("Bidi_Control"), SLICE_INIT("Bidi_C"),
	SLICE_INIT("Bidi_Mirrored"), SLICE_INIT("Bidi_M"), SLICE_INIT("Case_Ignorable"), SLICE_INIT("CI"),
	SLICE_INIT("Cased"), SLICE_INIT("Changes_When_Casefolded"), SLICE_INIT("CWCF"),
	SLICE_INIT("Changes_When_Casemapped"), SLICE_INIT("CWCM"), SLICE_INIT("Changes_When_Lowercased"),
	SLICE_INIT("CWL"), SLICE_INIT("Changes_When_Titlecased"), SLICE_INIT("CWT"),
	SLICE_INIT("Changes_When_Uppercased"), SLICE_INIT("CWU"), SLICE_INIT("Dash"),
	SLICE_INIT("Default_Ignorable_Code_Point"), SLICE_INIT("DI"), SLICE_INIT("Deprecated"),
	SLICE_INIT("Dep"), SLICE_INIT("Diacritic"), SLICE_INIT("Dia"), SLICE_INIT("Emoji"),
	SLICE_INIT("Emoji_Component"), SLICE_INIT("EComp"), SLICE_INIT("Emoji_Modifier"), SLICE_INIT("EMod"),
	SLICE_INIT("Emoji_Modifier_Base"), SLICE_INIT("EBase"), SLICE_INIT("Emoji_Presentation"),
	SLICE_INIT("EPres"), SLICE_INIT("Extended_Pictographic"), SLICE_INIT("ExtPict"),
	SLICE_INIT("Extender"), SLICE_INIT("Ext"), SLICE_INIT("Grapheme_Base"), SLICE_INIT("Gr_Base"),
	SLICE_INIT("Grapheme_Extend"), SLICE_INIT("Gr_Ext"), SLICE_INIT("Hex_Digit"), SLICE_INIT("Hex"),
	SLICE_INIT("ID_Continue"), SLICE_INIT("IDC"), SLICE_INIT("ID_Start"), SLICE_INIT("IDS"),
	SLICE_INIT("IDS_Binary_Operator"), SLICE_INIT("IDSB"), SLICE_INIT("IDS_Trinary_Operator"),
	SLICE_INIT("IDST"), SLICE_INIT("Ideographic"), SLICE_INIT("Ideo"), SLICE_INIT("Join_Control"),
	SLICE_INIT("Join_C"), SLICE_INIT("Logical_Order_Exception"), SLICE_INIT("LOE"),
	SLICE_INIT("Lowercase"), SLICE_INIT("Lower"), SLICE_INIT("Math"),
	SLICE_INIT("Noncharacter_Code_Point"), SLICE_INIT("NChar"), SLICE_INIT("Pattern_Syntax"),
	SLICE_INIT("Pat_Syn"), SLICE_INIT("Pattern_White_Space"), SLICE_INIT("Pat_WS"),
	SLICE_INIT("Quotation_Mark"), SLICE_INIT("QMark"), SLICE_INIT("Radical"),
	SLICE_INIT("Regional_Indicator"), SLICE_INIT("RI"), SLICE_INIT("Sentence_Terminal"),
	SLICE_INIT("STerm"), SLICE_INIT("Soft_Dotted"), SLICE_INIT("SD"), SLICE_INIT("Terminal_Punctuation"),
	SLICE_INIT("Term"), SLICE_INIT("Unified_Ideograph"), SLICE_INIT("UIdeo"), SLICE_INIT("Uppercase"),
	SLICE_INIT("Upper"), SLICE_INIT("Variation_Selector"), SLICE_INIT("VS"), SLICE_INIT("White_Space"),
	SLICE_INIT("space"), SLICE_INIT("XID_Continue"), SLICE_INIT("XIDC"), SLICE_INIT("XID_Start"),
	SLICE_INIT("XIDS"),
};

static const struct slice scripts[] = {
	SLICE_INIT("Script="), SLICE_INIT("sc="), SLICE_INIT("Script_Extensions="), SLICE_INIT("scx="),
};
/* clang-format on */

enum {
	CATEGORIES = sizeof(categories) / sizeof(categories[0]),
	BINARY = sizeof(binary) / sizeof(binary[0]),
};

static bool find_category(struct slice name, struct slice *pcre_name)
{
	for (unsigned i = 0; i < CATEGORIES; i++) {
		if (slice_eq(name, categories[i].name)) {
			*pcre_name = categories[i].pcre;
			return true;
		}
	}
	return false;
}

/* PCRE2 says itself which scripts there are; only the shape is checked here. */
static bool is_script(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];
		if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && c != '_')
			return false;
	}
	return name.len > 0 && name.len < 40 && name.data[0] >= 'A' && name.data[0] <= 'Z';
}

bool regex_property(struct slice name, struct slice *pcre_name)
{
	static const struct slice general[] = {SLICE_INIT("General_Category="), SLICE_INIT("gc=")};

	for (unsigned i = 0; i < 2; i++)
		if (slice_starts_with(name, general[i]))
			return find_category(slice_from(name, general[i].len), pcre_name);
	if (find_category(name, pcre_name))
		return true;
	*pcre_name = name;
	for (unsigned i = 0; i < BINARY; i++)
		if (slice_eq(name, binary[i]))
			return true;
	for (unsigned i = 0; i < 4; i++)
		if (slice_starts_with(name, scripts[i]))
			return is_script(slice_from(name, scripts[i].len));
	return false;
}
