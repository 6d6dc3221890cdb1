//! Whole policies.

mod defaults;
mod documents;
mod errors;
mod lists;
mod odd;
mod rule_errors;
mod sections;

use super::Policy;

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
        Err(error) => error.to_string(),
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
