//! CSV → blocks of records.
pub mod encoding;
pub mod fields;
pub mod framer;
pub mod header;
pub mod intern;
pub mod parse;
pub mod plan;
pub mod scan;
pub mod time;
