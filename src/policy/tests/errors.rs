//! Faults of the text and of every section but the rules: what is shown, word for word.

/// A name, a policy, and its error.
const CASES: &[(&str, &str, &str)] = &[
    (
        "toml_syntax",
        "a = \n",
        "p.toml:1:5: not TOML: string values must be quoted, expected literal string",
    ),
    (
        "toml_duplicate_key",
        "[scope]\nfrom = \"2025-04-01\"\nfrom = \"2025-04-02\"\n",
        "p.toml:3:1: not TOML: duplicate key",
    ),
    (
        "toml_unclosed",
        "[results]\nsuccess = [\"成功\", \"正常\n",
        "p.toml:2:21: not TOML: unclosed array, expected `]`",
    ),
    (
        "toml_key",
        "[lists.\"名簿\"]\nvalues = [\"1\"]\n[scope]\n所属 = \"税務課\"\n",
        "p.toml:4:1: not TOML: invalid unquoted key, expected letters, numbers, `-`, `_` (in quotes a key may be any text)",
    ),
    (
        "key_path",
        "[lists.\"名簿\"]\nvalues = [1]\n",
        "p.toml:2:11: lists.\"名簿\".values[0]: expected a string, found the number 1; a log's values are text: write \"1\"",
    ),
    (
        "unknown_section",
        "[calender]\n",
        "p.toml:1:2: calender: unknown section \"calender\" (did you mean \"calendar\"?); allowed: columns, normalise, results, operations, lists, calendar, scope, assume, rules",
    ),
    (
        "unknown_section_far",
        "x = 1\n",
        "p.toml:1:1: x: unknown section \"x\"; allowed: columns, normalise, results, operations, lists, calendar, scope, assume, rules",
    ),
    (
        "section_not_a_table",
        "calendar = \"JP\"\n",
        "p.toml:1:12: calendar: expected a section, [calendar], found the string \"JP\"",
    ),
    (
        "columns_field",
        "[columns]\nusr = \"職員番号\"\n",
        "p.toml:2:1: columns.usr: unknown field \"usr\" (did you mean \"user\"?); allowed: time, user, user_name, department, terminal, system, operation, result, references, subject, time_format, timezone, header",
    ),
    (
        "columns_zero",
        "[columns]\nuser = 0\n",
        "p.toml:2:8: columns.user: expected a whole number from 1 to 10000, found the number 0",
    ),
    (
        "columns_type",
        "[columns]\nuser = true\n",
        "p.toml:2:8: columns.user: expected a column, by its header or its position (1, 2, …), found true",
    ),
    (
        "columns_two",
        "[columns]\nuser = [\"a\", \"b\"]\n",
        "p.toml:2:8: columns.user: expected a column, by its header or its position (1, 2, …), found an array",
    ),
    (
        "columns_three",
        "[columns]\ntime = [\"a\", \"b\", \"c\"]\n",
        "p.toml:2:8: columns.time: expected a column, by its header or its position (1, 2, …), or two of them, [date, time of day], found an array",
    ),
    (
        "columns_header_names",
        "[columns]\nheader = false\ntime = 1\nuser = \"職員番号\"\n",
        "p.toml:4:8: columns.user: with header = false a column is named by its position (1, 2, …), not by a header",
    ),
    (
        "columns_format",
        "[columns]\ntime_format = [\"%Y\", \"yyyy/mm/dd\"]\n",
        "p.toml:2:22: columns.time_format[1]: expected a time format such as \"%Y/%m/%d %H:%M:%S\", or an array of them, found the string \"yyyy/mm/dd\"",
    ),
    (
        "columns_zone",
        "[columns]\ntimezone = \"JST\"\n",
        "p.toml:2:12: columns.timezone: expected the name of a time zone such as \"Asia/Tokyo\" or \"UTC\", found the string \"JST\"",
    ),
    (
        "columns_float",
        "[columns]\nuser = 1.0\n",
        "p.toml:2:8: columns.user: expected a column, by its header or its position (1, 2, …), found the number 1.0",
    ),
    (
        "columns_empty",
        "[columns]\nuser = \"\"\n",
        "p.toml:2:8: columns.user: expected a column, by its header or its position (1, 2, …), found an empty string",
    ),
    (
        "normalise_key",
        "[normalise]\ntrimm = true\n",
        "p.toml:2:1: normalise.trimm: unknown key \"trimm\" (did you mean \"trim\"?); allowed: trim, width, user, user_name, department, terminal, system, operation, subject",
    ),
    (
        "normalise_flag",
        "[normalise]\nwidth = \"yes\"\n",
        "p.toml:2:9: normalise.width: expected true or false, found the string \"yes\"",
    ),
    (
        "normalise_field_key",
        "[normalise.user]\nfold = true\n",
        "p.toml:2:1: normalise.user.fold: unknown key \"fold\"; allowed: trim, width",
    ),
    (
        "normalise_result",
        "[normalise.result]\ntrim = true\n",
        "p.toml:1:12: normalise.result: unknown key \"result\"; allowed: trim, width, user, user_name, department, terminal, system, operation, subject",
    ),
    (
        "results_key",
        "[results]\nfailed = [\"NG\"]\n",
        "p.toml:2:1: results.failed: unknown result \"failed\"; allowed: success, failure (every word not named reads as other)",
    ),
    (
        "results_both",
        "[results]\nsuccess = [\"OK\"]\nfailure = [\"NG\", \"ｏｋ\"]\n",
        "p.toml:3:18: results.failure[1]: \"ｏｋ\" is a word of success already",
    ),
    (
        "results_type",
        "[results]\nsuccess = [0]\n",
        "p.toml:2:12: results.success[0]: expected a word, or an array of words, found the number 0; a log's values are text: write \"0\"",
    ),
    (
        "operations_glob",
        "[operations]\nlogin = [\"ログイン\", \"[ログ\"]\n",
        "p.toml:2:18: operations.login[1]: bad glob pattern: \"[\" without \"]\" after it (\"*\" any text, \"?\" one character, \"[…]\", \"{a,b}\"; \"\\\" before a character takes it as it stands)",
    ),
    (
        "operations_missing",
        "[operations]\nlogin = \"ログイン*\"\n",
        "p.toml:1:1: operations: the class \"print\" is missing, and the default policy's rule \"denied-sensitive\" uses it: define it (an empty array for none), or write rules of your own",
    ),
    (
        "operations_type",
        "[operations]\nlogin = 1\n",
        "p.toml:2:9: operations.login: expected a glob pattern, or an array of them, found the number 1; a log's values are text: write \"1\"",
    ),
    (
        "lists_nothing",
        "[lists.vip]\non = \"subject\"\n",
        "p.toml:1:8: lists.vip: missing: a list needs a \"file\" (CSV or TSV) or \"values\"",
    ),
    (
        "lists_both",
        "[lists.vip]\nfile = \"x.csv\"\nvalues = [\"1\"]\n",
        "p.toml:3:10: lists.vip.values: a list has either a \"file\" or \"values\"",
    ),
    (
        "lists_key",
        "[lists.vip]\nvalue = [\"1\"]\n",
        "p.toml:2:1: lists.vip.value: unknown key \"value\" (did you mean \"values\"?); allowed: file, header, columns, values, on",
    ),
    (
        "lists_on",
        "[lists.vip]\non = [\"user\", \"time\"]\nvalues = []\n",
        "p.toml:2:15: lists.vip.on[1]: unknown field \"time\"; allowed: user, user_name, department, terminal, system, operation, result, references, subject, date, hour, weekday, day_type",
    ),
    (
        "lists_on_twice",
        "[lists.vip]\non = [\"user\", \"user\"]\nvalues = []\n",
        "p.toml:2:15: lists.vip.on[1]: the field \"user\" is named twice",
    ),
    (
        "lists_on_empty",
        "[lists.vip]\non = []\nvalues = []\n",
        "p.toml:2:6: lists.vip.on: an empty array ties the list to no field; leave \"on\" out to tie it to whichever field names it",
    ),
    (
        "lists_width",
        "[lists.leave]\non = [\"user\", \"date\"]\nvalues = [[\"1\", \"2025-04-01\"], [\"2\"]]\n",
        "p.toml:3:32: lists.leave.values[1]: expected 2 values, one for each field of \"on\", found 1",
    ),
    (
        "lists_width_text",
        "[lists.leave]\non = [\"user\", \"date\"]\nvalues = [\"1\"]\n",
        "p.toml:3:11: lists.leave.values[0]: expected 2 values, one for each field of \"on\", found the string \"1\"",
    ),
    (
        "lists_date",
        "[lists.leave]\non = [\"user\", \"date\"]\nvalues = [[\"1\", \"4月1日\"]]\n",
        "p.toml:3:17: lists.leave.values[0][1]: expected a date such as \"2025-04-01\" or \"2025/4/1\", found the string \"4月1日\"",
    ),
    (
        "lists_number",
        "[lists.vip]\nvalues = [\"1\", 2]\n",
        "p.toml:2:16: lists.vip.values[1]: expected a string, found the number 2; a log's values are text: write \"2\"",
    ),
    (
        "lists_header_with_values",
        "[lists.vip]\nvalues = [\"1\"]\nheader = true\n",
        "p.toml:3:10: lists.vip.header: \"header\" goes with \"file\", not with \"values\"",
    ),
    (
        "lists_columns_count",
        "[lists.vip]\nfile = \"vip.csv\"\non = \"user\"\ncolumns = [1, 2]\n",
        "p.toml:4:11: lists.vip.columns: expected 1 column, found 2",
    ),
    (
        "lists_columns_header",
        "[lists.vip]\nfile = \"vip.csv\"\nheader = false\ncolumns = \"番号\"\n",
        "p.toml:3:10: lists.vip.header: \"columns\" names headers: the file must have one (or give positions)",
    ),
    (
        "lists_hour",
        "[lists.x]\non = \"hour\"\nvalues = [\"24\"]\n",
        "p.toml:3:11: lists.x.values[0]: expected an hour from 0 to 23, found the string \"24\"",
    ),
    (
        "calendar_key",
        "[calendar]\nhour = \"08:30-17:15\"\n",
        "p.toml:2:1: calendar.hour: unknown key \"hour\" (did you mean \"hours\"?); allowed: country, override, hours, margin, closed, open",
    ),
    (
        "calendar_country",
        "[calendar]\ncountry = \"Japan\"\n",
        "p.toml:2:11: calendar.country: expected a country code such as \"JP\", one with a subdivision such as \"JP-47\", or \"none\", found the string \"Japan\"",
    ),
    (
        "calendar_hours",
        "[calendar]\nhours = \"8時半から\"\n",
        "p.toml:2:9: calendar.hours: expected hours such as \"08:30-17:15\" (within one day), \"closed\", or a table such as { default = \"08:30-17:15\", wed = \"08:30-19:00\" }, found the string \"8時半から\"",
    ),
    (
        "calendar_hours_backwards",
        "[calendar]\nhours = \"22:00-05:00\"\n",
        "p.toml:2:9: calendar.hours: expected hours such as \"08:30-17:15\" (within one day), \"closed\", or a table such as { default = \"08:30-17:15\", wed = \"08:30-19:00\" }, found the string \"22:00-05:00\"",
    ),
    (
        "calendar_weekday",
        "[calendar]\nhours = { mo = \"08:30-17:15\" }\n",
        "p.toml:2:11: calendar.hours.mo: unknown weekday \"mo\" (did you mean \"mon\"?); allowed: mon, tue, wed, thu, fri, sat, sun, default",
    ),
    (
        "calendar_margin",
        "[calendar]\nmargin = 30\n",
        "p.toml:2:10: calendar.margin: expected a duration such as \"30m\", shorter than a day (\"0m\" for none), found the number 30",
    ),
    (
        "calendar_margin_negative",
        "[calendar]\nmargin = \"-30m\"\n",
        "p.toml:2:10: calendar.margin: expected a duration such as \"30m\", shorter than a day (\"0m\" for none), found the string \"-30m\"",
    ),
    (
        "calendar_closed",
        "[calendar]\nclosed = [\"sat\", \"sunday\"]\n",
        "p.toml:2:18: calendar.closed[1]: expected a closed day: mon … sun, \"holiday\", a day of every year \"12-29\" or \"12-29..01-03\", a date \"2025-08-15\" or \"2025-08-13..2025-08-15\", found the string \"sunday\"",
    ),
    (
        "calendar_closed_day",
        "[calendar]\nclosed = [\"02-30\"]\n",
        "p.toml:2:11: calendar.closed[0]: expected a closed day: mon … sun, \"holiday\", a day of every year \"12-29\" or \"12-29..01-03\", a date \"2025-08-15\" or \"2025-08-13..2025-08-15\", found the string \"02-30\"",
    ),
    (
        "calendar_open",
        "[calendar]\nopen = [\"2025-01-01..2027-01-01\"]\n",
        "p.toml:2:9: calendar.open[0]: expected a date such as \"2025-04-05\", or dates \"2025-04-05..2025-04-06\" (at most 366 days), found the string \"2025-01-01..2027-01-01\"",
    ),
    (
        "calendar_override",
        "[[calendar.override]]\nhours = \"08:30-19:00\"\n",
        "p.toml:1:1: calendar.override[0].department: missing: an override needs a \"department\", a glob pattern or an array of them",
    ),
    (
        "calendar_override_key",
        "[[calendar.override]]\ndepartment = \"市民課\"\ncountry = \"JP\"\n",
        "p.toml:3:1: calendar.override[0].country: unknown key \"country\"; allowed: department, hours, margin, closed, open",
    ),
    (
        "calendar_override_glob",
        "[[calendar.override]]\ndepartment = \"{市民課\"\n",
        "p.toml:2:14: calendar.override[0].department: bad glob pattern: \"{\" without \"}\" after it (\"*\" any text, \"?\" one character, \"[…]\", \"{a,b}\"; \"\\\" before a character takes it as it stands)",
    ),
    (
        "assume_field",
        "[assume]\ntime = \"x\"\n",
        "p.toml:2:1: assume.time: unknown field \"time\"; allowed: user, user_name, department, terminal, system, operation, result, references, subject",
    ),
    (
        "assume_type",
        "[assume]\nreferences = \"あり\"\n",
        "p.toml:2:14: assume.references: expected true or false, found the string \"あり\"",
    ),
    (
        "scope_key",
        "[scope]\nuntil = \"2025-04-01\"\n",
        "p.toml:2:1: scope.until: unknown key \"until\"; allowed: from, to, where",
    ),
    (
        "scope_time",
        "[scope]\nfrom = \"2025-04-31\"\n",
        "p.toml:2:8: scope.from: expected a date such as \"2025-04-01\" or a time such as \"2025-04-01T08:30:00\" (civil time, without a zone), found the string \"2025-04-31\"",
    ),
    (
        "scope_zone",
        "[scope]\nfrom = 2025-04-01T00:00:00+09:00\n",
        "p.toml:2:8: scope.from: expected a date such as \"2025-04-01\" or a time such as \"2025-04-01T08:30:00\" (civil time, without a zone), found the date or time 2025-04-01T00:00:00+09:00",
    ),
    (
        "scope_order",
        "[scope]\nfrom = 2025-04-02\nto = 2025-04-01\n",
        "p.toml:3:6: scope.to: the scope ends before it begins: \"to\" must be after \"from\"",
    ),
];

#[test]
fn every_fault_is_shown_with_its_place_and_what_is_allowed() {
    for (name, text, expected) in CASES {
        assert_eq!(&super::fails(text), expected, "{name}");
    }
}
