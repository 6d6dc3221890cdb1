//! Blocks ↔ Arrow: record batches of the record schema out, record batches of any origin in; and
//! record batches to files.

mod beside;
pub mod file;
mod read;
mod write;

pub use read::{BlockReader, map_schema, natures_of, time_format};
pub use write::BatchWriter;

/// The name of a source that is a stream of record batches.
pub const STREAM_NAME: &str = "<arrow>";
