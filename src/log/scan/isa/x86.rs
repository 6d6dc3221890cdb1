//! AVX-512 and AVX2.

use std::arch::x86_64::{
    __m128i, __m256i, __m512i, _bzhi_u64, _mm_aesenc_si128, _mm_cvtsi64_si128, _mm_cvtsi128_si64,
    _mm_xor_si128, _mm256_cmpeq_epi8, _mm256_cmpeq_epi16, _mm256_maskz_compress_epi32,
    _mm256_movemask_epi8, _mm256_packs_epi16, _mm256_permute4x64_epi64, _mm256_set1_epi8,
    _mm256_set1_epi16, _mm512_add_epi32, _mm512_castsi512_si128, _mm512_cmpeq_epi8_mask,
    _mm512_cmpeq_epi16_mask, _mm512_cmpeq_epi64_mask, _mm512_cvtepi64_epi16, _mm512_cvtepu8_epi32,
    _mm512_extracti32x4_epi32, _mm512_mask_set1_epi16, _mm512_maskz_compress_epi8,
    _mm512_maskz_compress_epi64, _mm512_maskz_loadu_epi8, _mm512_maskz_loadu_epi64,
    _mm512_mullo_epi64, _mm512_set1_epi8, _mm512_set1_epi16, _mm512_set1_epi32, _mm512_set1_epi64,
    _mm512_srli_epi64, _mm512_storeu_si512, _mm512_test_epi64_mask,
};
use std::sync::OnceLock;

use super::{Classes, HotBy, Isa, Kept, SALTS, Scan, Sink, State};

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
        && std::arch::is_x86_feature_detected!("aes")
        && std::arch::is_x86_feature_detected!("bmi1")
        && std::arch::is_x86_feature_detected!("bmi2")
        && std::arch::is_x86_feature_detected!("popcnt")
        && std::arch::is_x86_feature_detected!("lzcnt")
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,aes,bmi1,bmi2,popcnt,lzcnt")]
pub(super) fn hot_avx512<H: HotBy>(work: H) -> H::Output {
    work.run(Avx512(()))
}

#[target_feature(enable = "avx2,aes,bmi1,bmi2,popcnt,lzcnt")]
pub(super) fn hot_avx2<H: HotBy>(work: H) -> H::Output {
    work.run(Avx2(()))
}

/// 64 bytes in one register. Made only where AVX-512 F, BW, DQ and VL were detected, and what [`Avx2`] needs.
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

/// [`Isa::hash`] by rounds of AES. To be called only where it was detected.
#[inline(always)]
fn hash_by_aes(head: &[u8; 16], tail: &[u8; 16], len: u64) -> u64 {
    // SAFETY: AES was detected with the instruction sets that call this; as many bytes are read as there
    // are, of which no alignment is assumed.
    unsafe {
        let head: __m128i = std::ptr::read_unaligned(head.as_ptr().cast());
        let tail: __m128i = std::ptr::read_unaligned(tail.as_ptr().cast());
        let salt: __m128i = std::ptr::read_unaligned(SALTS.as_ptr().cast());
        // A round brings each byte to four: after two, all bits tell of all.
        let head = _mm_xor_si128(head, _mm_cvtsi64_si128(len.cast_signed()));
        let both = _mm_aesenc_si128(_mm_aesenc_si128(head, salt), tail);
        let mixed = _mm_aesenc_si128(_mm_aesenc_si128(both, salt), salt);
        _mm_cvtsi128_si64(mixed).cast_unsigned()
    }
}

/// (For scans, which ask for nothing else: it has no hash that [`hot_by`](super::hot_by) would know.)
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

/// 64 bytes in two registers. Made only where AVX2 was detected, with AES and BMI, which came before it.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

impl Isa for Avx512 {
    #[inline(always)]
    fn hash(self, head: &[u8; 16], tail: &[u8; 16], len: u64) -> u64 {
        hash_by_aes(head, tail, len)
    }

    #[inline(always)]
    fn same<const WORDS: usize>(
        self,
        text: &[u8],
        len: usize,
        mark: u16,
        key: &[u64; WORDS],
    ) -> bool {
        let text_of_key = &text[..8 * WORDS];
        let mut same = true;
        for (i, key) in key.chunks(8).enumerate() {
            let all = u64::MAX >> (64 - 8 * key.len());
            // SAFETY: an `Avx512` exists only where the features were detected; only bytes that there are
            // are read, under masks.
            unsafe {
                #[allow(clippy::cast_possible_truncation)]
                let bytes = _bzhi_u64(all, len.saturating_sub(64 * i).min(64) as u32);
                let from = text_of_key.as_ptr().add(64 * i).cast();
                let mut text = _mm512_maskz_loadu_epi8(bytes, from);
                let words = u8::MAX >> (8 - key.len());
                let of_key = _mm512_maskz_loadu_epi64(words, key.as_ptr().cast());
                if 8 * i + key.len() == WORDS {
                    let last = 1 << (4 * key.len() - 1);
                    text = _mm512_mask_set1_epi16(text, last, mark.cast_signed());
                }
                same &= _mm512_cmpeq_epi64_mask(text, of_key) == u8::MAX;
            }
        }
        same
    }

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
        let eq = |b: u8| unsafe { _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(b.cast_signed())) };
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
    fn hash(self, head: &[u8; 16], tail: &[u8; 16], len: u64) -> u64 {
        hash_by_aes(head, tail, len)
    }

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

#[target_feature(enable = "avx2,aes,bmi1,bmi2,popcnt,lzcnt")]
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

/// What work gives by each instruction set of this machine.
#[cfg(test)]
pub(crate) fn by_each<H: HotBy + Clone>(work: &H) -> Vec<H::Output> {
    let mut all = Vec::new();
    if has_avx512() {
        // SAFETY: detected just now.
        all.push(unsafe { hot_avx512(work.clone()) });
    }
    if has_avx2() {
        // SAFETY: detected just now.
        all.push(unsafe { hot_avx2(work.clone()) });
    }
    all
}
