//! What a policy says once it has been read and checked: plain data, no behaviour.
//! Terms and meaning: `docs/en/policy-reference.md`.

use std::collections::BTreeMap;

use crate::record::{Field, Outcome};

/// A checked policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Where it came from, for messages and reports: a path, `default policy`, `<dict>`.
    pub name: String,
    /// Whether `rules` are the default policy's (then a rule that needs a missing column is a
    /// notice, not an error).
    pub rules_are_default: bool,
    /// `[columns]`.
    pub columns: Columns,
    /// `[normalise]`.
    pub normalise: Normalise,
    /// `[results]`.
    pub results: ResultWords,
    /// `[operations]`: classes and the glob patterns over `operation` that define them, in file order.
    pub operations: Vec<OperationClass>,
    /// `[lists]`, by name.
    pub lists: BTreeMap<String, List>,
    /// `[calendar]`.
    pub calendar: Calendar,
    /// `[scope]`.
    pub scope: Scope,
    /// `[assume]`.
    pub assume: BTreeMap<Field, Assumed>,
    /// The rules, in file order.
    pub rules: Vec<Rule>,
}

/// `[columns]`: which column of a log feeds which field, and how times read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns {
    /// Field to column(s). Only `time` may name two (date, then time of day).
    pub map: BTreeMap<Field, Vec<ColumnRef>>,
    /// Whether the log's first record is data, not a header (all of `map` are positions then).
    pub header: Option<bool>,
    /// strftime formats to read times with, tried in order; none: detected.
    pub time_format: Vec<String>,
    /// IANA zone that zoned times and epochs are converted to; none: `Asia/Tokyo`.
    pub timezone: Option<String>,
}

/// A column, by header name or by position.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ColumnRef {
    /// Header text (compared as the aliases are: NFKC, spaces removed, case folded).
    Name(String),
    /// 1-based position.
    Position(usize),
}

/// How text of one field is normalised before identity is decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NormaliseField {
    /// Outer white space removed, U+3000 too.
    pub trim: bool,
    /// NFKC.
    pub width: bool,
}

/// `[normalise]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Normalise {
    /// For every text field.
    pub all: NormaliseField,
    /// Per field, in place of `all`.
    pub per_field: BTreeMap<Field, NormaliseField>,
}

/// `[results]`: words (compared after NFKC, outer spaces removed, case folded).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResultWords {
    /// Words that read as `success`.
    pub success: Vec<String>,
    /// Words that read as `failure`.
    pub failure: Vec<String>,
}

/// A class of `[operations]`.
#[derive(Clone, Debug, PartialEq)]
pub struct OperationClass {
    /// `login`, `view`, …
    pub name: String,
    /// Glob patterns over the operation as the log writes it.
    pub globs: Vec<String>,
}

/// A list of `[lists.NAME]`, read and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct List {
    /// The fields its columns are tied to, in column order. Empty: tied to whichever field names it.
    pub on: Vec<Key>,
    /// Its rows, one value per `on` field (one where `on` is empty). Dates as `YYYY-MM-DD`.
    pub rows: Vec<Vec<String>>,
    /// The file it was read from, as the policy writes it; none for inline values.
    pub file: Option<String>,
}

/// A field or a field derived from one: what `field`, `by` and `on` may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// A field of the record, other than `time`.
    Field(Field),
    /// The civil date.
    Date,
    /// 0–23.
    Hour,
    /// mon … sun.
    Weekday,
    /// `open` / `closed`, by the calendar.
    DayType,
}

impl Key {
    /// The name policies use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Key::Field(f) => f.name(),
            Key::Date => "date",
            Key::Hour => "hour",
            Key::Weekday => "weekday",
            Key::DayType => "day_type",
        }
    }

    /// The key of that name, if there is one (`time` is none).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Key> {
        match name {
            "date" => Some(Key::Date),
            "hour" => Some(Key::Hour),
            "weekday" => Some(Key::Weekday),
            "day_type" => Some(Key::DayType),
            _ => Field::from_name(name)
                .filter(|&f| f != Field::Time)
                .map(Key::Field),
        }
    }
}

/// `[calendar]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Calendar {
    /// Country (and subdivision, `JP-47`) whose public holidays `"holiday"` means; none: no holidays.
    pub country: Option<String>,
    /// The hours of everybody without an override.
    pub base: DepartmentCalendar,
    /// `[[calendar.override]]`: the first whose `departments` has the record's department holds.
    pub overrides: Vec<CalendarOverride>,
}

/// Days and hours of work.
#[derive(Clone, Debug, PartialEq)]
pub struct DepartmentCalendar {
    /// Hours per weekday, Monday first: from inclusive, to exclusive, milliseconds of the day
    /// (`to` ≤ 86 400 000); none: closed that weekday.
    pub hours: [Option<(i64, i64)>; 7],
    /// `margin`, milliseconds.
    pub margin: i64,
    /// `closed`.
    pub closed: Vec<ClosedDay>,
    /// `open`: days since 1970-01-01 that are worked although `closed` names them.
    pub open: Vec<i32>,
}

/// An entry of `closed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClosedDay {
    /// Monday = 0.
    Weekday(u8),
    /// A public holiday of the calendar's country.
    Holiday,
    /// Every year, from (month, day) to (month, day), both inclusive; may cross the new year.
    Yearly((u8, u8), (u8, u8)),
    /// Days since 1970-01-01, both inclusive.
    Dates(i32, i32),
}

/// `[[calendar.override]]`: the base calendar with some of it replaced.
#[derive(Clone, Debug, PartialEq)]
pub struct CalendarOverride {
    /// Departments (as the log writes them) that it holds for: glob patterns.
    pub departments: Vec<String>,
    /// The resulting calendar.
    pub calendar: DepartmentCalendar,
}

/// `[scope]`: which records may be flagged. All others still feed windows and baselines.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    /// First time, inclusive (civil milliseconds since 1970-01-01).
    pub from: Option<i64>,
    /// Last time, exclusive (a date as `to` in the file includes that whole day).
    pub to: Option<i64>,
    /// Further conditions.
    pub filter: Where,
}

/// `[assume]`: a value for a field whose column the log lacks.
#[derive(Clone, Debug, PartialEq)]
pub enum Assumed {
    /// For text fields.
    Text(String),
    /// For `references`.
    Bool(bool),
    /// For `result`.
    Outcome(Outcome),
}

/// `where`: a conjunction; empty: everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Where {
    /// All of which must hold.
    pub conditions: Vec<Condition>,
}

/// One condition of a `where`.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// On a text field.
    Text(Field, TextTest),
    /// The operation belongs to any of these classes.
    OperationClass(Vec<String>),
    /// `references = true / false`.
    References(bool),
    /// `result` is any of these.
    Result(Vec<Outcome>),
    /// `calendar = "off-hours"` (true) or `"business-hours"` (false).
    OffHours(bool),
    /// From inclusive, to exclusive, milliseconds of the day; from > to crosses midnight;
    /// from = to: the whole day.
    TimeOfDay(i64, i64),
    /// Monday first.
    Weekday([bool; 7]),
}

/// A test of a text field's value. A null never passes any.
#[derive(Clone, Debug, PartialEq)]
pub enum TextTest {
    /// Equal to any of these.
    In(Vec<String>),
    /// Equal to none of these.
    NotIn(Vec<String>),
    /// Matches any of these globs (`*`, `?`, `[…]`, `{a,b}`; the whole value).
    Glob(Vec<String>),
    /// Matches the regular expression anywhere.
    Regex(String),
    /// The list of this name has the record's values of its `on` fields.
    List(String),
    /// The list of this name does not have them.
    NotList(String),
}

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Unique within the policy.
    pub id: String,
    /// One of the Commission's five viewpoints, or none.
    pub viewpoint: Option<u8>,
    /// What people read.
    pub title_ja: Option<String>,
    /// What people read.
    pub title_en: Option<String>,
    /// The key whose records form one timeline: user, terminal, subject or department.
    pub per: Field,
    /// Which records it looks at.
    pub filter: Where,
    /// Whether a missing column makes it *not evaluable* rather than an error in a written policy.
    pub optional: bool,
    /// What it does.
    pub kind: Kind,
}

/// A rule's kind and parameters. Times and windows in milliseconds, lookbacks in days.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Flags every record that satisfies `where`.
    Match,
    /// At least so many records in the window.
    Count {
        /// Milliseconds.
        window: i64,
        /// Inclusive.
        at_least: u64,
        /// Fields whose values must agree.
        by: Vec<Key>,
    },
    /// At least so many distinct values of a field in the window.
    Distinct {
        /// The field counted.
        field: Key,
        /// Milliseconds.
        window: i64,
        /// Inclusive.
        at_least: u64,
        /// Fields whose values must agree.
        by: Vec<Key>,
    },
    /// A value not (or hardly) used in the lookback.
    Novelty {
        /// The field looked at.
        field: Key,
        /// Civil days.
        lookback: u32,
        /// Days.
        min_active_days: u32,
        /// Days.
        max_days: u32,
    },
    /// A half-hour of the day far from all in use.
    Hours {
        /// Civil days.
        lookback: u32,
        /// Days.
        min_active_days: u32,
        /// Milliseconds.
        at_least: i64,
    },
    /// A day far above the days of the lookback.
    Spike(Spike),
    /// The first records after a long time without any.
    Gap {
        /// Milliseconds.
        idle: i64,
    },
    /// Steps one after another.
    Sequence(Sequence),
}

/// Parameters of `spike`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spike {
    /// The field whose distinct values are measured; none: records are.
    pub distinct: Option<Key>,
    /// Civil days.
    pub lookback: u32,
    /// Days.
    pub min_active_days: u32,
    /// Inclusive.
    pub at_least: u64,
    /// Thousandths: how many times the median of the days.
    pub factor: u64,
}

/// Parameters of `sequence`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sequence {
    /// Two or more, in order.
    pub steps: Vec<Step>,
    /// Milliseconds.
    pub within: i64,
    /// Fields whose values must agree.
    pub by: Vec<Key>,
}

/// A step of a sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Which records satisfy it, of those that satisfy the rule's own `where`.
    pub filter: Where,
    /// How many of them it takes.
    pub times: u32,
}

impl Kind {
    /// The steps of a sequence; no other kind has any.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        match self {
            Kind::Sequence(what) => &what.steps,
            _ => &[],
        }
    }

    /// The fields that the rule names outside of conditions, each as often as it is named.
    pub fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        let (by, field) = match self {
            Kind::Match | Kind::Hours { .. } | Kind::Gap { .. } => (&[][..], None),
            Kind::Count { by, .. } | Kind::Sequence(Sequence { by, .. }) => (by.as_slice(), None),
            Kind::Distinct { field, by, .. } => (by.as_slice(), Some(*field)),
            Kind::Novelty { field, .. } => (&[][..], Some(*field)),
            Kind::Spike(Spike { distinct, .. }) => (&[][..], *distinct),
        };
        by.iter().copied().chain(field)
    }

    /// The word policies use.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Kind::Match => "match",
            Kind::Count { .. } => "count",
            Kind::Distinct { .. } => "distinct",
            Kind::Novelty { .. } => "novelty",
            Kind::Hours { .. } => "hours",
            Kind::Spike(_) => "spike",
            Kind::Gap { .. } => "gap",
            Kind::Sequence(_) => "sequence",
        }
    }
}
