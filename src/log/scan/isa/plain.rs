//! Plain Rust, for every machine, and what it shares with the instruction sets.

use super::{Classes, Isa};

/// Bytes of the longest key that [`Isa::same`] looks at.
pub const LONGEST_KEY: usize = 112;

/// A window that begins `len` bytes before the middle selects `len` bytes.
pub static SELECT: [u8; 2 * LONGEST_KEY] = {
    let mut bytes = [0; 2 * LONGEST_KEY];
    let mut i = 0;
    while i < LONGEST_KEY {
        bytes[i] = 0xFF;
        i += 1;
    }
    bytes
};

/// Eight bytes as a number, the first lowest.
///
/// # Panics
/// If there are fewer from `at` on.
#[must_use]
#[inline(always)]
pub fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// What words are mixed with before they are multiplied, without pattern (digits of a splitmix64
/// sequence).
pub const SALTS: [u64; 4] = [
    0xE220_A839_7B1D_CDAF,
    0x6E78_9E6A_A1B9_65F5,
    0x06C4_5D18_8009_454F,
    0xF88B_B8A8_724C_81ED,
];

/// The product of two words, its halves together.
#[must_use]
#[inline(always)]
pub fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    #[allow(clippy::cast_possible_truncation)]
    let (low, high) = (product as u64, (product >> 64) as u64);
    low ^ high
}

/// Where [`Isa::keep`] puts what it keeps.
pub struct Kept<'a> {
    /// The values.
    pub values: &'a mut [u64; 8],
    /// What belongs to them.
    pub with: &'a mut [u32; 8],
    /// The first bits of their products.
    pub prints: &'a mut [u16; 8],
}

/// The first 16 bits.
#[must_use]
#[inline(always)]
#[allow(clippy::cast_possible_truncation)]
pub fn first_bits(number: u64) -> u16 {
    (number >> 48) as u16
}

/// Plain Rust, for every machine.
#[derive(Clone, Copy)]
pub(crate) struct Scalar;

impl Isa for Scalar {
    #[inline(always)]
    fn classify(self, block: &[u8; 64], delimiter: u8) -> Classes {
        let mask = |wanted: u8| {
            block
                .iter()
                .enumerate()
                .fold(0u64, |m, (i, &b)| m | u64::from(b == wanted) << i)
        };
        Classes {
            delimiter: mask(delimiter),
            lf: mask(b'\n'),
            cr: mask(b'\r'),
            quote: mask(b'"'),
        }
    }
}
