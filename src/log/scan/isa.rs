//! The instruction sets: classification of 64 bytes into bit masks, chosen at run time.

#![allow(unsafe_code)]

use super::{Scan, Sink, State};

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

/// What a scan needs of an instruction set.
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

#[cfg(target_arch = "x86_64")]
pub(crate) mod x86 {
    use std::arch::x86_64::{
        __m256i, __m512i, _mm256_cmpeq_epi8, _mm256_cmpeq_epi16, _mm256_maskz_compress_epi32,
        _mm256_movemask_epi8, _mm256_packs_epi16, _mm256_permute4x64_epi64, _mm256_set1_epi8,
        _mm256_set1_epi16, _mm512_add_epi32, _mm512_castsi512_si128, _mm512_cmpeq_epi8_mask,
        _mm512_cmpeq_epi16_mask, _mm512_cvtepi64_epi16, _mm512_cvtepu8_epi32,
        _mm512_extracti32x4_epi32, _mm512_maskz_compress_epi8, _mm512_maskz_compress_epi64,
        _mm512_mullo_epi64, _mm512_set1_epi8, _mm512_set1_epi16, _mm512_set1_epi32,
        _mm512_set1_epi64, _mm512_srli_epi64, _mm512_storeu_si512, _mm512_test_epi64_mask,
    };
    use std::sync::OnceLock;

    use super::{Classes, HotBy, Isa, Kept, Scan, Sink, State};

    /// What this machine can do best.
    #[derive(Clone, Copy)]
    pub(super) enum Best {
        Baseline,
        Avx2,
        Avx512,
        /// And compress bytes.
        Avx512Compress,
    }

    /// Told once: to ask for every feature each time takes as long as a short loop.
    #[inline]
    pub(super) fn best() -> Best {
        static BEST: OnceLock<Best> = OnceLock::new();
        *BEST.get_or_init(|| {
            if has_avx512_compress() {
                Best::Avx512Compress
            } else if has_avx512() {
                Best::Avx512
            } else if has_avx2() {
                Best::Avx2
            } else {
                Best::Baseline
            }
        })
    }

    pub(crate) fn has_avx512() -> bool {
        std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512bw")
            && std::arch::is_x86_feature_detected!("avx512dq")
            && std::arch::is_x86_feature_detected!("avx512vl")
            && has_avx2()
    }

    pub(crate) fn has_avx512_compress() -> bool {
        has_avx512() && std::arch::is_x86_feature_detected!("avx512vbmi2")
    }

    pub(crate) fn has_avx2() -> bool {
        std::arch::is_x86_feature_detected!("avx2")
            && std::arch::is_x86_feature_detected!("bmi1")
            && std::arch::is_x86_feature_detected!("bmi2")
            && std::arch::is_x86_feature_detected!("popcnt")
            && std::arch::is_x86_feature_detected!("lzcnt")
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2,popcnt,lzcnt")]
    pub(super) fn hot_avx512<H: HotBy>(work: H) -> H::Output {
        work.run(Avx512(()))
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
    pub(super) fn hot_avx2<H: HotBy>(work: H) -> H::Output {
        work.run(Avx2(()))
    }

    /// 64 bytes in one register. Made only where AVX-512 F and BW were detected.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx512(());

    /// The same with the compression of bytes. Made only where VBMI2 was detected as well.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx512Compress(Avx512);

    /// The numbers of 64 bytes.
    static NUMBERS: [u8; 64] = {
        let mut numbers = [0; 64];
        let mut i = 0;
        while i < 64 {
            #[allow(clippy::cast_possible_truncation)]
            let number = i as u8;
            numbers[i] = number;
            i += 1;
        }
        numbers
    };

    impl Isa for Avx512Compress {
        #[inline(always)]
        fn classify(self, block: &[u8; 64], delimiter: u8) -> Classes {
            self.0.classify(block, delimiter)
        }

        #[inline(always)]
        fn push_bits(self, out: &mut Vec<u32>, base: u32, mask: u64) {
            let (old, count) = (out.len(), mask.count_ones() as usize);
            out.reserve(64);
            // SAFETY: an `Avx512Compress` exists only where the features were detected; `NUMBERS` has
            // 64 bytes; there is room for 64 more values, at most 16 are stored at a time from a
            // place below `count` ≤ 64 that is a multiple of 16, and `count` of them are set.
            unsafe {
                let numbers: __m512i = std::ptr::read_unaligned(NUMBERS.as_ptr().cast());
                let set = _mm512_maskz_compress_epi8(mask, numbers);
                let base = _mm512_set1_epi32(base.cast_signed());
                let to = out.as_mut_ptr().add(old);
                let sixteen = |bytes| _mm512_add_epi32(_mm512_cvtepu8_epi32(bytes), base);
                _mm512_storeu_si512(to.cast(), sixteen(_mm512_castsi512_si128(set)));
                if count > 16 {
                    let bytes = _mm512_extracti32x4_epi32::<1>(set);
                    _mm512_storeu_si512(to.add(16).cast(), sixteen(bytes));
                }
                if count > 32 {
                    let bytes = _mm512_extracti32x4_epi32::<2>(set);
                    _mm512_storeu_si512(to.add(32).cast(), sixteen(bytes));
                    let bytes = _mm512_extracti32x4_epi32::<3>(set);
                    _mm512_storeu_si512(to.add(48).cast(), sixteen(bytes));
                }
                out.set_len(old + count);
            }
        }
    }

    /// 64 bytes in two registers. Made only where AVX2 was detected.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx2(());

    impl Isa for Avx512 {
        #[inline(always)]
        fn keep(self, (values, with): (&[u64; 8], &[u32; 8]), factor: u64, to: Kept<'_>) -> usize {
            // SAFETY: an `Avx512` exists only where the features were detected; as many bytes are read and
            // written as there are, of which no alignment is assumed.
            unsafe {
                let values: __m512i = std::ptr::read_unaligned(values.as_ptr().cast());
                let with: __m256i = std::ptr::read_unaligned(with.as_ptr().cast());
                let some = _mm512_test_epi64_mask(values, values);
                let values = _mm512_maskz_compress_epi64(some, values);
                let with = _mm256_maskz_compress_epi32(some, with);
                let factor = _mm512_set1_epi64(factor.cast_signed());
                let products = _mm512_mullo_epi64(values, factor);
                let prints = _mm512_cvtepi64_epi16(_mm512_srli_epi64::<48>(products));
                std::ptr::write_unaligned(to.values.as_mut_ptr().cast(), values);
                std::ptr::write_unaligned(to.with.as_mut_ptr().cast(), with);
                std::ptr::write_unaligned(to.prints.as_mut_ptr().cast(), prints);
                some.count_ones() as usize
            }
        }

        #[inline(always)]
        fn alike(self, numbers: &[u16; 32], wanted: u16) -> u32 {
            // SAFETY: an `Avx512` exists only where the features were detected; plain numbers of the same
            // size are copied, of which no alignment is assumed.
            unsafe {
                let numbers: __m512i = std::ptr::read_unaligned(numbers.as_ptr().cast());
                _mm512_cmpeq_epi16_mask(numbers, _mm512_set1_epi16(wanted.cast_signed()))
            }
        }

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
        fn alike(self, numbers: &[u16; 32], wanted: u16) -> u32 {
            // SAFETY: an `Avx2` exists only where AVX2 was detected; both halves lie within the numbers, and
            // no alignment is assumed by a copy.
            unsafe {
                let lo: __m256i = std::ptr::read_unaligned(numbers.as_ptr().cast());
                let hi: __m256i = std::ptr::read_unaligned(numbers.as_ptr().add(16).cast());
                let wanted = _mm256_set1_epi16(wanted.cast_signed());
                let (lo, hi) = (
                    _mm256_cmpeq_epi16(lo, wanted),
                    _mm256_cmpeq_epi16(hi, wanted),
                );
                // (Packing takes eight of the one and eight of the other in turn.)
                let bytes = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi16(lo, hi));
                _mm256_movemask_epi8(bytes).cast_unsigned()
            }
        }

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

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,bmi1,bmi2,popcnt,lzcnt")]
    pub(super) fn scan_avx512_compress<S: Sink>(scan: Scan<'_, S>) -> State {
        scan.run(Avx512Compress(Avx512(())))
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
    pub(super) fn scan_avx2<S: Sink>(scan: Scan<'_, S>) -> State {
        scan.run(Avx2(()))
    }

    /// What [`Isa::push_bits`] makes of a mask where bytes can be compressed.
    #[cfg(test)]
    pub(crate) fn pushed_by_compression(base: u32, mask: u64) -> Option<Vec<u32>> {
        #[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,popcnt")]
        fn push(base: u32, mask: u64) -> Vec<u32> {
            let mut out = vec![7];
            Avx512Compress(Avx512(())).push_bits(&mut out, base, mask);
            out
        }
        // SAFETY: detected just now.
        has_avx512_compress().then(|| unsafe { push(base, mask) })
    }

    /// What [`Isa::alike`] says, of each.
    #[cfg(test)]
    pub(crate) fn alike_each(numbers: &[u16; 32], wanted: u16) -> Vec<u32> {
        #[target_feature(enable = "avx512f,avx512bw")]
        fn wide(numbers: &[u16; 32], wanted: u16) -> u32 {
            Avx512(()).alike(numbers, wanted)
        }
        #[target_feature(enable = "avx2")]
        fn narrow(numbers: &[u16; 32], wanted: u16) -> u32 {
            Avx2(()).alike(numbers, wanted)
        }
        let mut all = Vec::new();
        if has_avx512() {
            // SAFETY: detected just now.
            all.push(unsafe { wide(numbers, wanted) });
        }
        if has_avx2() {
            // SAFETY: detected just now.
            all.push(unsafe { narrow(numbers, wanted) });
        }
        all
    }

    /// What [`Isa::keep`] keeps by AVX-512, and how much.
    #[cfg(test)]
    pub(crate) fn kept(of: (&[u64; 8], &[u32; 8]), factor: u64, to: Kept<'_>) -> Option<usize> {
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,popcnt")]
        fn keep(of: (&[u64; 8], &[u32; 8]), factor: u64, to: Kept<'_>) -> usize {
            Avx512(()).keep(of, factor, to)
        }
        // SAFETY: detected just now.
        has_avx512().then(|| unsafe { keep(of, factor, to) })
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
