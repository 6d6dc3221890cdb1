//! What an officer reads, in both languages: notes, and what is wrong.

use std::io;

/// A text in Japanese and in English.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// Japanese.
    pub ja: String,
    /// English.
    pub en: String,
}

/// English, then Japanese: as they stand beside each other in the source.
impl<E: Into<String>, J: Into<String>> From<(E, J)> for Words {
    fn from((en, ja): (E, J)) -> Words {
        Words {
            ja: ja.into(),
            en: en.into(),
        }
    }
}

/// English and Japanese of a part of a text.
pub type Phrase = (&'static str, &'static str);

/// A number as people read it: `59,917`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// What the system says is wrong. Of what it says most, the Japanese says what it means and what to
/// do; else its own text is in both.
#[must_use]
pub fn of_system(error: &io::Error) -> Words {
    use io::ErrorKind as Kind;
    let ja = match error.kind() {
        Kind::NotFound => "ファイルまたはフォルダーがありません。場所と名前を確かめてください",
        Kind::PermissionDenied => {
            "開く権限がありません。ほかのソフトで開いていないか、利用する権限があるかを確かめてください"
        }
        Kind::IsADirectory => "フォルダーです。ファイルを指定してください",
        Kind::NotADirectory => "途中の名前がフォルダーではありません。場所を確かめてください",
        Kind::StorageFull | Kind::QuotaExceeded => {
            "空き容量がありません。空けるか、別の場所を指定してください"
        }
        Kind::FileTooLarge => {
            "ファイルがこの場所に置ける大きさを超えました。別の場所を指定してください"
        }
        Kind::ReadOnlyFilesystem => "読み取り専用の場所です。別の場所を指定してください",
        Kind::ResourceBusy => "ほかで使われています。使い終わってからやり直してください",
        _ => return (error.to_string(), error.to_string()).into(),
    };
    (error.to_string(), ja).into()
}

/// The allowed word that was most likely meant: one that holds the given one or is held by it
/// (`課名` of `課名称`), or that few edits make of it, few for its length.
#[must_use]
pub fn nearest<'a>(text: &str, allowed: &[&'a str]) -> Option<&'a str> {
    let text: Vec<char> = plain(text);
    if text.is_empty() || text.len() > 40 {
        return None;
    }
    allowed
        .iter()
        .filter_map(|&word| Some((apart(&text, &plain(word))?, word)))
        .min_by_key(|&(apart, _)| apart)
        .map(|(_, word)| word)
}

/// How far two words are apart, and then by how many letters; none if nobody would mean the one by
/// the other.
fn apart(text: &[char], word: &[char]) -> Option<(usize, usize)> {
    /// A word that holds another is as near as one letter changed in four.
    const HELD: usize = 250;
    let edits = distance(text, word);
    let by_edits = (edits <= (word.len() / 3).clamp(1, 2))
        .then(|| edits * 1000 / text.len().max(word.len()).max(1));
    let held = (holds(text, word) || holds(word, text)).then_some(HELD);
    let apart = by_edits.into_iter().chain(held).min()?;
    Some((apart, text.len().abs_diff(word.len())))
}

/// Whether a word holds another that says something by itself.
fn holds(word: &[char], part: &[char]) -> bool {
    let least = if part.iter().all(char::is_ascii) {
        3
    } else {
        2
    };
    part.len() >= least && word.windows(part.len()).any(|window| window == part)
}

/// Lower case, with `-` and spaces as `_`.
fn plain(text: &str) -> Vec<char> {
    text.chars()
        .flat_map(char::to_lowercase)
        .map(|c| if c == '-' || c == ' ' { '_' } else { c })
        .collect()
}

/// Edits (insertions, deletions, replacements, swaps of neighbours) between two words.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let change = usize::from(a[i - 1] != b[j - 1]);
                let mut best = (rows[i - 1][j - 1] + change)
                    .min(rows[i - 1][j] + 1)
                    .min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (number, shown) in [
            (0, "0"),
            (7, "7"),
            (999, "999"),
            (1_000, "1,000"),
            (59_917, "59,917"),
            (123_456, "123,456"),
            (1_000_000, "1,000,000"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(count(number), shown);
        }
    }

    #[test]
    fn what_the_system_says_is_said_in_japanese() {
        for kind in [
            io::ErrorKind::NotFound,
            io::ErrorKind::PermissionDenied,
            io::ErrorKind::StorageFull,
        ] {
            let words = of_system(&kind.into());
            assert!(words.ja.ends_with("ください"), "{words:?}");
            assert!(words.en.is_ascii(), "{words:?}");
        }
    }

    #[test]
    fn typos_find_their_word() {
        let allowed = ["window", "at_least", "by", "id", "kind"];
        assert_eq!(nearest("widnow", &allowed), Some("window"));
        assert_eq!(nearest("at-least", &allowed), Some("at_least"));
        assert_eq!(nearest("Kind", &allowed), Some("kind"));
        assert_eq!(nearest("threshold", &allowed), None);
        assert_eq!(nearest("", &allowed), None);
        assert_eq!(nearest("kid", &allowed), Some("kind"));
        assert_eq!(nearest(&"x".repeat(1000), &allowed), None);
    }
    #[test]
    fn a_word_that_holds_the_other_is_nearer_than_one_that_looks_alike() {
        let headers = ["氏名", "課名称", "端末ＩＰ", "端末名称", "time", "timezone"];
        assert_eq!(nearest("課名", &headers), Some("課名称"));
        assert_eq!(nearest("所属課名称", &headers), Some("課名称"));
        assert_eq!(nearest("端末", &headers), Some("端末ＩＰ"));
        assert_eq!(nearest("指名", &headers), Some("氏名"));
        // But a slip in a long word is nearer still, and one letter says nothing.
        assert_eq!(nearest("time_zone", &headers), Some("timezone"));
        assert_eq!(nearest("課", &headers), None);
        assert_eq!(nearest("id", &["consider"]), None);
    }
}
