//! Faults of conditions and rules: what is shown, word for word.

/// A name, a policy, and its error.
const CASES: &[(&str, &str, &str)] = &[
    (
        "where_key",
        "[scope]\nwhere = { departmnt = \"税務課\" }\n",
        "p.toml:2:11: scope.where.departmnt: unknown condition \"departmnt\" (did you mean \"department\"?); allowed: user, user_name, department, terminal, system, operation, subject, operation_class, references, result, calendar, time_of_day, weekday, and",
    ),
    (
        "where_type",
        "[scope]\nwhere = \"税務課\"\n",
        "p.toml:2:9: scope.where: expected a table of conditions such as { result = \"failure\" }, found the string \"税務課\"",
    ),
    (
        "where_number",
        "[scope]\nwhere = { subject = 12345 }\n",
        "p.toml:2:21: scope.where.subject: expected a string, an array of strings, or a table such as { glob = \"…*\" }, found the number 12345; a log's values are text: write \"12345\"",
    ),
    (
        "where_empty",
        "[scope]\nwhere = { user = \"\" }\n",
        "p.toml:2:18: scope.where.user: expected a string, an array of strings, or a table such as { glob = \"…*\" }, found an empty string",
    ),
    (
        "where_empty_array",
        "[scope]\nwhere = { user = [] }\n",
        "p.toml:2:18: scope.where.user: expected a string, an array of strings, or a table such as { glob = \"…*\" }, found an empty array",
    ),
    (
        "where_empty_table",
        "[scope]\nwhere = { user = {} }\n",
        "p.toml:2:18: scope.where.user: the table is empty; allowed: in, not_in, glob, regex, list, not_list",
    ),
    (
        "where_test",
        "[scope]\nwhere = { user = { like = \"x\" } }\n",
        "p.toml:2:20: scope.where.user.like: unknown test \"like\"; allowed: in, not_in, glob, regex, list, not_list",
    ),
    (
        "where_regex",
        "[scope]\nwhere = { user = { regex = ['\\d+', '(a'] } }\n",
        "p.toml:2:36: scope.where.user.regex[1]: bad regular expression: unclosed group (the syntax is that of Rust's regex crate; in single quotes, '\\d+', TOML leaves \"\\\" alone)",
    ),
    (
        "where_glob",
        "[scope]\nwhere = { user = { glob = \"[z-a]\" } }\n",
        "p.toml:2:27: scope.where.user.glob: bad glob pattern: the range \"z-a\" runs backwards (\"*\" any text, \"?\" one character, \"[…]\", \"{a,b}\"; \"\\\" before a character takes it as it stands)",
    ),
    (
        "where_list",
        "[lists.leavers]\nvalues = [\"1\"]\n[scope]\nwhere = { user = { list = \"leaver\" } }\n",
        "p.toml:4:27: scope.where.user.list: unknown list \"leaver\" (did you mean \"leavers\"?); allowed: leavers",
    ),
    (
        "where_list_on",
        "[lists.vip]\non = \"subject\"\nvalues = [\"1\"]\n[scope]\nwhere = { user = { not_list = \"vip\" } }\n",
        "p.toml:5:31: scope.where.user.not_list: the list \"vip\" is tied to subject, not to user; use it on one of those, or say so in its \"on\"",
    ),
    (
        "where_class",
        "[scope]\nwhere = { operation_class = [\"print\", \"exprot\"] }\n",
        "p.toml:2:39: scope.where.operation_class[1]: unknown operation class \"exprot\" (did you mean \"export\"?); allowed: login, view, update, print, export, screen_capture, media",
    ),
    (
        "where_result",
        "[scope]\nwhere = { result = \"失敗\" }\n",
        "p.toml:2:20: scope.where.result: unknown result \"失敗\"; allowed: success, failure, other",
    ),
    (
        "where_result_empty",
        "[scope]\nwhere = { result = [] }\n",
        "p.toml:2:20: scope.where.result: an empty array holds for no record: name at least one value",
    ),
    (
        "where_references",
        "[scope]\nwhere = { references = \"true\" }\n",
        "p.toml:2:24: scope.where.references: expected true or false, found the string \"true\"",
    ),
    (
        "where_calendar",
        "[scope]\nwhere = { calendar = \"offhours\" }\n",
        "p.toml:2:22: scope.where.calendar: unknown word \"offhours\" (did you mean \"off-hours\"?); allowed: off-hours, business-hours",
    ),
    (
        "where_time_of_day",
        "[scope]\nwhere = { time_of_day = \"25:00-05:00\" }\n",
        "p.toml:2:25: scope.where.time_of_day: expected times of the day such as \"22:00-05:00\" (from inclusive, to exclusive, may cross midnight), found the string \"25:00-05:00\"",
    ),
    (
        "where_weekday",
        "[scope]\nwhere = { weekday = [\"sat\", \"Sun\"] }\n",
        "p.toml:2:29: scope.where.weekday[1]: unknown weekday \"Sun\" (did you mean \"sun\"?); allowed: mon, tue, wed, thu, fri, sat, sun",
    ),
    (
        "where_and",
        "[scope]\nwhere = { and = { resutl = \"failure\" } }\n",
        "p.toml:2:19: scope.where.and.resutl: unknown condition \"resutl\" (did you mean \"result\"?); allowed: user, user_name, department, terminal, system, operation, subject, operation_class, references, result, calendar, time_of_day, weekday, and",
    ),
    (
        "rules_not_array",
        "[rules]\nid = \"a\"\n",
        "p.toml:1:1: rules: expected rules, each under [[rules]], found a table",
    ),
    (
        "rules_no_id",
        "[[rules]]\nkind = \"match\"\n",
        "p.toml:1:1: rules[0].id: missing: every rule needs an \"id\", a short name of its own",
    ),
    (
        "rules_empty_id",
        "[[rules]]\nid = \"\"\nkind = \"match\"\n",
        "p.toml:2:6: rules[0].id: expected the rule's id, a short name, found an empty string",
    ),
    (
        "rules_twice",
        "[[rules]]\nid = \"a\"\nkind = \"match\"\n[[rules]]\nid = \"a\"\nkind = \"match\"\n",
        "p.toml:5:6: rules[1].id: the id \"a\" is that of rules[0] already; every rule needs an id of its own",
    ),
    (
        "rules_no_kind",
        "[[rules]]\nid = \"a\"\n",
        "p.toml:1:1: rules[0].kind: missing: every rule needs a \"kind\": match, count, distinct, novelty, hours, spike, gap, sequence",
    ),
    (
        "rules_kind",
        "[[rules]]\nid = \"a\"\nkind = \"distict\"\n",
        "p.toml:3:8: rules[0].kind: unknown kind \"distict\" (did you mean \"distinct\"?); allowed: match, count, distinct, novelty, hours, spike, gap, sequence",
    ),
    (
        "rules_kind_far",
        "[[rules]]\nid = \"a\"\nkind = \"burst\"\n",
        "p.toml:3:8: rules[0].kind: unknown kind \"burst\"; allowed: match, count, distinct, novelty, hours, spike, gap, sequence",
    ),
    (
        "rules_key",
        "[[rules]]\nid = \"a\"\nkind = \"count\"\nwidnow = \"1h\"\nat_least = 3\n",
        "p.toml:4:1: rules[0].widnow: unknown key \"widnow\" (did you mean \"window\"?); allowed: id, kind, title, viewpoint, per, where, optional, window, at_least, by",
    ),
    (
        "rules_misplaced",
        "[[rules]]\nid = \"a\"\nkind = \"match\"\nwindow = \"1h\"\n",
        "p.toml:4:1: rules[0].window: \"window\" is a key of count, distinct rules, not of match; allowed: id, kind, title, viewpoint, per, where, optional",
    ),
    (
        "rules_misplaced_max",
        "[[rules]]\nid = \"a\"\nkind = \"count\"\nwindow = \"1h\"\nat_least = 3\nmax_days = 1\n",
        "p.toml:6:1: rules[0].max_days: \"max_days\" is a key of novelty rules, not of count; allowed: id, kind, title, viewpoint, per, where, optional, window, at_least, by",
    ),
    (
        "rules_no_window",
        "[[rules]]\nid = \"a\"\nkind = \"count\"\nat_least = 3\n",
        "p.toml:1:1: rules[0].window: missing: a count rule needs a \"window\", a duration such as \"90s\", \"10m\", \"24h\", \"7d\" or \"1h30m\"",
    ),
    (
        "rules_no_at_least",
        "[[rules]]\nid = \"a\"\nkind = \"count\"\nwindow = \"1h\"\n",
        "p.toml:1:1: rules[0].at_least: missing: a count rule needs \"at_least\", a whole number",
    ),
    (
        "rules_no_field",
        "[[rules]]\nid = \"a\"\nkind = \"distinct\"\nwindow = \"1h\"\nat_least = 3\n",
        "p.toml:1:1: rules[0].field: missing: a distinct rule needs a \"field\", the field whose values it looks at",
    ),
    (
        "rules_no_lookback",
        "[[rules]]\nid = \"a\"\nkind = \"novelty\"\nfield = \"terminal\"\nmin_active_days = 1\n",
        "p.toml:1:1: rules[0].lookback: missing: a novelty rule needs a \"lookback\", a number of days such as \"90d\"",
    ),
    (
        "rules_no_days",
        "[[rules]]\nid = \"a\"\nkind = \"novelty\"\nfield = \"terminal\"\nlookback = \"90d\"\n",
        "p.toml:1:1: rules[0].min_active_days: missing: a novelty rule needs \"min_active_days\", the number of days with records in the lookback below which it says nothing",
    ),
    (
        "rules_window",
        "[[rules]]\nid = \"a\"\nkind = \"count\"\nwindow = \"10分\"\nat_least = 3\n",
        "p.toml:4:10: rules[0].window: expected a duration such as \"90s\", \"10m\", \"24h\", \"7d\" or \"1h30m\", found the string \"10分\"",
    ),
    (
        "rules_window_number",
        "[[rules]]\nid = \"a\"\nkind = \"count\"\nwindow = 600\nat_least = 3\n",
        "p.toml:4:10: rules[0].window: expected a duration such as \"90s\", \"10m\", \"24h\", \"7d\" or \"1h30m\", found the number 600",
    ),
    (
        "rules_window_zero",
        "[[rules]]\nid = \"a\"\nkind = \"count\"\nwindow = \"0s\"\nat_least = 3\n",
        "p.toml:4:10: rules[0].window: expected a duration such as \"90s\", \"10m\", \"24h\", \"7d\" or \"1h30m\", found the string \"0s\"",
    ),
    (
        "rules_at_least_zero",
        "[[rules]]\nid = \"a\"\nkind = \"count\"\nwindow = \"1h\"\nat_least = 0\n",
        "p.toml:5:12: rules[0].at_least: expected a whole number, at least 1, found the number 0",
    ),
    (
        "rules_at_least_negative",
        "[[rules]]\nid = \"a\"\nkind = \"count\"\nwindow = \"1h\"\nat_least = -3\n",
        "p.toml:5:12: rules[0].at_least: expected a whole number, at least 1, found the number -3",
    ),
    (
        "rules_at_least_float",
        "[[rules]]\nid = \"a\"\nkind = \"count\"\nwindow = \"1h\"\nat_least = 3.0\n",
        "p.toml:5:12: rules[0].at_least: expected a whole number, at least 1, found the number 3.0",
    ),
    (
        "rules_by",
        "[[rules]]\nid = \"a\"\nkind = \"count\"\nwindow = \"1h\"\nat_least = 3\nby = [\"subjct\"]\n",
        "p.toml:6:7: rules[0].by[0]: unknown field \"subjct\" (did you mean \"subject\"?); allowed: user, user_name, department, terminal, system, operation, result, references, subject, date, hour, weekday, day_type",
    ),
    (
        "rules_by_twice",
        "[[rules]]\nid = \"a\"\nkind = \"count\"\nwindow = \"1h\"\nat_least = 3\nby = [\"subject\", \"subject\"]\n",
        "p.toml:6:18: rules[0].by[1]: the field \"subject\" is named twice",
    ),
    (
        "rules_field",
        "[[rules]]\nid = \"a\"\nkind = \"distinct\"\nwindow = \"1h\"\nat_least = 3\nfield = \"time\"\n",
        "p.toml:6:9: rules[0].field: unknown field \"time\"; allowed: user, user_name, department, terminal, system, operation, result, references, subject, date, hour, weekday, day_type",
    ),
    (
        "rules_lookback",
        "[[rules]]\nid = \"a\"\nkind = \"hours\"\nlookback = \"36h\"\nmin_active_days = 1\nat_least = \"3h\"\n",
        "p.toml:4:12: rules[0].lookback: expected a number of whole days such as \"90d\", found the string \"36h\"",
    ),
    (
        "rules_days",
        "[[rules]]\nid = \"a\"\nkind = \"hours\"\nlookback = \"30d\"\nmin_active_days = -1\nat_least = \"3h\"\n",
        "p.toml:5:19: rules[0].min_active_days: expected a whole number from 0 to 36500, found the number -1",
    ),
    (
        "rules_max_days",
        "[[rules]]\nid = \"a\"\nkind = \"novelty\"\nfield = \"terminal\"\nlookback = \"30d\"\nmin_active_days = 3\nmax_days = -1\n",
        "p.toml:7:12: rules[0].max_days: expected a whole number from 0 to 36500, found the number -1",
    ),
    (
        "rules_distance",
        "[[rules]]\nid = \"a\"\nkind = \"hours\"\nlookback = \"30d\"\nmin_active_days = 3\nat_least = 3\n",
        "p.toml:6:12: rules[0].at_least: expected a duration such as \"90s\", \"10m\", \"24h\", \"7d\" or \"1h30m\", found the number 3",
    ),
    (
        "rules_viewpoint",
        "[[rules]]\nid = \"a\"\nkind = \"match\"\nviewpoint = 6\n",
        "p.toml:4:13: rules[0].viewpoint: expected a whole number from 1 to 5, found the number 6",
    ),
    (
        "rules_title",
        "[[rules]]\nid = \"a\"\nkind = \"match\"\ntitle = { jp = \"x\" }\n",
        "p.toml:4:11: rules[0].title.jp: unknown language \"jp\" (did you mean \"ja\"?); allowed: ja, en",
    ),
    (
        "rules_title_type",
        "[[rules]]\nid = \"a\"\nkind = \"match\"\ntitle = 3\n",
        "p.toml:4:9: rules[0].title: expected a title, or a table { ja = \"…\", en = \"…\" }, found the number 3",
    ),
    (
        "rules_per",
        "[[rules]]\nid = \"a\"\nkind = \"match\"\nper = \"operation\"\n",
        "p.toml:4:7: rules[0].per: unknown timeline \"operation\"; allowed: user, terminal, subject, department",
    ),
    (
        "rules_optional",
        "[[rules]]\nid = \"a\"\nkind = \"match\"\noptional = 1\n",
        "p.toml:4:12: rules[0].optional: expected true or false, found the number 1",
    ),
    (
        "rules_where",
        "[[rules]]\nid = \"a\"\nkind = \"match\"\n[rules.where]\nresult = \"fail\"\n",
        "p.toml:5:10: rules[0].where.result: unknown result \"fail\" (did you mean \"failure\"?); allowed: success, failure, other",
    ),
    (
        "spike_no_factor",
        "[[rules]]\nid = \"a\"\nkind = \"spike\"\nlookback = \"30d\"\nmin_active_days = 3\nat_least = 50\n",
        "p.toml:1:1: rules[0].factor: missing: a spike rule needs a \"factor\", how many times the usual day is too much, such as 3 or 2.5",
    ),
    (
        "spike_factor_text",
        "[[rules]]\nid = \"a\"\nkind = \"spike\"\nlookback = \"30d\"\nmin_active_days = 3\nat_least = 50\nfactor = \"3\"\n",
        "p.toml:7:10: rules[0].factor: expected a number from 0.001 to 1000000 with at most three decimals, such as 3 or 2.5, found the string \"3\"",
    ),
    (
        "spike_factor_zero",
        "[[rules]]\nid = \"a\"\nkind = \"spike\"\nlookback = \"30d\"\nmin_active_days = 3\nat_least = 50\nfactor = 0\n",
        "p.toml:7:10: rules[0].factor: expected a number from 0.001 to 1000000 with at most three decimals, such as 3 or 2.5, found the number 0",
    ),
    (
        "spike_factor_nan",
        "[[rules]]\nid = \"a\"\nkind = \"spike\"\nlookback = \"30d\"\nmin_active_days = 3\nat_least = 50\nfactor = nan\n",
        "p.toml:7:10: rules[0].factor: expected a number from 0.001 to 1000000 with at most three decimals, such as 3 or 2.5, found the number NaN",
    ),
    (
        "spike_factor_huge",
        "[[rules]]\nid = \"a\"\nkind = \"spike\"\nlookback = \"30d\"\nmin_active_days = 3\nat_least = 50\nfactor = 1000001\n",
        "p.toml:7:10: rules[0].factor: expected a number from 0.001 to 1000000 with at most three decimals, such as 3 or 2.5, found the number 1000001",
    ),
    (
        "spike_factor_fine",
        "[[rules]]\nid = \"a\"\nkind = \"spike\"\nlookback = \"30d\"\nmin_active_days = 3\nat_least = 50\nfactor = 2.0005\n",
        "p.toml:7:10: rules[0].factor: expected a number from 0.001 to 1000000 with at most three decimals, such as 3 or 2.5, found the number 2.0005",
    ),
    (
        "spike_measure",
        "[[rules]]\nid = \"a\"\nkind = \"spike\"\nlookback = \"30d\"\nmin_active_days = 3\nat_least = 50\nfactor = 3\nmeasure = \"record\"\n",
        "p.toml:8:11: rules[0].measure: unknown measure \"record\" (did you mean \"records\"?); allowed: records",
    ),
    (
        "spike_both",
        "[[rules]]\nid = \"a\"\nkind = \"spike\"\nlookback = \"30d\"\nmin_active_days = 3\nat_least = 50\nfactor = 3\nmeasure = \"records\"\ndistinct = \"subject\"\n",
        "p.toml:9:12: rules[0].distinct: a spike is measured in records or in the different values of a field: give \"measure\" or \"distinct\", not both",
    ),
    (
        "spike_distinct",
        "[[rules]]\nid = \"a\"\nkind = \"spike\"\nlookback = \"30d\"\nmin_active_days = 3\nat_least = 50\nfactor = 3\ndistinct = \"time\"\n",
        "p.toml:8:12: rules[0].distinct: unknown field \"time\"; allowed: user, user_name, department, terminal, system, operation, result, references, subject, date, hour, weekday, day_type",
    ),
    (
        "spike_no_at_least",
        "[[rules]]\nid = \"a\"\nkind = \"spike\"\nlookback = \"30d\"\nmin_active_days = 3\nfactor = 3\n",
        "p.toml:1:1: rules[0].at_least: missing: a spike rule needs \"at_least\", a whole number",
    ),
    (
        "spike_at_least",
        "[[rules]]\nid = \"a\"\nkind = \"spike\"\nlookback = \"30d\"\nmin_active_days = 3\nat_least = \"3h\"\nfactor = 3\n",
        "p.toml:6:12: rules[0].at_least: expected a whole number, at least 1, found the string \"3h\"",
    ),
    (
        "spike_no_lookback",
        "[[rules]]\nid = \"a\"\nkind = \"spike\"\nat_least = 3\nfactor = 3\n",
        "p.toml:1:1: rules[0].lookback: missing: a spike rule needs a \"lookback\", a number of days such as \"90d\"",
    ),
    (
        "spike_window",
        "[[rules]]\nid = \"a\"\nkind = \"spike\"\nlookback = \"30d\"\nmin_active_days = 3\nat_least = 50\nfactor = 3\nwindow = \"1d\"\n",
        "p.toml:8:1: rules[0].window: \"window\" is a key of count, distinct rules, not of spike; allowed: id, kind, title, viewpoint, per, where, optional, measure, distinct, lookback, min_active_days, at_least, factor",
    ),
    (
        "gap_no_idle",
        "[[rules]]\nid = \"a\"\nkind = \"gap\"\n",
        "p.toml:1:1: rules[0].idle: missing: a gap rule needs \"idle\", a duration such as \"90s\", \"10m\", \"24h\", \"7d\" or \"1h30m\"",
    ),
    (
        "gap_idle",
        "[[rules]]\nid = \"a\"\nkind = \"gap\"\nidle = 90\n",
        "p.toml:4:8: rules[0].idle: expected a duration such as \"90s\", \"10m\", \"24h\", \"7d\" or \"1h30m\", found the number 90",
    ),
    (
        "gap_idle_zero",
        "[[rules]]\nid = \"a\"\nkind = \"gap\"\nidle = \"0d\"\n",
        "p.toml:4:8: rules[0].idle: expected a duration such as \"90s\", \"10m\", \"24h\", \"7d\" or \"1h30m\", found the string \"0d\"",
    ),
    (
        "gap_by",
        "[[rules]]\nid = \"a\"\nkind = \"gap\"\nidle = \"90d\"\nby = [\"subject\"]\n",
        "p.toml:5:1: rules[0].by: \"by\" is a key of count, distinct, sequence rules, not of gap; allowed: id, kind, title, viewpoint, per, where, optional, idle",
    ),
    (
        "sequence_no_steps",
        "[[rules]]\nid = \"a\"\nkind = \"sequence\"\nwithin = \"15m\"\n",
        "p.toml:1:1: rules[0].steps: missing: a sequence rule needs two or more steps, each a table of conditions such as { result = \"failure\", times = 5 }",
    ),
    (
        "sequence_steps",
        "[[rules]]\nid = \"a\"\nkind = \"sequence\"\nwithin = \"15m\"\nsteps = { result = \"failure\" }\n",
        "p.toml:5:9: rules[0].steps: expected two or more steps, each a table of conditions such as { result = \"failure\", times = 5 }, found a table",
    ),
    (
        "sequence_one_step",
        "[[rules]]\nid = \"a\"\nkind = \"sequence\"\nwithin = \"15m\"\nsteps = [{ result = \"failure\" }]\n",
        "p.toml:5:9: rules[0].steps: expected two or more steps, each a table of conditions such as { result = \"failure\", times = 5 }, found 1",
    ),
    (
        "sequence_step",
        "[[rules]]\nid = \"a\"\nkind = \"sequence\"\nwithin = \"15m\"\nsteps = [\"failure\", {}]\n",
        "p.toml:5:10: rules[0].steps[0]: expected two or more steps, each a table of conditions such as { result = \"failure\", times = 5 }, found the string \"failure\"",
    ),
    (
        "sequence_step_key",
        "[[rules]]\nid = \"a\"\nkind = \"sequence\"\nwithin = \"15m\"\nsteps = [{ result = \"failure\" }, { reslt = \"success\" }]\n",
        "p.toml:5:36: rules[0].steps[1].reslt: unknown condition \"reslt\" (did you mean \"result\"?); allowed: user, user_name, department, terminal, system, operation, subject, operation_class, references, result, calendar, time_of_day, weekday, and, times",
    ),
    (
        "sequence_step_class",
        "[[rules]]\nid = \"a\"\nkind = \"sequence\"\nwithin = \"15m\"\nsteps = [{ operation_class = \"views\" }, {}]\n",
        "p.toml:5:30: rules[0].steps[0].operation_class: unknown operation class \"views\" (did you mean \"view\"?); allowed: login, view, update, print, export, screen_capture, media",
    ),
    (
        "sequence_step_list",
        "[[rules]]\nid = \"a\"\nkind = \"sequence\"\nwithin = \"15m\"\nsteps = [{}, { user = { list = \"vip\" } }]\n",
        "p.toml:5:32: rules[0].steps[1].user.list: unknown list \"vip\"; allowed: none",
    ),
    (
        "sequence_times",
        "[[rules]]\nid = \"a\"\nkind = \"sequence\"\nwithin = \"15m\"\nsteps = [{ times = 0 }, {}]\n",
        "p.toml:5:20: rules[0].steps[0].times: expected a whole number from 1 to 4294967295, found the number 0",
    ),
    (
        "sequence_times_within_and",
        "[[rules]]\nid = \"a\"\nkind = \"sequence\"\nwithin = \"15m\"\nsteps = [{ and = { times = 2 } }, {}]\n",
        "p.toml:5:20: rules[0].steps[0].and.times: unknown condition \"times\"; allowed: user, user_name, department, terminal, system, operation, subject, operation_class, references, result, calendar, time_of_day, weekday, and",
    ),
    (
        "sequence_times_in_where",
        "[[rules]]\nid = \"a\"\nkind = \"sequence\"\nwithin = \"15m\"\nwhere = { times = 2 }\nsteps = [{}, {}]\n",
        "p.toml:5:11: rules[0].where.times: unknown condition \"times\"; allowed: user, user_name, department, terminal, system, operation, subject, operation_class, references, result, calendar, time_of_day, weekday, and",
    ),
    (
        "sequence_no_within",
        "[[rules]]\nid = \"a\"\nkind = \"sequence\"\nsteps = [{}, {}]\n",
        "p.toml:1:1: rules[0].within: missing: a sequence rule needs \"within\", a duration such as \"90s\", \"10m\", \"24h\", \"7d\" or \"1h30m\"",
    ),
    (
        "sequence_window",
        "[[rules]]\nid = \"a\"\nkind = \"sequence\"\nsteps = [{}, {}]\nwindow = \"15m\"\n",
        "p.toml:5:1: rules[0].window: \"window\" is a key of count, distinct rules, not of sequence; allowed: id, kind, title, viewpoint, per, where, optional, steps, within, by",
    ),
    (
        "sequence_by",
        "[[rules]]\nid = \"a\"\nkind = \"sequence\"\nsteps = [{}, {}]\nwithin = \"15m\"\nby = \"time\"\n",
        "p.toml:6:6: rules[0].by: unknown field \"time\"; allowed: user, user_name, department, terminal, system, operation, result, references, subject, date, hour, weekday, day_type",
    ),
];

#[test]
fn every_fault_is_shown_with_its_place_and_what_is_allowed() {
    for (name, text, expected) in CASES {
        assert_eq!(&super::fails(text), expected, "{name}");
    }
}
