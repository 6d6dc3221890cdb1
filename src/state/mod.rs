//! What is carried from scan to scan: a file that April leaves and May takes up.
//!
//! In: the states of the rules after a scan, and what was scanned. Out: a file that says itself what
//! it covers ([`header`]), holds every value by its text ([`texts`]) and is whole or not there at all
//! ([`mod@file`]). How a rule's state is saved stands next to the rule ([`crate::detect::saved`]); how a
//! scan uses all this, in [`crate::scan::carry`].

pub mod file;
pub mod fingerprint;
pub mod header;
pub mod texts;

use serde::{Deserialize, Serialize};

use crate::detect::evaluated::SavedDays;
use crate::detect::saved::SavedRule;
use crate::detect::values::Value;
use header::Header;
use texts::SavedTexts;

/// A key and what is remembered of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedKey {
    /// Its number.
    pub key: Value,
    /// The days on which it was active.
    pub days: SavedDays,
    /// The states of its rules, in the order of the policy.
    pub rules: Vec<SavedRule>,
}

/// The keys of a `per` field with something that may still matter, by their number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedPer {
    /// Name of the field.
    pub per: String,
    /// By number.
    pub keys: Vec<SavedKey>,
}

/// What detection goes on from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Texts of all numbers below.
    pub texts: SavedTexts,
    /// By `per` field, in the order of the policy.
    pub pers: Vec<SavedPer>,
    /// Findings that may grow, and users they were counted for.
    pub seen: Vec<(u64, Value)>,
}

/// A state.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// What it covers.
    pub header: Header,
    /// What it remembers.
    pub memory: Memory,
}
