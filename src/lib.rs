//! Yokome (横目): complete, exact, explained scans of access logs.
//!
//! One way through the house, nothing flows backwards:
//!
//! ```text
//!  files, globs                      any Arrow stream
//!       │                                   │
//!    source    bytes in                   arrow
//!       │                                   │
//!     log      dialect, header, CSV ──► block ◄── (record batches with the dictionaries taken out)
//!                                         │
//!                                       order     blocks → batches with complete instants
//!                                         │
//!                                       detect    one file per rule kind; state per key
//!                                         │
//!                                      findings   flags, findings, counts → Arrow tables
//! ```
//!
//! [`scan`] wires the stages and runs them on threads; [`read`] stops at the record batches. [`state`]
//! is what one scan leaves to the next; [`individual`] finds and hides Individual Numbers.
//! The core knows no Python; the binding is the `python` module behind the feature of that name.

pub mod arrow;
pub mod block;
pub mod detect;
pub mod dictionary;
pub mod error;
pub mod fault;
pub mod files;
pub mod findings;
pub mod individual;
pub mod join;
pub mod log;
pub mod order;
pub mod packed;
pub mod policy;
#[cfg(feature = "python")]
mod python;
pub mod read;
pub mod record;
pub mod scan;
pub mod source;
pub mod state;
pub mod synth;
pub mod words;
