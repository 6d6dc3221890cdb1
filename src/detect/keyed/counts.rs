//! How many records there are of a value, by a hash of it: too many, if several values have one hash.

use super::queue::{Print, Queue};
use crate::log::scan;

/// Counts per record, at least: few counts are reached by several values together.
const PER_RECORD: usize = 4;

/// There are no more counts: a print tells no more places.
const ALL: usize = 1 << Print::BITS;

/// The largest count. One that has come so far stays there.
pub(super) const MOST: u8 = u8::MAX;

/// Counts by the first bits of a print; none at first.
#[derive(Clone, Default)]
pub(super) struct Counts {
    pub(super) counts: Vec<u8>,
    /// The bits of a print that are none of the first.
    shift: u32,
}

impl Counts {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// How many records there are of a print, or more.
    #[inline]
    pub(super) fn of(&self, print: Print) -> u8 {
        self.counts[usize::from(print) >> self.shift]
    }

    /// The places of the prints that have so many records at least.
    #[inline]
    pub(super) fn reached(&self, prints: &[Print], at_least: u8, mut place: impl FnMut(usize)) {
        let (counts, shift) = (&self.counts[..], self.shift);
        // (A power of two: so the compiler sees that there is each of them.)
        let mask = counts.len() - 1;
        for (at, &print) in prints.iter().enumerate() {
            if counts[usize::from(print) >> shift & mask] >= at_least {
                place(at);
            }
        }
    }

    /// Counts all records of a queue.
    pub(super) fn count(&mut self, queue: &Queue) {
        let wanted = wanted(queue.len());
        self.counts.clear();
        self.counts.resize(wanted, 0);
        self.shift = Print::BITS - wanted.trailing_zeros();
        // (As in `reached`.)
        let mask = self.counts.len() - 1;
        for (prints, _) in queue.last(queue.len()) {
            for &print in prints {
                let count = &mut self.counts[usize::from(print) >> self.shift & mask];
                *count = count.wrapping_add(1);
            }
        }
        // (A count that came to more than it holds began anew: then they are fewer than the records.)
        if scan::hot(Sum(&self.counts)) as usize != queue.len() {
            self.counts.fill(0);
            self.add(queue, queue.len());
        }
    }

    /// Counts the last records of a queue of which all others are counted.
    pub(super) fn keep(&mut self, queue: &Queue, added: usize) {
        if self.counts.len() < wanted(queue.len()) {
            self.count(queue);
        } else {
            self.add(queue, added);
        }
    }

    fn add(&mut self, queue: &Queue, records: usize) {
        let (counts, shift) = (&mut self.counts[..], self.shift);
        for (prints, _) in queue.last(records) {
            for &print in prints {
                let count = &mut counts[usize::from(print) >> shift];
                *count = count.saturating_add(1);
            }
        }
    }

    /// Counts records no more.
    pub(super) fn drop(&mut self, prints: &[Print]) {
        if self.is_empty() {
            return;
        }
        for &print in prints {
            let count = &mut self.counts[usize::from(print) >> self.shift];
            *count -= u8::from(*count != MOST);
        }
    }
}

/// The sum of counts.
struct Sum<'a>(&'a [u8]);

impl scan::Hot for Sum<'_> {
    type Output = u32;

    #[inline(always)]
    fn run(self) -> u32 {
        self.0.iter().map(|&count| u32::from(count)).sum()
    }
}

/// How many counts so many records want: a power of two.
fn wanted(records: usize) -> usize {
    (records * PER_RECORD).clamp(1, ALL).next_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::super::queue::{Spare, print};
    use super::*;

    #[test]
    fn a_count_that_has_come_to_the_largest_stays_there() {
        for (of_one, of_another) in [(1, 0), (255, 1), (256, 0), (257, 300), (512, 512), (700, 4)] {
            let values = [vec![7; of_one], vec![8; of_another]].concat();
            let mut queue = Queue::default();
            queue.extend(&values, &vec![0; values.len()], &mut Spare::default());
            let mut counts = Counts::default();
            counts.count(&queue);
            for (value, records) in [(7, of_one), (8, of_another)] {
                let count = counts.of(print(value));
                assert_eq!(
                    usize::from(count),
                    records.min(255),
                    "{of_one} {of_another}"
                );
            }
        }
    }
}
