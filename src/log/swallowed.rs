//! Lines inside quotes that look like records: what a quote that somebody left open takes with it.
//!
//! By the rules of CSV such lines are text of a cell, and are read so; a cell may well hold lines like
//! these. That there are any is said, for whoever knows how the log is written.

use super::scan::{Index, Special, automaton::is_cp932_lead};
use crate::individual::tally::Places;

/// The lines that lie wholly inside quotes and have as many delimiters as a record of `width` fields,
/// counted from 0. A record of one field has nothing to be told by.
pub(super) fn of(text: &[u8], index: &Index, special: Special, width: usize) -> Places {
    let mut found = Places::default();
    if width < 2 {
        return found;
    }
    let (mut sep, mut end) = (0, 0);
    for (place, pair) in index.inner.windows(2).enumerate() {
        let &[before, after] = pair else { continue };
        sep = first_behind(&index.seps, sep, before);
        // A separator between the two: the quotes closed and others opened.
        if index.seps.get(sep).is_some_and(|&at| at < after) {
            continue;
        }
        if delimiters(&text[before as usize + 1..after as usize], special) == width - 1 {
            end = first_behind(&index.ends, end, before);
            found.add((end + place + 1) as u64);
        }
    }
    found
}

/// The place of the first of ascending positions that lies behind `at`, from `from` on, in time that
/// grows with the logarithm of the distance.
fn first_behind(positions: &[u32], from: usize, at: u32) -> usize {
    let mut step = 1;
    while positions
        .get(from + step)
        .is_some_and(|&position| position <= at)
    {
        step *= 2;
    }
    let to = positions.len().min(from + step);
    from + positions[from.min(to)..to].partition_point(|&position| position <= at)
}

/// How many delimiters a line has.
fn delimiters(line: &[u8], special: Special) -> usize {
    let all = memchr::memchr_iter(special.delimiter, line);
    if !special.cp932_trail {
        return all.count();
    }
    let is_one = |&at: &usize| {
        let leads = line[..at].iter().rev();
        leads.take_while(|&&byte| is_cp932_lead(byte)).count() % 2 == 0
    };
    all.filter(is_one).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::scan::{self, PAD};

    fn found(text: &[u8], width: usize, delimiter: u8, cp932_trail: bool) -> (u64, Option<u64>) {
        let mut padded = text.to_vec();
        padded.resize(text.len() + PAD, 0);
        let special = Special {
            delimiter,
            quotes: true,
            cp932_trail,
        };
        let mut index = Index::default();
        scan::index(&padded, text.len(), special, &mut index);
        let Places { count, first } = of(&padded, &index, special, width);
        (count, first)
    }

    #[test]
    fn lines_that_look_like_records_are_counted_by_their_lines() {
        let cases: [(&str, (u64, Option<u64>)); 10] = [
            ("a,b\nc,d\n", (0, None)),
            ("a,\"b\nc\"\nd,e\n", (0, None)),
            ("a,\"b\nc,d\ne\"\n", (1, Some(1))),
            ("a,b\r\na,\"b\r\nc,d\r\ne,f\r\ng\"\r\n", (2, Some(2))),
            ("a,b\ra,\"b\rc,d\re,f\rg\"\r", (2, Some(2))),
            // One delimiter too many, one too few.
            ("a,\"b\nc,d,e\nf\ng\"\n", (0, None)),
            // The line that closes the quotes is not wholly inside them.
            ("a,\"b\nc,\"d\n", (0, None)),
            // Two cells that span lines: what lies between is not inside quotes.
            ("\"a\nb\",\"c\nd\"\n\"a\nb\",\"c\nd,e\nf\"\n", (1, Some(5))),
            // Doubled quotes do not close.
            ("a,\"b\nc\"\",d\ne\"\n", (1, Some(1))),
            ("a,\"b\n\n\nc,d\ne\"\nf,\"\ng,h\ni\"\n", (2, Some(3))),
        ];
        for (text, expected) in cases {
            assert_eq!(found(text.as_bytes(), 2, b',', false), expected, "{text:?}");
        }
        assert_eq!(found(b"\"a\nb\nc\"\n", 1, b',', false), (0, None));
    }

    #[test]
    fn a_byte_of_a_character_is_no_delimiter() {
        // 「ポ」 ends in the byte of `|`.
        let text = b"a|\"b\n\x83|\x83|c|d\n\x83|\x83|e\nf\"\n";
        assert_eq!(found(text, 2, b'|', true), (1, Some(1)));
    }

    #[test]
    fn places_far_on_are_found() {
        let positions: Vec<u32> = (0..1000).map(|n| n * 3).collect();
        for from in [0, 1, 10, 999, 1000] {
            for at in [0, 1, 3, 28, 30, 1500, 2996, 2997, 9000] {
                let plain = (from..1000).find(|&i| positions[i] > at).unwrap_or(1000);
                assert_eq!(first_behind(&positions, from, at), plain, "{from} {at}");
            }
        }
        assert_eq!(first_behind(&[], 0, 5), 0);
    }
}
