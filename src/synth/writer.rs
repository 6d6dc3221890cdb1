//! Events to bytes: everything a record can say is encoded once, and copied.

use std::io::{self, Write};
use std::ops::ControlFlow;

use super::config::{SynthColumns, SynthConfig};
use super::encode::SynthEncoding;
use super::event::{DaySort, Event, NOBODY};
use super::staff::{Staff, subject_digits};
use super::vocabulary::{DEPARTMENTS, Operation};

/// Bytes gathered before they are handed on.
const BLOCK: usize = 1 << 20;

/// Many byte strings in one.
struct Arena {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Arena {
    fn new(encoding: SynthEncoding, texts: impl Iterator<Item = String>) -> Self {
        let mut arena = Arena {
            bytes: Vec::new(),
            ends: vec![0],
        };
        for text in texts {
            encoding.encode(&text, &mut arena.bytes);
            arena.ends.push(arena.bytes.len());
        }
        arena
    }

    fn get(&self, nth: usize) -> &[u8] {
        &self.bytes[self.ends[nth]..self.ends[nth + 1]]
    }
}

/// Writes the log.
pub(super) struct LogWriter<'a> {
    encoding: SynthEncoding,
    sink: &'a mut dyn Write,
    progress: &'a mut dyn FnMut(u64, u64) -> ControlFlow<()>,
    sort: DaySort,
    /// From the user to the terminal, both commas included.
    users: Arena,
    terminals: Arena,
    /// From the terminal to the subject, by department, operation, result and references.
    middles: Arena,
    /// Department by user.
    departments: Vec<u8>,
    newline: Vec<u8>,
    out: Vec<u8>,
    bytes: u64,
    records: u64,
}

impl<'a> LogWriter<'a> {
    /// Encodes what there is to encode, and writes the header.
    pub(super) fn new(
        config: &SynthConfig,
        staff: &Staff,
        sink: &'a mut dyn Write,
        progress: &'a mut dyn FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Self {
        let encoding = config.encoding;
        let ten = config.columns == SynthColumns::Ten;
        let users = (0..config.users).map(|user| user_text(staff, user, encoding, ten));
        let terminals = (0..staff.terminals()).map(|terminal| staff.terminal(terminal));
        let mut newline = Vec::new();
        encoding.ascii(if config.crlf { b"\r\n" } else { b"\n" }, &mut newline);
        let mut writer = LogWriter {
            encoding,
            sink,
            progress,
            sort: DaySort::default(),
            users: Arena::new(encoding, users),
            terminals: Arena::new(encoding, terminals),
            middles: Arena::new(encoding, middles(ten)),
            departments: staff.people.iter().map(|p| p.department).collect(),
            newline,
            out: Vec::with_capacity(BLOCK + 1024),
            bytes: 0,
            records: 0,
        };
        writer.header(ten);
        writer
    }

    fn header(&mut self, ten: bool) {
        let header = if ten {
            "日時,職員番号,職員名,所属,端末番号,業務名,操作内容,処理結果,個人番号参照,宛名番号"
        } else {
            "日時,職員番号,所属,端末番号,操作内容,処理結果,個人番号参照,宛名番号"
        };
        self.out.extend_from_slice(self.encoding.bom());
        self.encoding.encode(header, &mut self.out);
        self.out.extend_from_slice(&self.newline);
    }

    /// Writes a day's events in time order. `prefix` is the date and a blank.
    pub(super) fn day(&mut self, prefix: &str, events: &[Event]) -> io::Result<()> {
        let mut sort = std::mem::take(&mut self.sort);
        let mut stamp = Vec::new();
        let mut second = u32::MAX;
        for &place in sort.sort(events) {
            let event = &events[place as usize];
            if event.second != second {
                second = event.second;
                stamp.clear();
                self.encoding.ascii(prefix.as_bytes(), &mut stamp);
                self.encoding.ascii(&clock(second), &mut stamp);
            }
            self.out.extend_from_slice(&stamp);
            self.record(event);
            if self.out.len() >= BLOCK {
                self.flush()?;
            }
        }
        self.sort = sort;
        self.report()
    }

    fn record(&mut self, event: &Event) {
        let department = self.departments[event.user as usize];
        self.out
            .extend_from_slice(self.users.get(event.user as usize));
        self.out
            .extend_from_slice(self.terminals.get(event.terminal as usize));
        let middle = middle(department, event.operation, event.failed, event.references);
        self.out.extend_from_slice(self.middles.get(middle));
        if event.subject != NOBODY {
            self.encoding
                .ascii(&subject_digits(event.subject), &mut self.out);
        }
        self.out.extend_from_slice(&self.newline);
        self.records += 1;
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.write_all(&self.out)?;
        self.bytes += self.out.len() as u64;
        self.out.clear();
        self.report()
    }

    fn report(&mut self) -> io::Result<()> {
        match (self.progress)(self.bytes, self.records) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(io::Error::new(
                io::ErrorKind::Interrupted,
                "generation stopped",
            )),
        }
    }

    /// Writes what is left; the bytes and records of the log.
    pub(super) fn finish(mut self) -> io::Result<(u64, u64)> {
        self.flush()?;
        self.sink.flush()?;
        Ok((self.bytes, self.records))
    }
}

fn user_text(staff: &Staff, user: u32, encoding: SynthEncoding, ten: bool) -> String {
    let id = staff.id(user);
    let department = DEPARTMENTS[staff.people[user as usize].department as usize].name;
    if ten {
        format!(",{id},{},{department},", staff.name(user, encoding))
    } else {
        format!(",{id},{department},")
    }
}

/// Every middle, in the order that [`middle`] counts.
fn middles(ten: bool) -> impl Iterator<Item = String> {
    DEPARTMENTS.iter().flat_map(move |department| {
        Operation::ALL.into_iter().flat_map(move |operation| {
            let operation = operation.text();
            let system = if ten {
                format!(",{}", department.system)
            } else {
                String::new()
            };
            ["成功", "失敗"].into_iter().flat_map(move |result| {
                let system = system.clone();
                ["なし", "あり"]
                    .into_iter()
                    .map(move |references| format!("{system},{operation},{result},{references},"))
            })
        })
    })
}

/// The place of a middle.
fn middle(department: u8, operation: Operation, failed: bool, references: bool) -> usize {
    let place = department as usize * Operation::ALL.len() + operation as usize;
    place * 4 + usize::from(failed) * 2 + usize::from(references)
}

/// `08:31:07`.
pub(super) fn clock(second: u32) -> [u8; 8] {
    let digit = |n: u32| b'0' + u8::try_from(n % 10).unwrap_or(0);
    let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
    [
        digit(h / 10),
        digit(h),
        b':',
        digit(m / 10),
        digit(m),
        b':',
        digit(s / 10),
        digit(s),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn middles_are_found_where_they_are_put() {
        let all: Vec<String> = middles(true).collect();
        assert_eq!(all.len(), DEPARTMENTS.len() * Operation::ALL.len() * 4);
        assert_eq!(
            all[middle(1, Operation::Print, true, false)],
            ",個人住民税,印刷,失敗,なし,"
        );
        assert_eq!(
            all[middle(9, Operation::Media, false, true)],
            ",番号連携,媒体書き出し,成功,あり,"
        );
        assert_eq!(
            middles(false)
                .nth(middle(0, Operation::View, false, true))
                .unwrap(),
            ",照会,成功,あり,"
        );
    }

    #[test]
    fn the_clock_has_two_digits_each() {
        for (second, text) in [(0, "00:00:00"), (30_667, "08:31:07"), (86_399, "23:59:59")] {
            assert_eq!(clock(second), text.as_bytes());
        }
    }
}
