//! CSV → blocks of records.
pub mod beside;
pub mod encoding;
pub mod fields;
mod fill;
pub mod framer;
pub mod head;
pub mod header;
pub mod intern;
pub mod meaning;
pub mod parse;
pub mod plan;
mod records;
mod rows;
pub mod scan;
mod swallowed;
pub mod time;
pub mod wording;
