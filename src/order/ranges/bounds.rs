//! Where one range ends and the next begins: bounds that are told from a sample of times, and what
//! lies between them.

use crate::block::Block;

/// Times that bounds are told from, at most, about.
const SAMPLE: usize = 1 << 14;

/// Bounds that part the records between `first` and `last`, of which these times are some, into about
/// `parts` of the same size. There is at least one unless all are of one instant.
pub(super) fn bounds(mut times: Vec<i64>, parts: usize, (first, last): (i64, i64)) -> Vec<i64> {
    times.sort_unstable();
    let inside = |&time: &i64| first < time && time <= last;
    let parts = parts.max(2);
    let quantiles = (1..parts).filter_map(|part| times.get(part * times.len() / parts).copied());
    let mut bounds: Vec<i64> = quantiles.filter(inside).collect();
    bounds.dedup();
    if bounds.is_empty() {
        // Most are of one instant: that, apart from the rest.
        let most = times.get(times.len() / 2).copied().unwrap_or(first);
        bounds.extend([most, most.saturating_add(1)].into_iter().filter(inside));
    }
    if bounds.is_empty() && first < last {
        bounds.push(last);
    }
    bounds
}

/// A sample of times, as many of each block as it has a share in all.
pub(super) fn sample<'a>(blocks: impl Iterator<Item = &'a Block> + Clone) -> Vec<i64> {
    let rows: usize = blocks.clone().map(|block| block.columns.len()).sum();
    let times = blocks.flat_map(|block| &block.columns.time);
    times.step_by(rows / SAMPLE + 1).copied().collect()
}

/// The rows of a block by range, and where those of each range end.
#[allow(clippy::cast_possible_truncation)]
pub(super) fn by_range(times: &[i64], bounds: &[i64]) -> (Vec<u32>, Vec<u32>) {
    let ranges: Vec<u32> = times
        .iter()
        .map(|&time| bounds.partition_point(|&bound| bound <= time) as u32)
        .collect();
    let mut ends = vec![0u32; bounds.len() + 2];
    for &range in &ranges {
        ends[range as usize + 1] += 1;
    }
    for at in 1..ends.len() {
        ends[at] += ends[at - 1];
    }
    // Where a range begins becomes where it ends.
    let mut rows = vec![0u32; times.len()];
    for (row, &range) in (0u32..).zip(&ranges) {
        let end = &mut ends[range as usize];
        rows[*end as usize] = row;
        *end += 1;
    }
    (rows, ends)
}
