//! What to generate, and what was generated.

use std::io;

use jiff::civil::{Date, date};

use super::encode::SynthEncoding;

/// The columns of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SynthColumns {
    /// 日時,職員番号,職員名,所属,端末番号,業務名,操作内容,処理結果,個人番号参照,宛名番号
    #[default]
    Ten,
    /// The benchmark form, without 職員名 and 業務名; about 89 bytes per record in UTF-8.
    Eight,
}

/// What to generate. [`SynthConfig::default`] is a town office for two months.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SynthConfig {
    /// Records of the log, the header not counted. Met exactly.
    pub records: u64,
    /// Members of staff.
    pub users: u32,
    /// Civil days, closed ones included.
    pub days: u32,
    /// Different seeds give different people, days and incidents.
    pub seed: u64,
    /// The encoding of the log (the truth is always UTF-8 with a BOM).
    pub encoding: SynthEncoding,
    /// The columns of the log.
    pub columns: SynthColumns,
    /// The first civil day.
    pub start: Date,
    /// Whether lines end in CR LF, as Windows exports do, rather than LF.
    pub crlf: bool,
    /// Incidents of each kind: `None` scales with the staff, `Some(0)` plants none.
    pub incidents: Option<u32>,
}

impl Default for SynthConfig {
    fn default() -> Self {
        SynthConfig {
            records: 1_000_000,
            users: 200,
            days: 60,
            seed: 1,
            encoding: SynthEncoding::Utf8,
            columns: SynthColumns::Ten,
            start: date(2024, 4, 1),
            crlf: true,
            incidents: None,
        }
    }
}

impl SynthConfig {
    /// The most users a log can have: their ids have six to eight digits.
    pub const MAX_USERS: u32 = 1_000_000;

    /// Refuses what cannot be generated.
    pub(super) fn check(&self) -> io::Result<()> {
        if self.users == 0 || self.users > Self::MAX_USERS {
            return Err(invalid("users must be from 1 to 1,000,000"));
        }
        if self.days == 0 || self.days > 36_525 {
            return Err(invalid("days must be from 1 to 36,525"));
        }
        Ok(())
    }
}

/// What was generated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SynthSummary {
    /// Bytes of the log.
    pub bytes: u64,
    /// Records of the log.
    pub records: u64,
    /// Planted incidents, one per line of the truth.
    pub incidents: u64,
    /// Records that belong to a planted incident.
    pub planted_records: u64,
}

/// A configuration that cannot be met.
pub(super) fn invalid(message: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}
