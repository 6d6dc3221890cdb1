//! The instruction sets: classification of 64 bytes into bit masks, chosen at run time.

#![allow(unsafe_code)]

use super::{Scan, Sink, State};

/// Bit `i` of each mask: byte `i` of the block is that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Classes {
    pub(crate) delimiter: u64,
    pub(crate) lf: u64,
    pub(crate) cr: u64,
    pub(crate) quote: u64,
}

/// What a scan needs of an instruction set.
pub(crate) trait Isa: Copy {
    fn classify(self, block: &[u8; 64], delimiter: u8) -> Classes;
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

/// Runs a scan on the best instruction set of this machine.
pub(super) fn dispatch<S: Sink>(scan: Scan<'_, S>) -> State {
    #[cfg(target_arch = "x86_64")]
    {
        if x86::has_avx512() {
            // SAFETY: AVX-512 F and BW were detected just now.
            return unsafe { x86::scan_avx512(scan) };
        }
        if x86::has_avx2() {
            // SAFETY: AVX2 was detected just now.
            return unsafe { x86::scan_avx2(scan) };
        }
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

#[cfg(target_arch = "x86_64")]
pub(crate) mod x86 {
    use std::arch::x86_64::{
        __m256i, __m512i, _mm256_cmpeq_epi8, _mm256_movemask_epi8, _mm256_set1_epi8,
        _mm512_cmpeq_epi8_mask, _mm512_set1_epi8,
    };

    use super::{Classes, Isa, Scan, Sink, State};

    pub(crate) fn has_avx512() -> bool {
        std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512bw")
    }

    pub(crate) fn has_avx2() -> bool {
        std::arch::is_x86_feature_detected!("avx2")
    }

    /// 64 bytes in one register. Made only where AVX-512 F and BW were detected.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx512(());

    /// 64 bytes in two registers. Made only where AVX2 was detected.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx2(());

    impl Isa for Avx512 {
        #[inline(always)]
        fn classify(self, block: &[u8; 64], delimiter: u8) -> Classes {
            // SAFETY: plain bytes of the same size; no alignment is assumed by a copy.
            let v: __m512i = unsafe { std::ptr::read_unaligned(block.as_ptr().cast()) };
            // SAFETY: an `Avx512` exists only where the features were detected.
            let eq =
                |b: u8| unsafe { _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(b.cast_signed())) };
            Classes {
                delimiter: eq(delimiter),
                lf: eq(b'\n'),
                cr: eq(b'\r'),
                quote: eq(b'"'),
            }
        }
    }

    impl Isa for Avx2 {
        #[inline(always)]
        fn classify(self, block: &[u8; 64], delimiter: u8) -> Classes {
            // SAFETY: both halves lie within the 64 bytes; no alignment is assumed by a copy.
            let (lo, hi): (__m256i, __m256i) = unsafe {
                (
                    std::ptr::read_unaligned(block.as_ptr().cast()),
                    std::ptr::read_unaligned(block.as_ptr().add(32).cast()),
                )
            };
            // SAFETY: an `Avx2` exists only where AVX2 was detected.
            let eq = |b: u8| unsafe {
                let wanted = _mm256_set1_epi8(b.cast_signed());
                let lo = _mm256_movemask_epi8(_mm256_cmpeq_epi8(lo, wanted)).cast_unsigned();
                let hi = _mm256_movemask_epi8(_mm256_cmpeq_epi8(hi, wanted)).cast_unsigned();
                u64::from(lo) | u64::from(hi) << 32
            };
            Classes {
                delimiter: eq(delimiter),
                lf: eq(b'\n'),
                cr: eq(b'\r'),
                quote: eq(b'"'),
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,bmi1,bmi2,popcnt,lzcnt")]
    pub(super) fn scan_avx512<S: Sink>(scan: Scan<'_, S>) -> State {
        scan.run(Avx512(()))
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
    pub(super) fn scan_avx2<S: Sink>(scan: Scan<'_, S>) -> State {
        scan.run(Avx2(()))
    }

    #[cfg(test)]
    pub(crate) fn classify_each(block: &[u8; 64], delimiter: u8) -> Vec<Classes> {
        #[target_feature(enable = "avx512f,avx512bw")]
        fn wide(block: &[u8; 64], delimiter: u8) -> Classes {
            Avx512(()).classify(block, delimiter)
        }
        #[target_feature(enable = "avx2")]
        fn narrow(block: &[u8; 64], delimiter: u8) -> Classes {
            Avx2(()).classify(block, delimiter)
        }
        let mut all = Vec::new();
        if has_avx512() {
            // SAFETY: detected just now.
            all.push(unsafe { wide(block, delimiter) });
        }
        if has_avx2() {
            // SAFETY: detected just now.
            all.push(unsafe { narrow(block, delimiter) });
        }
        all
    }
}

#[cfg(target_arch = "aarch64")]
mod neon {
    use std::arch::aarch64::{
        uint8x16_t, vaddv_u8, vandq_u8, vceqq_u8, vdupq_n_u8, vget_high_u8, vget_low_u8, vld1q_u8,
    };

    use super::{Classes, Isa, Scan, Sink, State};

    /// 64 bytes in four registers. Made only where NEON was detected.
    #[derive(Clone, Copy)]
    struct Neon(());

    impl Isa for Neon {
        #[inline(always)]
        fn classify(self, block: &[u8; 64], delimiter: u8) -> Classes {
            const BITS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];
            // SAFETY: a `Neon` exists only where NEON was detected; every load lies within the block.
            let eq = |wanted: u8| unsafe {
                let wanted = vdupq_n_u8(wanted);
                let bits: uint8x16_t = vld1q_u8(BITS.as_ptr());
                let mut mask = 0u64;
                for i in 0..4 {
                    let hit =
                        vandq_u8(vceqq_u8(vld1q_u8(block.as_ptr().add(16 * i)), wanted), bits);
                    let low = u64::from(vaddv_u8(vget_low_u8(hit)));
                    let high = u64::from(vaddv_u8(vget_high_u8(hit)));
                    mask |= (low | high << 8) << (16 * i);
                }
                mask
            };
            Classes {
                delimiter: eq(delimiter),
                lf: eq(b'\n'),
                cr: eq(b'\r'),
                quote: eq(b'"'),
            }
        }
    }

    #[target_feature(enable = "neon")]
    pub(super) fn scan_neon<S: Sink>(scan: Scan<'_, S>) -> State {
        scan.run(Neon(()))
    }
}
