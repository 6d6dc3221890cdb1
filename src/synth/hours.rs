//! When in the day people work.

use super::random::{Random, scale};
use super::vocabulary::{DEPARTMENTS, Department};

/// Seconds of a five-minute slot.
const SLOT: u32 = 300;
/// The places of a table; a power of two keeps a draw to a shift and a look-up.
const PLACES: u32 = 1024;
/// The default policy's margin ends here: 17:45.
pub(super) const CLOSING: u32 = (17 * 60 + 45) * 60;

/// The shape of a working day, one per department: a quick start, a lunch dip, a slow end.
pub(super) struct Hours {
    /// Slot by place: a slot has places in proportion to its weight.
    tables: Vec<Vec<u16>>,
}

impl Hours {
    pub(super) fn new() -> Self {
        Hours {
            tables: DEPARTMENTS.iter().map(table).collect(),
        }
    }

    /// A second within the department's hours.
    pub(super) fn second(&self, random: &mut Random, department: u8) -> u32 {
        let word = random.word();
        let place = scale(word, PLACES);
        let slot = self.tables[department as usize][place as usize];
        u32::from(slot) * SLOT + scale(word << 32, SLOT)
    }
}

fn table(department: &Department) -> Vec<u16> {
    let (open, close) = department.hours;
    let weights: Vec<(u16, u32)> = (open / 5..close / 5)
        .filter_map(|slot| Some((u16::try_from(slot).ok()?, weight(slot * 5, department))))
        .collect();
    let total: u32 = weights.iter().map(|&(_, w)| w).sum();
    let mut table = Vec::with_capacity(PLACES as usize);
    let mut sum = 0;
    for (slot, weight) in weights {
        sum += weight;
        table.resize((sum * PLACES / total) as usize, slot);
    }
    table
}

/// How busy five minutes are.
fn weight(minute: u32, department: &Department) -> u32 {
    let (open, close) = department.hours;
    match minute {
        m if m < open + 20 || m + 20 >= close => 4,
        720..780 if department.counter => 7,
        720..780 => 3,
        540..690 => 12,
        _ => 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::random::Purpose;

    #[test]
    fn times_keep_to_the_hours_and_dip_at_noon() {
        let hours = Hours::new();
        let mut random = Random::new(1, Purpose::Day, 0, 0);
        for (nth, department) in (0_u8..).zip(&DEPARTMENTS) {
            let mut by_hour = [0_u32; 24];
            for _ in 0..20_000 {
                let second = hours.second(&mut random, nth);
                assert!(second / 60 >= department.hours.0 && second / 60 < department.hours.1);
                by_hour[second as usize / 3600] += 1;
            }
            assert!(by_hour[12] * 4 < by_hour[10] * 3, "{}", department.name);
            assert!(by_hour[14] > by_hour[12], "{}", department.name);
        }
    }
}
