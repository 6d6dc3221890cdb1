//! Days on which something happened, as the bits of integers: shift by the days passed, mask, count.

/// Words of a set that reaches `lookback` days back from its newest day.
#[must_use]
pub fn words(lookback: u32) -> usize {
    lookback as usize / 64 + 1
}

/// A set of days, newest first: bit `i` stands for `newest − i`. Days older than its words reach
/// are forgotten. The words lie in a slice of the caller's.
#[derive(Clone, Copy, Debug)]
pub struct Newest(pub i32);

impl Newest {
    /// No day yet.
    pub const NONE: Newest = Newest(i32::MIN);

    /// Adds a day that is not before the newest.
    #[inline]
    pub fn add(&mut self, words: &mut [u64], day: i32) {
        if self.0 == day {
            return;
        }
        if self.0 == i32::MIN {
            words.fill(0);
        } else {
            shift(words, day.abs_diff(self.0));
        }
        words[0] |= 1;
        self.0 = day;
    }

    /// The number of days in `[day − lookback, day − 1]`, the newest of them and the oldest.
    #[must_use]
    pub fn before(self, words: &[u64], day: i32, lookback: u32) -> Within {
        let mut found = Within {
            count: 0,
            newest: None,
            oldest: None,
        };
        if self.0 == i32::MIN {
            return found;
        }
        // Bit `i` of the words is the day `self.0 − i`: those within have from ≤ i ≤ to.
        let to = i64::from(self.0) - (i64::from(day) - i64::from(lookback));
        let from = (i64::from(self.0) - i64::from(day) + 1).max(0);
        if to < from {
            return found;
        }
        for (word, base) in words.iter().zip((0i64..).step_by(64)) {
            let bits = word & from_bit(from - base) & !from_bit(to + 1 - base);
            if bits == 0 {
                continue;
            }
            #[allow(clippy::cast_possible_truncation)]
            let date = |bit: u32| (i64::from(self.0) - base - i64::from(bit)) as i32;
            found.count += bits.count_ones();
            found.newest.get_or_insert(date(bits.trailing_zeros()));
            found.oldest = Some(date(bits.ilog2()));
        }
        found
    }
}

/// Days of a set within a lookback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Within {
    /// How many.
    pub count: u32,
    /// The last.
    pub newest: Option<i32>,
    /// The first.
    pub oldest: Option<i32>,
}

/// A word with the bits from `bit` on.
fn from_bit(bit: i64) -> u64 {
    match bit {
        ..=0 => u64::MAX,
        1..64 => u64::MAX << bit,
        _ => 0,
    }
}

fn shift(words: &mut [u64], by: u32) {
    let (whole, bits) = (by as usize / 64, by % 64);
    for i in (0..words.len()).rev() {
        let low = i.checked_sub(whole).map_or(0, |j| words[j]);
        let carry = if bits == 0 {
            0
        } else {
            i.checked_sub(whole + 1)
                .map_or(0, |j| words[j] >> (64 - bits))
        };
        words[i] = low << bits | carry;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_counts_like_a_list() {
        for lookback in [1u32, 5, 63, 64, 65, 90, 200] {
            let mut words = vec![0; super::words(lookback)];
            let mut newest = Newest::NONE;
            let mut all: Vec<i32> = Vec::new();
            let mut day = -50;
            for step in [
                0, 1, 1, 2, 0, 7, 30, 1, 64, 1, 1, 63, 65, 1, 0, 128, 3, 1, 1, 1, 100, 1,
            ] {
                day += step;
                for ask in [day, day + 1, day + 3, day + 70] {
                    let days: Vec<i32> = all
                        .iter()
                        .copied()
                        .filter(|&d| d < ask && d >= ask - lookback.cast_signed())
                        .collect();
                    let expected = Within {
                        count: u32::try_from(days.len()).unwrap(),
                        newest: days.last().copied(),
                        oldest: days.first().copied(),
                    };
                    assert_eq!(
                        newest.before(&words, ask, lookback),
                        expected,
                        "{lookback} {ask}"
                    );
                }
                newest.add(&mut words, day);
                if all.last() != Some(&day) {
                    all.push(day);
                }
            }
        }
    }
}
