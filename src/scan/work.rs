//! A piece of work, done: what every worker does first, whatever it then makes of the records.

use arrow_array::RecordBatch;

use super::collect::{Done, Sums};
use super::framing::Work;
use super::inputs::Planned;
use crate::block::Columns;
use crate::error::Result;
use crate::individual::watch::Looked;
use crate::log::beside::is_named_in_text;
use crate::log::framer::Frame;
use crate::log::parse::{Parsed, Parser, SegmentOf, excerpt};
use crate::order::packing::Buckets;

/// What a worker makes of records besides their block.
#[derive(Default)]
pub struct Made {
    /// Individual Numbers; none of records that were sorted: it was looked for them before.
    pub looked: Option<Looked>,
    /// The records packed; empty if they are not.
    pub packed: Vec<Buckets>,
}

/// Does a piece of work: files by `parser` (`spare` holds columns to use again), record batches by
/// `arrow`; sorted records have masks of `words` words; `with` makes of the records what goes along with them.
///
/// # Errors
/// What `arrow` or `with` says; [`Error::Temporary`](crate::error::Error::Temporary) if sorted records
/// cannot be read.
///
/// # Panics
/// Never: only sources with a plan are read.
pub fn done<T>(
    work: Work,
    planned: &Planned,
    parser: &mut Parser,
    spare: Columns,
    words: usize,
    arrow: impl FnOnce(&RecordBatch) -> Result<Parsed>,
    with: impl FnOnce(&mut Parsed) -> Result<T>,
) -> Result<Done<T>> {
    let mut promise = None;
    let mut parsed = match work {
        Work::End {
            source,
            encoding,
            error,
        } => {
            return Ok(Done::End {
                source,
                encoding,
                error,
            });
        }
        Work::Frame {
            source,
            frame:
                Frame::Reject {
                    reason,
                    line,
                    offset,
                    encoding,
                },
            ..
        } => {
            return Ok(Done::Rejected {
                source,
                reason,
                excerpt: excerpt(&line, encoding),
                offset,
                names_number: parser.watches() && is_named_in_text(&line, encoding),
            });
        }
        Work::Batch(batch) => arrow(&batch)?,
        Work::Sorted(piece, promise) => {
            let block = piece.read(words, spare)?;
            let span = block.columns.span();
            return Ok(Done::Sorted(Box::new(block), span, promise, None));
        }
        Work::Frame {
            source,
            frame: Frame::Records(segment),
            promise: told,
        } => {
            promise = told;
            let plan = planned.sources[source as usize].plan.as_ref();
            let plan = plan.expect("only readable sources are read");
            parser.parse(segment, &SegmentOf { source, plan }, spare)
        }
    };
    let sums = Sums::of(&parsed);
    let extra = with(&mut parsed)?;
    Ok(Done::Parsed(Box::new(parsed), sums, promise, extra))
}
