//! A record before it is written.

use super::vocabulary::Operation;

/// No subject.
pub(super) const NOBODY: u32 = 0;

/// A record of a day, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// Second of the day.
    pub(super) second: u32,
    pub(super) user: u32,
    pub(super) terminal: u32,
    /// [`NOBODY`], or a subject's place in the population, from 1.
    pub(super) subject: u32,
    pub(super) operation: Operation,
    pub(super) failed: bool,
    pub(super) references: bool,
}

/// Sorts a day's events by second, those of the same second in the order they came.
///
/// Counting sort: the day has 86,400 places, and a large log has more events than that in a day.
#[derive(Default)]
pub(super) struct DaySort {
    starts: Vec<u32>,
    order: Vec<u32>,
}

impl DaySort {
    /// The places of `events` in time order.
    pub(super) fn sort(&mut self, events: &[Event]) -> &[u32] {
        self.starts.clear();
        self.starts.resize(86_401, 0);
        for event in events {
            self.starts[event.second as usize + 1] += 1;
        }
        let mut total = 0;
        for start in &mut self.starts {
            total += *start;
            *start = total;
        }
        self.order.clear();
        self.order.resize(events.len(), 0);
        for (place, event) in (0_u32..).zip(events) {
            let start = &mut self.starts[event.second as usize];
            self.order[*start as usize] = place;
            *start += 1;
        }
        &self.order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_keep_their_order() {
        let event = |second, user| Event {
            second,
            user,
            terminal: 0,
            subject: NOBODY,
            operation: Operation::View,
            failed: false,
            references: true,
        };
        let events = [event(86_399, 0), event(5, 1), event(0, 2), event(5, 3)];
        let mut sort = DaySort::default();
        assert_eq!(sort.sort(&events), [2, 1, 3, 0]);
        assert_eq!(sort.sort(&events[..1]), [0]);
        assert!(sort.sort(&[]).is_empty());
    }
}
