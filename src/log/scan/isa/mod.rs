//! The instruction sets, chosen at run time: classification of 64 bytes into bit masks, and the few loops that
//! the compiler makes much slower.

#![allow(unsafe_code)]

#[cfg(target_arch = "aarch64")]
mod neon;
mod plain;
#[cfg(target_arch = "x86_64")]
pub(crate) mod x86;

use super::{Scan, Sink, State};

pub(crate) use plain::Scalar;
pub use plain::{Kept, LONGEST_KEY, SALTS, SELECT, first_bits, fold, word};

/// Bit `i` of each mask: byte `i` of the block is that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Classes {
    /// The delimiter.
    pub delimiter: u64,
    /// Line feeds.
    pub lf: u64,
    /// Carriage returns.
    pub cr: u64,
    /// Quotes.
    pub quote: u64,
}

/// What is asked of an instruction set, by scans and by [`HotBy`] code.
pub trait Isa: Copy {
    /// Which bytes of a block are special.
    fn classify(self, block: &[u8; 64], delimiter: u8) -> Classes;
    /// Bit `i` of the result: whether number `i` is `wanted`.
    #[inline(always)]
    fn alike(self, numbers: &[u16; 32], wanted: u16) -> u32 {
        let alike = (0..).zip(numbers);
        alike.fold(0, |mask, (i, &n)| mask | u32::from(n == wanted) << i)
    }
    /// Puts those of eight values that are not 0 to the front of `to`, with what belongs to them, and the first
    /// bits of their products with `factor`; how many there are. What is behind them is any.
    #[inline(always)]
    fn keep(self, (values, with): (&[u64; 8], &[u32; 8]), factor: u64, to: Kept<'_>) -> usize {
        let mut kept = 0;
        for (&value, &with) in values.iter().zip(with) {
            (to.values[kept], to.with[kept]) = (value, with);
            to.prints[kept] = first_bits(value.wrapping_mul(factor));
            kept += usize::from(value != 0);
        }
        kept
    }
    /// A hash of sixteen bytes at either end of a span, and of its length. Instruction sets have hashes of
    /// their own; all 64 bits are good.
    #[inline(always)]
    fn hash(self, head: &[u8; 16], tail: &[u8; 16], len: u64) -> u64 {
        let salted = (word(head, 8) ^ SALTS[1]).wrapping_add(len);
        fold(word(head, 0) ^ SALTS[0], salted)
            ^ fold(word(tail, 0) ^ SALTS[2], word(tail, 8) ^ SALTS[3])
    }
    /// Whether the first `len` bytes of a text are those of a key, behind which zeros stand, and `mark` is in the
    /// last two bytes of the key, before which it has place for `len`. The text goes on: as much of it is read as
    /// the key is long.
    #[inline(always)]
    fn same<const WORDS: usize>(
        self,
        text: &[u8],
        len: usize,
        mark: u16,
        key: &[u64; WORDS],
    ) -> bool {
        let select = &SELECT[LONGEST_KEY - len..][..8 * WORDS];
        let mut differ = 0;
        for (i, key) in key.iter().enumerate() {
            let mut bytes = word(text, 8 * i) & word(select, 8 * i);
            if i + 1 == WORDS {
                bytes |= u64::from(mark) << 48;
            }
            differ |= bytes ^ key;
        }
        differ == 0
    }
    /// Bit `i` of the result: the parity of the bits `0..=i` of `mask`.
    #[inline(always)]
    fn prefix_xor(self, mask: u64) -> u64 {
        let mut m = mask;
        m ^= m << 1;
        m ^= m << 2;
        m ^= m << 4;
        m ^= m << 8;
        m ^= m << 16;
        m ^ (m << 32)
    }
    /// Appends `base` plus the number of each set bit; in fours so that the loop rarely branches.
    #[inline(always)]
    fn push_bits(self, out: &mut Vec<u32>, base: u32, mut mask: u64) {
        let old = out.len();
        let count = mask.count_ones() as usize;
        while mask != 0 {
            let mut four = [0; 4];
            for slot in &mut four {
                *slot = base.wrapping_add(mask.trailing_zeros());
                mask &= mask.wrapping_sub(1);
            }
            out.extend_from_slice(&four);
        }
        out.truncate(old + count);
    }
}

/// Safe code that gains from being compiled for a newer instruction set.
pub trait Hot {
    /// What it gives.
    type Output;
    /// Does it. What it calls is compiled with it only where it is inlined.
    fn run(self) -> Self::Output;
}

/// Runs safe code as it was compiled for the best instruction set of this machine.
#[inline]
pub fn hot<H: Hot>(work: H) -> H::Output {
    struct Any<H>(H);
    impl<H: Hot> HotBy for Any<H> {
        type Output = H::Output;

        #[inline(always)]
        fn run<I: Isa>(self, _: I) -> H::Output {
            self.0.run()
        }
    }
    hot_by(Any(work))
}

/// [`Hot`] code that also asks the instruction set for something.
pub trait HotBy {
    /// What it gives.
    type Output;
    /// Does it. What it calls is compiled with it only where it is inlined.
    fn run<I: Isa>(self, isa: I) -> Self::Output;
}

/// [`hot`], for code that asks the instruction set for something.
#[inline]
pub fn hot_by<H: HotBy>(work: H) -> H::Output {
    #[cfg(target_arch = "x86_64")]
    match x86::best() {
        // SAFETY: the features were detected.
        x86::Best::Avx512Compress | x86::Best::Avx512 => return unsafe { x86::hot_avx512(work) },
        // SAFETY: the features were detected.
        x86::Best::Avx2 => return unsafe { x86::hot_avx2(work) },
        x86::Best::Baseline => {}
    }
    work.run(Scalar)
}

/// Asks for memory that will be read soon, where a processor can be asked. Nothing comes of it but that it is
/// near then.
#[inline]
pub fn prefetch<T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in values.chunks((64 / size_of::<T>().max(1)).max(1)) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: nothing is read, and every processor of this architecture knows it.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

/// Runs a scan on the best instruction set of this machine.
pub(super) fn dispatch<S: Sink>(scan: Scan<'_, S>) -> State {
    #[cfg(target_arch = "x86_64")]
    match x86::best() {
        // SAFETY: the features were detected.
        x86::Best::Avx512Compress => return unsafe { x86::scan_avx512_compress(scan) },
        // SAFETY: the features were detected.
        x86::Best::Avx512 => return unsafe { x86::scan_avx512(scan) },
        // SAFETY: the features were detected.
        x86::Best::Avx2 => return unsafe { x86::scan_avx2(scan) },
        x86::Best::Baseline => {}
    }
    #[cfg(target_arch = "aarch64")]
    {
        if std::arch::is_aarch64_feature_detected!("neon") {
            // SAFETY: NEON was detected just now.
            return unsafe { neon::scan_neon(scan) };
        }
    }
    scan.run(Scalar)
}

#[cfg(test)]
mod tests;
