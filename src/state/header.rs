//! What a state covers: read by people, and checked before a scan goes on from it.

use serde::{Deserialize, Serialize};

use super::fingerprint::Fingerprint;

/// The beginning of a state file, JSON there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Version of Yokome that wrote it.
    pub yokome: String,
    /// The policy by which was scanned.
    pub policy: Fingerprint,
    /// Scans, in their order.
    pub periods: Vec<Period>,
    /// The last time that is covered, civil milliseconds since 1970-01-01; none before any record.
    pub last_ms: Option<i64>,
    /// The number of users of whom the state remembers something.
    pub users: u64,
}

/// One scan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// Earliest time of a record.
    pub first_ms: Option<i64>,
    /// Latest time of a record.
    pub last_ms: Option<i64>,
    /// Records accepted.
    pub records: u64,
    /// The sources, by name.
    pub sources: Vec<Covered>,
}

/// A source that was scanned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Covered {
    /// Its name as it was given or expanded.
    pub source: String,
    /// Bytes of the file; none for record batches.
    pub bytes: Option<u64>,
    /// XXH3-128 of its bytes, decompressed, as 32 hexadecimal digits; none for record batches.
    pub digest: Option<String>,
    /// Records accepted.
    pub records: u64,
    /// Records rejected.
    pub rejected: u64,
    /// Why it could not be read to its end.
    pub error: Option<String>,
}

impl Header {
    /// All sources, scan after scan.
    pub fn sources(&self) -> impl Iterator<Item = &Covered> {
        self.periods.iter().flat_map(|period| &period.sources)
    }
}
