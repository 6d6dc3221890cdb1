//! A synthetic municipal access log: for demonstrations, benchmarks and tests, never mixed with real data.
//!
//! In: a [`SynthConfig`]. Out: a CSV log in time order, and beside it (if wanted) the *truth*, a CSV
//! that says which incidents were planted, in whom, when, and which rule of the default policy must
//! catch each of them (`semantics.md` §6).
//!
//! ```text
//!  staff ──► roster ──► background ─┐
//!    │   (who works when,           ├─► a day's events ──► writer (sorted by second, encoded)
//!    └────► incident ───────────────┘
//!           (what is planted) ─────────► truth
//! ```
//!
//! Invariants:
//! * exactly `records` records, whatever the other numbers are;
//! * the same configuration gives the same bytes on every platform: integers only, one portable
//!   generator of chance, no hash-map order, no clock, no environment;
//! * memory holds the staff and one day, never the log.
//!
//! The background is calm by design, because a tool that flags everything shows nothing: staff keep
//! to their hours, terminals and caseloads, and each way of departing from them is a small,
//! deliberate probability, written down where it is used.

mod background;
mod calendar;
mod config;
mod encode;
mod event;
mod holiday;
mod hours;
mod incident;
mod plan;
mod random;
mod roster;
mod shift;
mod staff;
mod truth;
mod vocabulary;
mod writer;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::ops::ControlFlow;

pub use config::{SynthColumns, SynthConfig, SynthSummary};
pub use encode::SynthEncoding;

use background::Background;
use calendar::Calendar;
use incident::Incident;
use plan::Cast;
use roster::{Quota, Roster};
use staff::Staff;
use writer::LogWriter;

/// Writes a synthetic log to `log` and, if given, its truth to `truth`.
///
/// `progress` is told the bytes and records written so far, once per mebibyte and once per day; when
/// it answers [`ControlFlow::Break`] the generation stops with [`io::ErrorKind::Interrupted`] and what
/// has been written so far is the caller's to discard.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] for a configuration that cannot be met (no users, no days, a
/// period outside the years 1–9999, more than a million records per person or two billion per office
/// and day), and whatever `log` or `truth` report.
pub fn generate(
    config: &SynthConfig,
    log: &mut dyn Write,
    truth: Option<&mut dyn Write>,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> io::Result<SynthSummary> {
    config.check()?;
    let calendar = Calendar::new(config.start, config.days)?;
    let cast = Cast::choose(config);
    let staff = Staff::hire(config, &cast);
    let roster = Roster::new(config, &calendar, &staff);
    let (user_days, total_load) = roster.totals;
    let each = config.records / user_days.max(1);
    if each >= 1_000_000 || each * u64::from(config.users) >= 1 << 31 {
        return Err(config::invalid(
            "too many records for so few users and days",
        ));
    }
    let incidents = plan::plan(config, &cast, &roster, user_days);
    if let Some(truth) = truth {
        truth::write(truth, &staff, &calendar, &incidents)?;
    }
    let planted: u64 = incidents.iter().map(|i| i.events.len() as u64).sum();

    let mut planted_by_day = incident::by_day(&incidents, config.days);
    let mut quota = Quota::new(config.records - planted, total_load);
    let mut background = Background::new(config, &staff, each);
    let mut writer = LogWriter::new(config, &staff, log, progress);
    let mut events = Vec::new();
    for day in 0..config.days {
        events.clear();
        for user in 0..config.users {
            let count = quota.take(roster.load(user, day));
            if count > 0 {
                background.user_day(&roster, user, day, count, &mut events);
            }
        }
        events.append(&mut planted_by_day[day as usize]);
        writer.day(&calendar.prefix(day), &events)?;
    }
    let (bytes, records) = writer.finish()?;
    Ok(summary(bytes, records, planted, &incidents))
}

fn summary(bytes: u64, records: u64, planted: u64, incidents: &[Incident]) -> SynthSummary {
    SynthSummary {
        bytes,
        records,
        incidents: incidents.len() as u64,
        planted_records: planted,
    }
}
