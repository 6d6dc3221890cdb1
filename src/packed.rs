//! Numbers in as few bytes as they need: what a column of a sorted record takes in memory and in
//! temporary files.
//!
//! A value is `base + step × stored`, and what is stored is one, two, four or eight bytes wide, or nothing
//! at all where all values are the same.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{UInt8Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, PrimitiveArray};
use arrow_buffer::ScalarBuffer;
use arrow_schema::DataType;

/// Milliseconds of a second: times that are whole seconds apart take less.
const SECOND: u64 = 1000;

/// What is stored of the values.
#[derive(Clone, Debug, Default)]
enum Stored {
    /// Nothing: all are the base.
    #[default]
    Same,
    U8(ScalarBuffer<u8>),
    U16(ScalarBuffer<u16>),
    U32(ScalarBuffer<u32>),
    U64(ScalarBuffer<u64>),
}

/// A column of numbers.
#[derive(Clone, Debug, Default)]
pub struct Packed {
    base: u64,
    step: u64,
    rows: usize,
    stored: Stored,
}

impl Packed {
    /// Packs values.
    #[must_use]
    pub fn of(values: impl Iterator<Item = u64> + Clone) -> Packed {
        let Some(first) = values.clone().next() else {
            return Packed::same(0, 0);
        };
        // The bits that differ tell a base and a width nearly as well as the extremes do, and sooner.
        let (rows, differ) = values
            .clone()
            .fold((0, 0), |(n, differ), v| (n + 1, differ | (v ^ first)));
        if differ == 0 {
            return Packed::same(first, rows);
        }
        let most = u64::MAX >> differ.leading_zeros();
        Packed {
            base: first & !most,
            step: 1,
            rows,
            stored: stored(values.map(|v| v & most), most),
        }
    }

    /// Packs times.
    #[must_use]
    pub fn of_times(times: &[i64]) -> Packed {
        let values = times.iter().map(|&time| from_time(time));
        let min = values.clone().min().unwrap_or(0);
        let most = values.clone().max().unwrap_or(0) - min;
        if most == 0 {
            return Packed::same(min, times.len());
        }
        let seconds = values.clone().all(|v| (v - min) % SECOND == 0);
        let (step, stored) = if seconds {
            (
                SECOND,
                stored(values.map(|v| (v - min) / SECOND), most / SECOND),
            )
        } else {
            (1, stored(values.map(|v| v - min), most))
        };
        Packed {
            base: min,
            step,
            rows: times.len(),
            stored,
        }
    }

    /// `rows` times the same value.
    #[must_use]
    pub fn same(base: u64, rows: usize) -> Packed {
        Packed {
            base,
            step: 1,
            rows,
            stored: Stored::Same,
        }
    }

    /// A value.
    ///
    /// # Panics
    /// If there is no such row.
    #[inline]
    #[must_use]
    pub fn get(&self, at: usize) -> u64 {
        let stored = match &self.stored {
            Stored::Same => 0,
            Stored::U8(values) => u64::from(values[at]),
            Stored::U16(values) => u64::from(values[at]),
            Stored::U32(values) => u64::from(values[at]),
            Stored::U64(values) => values[at],
        };
        self.base.wrapping_add(self.step.wrapping_mul(stored))
    }

    /// Adds all values to a column, each as `as_value` says.
    pub fn extend<T: Copy>(&self, out: &mut Vec<T>, as_value: impl Fn(u64) -> T) {
        let value = |stored: u64| as_value(self.base.wrapping_add(self.step.wrapping_mul(stored)));
        match &self.stored {
            Stored::Same => out.resize(out.len() + self.rows, as_value(self.base)),
            Stored::U8(values) => out.extend(values.iter().map(|&v| value(u64::from(v)))),
            Stored::U16(values) => out.extend(values.iter().map(|&v| value(u64::from(v)))),
            Stored::U32(values) => out.extend(values.iter().map(|&v| value(u64::from(v)))),
            Stored::U64(values) => out.extend(values.iter().map(|&v| value(v))),
        }
    }

    /// The values of these places, in this order.
    #[must_use]
    pub fn select(&self, order: &[usize]) -> Packed {
        let stored = match &self.stored {
            Stored::Same => Stored::Same,
            Stored::U8(values) => Stored::U8(order.iter().map(|&i| values[i]).collect()),
            Stored::U16(values) => Stored::U16(order.iter().map(|&i| values[i]).collect()),
            Stored::U32(values) => Stored::U32(order.iter().map(|&i| values[i]).collect()),
            Stored::U64(values) => Stored::U64(order.iter().map(|&i| values[i]).collect()),
        };
        Packed {
            rows: order.len(),
            stored,
            ..*self
        }
    }

    /// Bytes of memory that the values take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.rows
            * match &self.stored {
                Stored::Same => 0,
                Stored::U8(_) => 1,
                Stored::U16(_) => 2,
                Stored::U32(_) => 4,
                Stored::U64(_) => 8,
            }
    }

    /// Base and step.
    #[must_use]
    pub fn scale(&self) -> (u64, u64) {
        (self.base, self.step)
    }

    /// What is stored, as Arrow; none: nothing.
    #[must_use]
    pub fn array(&self) -> Option<ArrayRef> {
        Some(match &self.stored {
            Stored::Same => return None,
            Stored::U8(v) => Arc::new(PrimitiveArray::<UInt8Type>::new(v.clone(), None)),
            Stored::U16(v) => Arc::new(PrimitiveArray::<UInt16Type>::new(v.clone(), None)),
            Stored::U32(v) => Arc::new(PrimitiveArray::<UInt32Type>::new(v.clone(), None)),
            Stored::U64(v) => Arc::new(PrimitiveArray::<UInt64Type>::new(v.clone(), None)),
        })
    }

    /// The other way round than [`Packed::array`]; none if no column is stored so.
    #[must_use]
    pub fn from_array((base, step): (u64, u64), array: &ArrayRef) -> Option<Packed> {
        let stored = match array.data_type() {
            DataType::UInt8 => Stored::U8(array.as_primitive::<UInt8Type>().values().clone()),
            DataType::UInt16 => Stored::U16(array.as_primitive::<UInt16Type>().values().clone()),
            DataType::UInt32 => Stored::U32(array.as_primitive::<UInt32Type>().values().clone()),
            DataType::UInt64 => Stored::U64(array.as_primitive::<UInt64Type>().values().clone()),
            _ => return None,
        };
        Some(Packed {
            base,
            step,
            rows: array.len(),
            stored,
        })
    }
}

/// Values up to `most`, in as few bytes as that needs.
#[allow(clippy::cast_possible_truncation)]
fn stored(values: impl Iterator<Item = u64>, most: u64) -> Stored {
    if u8::try_from(most).is_ok() {
        Stored::U8(values.map(|v| v as u8).collect())
    } else if u16::try_from(most).is_ok() {
        Stored::U16(values.map(|v| v as u16).collect())
    } else if u32::try_from(most).is_ok() {
        Stored::U32(values.map(|v| v as u32).collect())
    } else {
        Stored::U64(values.collect())
    }
}

/// A time as a number without a sign, in the same order.
fn from_time(time: i64) -> u64 {
    time.cast_unsigned() ^ (1 << 63)
}

/// The other way round.
#[must_use]
pub fn to_time(value: u64) -> i64 {
    (value ^ (1 << 63)).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(packed: &Packed) -> Vec<u64> {
        let mut out = Vec::new();
        packed.extend(&mut out, |v| v);
        let one_by_one: Vec<u64> = (0..out.len()).map(|at| packed.get(at)).collect();
        assert_eq!(out, one_by_one);
        let again = packed.array().map_or_else(
            || Packed::same(packed.scale().0, out.len()),
            |array| Packed::from_array(packed.scale(), &array).unwrap(),
        );
        let mut twice = Vec::new();
        again.extend(&mut twice, |v| v);
        assert_eq!(out, twice);
        let order: Vec<usize> = (0..out.len()).rev().collect();
        let turned = packed.select(&order);
        assert!((0..out.len()).all(|at| turned.get(at) == out[out.len() - 1 - at]));
        out
    }

    #[test]
    fn values_come_back_in_as_few_bytes_as_they_need() {
        for (values, bytes) in [
            (vec![], 0),
            (vec![7], 0),
            (vec![u64::MAX; 3], 0),
            (vec![256, 511], 2),
            (vec![255, 256], 4),
            (vec![0, 65_535, 9], 6),
            (vec![0, 65_536], 8),
            (vec![1 << 60, (1 << 60) + u64::from(u32::MAX)], 8),
            (vec![0, 1 << 32], 16),
            (vec![0, u64::MAX, 1], 24),
        ] {
            let packed = Packed::of(values.iter().copied());
            assert_eq!(back(&packed), values);
            assert_eq!(packed.bytes(), bytes, "{values:?}");
        }
    }

    #[test]
    fn times_that_are_whole_seconds_apart_take_less() {
        for (times, bytes) in [
            (vec![], 0),
            (vec![-1500, 500, 253_500], 3),
            (vec![-1500, 500, 253_501], 12),
            (vec![i64::MIN, i64::MAX, 0], 24),
            (vec![i64::MIN, i64::MIN + 65_535_000], 4),
        ] {
            let packed = Packed::of_times(&times);
            let found: Vec<i64> = back(&packed).into_iter().map(to_time).collect();
            assert_eq!(found, times);
            assert_eq!(packed.bytes(), bytes, "{times:?}");
        }
    }
}
