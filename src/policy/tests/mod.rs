//! Whole policies.

mod defaults;
mod documents;
mod errors;
mod lists;
mod odd;
mod rule_errors;
mod sections;

use super::{Policy, PolicyError};

/// Reads a policy that must be good.
fn read(text: &str) -> Policy {
    match Policy::from_toml(text, "p.toml", None) {
        Ok(policy) => policy,
        Err(error) => panic!("{error}\n{text}"),
    }
}

/// The error of a policy that must not be good.
fn fails(text: &str) -> String {
    match Policy::from_toml(text, "p.toml", None) {
        Ok(_) => panic!("no error:\n{text}"),
        Err(error) => {
            assert_japanese(&error);
            error.to_string()
        }
    }
}

/// Every fault says in Japanese what to write, and where.
fn assert_japanese(error: &PolicyError) {
    let ja = error.ja();
    let is_kana = |c: char| ('\u{3041}'..='\u{30FF}').contains(&c);
    assert!(error.message.ja.chars().any(is_kana), "{error}\n{ja}");
    assert!(ja.contains(&error.file), "{ja}");
    if let Some(line) = error.line {
        assert!(ja.contains(&format!("{line} 行目")), "{ja}");
    }
}

/// Equality but for the name and the lists' files.
fn assert_same(one: &Policy, other: &Policy) {
    let plain = |policy: &Policy| {
        let mut policy = policy.clone();
        policy.name.clear();
        policy.lists.values_mut().for_each(|list| list.file = None);
        policy
    };
    assert_eq!(plain(one), plain(other));
}
