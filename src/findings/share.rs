//! Shares of what was evaluated: compared as the whole numbers they are of, never as logarithms, so
//! that two machines agree on every tie. The logarithm is only shown.

use std::cmp::Ordering;

/// So many of so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// How many are at least as strong, the one in question included.
    pub as_strong: u64,
    /// Of how many.
    pub of: u64,
}

impl Share {
    /// All there are: nothing is more common.
    pub const WHOLE: Share = Share {
        as_strong: 1,
        of: 1,
    };

    /// By value, the rarest first.
    #[must_use]
    pub fn compare(self, other: Share) -> Ordering {
        let left = u128::from(self.as_strong) * u128::from(other.of);
        let right = u128::from(other.as_strong) * u128::from(self.of);
        left.cmp(&right)
    }

    /// −log10, never −0.0.
    #[must_use]
    pub fn rarity(self) -> f64 {
        rarity([self.as_strong], [self.of])
    }
}

/// A product of up to three numbers, exact: 192 bits. Ordered as the number that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Product {
    high: u128,
    low: u64,
}

impl Product {
    /// The product of three.
    #[must_use]
    pub fn of(factors: [u64; 3]) -> Product {
        let mut product = Product { high: 0, low: 1 };
        for factor in factors {
            let low = u128::from(product.low) * u128::from(factor);
            product = Product {
                // What is above the low word has two factors at the most by now, less than 2^128.
                high: product.high * u128::from(factor) + (low >> 64),
                #[allow(clippy::cast_possible_truncation)]
                low: low as u64,
            };
        }
        product
    }

    /// The nearest number with 53 bits; of two, the even one.
    #[allow(clippy::cast_precision_loss)]
    fn nearest(self) -> f64 {
        const WORD: f64 = 18_446_744_073_709_551_616.0;
        if self.high >> 64 == 0 {
            (self.high << 64 | u128::from(self.low)) as f64
        } else {
            // More than 64 bits above: of those below it matters only whether there is any.
            (self.high | u128::from(self.low != 0)) as f64 * WORD
        }
    }
}

/// −log10 of a product of up to three shares, from their lowest terms: equal values give equal bits.
#[must_use]
pub fn rarity<const N: usize>(mut as_strong: [u64; N], mut of: [u64; N]) -> f64 {
    const { assert!(N <= 3) };
    for above in &mut as_strong {
        for below in &mut of {
            let common = greatest_common_divisor(*above, *below).max(1);
            *above /= common;
            *below /= common;
        }
    }
    let product = |factors: [u64; N]| {
        let mut three = [1; 3];
        three[..N].copy_from_slice(&factors);
        Product::of(three).nearest()
    };
    product(of).log10() - product(as_strong).log10()
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(as_strong: u64, of: u64) -> Share {
        Share { as_strong, of }
    }

    #[test]
    fn shares_are_compared_by_value() {
        assert_eq!(share(1, 2).compare(share(2, 4)), Ordering::Equal);
        assert_eq!(share(1, 3).compare(share(1, 2)), Ordering::Less);
        assert_eq!(
            share(u64::MAX - 1, u64::MAX).compare(Share::WHOLE),
            Ordering::Less
        );
        // As floats the two are one.
        let (a, b) = (
            share(1, 9_007_199_254_740_993),
            share(1, 9_007_199_254_740_992),
        );
        assert_eq!(a.compare(b), Ordering::Less);
    }

    // To the bit.
    #[allow(clippy::float_cmp)]
    #[test]
    fn rarity_is_the_logarithm_and_never_minus_zero() {
        for share in [Share::WHOLE, share(7, 7), share(u64::MAX, u64::MAX)] {
            assert_eq!(share.rarity().to_bits(), 0.0f64.to_bits());
        }
        assert_eq!(share(1, 1000).rarity(), 1000f64.log10());
        assert_eq!(share(2, 6).rarity(), share(1, 3).rarity());
        assert_eq!(rarity([2, 3, 1], [6, 6, 6]), 36f64.log10());
        assert_eq!(rarity([6, 1, 1], [5, 5, 5]), rarity([2, 3, 1], [5, 5, 5]));
    }

    #[test]
    fn products_are_exact_however_large() {
        let most = u64::MAX;
        // (2^64 − 1)^3 = 2^192 − 3·2^128 + 3·2^64 − 1
        let cube = Product::of([most; 3]);
        assert_eq!((cube.high, cube.low), (u128::MAX - (3 << 64) + 3, most));
        assert!(Product::of([most, most, most - 1]) < cube);
        assert!(Product::of([1, 6, 7]) == Product::of([2, 3, 7]));
        assert!(Product::of([most, 1, 1]) < Product::of([most, 2, 1]));
        assert_eq!(Product::of([0, most, most]), Product::of([0, 0, 0]));
    }

    // To the bit.
    #[allow(clippy::float_cmp)]
    #[test]
    fn a_product_becomes_the_nearest_float() {
        let nearest = |factors| Product::of(factors).nearest();
        assert_eq!(nearest([1, 1, 1]), 1.0);
        assert_eq!(nearest([3, 5, 7]), 105.0);
        assert_eq!(nearest([1 << 63, 1 << 63, 1 << 63]), 2f64.powi(189));
        // 2^53 + 1 lies between two, and becomes the even one; a bit far below decides otherwise.
        let tie = (1 << 53) + 1;
        assert_eq!(nearest([tie, 1 << 63, 1 << 40]), 2f64.powi(156));
        let just_above = Product {
            low: 1,
            ..Product::of([tie, 1 << 63, 1 << 40])
        };
        let next = (2f64.powi(53) + 2.0) * 2f64.powi(103);
        assert_eq!(just_above.nearest(), next);
    }
}
