//! Where the extension's memory comes from.
//!
//! The state of thousands of users is read at random. In pages of 4 KB, that is a walk through the page
//! tables at nearly every look, and a page fault for each that is new; jemalloc takes memory in long pieces
//! and asks the system for large pages (the setting is in `.cargo/config.toml`: it is built in). Where Linux
//! has none to give, or does not want to, it is the usual pages.
//!
//! Only what the extension allocates itself comes from there, not what Python and other libraries do. On
//! other systems it is the system's allocator.

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Bytes asked for at first, and given back: the longest piece of jemalloc's that comes from where all others
/// do (of eight mebibytes and more each stands by itself).
const FIRST: usize = 7 << 20;

/// Has the allocator take its first piece from the system, of eight mebibytes, none of which is touched.
///
/// By itself it begins with two, and goes on with 2.5, 3, 3.5, 4, 5, …: where those begin that are no multiple
/// of a large page, the system gives small ones. Behind eight come 10, 12, 14, 16, 20, ….
pub fn begin() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(FIRST)));
}
