//! Ranges against a sort.

use super::*;
use crate::block::Columns;
use std::sync::atomic::AtomicU64;

use crate::detect::bits::Bits;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

const BITS: Bits = Bits { rules: 1, steps: 0 };

fn block(times: &[i64], first_line: usize) -> Block {
    let mut columns = Columns::default();
    for (at, &time) in times.iter().enumerate() {
        columns.push_row(time, at, 0, 0);
    }
    columns.masks = vec![0; times.len()];
    let mut block = Block {
        columns,
        ..Block::default()
    };
    block.origin.first_line = first_line as u64;
    block
}

/// Puts records into ranges, block by block, and takes them out: times and lines, range by range as
/// the promises part them.
fn through(times: &[i64], rows: usize, room: Room) -> Vec<Vec<(i64, u64)>> {
    let input = Arc::new(AtomicU64::new(rows as u64));
    let folder = std::env::temp_dir();
    let spool = Arc::new(Spool::new(folder, BITS, (input, times.len() as u64)));
    let mut blocks = (0..)
        .step_by(rows)
        .zip(times.chunks(rows))
        .map(|(line, times)| block(times, line));
    let first = blocks.next().unwrap();
    let ranges = Ranges::for_blocks(room, &spool, std::slice::from_ref(&first));
    for block in std::iter::once(first).chain(blocks) {
        ranges.add(&block, &spool, &|_| false).unwrap();
    }
    let mut ordered = Ordered::of(ranges, spool);
    let mut out = vec![Vec::new()];
    let mut promised = i64::MIN;
    while let Some((piece, promise)) = ordered.next_piece().unwrap() {
        let block = piece.read(1, Columns::default()).unwrap();
        assert!(block.columns.time.iter().all(|&time| time >= promised));
        let last = out.last_mut().unwrap();
        last.extend((0..block.columns.len()).map(|at| (block.columns.time[at], block.line(at))));
        if promise > promised && last.iter().all(|&(time, _)| time < promise) {
            out.push(Vec::new());
        }
        promised = promise;
    }
    out.retain(|range| !range.is_empty());
    out
}

fn room(most: usize, bins: usize, ranges: usize) -> Room {
    Room {
        most,
        range: most / 5 * 4,
        bins,
        ranges,
    }
}

#[test]
fn whatever_the_order_records_come_range_after_range_and_all_of_them() {
    let mut chance = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut below = |n: i64| i64::try_from(chance.next_u64() % n.unsigned_abs()).unwrap();
    let n = 600;
    let inputs: Vec<Vec<i64>> = vec![
        (0..n).map(|_| below(1_000_000)).collect(),
        (0..n).collect(),
        (0..n).rev().collect(),
        (n / 3..n).chain(0..n / 3).collect(),
        (0..n).map(|at| at / 100 * 10_000 + below(10_000)).collect(),
        // Most at one instant.
        (0..n)
            .map(|at| if at % 9 == 0 { below(50) } else { 7 })
            .collect(),
        vec![i64::MAX; 200],
        vec![i64::MIN; 200],
        [i64::MIN, i64::MAX, 0, -1].repeat(50),
    ];
    for times in inputs {
        let mut expected: Vec<(i64, u64)> = times.iter().copied().zip(0..).collect();
        expected.sort_unstable();
        for room in [
            room(0, 0, 16),
            room(2000, 1000, 2),
            room(10_000, 5000, 16),
            room(1 << 30, 1 << 20, 256),
        ] {
            for rows in [7, 100, times.len()] {
                let ranges = through(&times, rows, room);
                let instant = |range: &[(i64, u64)]| range[0].0 == range[range.len() - 1].0;
                let mut all = Vec::new();
                for mut range in ranges {
                    range.sort_unstable();
                    // A record takes more than forty bytes.
                    let fits = range.len() * 40 <= room.most + 40;
                    assert!(fits || instant(&range), "{room:?} {rows} {}", range.len());
                    all.extend(range);
                }
                assert_eq!(all, expected);
            }
        }
    }
}

#[test]
fn bounds_part_what_is_not_one_instant() {
    assert_eq!(bounds((0..100).collect(), 4, (0, 99)), [25, 50, 75]);
    assert!(bounds(vec![5; 9], 4, (5, 5)).is_empty());
    assert_eq!(bounds(vec![5; 9], 4, (5, 8)), [6]);
    assert_eq!(bounds(vec![5; 9], 4, (2, 5)), [5]);
    assert_eq!(bounds(vec![], 4, (2, 5)), [3]);
    assert_eq!(bounds(vec![], 4, (i64::MIN, i64::MAX)), [i64::MIN + 1]);
}

#[test]
fn rows_go_to_the_range_that_they_lie_in() {
    let (rows, ends) = by_range(&[5, 1, 9, 2, 10], &[2, 10]);
    assert_eq!(rows, [1, 0, 2, 3, 4]);
    assert_eq!(ends[..3], [1, 4, 5]);
}
