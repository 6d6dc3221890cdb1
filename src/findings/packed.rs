//! All findings of a scan, packed: they stay until its end, and a log has more of them the longer it is.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::Finding;
use crate::detect::values::Value;

/// Bytes of a stretch.
const STRETCH: usize = 1 << 20;

/// More bytes than a packed finding has.
const ROOM: usize = 1 << 10;

/// Findings, in about a third of the room that they take as they are (mostly small numbers, which take a
/// byte or two each). They stand close together, in stretches of one size: vectors that grow leave holes
/// between what is in use for a while only.
#[derive(Debug, Default)]
pub struct Findings {
    stretches: Vec<Vec<u8>>,
    len: usize,
}

/// Where a finding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    stretch: u32,
    byte: u32,
}

impl Place {
    /// Bits of a place as a number.
    pub const BITS: u32 = 44;

    /// The place as a number of so many bits.
    ///
    /// # Panics
    /// If it is behind 16 tebibytes of findings.
    #[must_use]
    pub fn number(self) -> u64 {
        let number = u64::from(self.stretch) * STRETCH as u64 + u64::from(self.byte);
        assert!(number >> Self::BITS == 0, "fewer findings than that");
        number
    }

    /// The place of a number.
    #[must_use]
    pub fn of(number: u64) -> Place {
        let part = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        Place {
            stretch: part(number / STRETCH as u64),
            byte: part(number % STRETCH as u64),
        }
    }
}

impl Findings {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a finding.
    ///
    /// # Panics
    /// If it cannot be packed, which no finding is.
    pub fn add(&mut self, finding: &Finding) {
        let full = |last: &Vec<u8>| last.len() + ROOM > STRETCH;
        if self.stretches.last().is_none_or(full) {
            self.stretches.push(Vec::new());
        }
        if let Some(last) = self.stretches.last_mut() {
            let packed = postcard::to_extend(&Packed::of(finding), std::mem::take(last));
            *last = packed.expect("numbers");
            self.len += 1;
        }
    }

    /// Adds all of others, behind these.
    pub fn append(&mut self, others: &Findings) {
        for other in &others.stretches {
            let full = |last: &Vec<u8>| last.len() + other.len() > STRETCH;
            if self.stretches.last().is_none_or(full) {
                self.stretches.push(Vec::with_capacity(STRETCH));
            }
            if let Some(last) = self.stretches.last_mut() {
                last.extend_from_slice(other);
            }
        }
        self.len += others.len;
    }

    /// All of them and where they stand, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (Place, Finding)> + '_ {
        (0..).zip(&self.stretches).flat_map(|(stretch, bytes)| {
            let mut rest = bytes.as_slice();
            std::iter::from_fn(move || {
                let byte = bytes.len() - rest.len();
                let finding;
                (finding, rest) = unpack(rest)?;
                let byte = u32::try_from(byte).unwrap_or(u32::MAX);
                Some((Place { stretch, byte }, finding))
            })
        })
    }

    /// The finding at a place.
    ///
    /// # Panics
    /// If the place is not one of these findings'.
    #[must_use]
    pub fn at(&self, place: Place) -> Finding {
        let bytes = &self.stretches[place.stretch as usize][place.byte as usize..];
        unpack(bytes).expect("a place of these").0
    }
}

impl<'a> FromIterator<&'a Finding> for Findings {
    fn from_iter<I: IntoIterator<Item = &'a Finding>>(all: I) -> Findings {
        let mut findings = Findings::default();
        all.into_iter().for_each(|finding| findings.add(finding));
        findings
    }
}

/// The finding that bytes begin with, and what is behind it; none, if there are no bytes.
fn unpack(bytes: &[u8]) -> Option<(Finding, &[u8])> {
    let (packed, rest) = postcard::take_from_bytes::<Packed>(bytes).ok()?;
    Some((packed.finding(), rest))
}

/// A finding as it is packed: all numbers but the id, which is as good as random, by their size.
#[derive(Serialize, Deserialize)]
struct Packed {
    id: [u8; 8],
    rule: u32,
    key: Value,
    by: SmallVec<[Close; 2]>,
    value: Close,
    first: Millis,
    /// From the first to the last.
    span: Millis,
    records: u64,
    carried: u64,
    peak: i64,
    magnitude: Magnitude,
}

/// A value whose bits stand together at the lower end: the packed digits of a subject stand at the upper one,
/// the numbers of other values at the lower.
#[derive(Serialize, Deserialize)]
struct Close(u128);

impl From<Value> for Close {
    fn from(value: Value) -> Close {
        let number = u32::try_from(value).map(|number| u128::from(number) << 1);
        Close(number.unwrap_or(u128::from(value.swap_bytes()) << 1 | 1))
    }
}

impl From<Close> for Value {
    #[allow(clippy::cast_possible_truncation)]
    fn from(Close(close): Close) -> Value {
        let value = (close >> 1) as Value;
        if close & 1 == 0 {
            value
        } else {
            value.swap_bytes()
        }
    }
}

/// Milliseconds: whole seconds, as most are, as twice their number; others as one more than twice their own.
#[derive(Serialize, Deserialize)]
struct Millis(i128);

impl From<i64> for Millis {
    fn from(millis: i64) -> Millis {
        let seconds = (millis % 1000 == 0).then_some(i128::from(millis / 1000) << 1);
        Millis(seconds.unwrap_or(i128::from(millis) << 1 | 1))
    }
}

impl From<Millis> for i64 {
    #[allow(clippy::cast_possible_truncation)]
    fn from(Millis(packed): Millis) -> i64 {
        let number = (packed >> 1) as i64;
        if packed & 1 == 0 {
            number.wrapping_mul(1000)
        } else {
            number
        }
    }
}

/// Most kinds measure how strong a finding is by another of its figures.
#[derive(Serialize, Deserialize)]
enum Magnitude {
    Peak,
    Records,
    Other(f64),
}

#[allow(clippy::cast_precision_loss)]
impl Packed {
    fn of(finding: &Finding) -> Packed {
        let magnitude = finding.magnitude.to_bits();
        Packed {
            id: finding.id.to_le_bytes(),
            rule: finding.rule,
            key: finding.key,
            by: finding.by.iter().copied().map(Close::from).collect(),
            value: finding.value.into(),
            first: finding.first.into(),
            span: finding.last.wrapping_sub(finding.first).into(),
            records: finding.records,
            carried: finding.carried,
            peak: finding.peak,
            magnitude: if magnitude == (finding.peak as f64).to_bits() {
                Magnitude::Peak
            } else if magnitude == (finding.records as f64).to_bits() {
                Magnitude::Records
            } else {
                Magnitude::Other(finding.magnitude)
            },
        }
    }

    fn finding(self) -> Finding {
        let first = self.first.into();
        Finding {
            id: u64::from_le_bytes(self.id),
            rule: self.rule,
            key: self.key,
            by: self.by.into_iter().map(Value::from).collect(),
            value: self.value.into(),
            first,
            last: first.wrapping_add(self.span.into()),
            records: self.records,
            carried: self.carried,
            peak: self.peak,
            magnitude: match self.magnitude {
                Magnitude::Peak => self.peak as f64,
                Magnitude::Records => self.records as f64,
                Magnitude::Other(magnitude) => magnitude,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::{Rng, SeedableRng};

    use super::*;

    /// Numbers of every size, the least and the greatest among them.
    fn random(rng: &mut Xoshiro256PlusPlus) -> Finding {
        let mut number = || {
            let size = rng.next_u32() % 66;
            match size {
                64 => u64::MAX,
                65 => i64::MIN.cast_unsigned(),
                bits => rng.next_u64() & ((1 << bits) - 1),
            }
        };
        // (Whole seconds, and what stands in the upper bits alone.)
        let mut time = || {
            let seconds = number() % 2 == 0;
            number().wrapping_mul(if seconds { 1000 } else { 1 })
        };
        let (first, last) = (time().cast_signed(), time().cast_signed());
        let mut value = || number() << (number() % 3 * 20);
        let by = (0..value() % 5).map(|_| value()).collect();
        let value = value();
        let (peak, records) = (number().cast_signed(), number());
        #[allow(clippy::cast_precision_loss)]
        let magnitude = match number() % 4 {
            0 => peak as f64,
            1 => records as f64,
            2 => -0.0,
            _ => number() as f64 / 7.0,
        };
        Finding {
            id: number(),
            rule: u32::try_from(number() % 1_000_000_007).unwrap_or(0),
            key: number(),
            by,
            value,
            first,
            last,
            records,
            carried: number(),
            peak,
            magnitude,
        }
    }

    #[test]
    fn what_most_findings_say_takes_few_bytes() {
        let mut findings = Findings::default();
        let (first, subject) = (1_711_960_210_000, 0xA008_5680_1440_0000);
        findings.add(&Finding {
            id: u64::MAX,
            rule: 4,
            key: 1999,
            by: [subject].into_iter().collect(),
            value: 0,
            first,
            last: first + 7 * 86_400_000,
            records: 3,
            carried: 0,
            peak: 7,
            magnitude: 7.0,
        });
        // The id 8, `first` 5, `span` 4, the subject 8 with their number, the key 2, and one for each other.
        assert!(findings.stretches[0].len() <= 8 + 5 + 4 + 8 + 2 + 6);
    }

    #[test]
    fn what_is_packed_is_unpacked_in_order_and_at_its_place() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
        let all: Vec<Finding> = (0..60_000).map(|_| random(&mut rng)).collect();
        let mut findings = Findings::default();
        assert!(findings.is_empty());
        let mut from = 0usize;
        for some in [0, 1, 20, 3000, 40_000, usize::MAX] {
            let to = all.len().min(from.saturating_add(some));
            findings.append(&all[from..to].iter().collect());
            from = to;
        }
        assert_eq!(findings.len(), all.len());
        assert!(findings.stretches.len() > 2, "several stretches");
        let same =
            |a: &Finding, b: &Finding| a == b && a.magnitude.to_bits() == b.magnitude.to_bits();
        let mut expected = all.iter();
        for (place, finding) in findings.iter() {
            let expected = expected.next().expect("no more than there are");
            assert!(same(&finding, expected) && same(&findings.at(place), expected));
            assert_eq!(Place::of(place.number()), place);
        }
        assert!(expected.next().is_none());
    }
}
