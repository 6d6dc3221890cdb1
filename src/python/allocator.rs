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
