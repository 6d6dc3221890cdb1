//! The truth: which incidents were planted, as a CSV in UTF-8 with a BOM.

use std::io::{self, Write};

use super::calendar::Calendar;
use super::incident::{Incident, Planted};
use super::staff::Staff;
use super::writer::clock;

/// Writes the truth, in the order of the incidents' first records.
pub(super) fn write(
    out: &mut dyn Write,
    staff: &Staff,
    calendar: &Calendar,
    incidents: &[Incident],
) -> io::Result<()> {
    let stamp = |planted: Option<&Planted>| {
        planted.map_or_else(String::new, |p| {
            let clock = clock(p.event.second);
            calendar.prefix(p.day) + &String::from_utf8_lossy(&clock)
        })
    };
    out.write_all("\u{FEFF}user,from,to,viewpoint,what,rule\r\n".as_bytes())?;
    let mut sorted: Vec<&Incident> = incidents.iter().collect();
    sorted.sort_by_key(|i| i.events.first().map(Planted::moment));
    for incident in sorted {
        let user = staff.id(incident.user);
        let (from, to) = (
            stamp(incident.events.first()),
            stamp(incident.events.last()),
        );
        let kind = incident.kind;
        write!(
            out,
            "{user},{from},{to},{},{},{}\r\n",
            kind.viewpoint(),
            incident.what,
            kind.rule()
        )?;
    }
    out.flush()
}
