//! Two things at once: when a scan is over, or nearly, and workers have little left to do.

/// Does two things at once, the first on a thread of its own.
///
/// # Panics
/// If one of them does.
pub fn join<A: Send, B>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B) -> (A, B) {
    std::thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        let one = one.join();
        let one = one.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (one, other)
    })
}
