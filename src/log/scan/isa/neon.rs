//! NEON.

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
                let hit = vandq_u8(vceqq_u8(vld1q_u8(block.as_ptr().add(16 * i)), wanted), bits);
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
