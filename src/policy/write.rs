//! A policy as TOML: complete, so that reading it gives the same policy.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use toml_edit::Key as TomlKey;

use super::conditions::{OUTCOMES, WEEKDAYS, write_clock_span};
use super::{
    Assumed, Calendar, ClosedDay, ColumnRef, Columns, Condition, DepartmentCalendar, Key, Kind,
    List, Normalise, NormaliseField, Policy, Rule, Scope, Step, TextTest, Where, dates, duration,
    scope,
};
use crate::record::{Field, Outcome};

impl Policy {
    /// The policy as TOML, every section written out and the values of lists in place of their
    /// files. Reading it gives the same policy, its name and the lists' files apart.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut out = Out::default();
        out.columns(&self.columns);
        out.normalise(&self.normalise);
        out.section("results");
        out.entry("success", &strings(&self.results.success));
        out.entry("failure", &strings(&self.results.failure));
        out.section("operations");
        for class in &self.operations {
            out.entry(&class.name, &strings(&class.globs));
        }
        out.lists(&self.lists);
        out.calendar(&self.calendar);
        out.scope(&self.scope);
        out.section("assume");
        for (field, assumed) in &self.assume {
            let value = match assumed {
                Assumed::Text(text) => string(text),
                Assumed::Bool(flag) => flag.to_string(),
                Assumed::Outcome(outcome) => string(outcome.name()),
            };
            out.entry(field.name(), &value);
        }
        for rule in &self.rules {
            out.rule(rule);
        }
        out.text
    }
}

/// The text so far.
#[derive(Default)]
struct Out {
    text: String,
}

impl Out {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn header(&mut self, header: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.line(header);
    }

    fn section(&mut self, name: &str) {
        self.header(&format!("[{name}]"));
    }

    fn entry(&mut self, name: &str, value: &str) {
        let line = format!("{} = {value}", key(name));
        self.line(&line);
    }

    fn columns(&mut self, columns: &Columns) {
        self.section("columns");
        for (field, refs) in &columns.map {
            let refs: Vec<String> = refs.iter().map(column).collect();
            let value = match refs.as_slice() {
                [one] => one.clone(),
                several => array(several),
            };
            self.entry(field.name(), &value);
        }
        if !columns.time_format.is_empty() {
            self.entry("time_format", &strings(&columns.time_format));
        }
        if let Some(timezone) = &columns.timezone {
            self.entry("timezone", &string(timezone));
        }
        if let Some(header) = columns.header {
            self.entry("header", &header.to_string());
        }
    }

    fn normalise(&mut self, normalise: &Normalise) {
        self.section("normalise");
        self.normalise_field(normalise.all);
        for (field, one) in &normalise.per_field {
            self.section(&format!("normalise.{}", field.name()));
            self.normalise_field(*one);
        }
    }

    fn normalise_field(&mut self, field: NormaliseField) {
        self.entry("trim", &field.trim.to_string());
        self.entry("width", &field.width.to_string());
    }

    fn lists(&mut self, lists: &BTreeMap<String, List>) {
        self.section("lists");
        for (name, list) in lists {
            self.section(&format!("lists.{}", key(name)));
            if !list.on.is_empty() {
                self.entry("on", &keys(&list.on));
            }
            let rows: Vec<String> = list
                .rows
                .iter()
                .map(|row| match row.as_slice() {
                    [one] => string(one),
                    cells => strings(cells),
                })
                .collect();
            self.entry("values", &lines(&rows));
        }
    }

    fn calendar(&mut self, calendar: &Calendar) {
        self.section("calendar");
        let country = calendar.country.as_deref().unwrap_or("none");
        self.entry("country", &string(country));
        self.department(&calendar.base);
        for one in &calendar.overrides {
            self.header("[[calendar.override]]");
            self.entry("department", &strings(&one.departments));
            self.department(&one.calendar);
        }
    }

    fn department(&mut self, calendar: &DepartmentCalendar) {
        self.entry("hours", &hours(&calendar.hours));
        self.entry("margin", &string(&duration::format(calendar.margin)));
        let closed: Vec<String> = calendar.closed.iter().map(closed_day).collect();
        self.entry("closed", &strings(&closed));
        let open: Vec<String> = calendar
            .open
            .iter()
            .map(|&d| dates::format_date(d))
            .collect();
        self.entry("open", &strings(&open));
    }

    fn scope(&mut self, scope: &Scope) {
        self.section("scope");
        if let Some(from) = scope.from {
            self.entry("from", &string(&scope::write(from, false)));
        }
        if let Some(to) = scope.to {
            self.entry("to", &string(&scope::write(to, true)));
        }
        if !scope.filter.conditions.is_empty() {
            self.entry("where", &filter(&scope.filter));
        }
    }

    fn rule(&mut self, rule: &Rule) {
        self.header("[[rules]]");
        self.entry("id", &string(&rule.id));
        self.entry("kind", &string(rule.kind.name()));
        let titles: Vec<String> = [("ja", &rule.title_ja), ("en", &rule.title_en)]
            .into_iter()
            .filter_map(|(name, title)| Some(format!("{name} = {}", string(title.as_ref()?))))
            .collect();
        if !titles.is_empty() {
            self.entry("title", &format!("{{ {} }}", titles.join(", ")));
        }
        if let Some(viewpoint) = rule.viewpoint {
            self.entry("viewpoint", &viewpoint.to_string());
        }
        self.entry("per", &string(rule.per.name()));
        if !rule.filter.conditions.is_empty() {
            self.entry("where", &filter(&rule.filter));
        }
        if rule.optional {
            self.entry("optional", "true");
        }
        self.kind(&rule.kind);
    }

    fn kind(&mut self, kind: &Kind) {
        let time = |ms: i64| string(&duration::format(ms));
        let days = |days: u32| string(&format!("{days}d"));
        match kind {
            Kind::Match => {}
            Kind::Count {
                window,
                at_least,
                by,
            } => {
                self.entry("window", &time(*window));
                self.entry("at_least", &at_least.to_string());
                self.entry("by", &keys(by));
            }
            Kind::Distinct {
                field,
                window,
                at_least,
                by,
            } => {
                self.entry("field", &string(field.name()));
                self.entry("window", &time(*window));
                self.entry("at_least", &at_least.to_string());
                self.entry("by", &keys(by));
            }
            Kind::Novelty {
                field,
                lookback,
                min_active_days,
                max_days,
            } => {
                self.entry("field", &string(field.name()));
                self.entry("lookback", &days(*lookback));
                self.entry("min_active_days", &min_active_days.to_string());
                self.entry("max_days", &max_days.to_string());
            }
            Kind::Hours {
                lookback,
                min_active_days,
                at_least,
            } => {
                self.entry("lookback", &days(*lookback));
                self.entry("min_active_days", &min_active_days.to_string());
                self.entry("at_least", &time(*at_least));
            }
            Kind::Spike(spike) => {
                match spike.distinct {
                    Some(field) => self.entry("distinct", &string(field.name())),
                    None => self.entry("measure", &string("records")),
                }
                self.entry("lookback", &days(spike.lookback));
                self.entry("min_active_days", &spike.min_active_days.to_string());
                self.entry("at_least", &spike.at_least.to_string());
                self.entry("factor", &thousandths(spike.factor));
            }
            Kind::Gap { idle } => self.entry("idle", &time(*idle)),
            Kind::Sequence(sequence) => {
                let steps: Vec<String> = sequence.steps.iter().map(step).collect();
                self.entry("steps", &lines(&steps));
                self.entry("within", &time(sequence.within));
                self.entry("by", &keys(&sequence.by));
            }
        }
    }
}

/// `2500` as `2.5`, `3000` as `3`.
fn thousandths(number: u64) -> String {
    let text = format!("{}.{:03}", number / 1000, number % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn step(step: &Step) -> String {
    let mut entries = filter_entries(&step.filter.conditions);
    if step.times > 1 {
        entries.push(format!("times = {}", step.times));
    }
    format!("{{ {} }}", entries.join(", "))
}

fn key(name: &str) -> String {
    TomlKey::new(name).to_string()
}

fn string(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

fn array(items: &[String]) -> String {
    format!("[{}]", items.join(", "))
}

fn strings(texts: &[String]) -> String {
    array(&texts.iter().map(|text| string(text)).collect::<Vec<_>>())
}

/// One item a line where there are many.
fn lines(items: &[String]) -> String {
    if items.len() <= 5 {
        return array(items);
    }
    let mut out = String::from("[\n");
    for item in items {
        let _ = writeln!(out, "  {item},");
    }
    out.push(']');
    out
}

fn keys(keys: &[Key]) -> String {
    array(
        &keys
            .iter()
            .map(|key| string(key.name()))
            .collect::<Vec<_>>(),
    )
}

fn column(column: &ColumnRef) -> String {
    match column {
        ColumnRef::Name(name) => string(name),
        ColumnRef::Position(position) => position.to_string(),
    }
}

fn hours(week: &[Option<(i64, i64)>; 7]) -> String {
    let day = |hours: &Option<(i64, i64)>| match hours {
        Some((from, to)) => string(&write_clock_span(*from, *to)),
        None => string("closed"),
    };
    if week.iter().all(|hours| *hours == week[0]) {
        return day(&week[0]);
    }
    let days: Vec<String> = WEEKDAYS
        .iter()
        .zip(week)
        .map(|(name, hours)| format!("{name} = {}", day(hours)))
        .collect();
    format!("{{ {} }}", days.join(", "))
}

fn closed_day(day: &ClosedDay) -> String {
    match day {
        ClosedDay::Weekday(day) => {
            let name = WEEKDAYS.get(usize::from(*day));
            name.copied().unwrap_or_default().to_owned()
        }
        ClosedDay::Holiday => "holiday".to_owned(),
        ClosedDay::Yearly(first, last) if first == last => format!("{:02}-{:02}", first.0, first.1),
        ClosedDay::Yearly(first, last) => {
            format!("{:02}-{:02}..{:02}-{:02}", first.0, first.1, last.0, last.1)
        }
        ClosedDay::Dates(first, last) if first == last => dates::format_date(*first),
        ClosedDay::Dates(first, last) => {
            format!(
                "{}..{}",
                dates::format_date(*first),
                dates::format_date(*last)
            )
        }
    }
}

/// A `where`. What cannot stand in the same table twice goes into a further one, under `and`.
fn filter(filter: &Where) -> String {
    filter_table(&filter.conditions)
}

fn filter_table(conditions: &[Condition]) -> String {
    format!("{{ {} }}", filter_entries(conditions).join(", "))
}

fn filter_entries(conditions: &[Condition]) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    let mut taken: Vec<&str> = Vec::new();
    let mut at = 0;
    while let Some(condition) = conditions.get(at) {
        let name = condition_key(condition);
        if taken.contains(&name) {
            entries.push(format!("and = {}", filter_table(&conditions[at..])));
            break;
        }
        taken.push(name);
        if let Condition::Text(field, _) = condition {
            let (value, used) = text_tests(*field, &conditions[at..]);
            entries.push(format!("{name} = {value}"));
            at += used;
        } else {
            entries.push(format!("{name} = {}", condition_value(condition)));
            at += 1;
        }
    }
    entries
}

fn condition_key(condition: &Condition) -> &'static str {
    match condition {
        Condition::Text(field, _) => field.name(),
        Condition::OperationClass(_) => "operation_class",
        Condition::References(_) => Field::References.name(),
        Condition::Result(_) => Field::Result.name(),
        Condition::OffHours(_) => "calendar",
        Condition::TimeOfDay(..) => "time_of_day",
        Condition::Weekday(_) => "weekday",
    }
}

fn condition_value(condition: &Condition) -> String {
    match condition {
        Condition::Text(..) => String::new(),
        Condition::OperationClass(classes) => strings(classes),
        Condition::References(flag) => flag.to_string(),
        Condition::Result(outcomes) => {
            array(&outcomes.iter().map(|&o| outcome(o)).collect::<Vec<_>>())
        }
        Condition::OffHours(true) => string("off-hours"),
        Condition::OffHours(false) => string("business-hours"),
        Condition::TimeOfDay(from, to) => string(&write_clock_span(*from, *to)),
        Condition::Weekday(days) => {
            let named = WEEKDAYS.iter().zip(days).filter(|&(_, &on)| on);
            array(&named.map(|(name, _)| string(name)).collect::<Vec<_>>())
        }
    }
}

fn outcome(outcome: Outcome) -> String {
    let word = OUTCOMES.iter().find(|(_, other)| *other == outcome);
    string(word.map_or(outcome.name(), |(word, _)| word))
}

/// The tests of one field that follow each other and differ in kind, and how many they are.
fn text_tests(field: Field, conditions: &[Condition]) -> (String, usize) {
    let mut entries: Vec<(&str, String)> = Vec::new();
    for condition in conditions {
        let Condition::Text(other, test) = condition else {
            break;
        };
        let (name, value) = text_test(test);
        if *other != field || entries.iter().any(|(taken, _)| *taken == name) {
            break;
        }
        entries.push((name, value));
    }
    let used = entries.len();
    if let [("in", value)] = entries.as_slice() {
        return (value.clone(), used);
    }
    let entries: Vec<String> = entries
        .iter()
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    (format!("{{ {} }}", entries.join(", ")), used)
}

fn text_test(test: &TextTest) -> (&'static str, String) {
    match test {
        TextTest::In(values) => ("in", strings(values)),
        TextTest::NotIn(values) => ("not_in", strings(values)),
        TextTest::Glob(globs) => ("glob", strings(globs)),
        TextTest::Regex(pattern) => ("regex", string(pattern)),
        TextTest::List(name) => ("list", string(name)),
        TextTest::NotList(name) => ("not_list", string(name)),
    }
}
