//! TOML → [`Policy`], checked: what to look for, and how the log is to be read.
//!
//! ```text
//! text ──tree──▶ nodes with positions ──one file per section──▶ Policy ──write──▶ TOML
//!                     (JSON too)          reader: typed access, suggestions
//! ```
//!
//! Everything that can be said to be wrong with a policy is said here, with file, line, column
//! and key ([`PolicyError`]); what comes out needs no further checks. The meaning of the
//! sections is in `docs/en/policy-reference.md`. Nothing here looks at a record.

mod calendar;
mod conditions;
mod dates;
mod duration;
mod error;
mod glob;
mod lists;
mod load;
mod log_sections;
mod model;
mod reader;
mod rules;
mod scope;
mod sheet;
mod tree;
mod write;

#[cfg(test)]
mod tests;

pub use conditions::parse_where;
pub use error::PolicyError;
pub use glob::glob_regex;
pub use load::DEFAULT_TOML;
pub use model::*;
pub use scope::parse_scope_time;
