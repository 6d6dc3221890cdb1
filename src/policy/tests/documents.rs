//! The examples of the documentation.

use super::{assert_same, read};

/// Every TOML block of `docs/policy.md` that begins with `# policy:` is a whole policy.
#[test]
fn examples_of_the_reference_are_policies() {
    let text = include_str!("../../../docs/policy.md");
    let mut blocks = 0;
    for part in text.split("```toml\n").skip(1) {
        let block = part.split("```").next().unwrap_or_default();
        if block.starts_with("# policy:") {
            blocks += 1;
            let policy = read(block);
            assert_same(&read(&policy.to_toml()), &policy);
        }
    }
    assert!(blocks >= 10, "{blocks}");
}
