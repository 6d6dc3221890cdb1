//! Brings what was parsed in parallel back into the order of the input: line numbers, counts, rejects.

use std::collections::BTreeMap;

use super::ScanOptions;
use super::inputs::{InputCounts, RejectedRecord};
use crate::block::{Block, REFERENCES_YES, Span};
use crate::error::{Error, Result};
use crate::individual::mask::masked_excerpt;
use crate::log::encoding::Encoding;
use crate::log::parse::{EXCERPT_CHARS, Parsed};
use crate::record::Outcome;

/// A piece of work, done.
pub enum Done<T> {
    /// Records of a source, what is counted of them, the time before which no record should come behind them (if that is
    /// known), and what else was made of them.
    Parsed(Box<Parsed>, Sums, Option<i64>, T),
    /// Records that were counted before and then put in order, their times, the time before which none
    /// comes behind them, and what else was made of them.
    Sorted(Box<Block>, Option<Span>, i64, Option<T>),
    /// A line that is no part of any record.
    Rejected {
        /// Number of the source.
        source: u32,
        /// `quote` or `too_long`.
        reason: &'static str,
        /// Its first characters.
        excerpt: String,
        /// Offset of its first byte.
        offset: u64,
        /// Whether it was found to hold an Individual Number that is named.
        names_number: bool,
    },
    /// The supply failed here.
    Failed(Error),
    /// A source ends.
    End {
        /// Its number.
        source: u32,
        /// Its encoding, if any byte told it.
        encoding: Option<Encoding>,
        /// Why it ends early.
        error: Option<crate::words::Words>,
    },
}

/// What is counted of the records of a block. (Its columns may be gone when it is their turn.)
#[derive(Debug, Clone, Copy)]
pub struct Sums {
    /// How many they are.
    records: u64,
    /// How many have a result that is neither success nor failure.
    other_results: u64,
    /// How many touch Individual Numbers.
    touching: u64,
    /// Their times.
    span: Option<Span>,
}

impl Sums {
    /// Counts.
    #[must_use]
    pub fn of(parsed: &Parsed) -> Sums {
        let columns = &parsed.block.columns;
        Sums {
            records: columns.len() as u64,
            other_results: number_of(&columns.result, Outcome::Other as u8),
            touching: number_of(&columns.references, REFERENCES_YES),
            span: if parsed.in_order {
                columns.ends()
            } else {
                columns.span()
            },
        }
    }
}

/// Records in the order of the input.
pub struct Taken<T> {
    /// The records. (Of their columns, some may be gone.)
    pub block: Block,
    /// Their times.
    pub span: Span,
    /// The time before which no record should come behind them, if that is known.
    pub promise: Option<i64>,
    /// What else was made of them.
    pub extra: Option<T>,
}

/// Rejected records beyond those that are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unlisted {
    /// Source and line of the first.
    pub first: Option<(u32, u64)>,
    /// How many, by reason.
    pub reasons: BTreeMap<&'static str, u64>,
}

/// Takes work done in any order and hands it on in the order of the input.
pub struct Collector<T> {
    next: u64,
    pending: BTreeMap<u64, Done<T>>,
    strict: bool,
    unmask: bool,
    max_rejects: usize,
    /// Whether a piece of work has failed: nothing behind it is taken.
    over: bool,
    names: Vec<String>,
    /// By source: its place in the reading order.
    ranks: Vec<usize>,
    /// By source.
    pub inputs: Vec<InputCounts>,
    /// By the source's rank and the line: the first `max_rejects` of them.
    pub rejects: BTreeMap<(usize, u64), RejectedRecord>,
    /// The rest.
    pub unlisted: Unlisted,
}

impl<T> Collector<T> {
    /// A collector for sources of these names, read in the order of their `ranks`, of which some
    /// lines are read already (headers).
    #[must_use]
    pub fn new(
        names: Vec<String>,
        ranks: Vec<usize>,
        inputs: Vec<InputCounts>,
        options: &ScanOptions,
    ) -> Collector<T> {
        Collector {
            next: 0,
            pending: BTreeMap::new(),
            strict: options.strict,
            unmask: options.unmask,
            max_rejects: options.max_rejects,
            over: false,
            names,
            ranks,
            inputs,
            rejects: BTreeMap::new(),
            unlisted: Unlisted::default(),
        }
    }

    /// Pieces of work that are done and wait for one before them.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Takes the work with sequence number `seq`; what is in order now goes to `take`.
    ///
    /// # Errors
    /// [`Error::Strict`] for the first rejected record under `strict`; what `take` says.
    pub fn put<E: From<Error>>(
        &mut self,
        seq: u64,
        done: Done<T>,
        take: impl FnMut(Taken<T>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        // The first failure in the order of the input is the failure, whichever thread is faster.
        if self.over {
            return Ok(());
        }
        let put = self.put_in_order(seq, done, take);
        self.over = put.is_err();
        put
    }

    fn put_in_order<E: From<Error>>(
        &mut self,
        seq: u64,
        done: Done<T>,
        mut take: impl FnMut(Taken<T>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        self.pending.insert(seq, done);
        while let Some(done) = self.pending.remove(&self.next) {
            self.next += 1;
            match done {
                Done::Parsed(parsed, sums, promise, extra) => {
                    let block = self.parsed(*parsed, sums)?;
                    if let Some(span) = sums.span {
                        let extra = Some(extra);
                        take(Taken {
                            block,
                            span,
                            promise,
                            extra,
                        })?;
                    }
                }
                Done::Sorted(block, span, promise, extra) => {
                    if let Some(span) = span {
                        // The promise holds, however its records lie among each other.
                        let lateness = 0;
                        take(Taken {
                            block: *block,
                            span: Span { lateness, ..span },
                            promise: Some(promise),
                            extra,
                        })?;
                    }
                }
                Done::Failed(error) => return Err(error.into()),
                Done::Rejected {
                    source,
                    reason,
                    excerpt,
                    offset,
                    names_number,
                } => {
                    let counts = &mut self.inputs[source as usize];
                    counts.lines += 1;
                    let line = counts.lines;
                    if names_number {
                        counts.leaking.add(line);
                    }
                    self.reject(RejectedRecord {
                        source,
                        line,
                        offset,
                        reason,
                        excerpt,
                    })?;
                }
                Done::End {
                    source,
                    encoding,
                    error,
                } => {
                    let counts = &mut self.inputs[source as usize];
                    counts.encoding = counts.encoding.or(encoding);
                    counts.error = error;
                }
            }
        }
        Ok(())
    }

    fn parsed(&mut self, parsed: Parsed, sums: Sums) -> Result<Block> {
        let mut block = parsed.block;
        let source = block.origin.source;
        let counts = &mut self.inputs[source as usize];
        let first_line = counts.lines + 1;
        block.origin.first_line = first_line;
        counts.lines += parsed.lines;
        counts.records += sums.records;
        counts.blank += parsed.blank;
        counts.replaced += parsed.replaced;
        counts.unknown_references += parsed.unknown_references;
        counts.no_user += parsed.no_user;
        let swallowed = parsed.swallowed.at(|line| first_line + line);
        counts.swallowed.merge(swallowed);
        counts.other_results += sums.other_results;
        counts.touching += sums.touching;
        if let Some(span) = sums.span {
            counts.first = Some(counts.first.map_or(span.min, |t| t.min(span.min)));
            counts.last = Some(counts.last.map_or(span.max, |t| t.max(span.max)));
        }
        for reject in &parsed.rejects {
            if reject.names_number {
                counts.leaking.add(first_line + reject.line);
            }
        }
        for reject in parsed.rejects {
            self.reject(RejectedRecord {
                source,
                line: first_line + reject.line,
                offset: reject.offset,
                reason: reject.reason,
                excerpt: reject.excerpt,
            })?;
        }
        Ok(block)
    }

    fn reject(&mut self, mut record: RejectedRecord) -> Result<()> {
        if !self.unmask {
            record.excerpt = masked_excerpt(&record.excerpt, EXCERPT_CHARS);
        }
        self.inputs[record.source as usize].rejected += 1;
        if self.strict {
            return Err(Error::Strict {
                source_name: self.names[record.source as usize].clone(),
                line: record.line,
                reason: record.reason,
                excerpt: record.excerpt,
            });
        }
        // Sources that are read side by side mix; the list is that of one after another.
        let place = (self.ranks[record.source as usize], record.line);
        self.rejects.insert(place, record);
        if self.rejects.len() > self.max_rejects
            && let Some((_, last)) = self.rejects.pop_last()
        {
            let Unlisted { first, reasons } = &mut self.unlisted;
            let sooner = |&(source, line): &(u32, u64)| {
                (self.ranks[last.source as usize], last.line) < (self.ranks[source as usize], line)
            };
            if first.as_ref().is_none_or(sooner) {
                *first = Some((last.source, last.line));
            }
            *reasons.entry(last.reason).or_default() += 1;
        }
        Ok(())
    }
}

/// How many codes of a column are this one.
fn number_of(codes: &[u8], code: u8) -> u64 {
    memchr::memchr_iter(code, codes).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::Columns;

    #[test]
    fn what_was_sorted_is_held_to_its_promise_however_its_records_lie() {
        let options = ScanOptions::default();
        let counts = vec![InputCounts::default()];
        let mut collector: Collector<()> = Collector::new(vec![], vec![0], counts, &options);
        let columns = Columns {
            time: vec![9, 2, 5],
            ..Columns::default()
        };
        let block = Block {
            columns,
            ..Block::default()
        };
        let mut taken = Vec::new();
        let span = block.columns.span();
        let done = Done::Sorted(Box::new(block), span, 7, None);
        let put = collector.put(0, done, |one| {
            taken.push((one.span, one.promise));
            Ok::<(), Error>(())
        });
        assert!(put.is_ok());
        let span = Span {
            min: 2,
            max: 9,
            lateness: 0,
        };
        assert_eq!(taken, [(span, Some(7))]);
    }
}
