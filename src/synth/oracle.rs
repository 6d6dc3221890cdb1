//! For tests: the default policy of `semantics.md` §6, by brute force, on a log in UTF-8.
//!
//! It shares nothing with the detectors, so that the generator can be judged without them.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;

const DAY: u32 = 86_400;

/// Holidays that are not Saturdays or Sundays, in the months that the tests generate.
const HOLIDAYS: [&str; 4] = ["2024/04/29", "2024/05/03", "2024/05/06", "2024/07/15"];

/// The rules, in the order of their bits.
pub(super) const RULES: [&str; 11] = [
    "off-hours-access",
    "off-hours-login",
    "unusual-hours",
    "new-terminal",
    "terminal-hopping",
    "denied-burst",
    "denied-sensitive",
    "screen-capture",
    "unusual-operation",
    "bulk-export",
    "repeat-subject",
];

/// A record, with the rules that flag it.
#[derive(Clone, Copy)]
pub(super) struct Row {
    /// Seconds from the midnight of the first record's day.
    pub(super) time: u32,
    terminal: u32,
    operation: u8,
    failed: bool,
    references: bool,
    off: bool,
    subject: u32,
    pub(super) flags: u16,
}

/// A log, by user.
#[derive(Default)]
pub(super) struct Log {
    pub(super) users: HashMap<String, Vec<Row>>,
    first: Option<Date>,
    terminals: HashMap<Vec<u8>, u32>,
    operations: Vec<String>,
    columns: Vec<String>,
    pub(super) records: u64,
    /// The day read last, and whether it is closed: records come in time order.
    last_day: Option<(Vec<u8>, u32, bool)>,
    partial: Vec<u8>,
}

/// Reads lines as they are written, so that a test need not hold the text.
impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut buffer = std::mem::take(&mut self.partial);
        buffer.extend_from_slice(bytes);
        let mut start = 0;
        while let Some(end) = buffer[start..].iter().position(|&b| b == b'\n') {
            self.line(&buffer[start..start + end]);
            start += end + 1;
        }
        self.partial = buffer.split_off(start);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn line(&mut self, line: &[u8]) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let cells: Vec<&[u8]> = line.split(|&b| b == b',').collect();
        if self.columns.is_empty() {
            self.columns = cells.iter().map(|c| text(c).to_owned()).collect();
            return;
        }
        assert_eq!(cells.len(), self.columns.len());
        let cell = |name: &str| cells[self.columns.iter().position(|c| c == name).unwrap()];
        let (user, terminal, operation) = (cell("職員番号"), cell("端末番号"), cell("操作内容"));
        let (failed, references) = (
            cell("処理結果") == "失敗".as_bytes(),
            cell("個人番号参照") == "あり".as_bytes(),
        );
        let subject = cell("宛名番号");
        let subject = if subject.is_empty() {
            0
        } else {
            text(subject).parse().unwrap()
        };
        let (time, closed) = self.time(cells[0]);
        let operation = self.operation(text(operation));
        let next = u32::try_from(self.terminals.len()).unwrap();
        let terminal = *self.terminals.entry(terminal.to_vec()).or_insert(next);
        let off = closed || !(8 * 3600..17 * 3600 + 2700).contains(&(time % DAY));
        let row = Row {
            time,
            terminal,
            operation,
            failed,
            references,
            off,
            subject,
            flags: 0,
        };
        self.records += 1;
        match self.users.get_mut(text(user)) {
            Some(rows) => {
                assert!(
                    rows.last().is_none_or(|last| last.time <= time),
                    "out of time order"
                );
                rows.push(row);
            }
            None => drop(self.users.insert(text(user).to_owned(), vec![row])),
        }
    }

    /// Seconds from the start, and whether the day is closed.
    pub(super) fn time(&mut self, stamp: &[u8]) -> (u32, bool) {
        let (day, clock) = stamp.split_at(10);
        let number = |at: usize| text(&clock[at..at + 2]).parse::<u32>().unwrap();
        let second = number(1) * 3600 + number(4) * 60 + number(7);
        if self.last_day.as_ref().is_none_or(|(last, ..)| last != day) {
            let date: Date = text(day).replace('/', "-").parse().unwrap();
            let first = *self.first.get_or_insert(date);
            let nth = u32::try_from((date - first).get_days()).unwrap();
            let new_year = matches!((date.month(), date.day()), (12, 29..) | (1, ..=3));
            let holiday = HOLIDAYS.contains(&text(day));
            let closed = holiday || new_year || date.weekday().to_monday_zero_offset() >= 5;
            self.last_day = Some((day.to_vec(), nth, closed));
        }
        let (_, nth, closed) = self.last_day.as_ref().unwrap();
        (nth * DAY + second, *closed)
    }

    fn operation(&mut self, name: &str) -> u8 {
        let place = self
            .operations
            .iter()
            .position(|o| o == name)
            .unwrap_or_else(|| {
                self.operations.push(name.to_owned());
                self.operations.len() - 1
            });
        u8::try_from(place).unwrap()
    }

    fn class(&self, words: &[&str]) -> Vec<bool> {
        self.operations
            .iter()
            .map(|o| words.iter().any(|w| o.contains(w)))
            .collect()
    }

    /// Applies the default policy.
    pub(super) fn judge(&mut self) {
        let login = self.class(&["ログイン"]);
        let bulk = self.class(&["印刷", "書き出し"]);
        let capture = self.class(&["プリントスクリーン"]);
        for rows in self.users.values_mut() {
            for row in rows.iter_mut() {
                let operation = row.operation as usize;
                let sensitive = bulk[operation] || capture[operation];
                flag(row, 0, row.references && row.off);
                flag(row, 1, login[operation] && row.off);
                flag(row, 6, row.failed && row.references && sensitive);
                flag(row, 7, row.references && capture[operation]);
            }
            hours(rows);
            novelty(rows, 3, (90, 10), |r| r.terminal, |_| true);
            novelty(rows, 8, (90, 10), |r| r.operation.into(), |r| r.references);
            hopping(rows);
            count(rows, 5, DAY, 3, |r| r.failed.then_some(0));
            count(rows, 9, DAY, 20, |r| {
                (r.references && bulk[r.operation as usize]).then_some(0)
            });
            count(rows, 10, 7 * DAY, 5, |r| {
                (r.references && r.subject > 0).then_some(r.subject)
            });
        }
    }

    /// Flags by the five rules of the benchmark in place of the default policy's.
    pub(super) fn judge_benchmark(&mut self) {
        let taken = self.class(&["印刷", "書き出し", "プリントスクリーン"]);
        for rows in self.users.values_mut() {
            for row in rows.iter_mut() {
                row.flags = u16::from(row.references && row.off);
            }
            novelty(rows, 3, (30, 5), |r| r.terminal, |_| true);
            let asked = |r: &Row| r.references && taken[r.operation as usize];
            novelty(rows, 8, (30, 5), |r| r.operation.into(), asked);
            count(rows, 5, 600, 3, |r| r.failed.then_some(0));
            count(rows, 10, 7 * DAY, 5, |r| {
                (r.subject > 0).then_some(r.subject)
            });
        }
    }

    /// Flagged records: of each rule, and of any.
    pub(super) fn flagged(&self) -> ([u64; 11], u64) {
        let mut by_rule = [0; 11];
        let mut any = 0;
        for row in self.users.values().flatten() {
            any += u64::from(row.flags != 0);
            for (rule, n) in by_rule.iter_mut().enumerate() {
                *n += u64::from(row.flags >> rule & 1);
            }
        }
        (by_rule, any)
    }

    /// Failed records.
    pub(super) fn failures(&self) -> u64 {
        self.users
            .values()
            .flatten()
            .map(|r| u64::from(r.failed))
            .sum()
    }

    /// Records with references.
    pub(super) fn references(&self) -> u64 {
        self.users
            .values()
            .flatten()
            .map(|r| u64::from(r.references))
            .sum()
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn flag(row: &mut Row, rule: u8, holds: bool) {
    row.flags |= u16::from(holds) << rule;
}

/// The active days of the lookback before `day`.
fn baseline<V>(days: &BTreeMap<u32, V>, day: u32, lookback: u32) -> impl Iterator<Item = &V> {
    days.range(day.saturating_sub(lookback)..day)
        .map(|(_, v)| v)
}

fn hours(rows: &mut [Row]) {
    let mut days: BTreeMap<u32, u64> = BTreeMap::new();
    for row in rows.iter() {
        *days.entry(row.time / DAY).or_default() |= 1 << (row.time % DAY / 1800);
    }
    for row in rows {
        let day = row.time / DAY;
        if baseline(&days, day, 90).count() < 10 {
            continue;
        }
        let used = baseline(&days, day, 90).fold(0, |all, bits| all | bits);
        let slot = row.time % DAY / 1800;
        let near = (0..48)
            .filter(|s| used >> s & 1 == 1)
            .map(|s: u32| s.abs_diff(slot));
        let distance = near.map(|d| d.min(48 - d)).min().unwrap_or(24);
        flag(row, 2, distance * 30 >= 180);
    }
}

/// `novelty` of what `used` says, among the records that are `asked` about; a value counts as used
/// in any record. `(lookback, active)`: days looked back, and how many of them must be active.
fn novelty(
    rows: &mut [Row],
    rule: u8,
    (lookback, active): (u32, usize),
    used: impl Fn(&Row) -> u32,
    asked: impl Fn(&Row) -> bool,
) {
    let mut days: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for row in rows.iter() {
        let values = days.entry(row.time / DAY).or_default();
        if !values.contains(&used(row)) {
            values.push(used(row));
        }
    }
    for row in rows.iter_mut().filter(|row| asked(row)) {
        let before = || baseline(&days, row.time / DAY, lookback);
        let new = before().count() >= active && !before().any(|v| v.contains(&used(row)));
        flag(row, rule, new);
    }
}

fn hopping(rows: &mut [Row]) {
    for i in 0..rows.len() {
        let time = rows[i].time;
        let before = rows[..i].iter().rev().take_while(|r| r.time + 3600 > time);
        let ties = rows[i..].iter().take_while(|r| r.time == time);
        let mut seen: Vec<u32> = before.chain(ties).map(|r| r.terminal).collect();
        seen.sort_unstable();
        seen.dedup();
        flag(&mut rows[i], 4, seen.len() >= 3);
    }
}

fn count(
    rows: &mut [Row],
    rule: u8,
    window: u32,
    at_least: usize,
    key: impl Fn(&Row) -> Option<u32>,
) {
    let mut groups: HashMap<u32, Vec<usize>> = HashMap::new();
    for (i, row) in rows.iter().enumerate() {
        if let Some(key) = key(row) {
            groups.entry(key).or_default().push(i);
        }
    }
    for group in groups.values().filter(|g| g.len() >= at_least) {
        for &i in group {
            let time = rows[i].time;
            let from = group.partition_point(|&j| rows[j].time + window <= time);
            let to = group.partition_point(|&j| rows[j].time <= time);
            flag(&mut rows[i], rule, to - from >= at_least);
        }
    }
}
