//! Glob patterns, over characters.
//!
//! The `globset` crate matches bytes: its `?` and `[…]` take one *byte* of a Japanese character,
//! and on Windows it turns `\` of a value into `/`. A log's text is not a path, so a pattern is
//! turned into a regular expression over characters here.

use std::fmt::Write as _;

/// Bytes of a pattern that is neither too large for a regular expression nor too deeply nested.
const SMALL: usize = 256;

/// The regular expression (for the `regex` crate) of a glob pattern. It matches the whole value:
/// `*` any text, also none; `?` one character; `[abc]`, `[a-z]`, `[!abc]` one character (not) of
/// these; `{a,b}` either, may be nested and empty; `\` takes the next character as it stands.
/// Case matters, and no character is special in the value.
///
/// # Errors
/// What is wrong with the pattern, in words.
pub fn glob_regex(pattern: &str) -> Result<String, String> {
    if pattern.is_empty() {
        return Err("the pattern is empty".to_owned());
    }
    let mut out = String::from("(?s)\\A(?:");
    let mut depth = 0_usize;
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match c {
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            '[' => class(&mut rest, &mut out)?,
            '{' => {
                depth += 1;
                out.push_str("(?:");
            }
            '}' if depth == 0 => return Err("\"}\" without \"{\" before it".to_owned()),
            '}' => {
                depth -= 1;
                out.push(')');
            }
            ',' if depth > 0 => out.push('|'),
            '\\' => literal(
                rest.next().ok_or("\"\\\" at the end takes no character")?,
                &mut out,
            ),
            c => literal(c, &mut out),
        }
    }
    if depth > 0 {
        return Err("\"{\" without \"}\" after it".to_owned());
    }
    out.push_str(")\\z");
    // The pattern may still be too large or too deeply nested. (To find out takes longer than all else that
    // is done to read a policy.)
    if pattern.len() <= SMALL {
        return Ok(out);
    }
    match regex::Regex::new(&out) {
        Ok(_) => Ok(out),
        Err(_) => Err("the pattern is too large".to_owned()),
    }
}

/// What stands between `[` and `]`.
fn class(rest: &mut std::str::Chars<'_>, out: &mut String) -> Result<(), String> {
    const UNCLOSED: &str = "\"[\" without \"]\" after it";
    out.push('[');
    let mut next = rest.next().ok_or(UNCLOSED)?;
    if next == '!' || next == '^' {
        out.push('^');
        next = rest.next().ok_or(UNCLOSED)?;
    }
    // A "]" in first place is a member.
    loop {
        let first = next;
        next = rest.next().ok_or(UNCLOSED)?;
        let mut ahead = rest.clone();
        let last = ahead.next();
        match last {
            Some(last) if next == '-' && last != ']' => {
                if last < first {
                    return Err(format!("the range \"{first}-{last}\" runs backwards"));
                }
                member(first, out);
                out.push('-');
                member(last, out);
                *rest = ahead;
                next = rest.next().ok_or(UNCLOSED)?;
            }
            _ => member(first, out),
        }
        if next == ']' {
            out.push(']');
            return Ok(());
        }
    }
}

fn member(c: char, out: &mut String) {
    let _ = write!(out, "\\x{{{:X}}}", u32::from(c));
}

fn literal(c: char, out: &mut String) {
    let mut buffer = [0; 4];
    out.push_str(&regex::escape(c.encode_utf8(&mut buffer)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, value: &str) -> bool {
        regex::Regex::new(&glob_regex(pattern).unwrap())
            .unwrap()
            .is_match(value)
    }

    #[test]
    fn small_patterns_are_not_too_large() {
        for part in [
            "*",
            "?",
            "\u{10FFFF}",
            "[!a]",
            "[!\u{10FFFF}]",
            "[\u{1}-\u{10FFFF}]",
            "{?}",
            "{*,[!a]}",
            "\\?",
        ] {
            let pattern = part.repeat(SMALL / part.len());
            assert!(regex::Regex::new(&glob_regex(&pattern).unwrap()).is_ok());
        }
        let nested = |depth| "{".repeat(depth) + &"}".repeat(depth);
        let beside = |depth| "{,a".repeat(depth) + &"}".repeat(depth);
        for deepest in [nested(SMALL / 2), beside(SMALL / 4)] {
            assert_eq!(deepest.len(), SMALL);
            assert!(regex::Regex::new(&glob_regex(&deepest).unwrap()).is_ok());
        }
        assert!(glob_regex(&beside(SMALL / 2)).is_err());
        assert!(glob_regex(&nested(SMALL)).is_err());
        assert!(glob_regex(&"[!a]".repeat(100_000)).is_err());
    }

    #[test]
    fn what_patterns_match() {
        for (pattern, value, expected) in [
            ("ログイン", "ログイン", true),
            ("ログイン", "ログインエラー", false),
            ("ログイン*", "ログイン", true),
            ("*検索", "宛名検索", true),
            ("??課", "税務課", true),
            ("??課", "税課", false),
            ("[税国]務課", "税務課", true),
            ("[!税]務課", "税務課", false),
            ("[^税]務課", "総務課", true),
            ("[あ-ん]", "か", true),
            ("[]a]", "]", true),
            ("[a-]", "-", true),
            ("[a\\]", "\\", true),
            ("{印刷,帳票{出力,発行}}", "帳票発行", true),
            ("{印刷,帳票{出力,発行}}", "帳票", false),
            ("検索{,処理}", "検索", true),
            ("a,b", "a,b", true),
            ("a.b", "axb", false),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("*", "", true),
            ("*", "a/b\\c\nd", true),
            ("Login", "login", false),
            ("a^$b", "a^$b", true),
        ] {
            assert_eq!(matches(pattern, value), expected, "{pattern} on {value}");
        }
    }

    #[test]
    fn what_is_wrong() {
        for (pattern, message) in [
            ("", "the pattern is empty"),
            ("a[b", "\"[\" without \"]\" after it"),
            ("[", "\"[\" without \"]\" after it"),
            ("[!", "\"[\" without \"]\" after it"),
            ("[]", "\"[\" without \"]\" after it"),
            ("[a-", "\"[\" without \"]\" after it"),
            ("[z-a]", "the range \"z-a\" runs backwards"),
            ("{a", "\"{\" without \"}\" after it"),
            ("a}", "\"}\" without \"{\" before it"),
            ("a\\", "\"\\\" at the end takes no character"),
        ] {
            assert_eq!(glob_regex(pattern).unwrap_err(), message, "{pattern}");
        }
        let deep = format!("{}{}", "{".repeat(1000), "}".repeat(1000));
        assert_eq!(glob_regex(&deep).unwrap_err(), "the pattern is too large");
    }
}
