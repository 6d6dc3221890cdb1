//! The time zone of local time.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::within_years;

/// The zone that zoned times and epochs are converted to.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

impl Zone {
    /// The zone of an IANA name (from the time zone data built in), or of `UTC`.
    #[must_use]
    pub fn named(name: &str) -> Option<Zone> {
        if name.eq_ignore_ascii_case("utc") {
            return Some(Zone(TimeZone::UTC));
        }
        jiff::tz::TimeZoneDatabase::bundled()
            .get(name)
            .ok()
            .map(Zone)
    }

    /// Local civil milliseconds of a UTC instant in milliseconds.
    #[must_use]
    pub fn civil(&self, utc_ms: i64) -> Option<i64> {
        let instant = Timestamp::from_millisecond(utc_ms).ok()?;
        within_years(utc_ms + i64::from(self.0.to_offset(instant).seconds()) * 1000)
    }
}
