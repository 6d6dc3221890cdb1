//! Individual Numbers (個人番号, マイナンバー): telling them, and hiding them.
//!
//! Texts go in, places of numbers and masked texts come out. Twelve digits whose last is the check
//! digit of the others may be an Individual Number, and one random string of twelve digits in ten is
//! one by chance. So *reporting* asks for context: a header or a word nearby that names it, or a
//! column in which nearly all values pass. *Masking* does not: it stays on the careful side, and
//! leaves a number that passes only where its column is known to hold other numbers.

pub mod column;
pub mod mask;
mod runs;
pub mod tally;
pub mod watch;

use unicode_normalization::UnicodeNormalization;

/// The digits of a number.
pub type Number = [u8; 12];

/// What names Individual Numbers, folded as by [`folded`].
const NAMES: [&str; 5] = [
    "個人番号",
    "マイナンバー",
    "mynumber",
    "individualnumber",
    "individualno",
];

/// Characters before a number, and behind it, in which a name is context.
const BEFORE: usize = 24;
const BEHIND: usize = 12;

/// Signs that may part the three groups of four digits.
const SEPARATORS: [char; 9] = ['-', '‐', '‑', '–', '−', '－', 'ー', ' ', '\u{3000}'];

/// Whether the last digit is the check digit of the others: for the eleven leading ones P₁₁ … P₁ (P₁
/// the lowest), Qₙ = n + 1 for n ≤ 6 and n − 5 above; the check digit is 11 − (Σ Pₙ·Qₙ mod 11), or 0
/// where the remainder is 0 or 1 (平成26年総務省令第85号第5条).
#[must_use]
pub fn passes(number: &Number) -> bool {
    let sum: u32 = (1..=11u32)
        .zip(number[..11].iter().rev())
        .map(|(n, &p)| u32::from(p) * if n <= 6 { n + 1 } else { n - 5 })
        .sum();
    let check = match sum % 11 {
        0 | 1 => 0,
        remainder => 11 - remainder,
    };
    u32::from(number[11]) == check
}

/// Twelve digits of a text that pass, and where they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Byte offset of the first digit.
    pub start: usize,
    /// Behind the last.
    pub end: usize,
    /// The digits.
    pub number: Number,
}

/// Digits without anything between them.
struct Group {
    start: usize,
    end: usize,
    digits: Vec<u8>,
    /// The sign that alone stands between it and the next group.
    joined: Option<char>,
}

fn digit(c: char) -> Option<u8> {
    let c = match c {
        '０'..='９' => char::from_u32(u32::from(c) - u32::from('０') + u32::from('0'))?,
        c => c,
    };
    c.to_digit(10).and_then(|d| u8::try_from(d).ok())
}

fn groups(text: &str) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    // What stands between the last group and here: nothing, one sign, or more.
    let mut between: Option<Option<char>> = None;
    for (at, c) in text.char_indices() {
        let Some(digit) = digit(c) else {
            between = match between {
                None => Some(Some(c)),
                Some(_) => Some(None),
            };
            continue;
        };
        match (groups.last_mut(), between) {
            (Some(last), None) => {
                last.digits.push(digit);
                last.end = at + c.len_utf8();
            }
            (last, between) => {
                if let Some(last) = last {
                    let sign = between.flatten();
                    last.joined = sign.filter(|c| SEPARATORS.contains(c));
                }
                groups.push(Group {
                    start: at,
                    end: at + c.len_utf8(),
                    digits: vec![digit],
                    joined: None,
                });
            }
        }
        between = None;
    }
    groups
}

/// The numbers in a text that pass: twelve digits, ASCII or full-width, in one piece or as 4-4-4 with
/// the same sign between, and no further digit before or behind.
#[must_use]
pub fn find(text: &str) -> Vec<Found> {
    if may_hold(text) && runs::may_hold(text) {
        find_slowly(text)
    } else {
        Vec::new()
    }
}

/// The same by taking the text to pieces.
fn find_slowly(text: &str) -> Vec<Found> {
    let groups = groups(text);
    let mut found = Vec::new();
    let mut i = 0;
    while i < groups.len() {
        let mut behind = i + 1;
        // Groups of four that the same sign joins; 4-4-4-4 is another kind of number.
        while behind < groups.len()
            && groups[behind - 1].joined.is_some()
            && groups[behind - 1].joined == groups[i].joined
            && groups[i].digits.len() == 4
            && groups[behind].digits.len() == 4
        {
            behind += 1;
        }
        if behind - i != 3 {
            behind = if behind - i > 3 { behind } else { i + 1 };
        }
        let digits: Vec<u8> = groups[i..behind]
            .iter()
            .flat_map(|g| g.digits.iter().copied())
            .collect();
        let number = Number::try_from(digits).ok().filter(passes);
        // The last of groups that are no number may begin one with another sign.
        let next = match number {
            None if behind - i > 1 => behind - 1,
            _ => behind,
        };
        found.extend(number.map(|number| Found {
            start: groups[i].start,
            end: groups[behind - 1].end,
            number,
        }));
        i = next;
    }
    found
}

/// Whether a text has runs of digits as a number needs them; nearly all are told apart here, without
/// taking them to pieces.
fn may_hold(text: &str) -> bool {
    let text = text.as_bytes();
    text.len() >= 12 && (has_runs(text) || has_full_width_digit(text))
}

/// Whether there are twelve ASCII digits in one piece, neither more nor fewer, or three times four.
#[must_use]
pub fn has_runs(text: &[u8]) -> bool {
    let mut fours = 0;
    // Of four digits or more in one piece, one stands at every fourth place.
    let mut at = 3;
    while at < text.len() {
        if !text[at].is_ascii_digit() {
            at += 4;
            continue;
        }
        let digits = |b: &&u8| b.is_ascii_digit();
        let before = text[..at].iter().rev().take_while(digits).count();
        let behind = text[at..].iter().take_while(digits).count();
        fours += u8::from(before + behind == 4);
        if before + behind == 12 || fours == 3 {
            return true;
        }
        at += behind + 4;
    }
    false
}

/// Whether any of ０ to ９ (U+FF10 to U+FF19) is there.
fn has_full_width_digit(text: &[u8]) -> bool {
    memchr::memchr_iter(0xEF, text).any(|at| matches!(text[at..], [_, 0xBC, 0x90..=0x99, ..]))
}

/// The number that a text is, apart from white space around it.
#[must_use]
pub fn whole(text: &str) -> Option<Number> {
    let text = text.trim();
    match find(text)[..] {
        [found] if (found.start, found.end) == (0, text.len()) => Some(found.number),
        _ => None,
    }
}

/// A text as names are looked for in it: NFKC, lower case, without white space, `_` and `-`.
fn folded(text: &str) -> String {
    text.nfkc()
        .filter(|c| !c.is_whitespace() && !matches!(c, '_' | '-'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// Whether a text names Individual Numbers.
#[must_use]
pub fn names(text: &str) -> bool {
    let folded = folded(text);
    NAMES.iter().any(|name| folded.contains(name))
}

/// Whether what stands near a number names it.
#[must_use]
pub fn is_named(text: &str, found: &Found) -> bool {
    let before = &text[..found.start];
    let from = before
        .char_indices()
        .rev()
        .nth(BEFORE - 1)
        .map_or(0, |(at, _)| at);
    let behind: String = text[found.end..].chars().take(BEHIND).collect();
    names(&before[from..]) || names(&behind)
}

#[cfg(test)]
mod tests;
