//! What is freed is kept for the next batch.

/// Bytes of the piece that is freed: hardly less than the most of which the C library takes notice.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const PIECE: usize = (32 << 20) - (1 << 16);

/// Has the C library keep memory at the end of its heaps that was freed, where it would give it back to the
/// system and get it again, page by page, with every batch. It does so for the rest of the process.
///
/// It learns from what is freed: of pieces as large as the largest that was freed so far, up to 32 MiB, it expects
/// more, takes them from its heaps and lets twice as much lie there (`mallopt(3)`, `M_MMAP_THRESHOLD` and
/// `M_TRIM_THRESHOLD`). Here a large one is freed first, of which not a byte was touched. If there is no room
/// for it, thresholds were set by the environment, or the allocator is another one, nothing comes of it.
pub fn keep_what_is_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        let mut piece: Vec<u8> = Vec::new();
        let there_is_room = piece.try_reserve_exact(PIECE).is_ok();
        std::hint::black_box((there_is_room, piece));
    }
}
