//! The examples of the documentation.

use super::{assert_same, read};

/// Every TOML block of the references that begins with `# policy:` is a whole policy.
#[test]
fn examples_of_the_references_are_policies() {
    for text in [
        include_str!("../../../docs/en/policy-reference.md"),
        include_str!("../../../docs/ja/policy-reference.md"),
    ] {
        let mut blocks = 0;
        for part in text.split("```toml\n").skip(1) {
            let block = part.split("```").next().unwrap_or_default();
            let whole = block.starts_with("# policy:") || block.starts_with("# ポリシー：");
            if whole && !block.contains("\nfile = ") {
                blocks += 1;
                let policy = read(block);
                assert_same(&read(&policy.to_toml()), &policy);
            }
        }
        assert!(blocks >= 10, "{blocks}");
    }
}
