//! Batches → flags and findings: one file per rule kind, incremental state per key.

pub mod bits;
pub mod calendar;
pub mod conditions;
pub mod count;
pub mod days;
pub mod evaluated;
pub mod gap;
pub mod glance;
pub mod group;
pub mod grouped;
pub mod hours;
pub mod keyed;
pub mod matching;
pub mod novelty;
pub mod predicate;
pub mod rule;
pub mod run;
pub mod saved;
pub mod sequence;
pub mod shards;
pub mod spike;
pub mod values;
