//! Which rules can be evaluated on the columns that there are.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::policy::{Condition, Key, Policy, PolicyError, Rule, TextTest, Where};
use crate::record::Field;

/// Why a rule as a whole is not evaluable, by rule; none if it is.
///
/// # Errors
/// [`Error::Policy`] if a rule that the user wrote, and that is not `optional`, or the scope needs a
/// column that no source has and for which nothing is assumed.
pub fn reasons(policy: &Policy, has_column: impl Fn(Field) -> bool) -> Result<Vec<Option<String>>> {
    let lacks = |field: Field| !has_column(field) && !policy.assume.contains_key(&field);
    let lacking = |needed: BTreeSet<Field>| -> Vec<&str> {
        needed
            .into_iter()
            .filter(|&f| lacks(f))
            .map(Field::name)
            .collect()
    };
    let scope = lacking(needed_by_where(&policy.scope.filter, policy));
    if !scope.is_empty() {
        return Err(missing(policy, "scope.where", &scope));
    }
    let mut reasons = Vec::with_capacity(policy.rules.len());
    for (place, rule) in policy.rules.iter().enumerate() {
        let lacking = lacking(needed(rule, policy));
        if !lacking.is_empty() && !policy.rules_are_default && !rule.optional {
            return Err(missing(
                policy,
                &format!("rules[{place}] ({})", rule.id),
                &lacking,
            ));
        }
        reasons.push((!lacking.is_empty()).then(|| format!("no column: {}", lacking.join(", "))));
    }
    Ok(reasons)
}

fn missing(policy: &Policy, key: &str, fields: &[&str]) -> Error {
    let fields = fields.join(", ");
    let message = (
        format!(
            "needs a column that the log does not have: {fields}. Map it under [columns], give it a value under [assume], or say optional = true"
        ),
        format!(
            "必要な列（{fields}）がログにありません。[columns] に {fields} に当たる見出しを書くか（--column でも指定できます）、[assume] に値を書くか、規則に optional = true と書き加えてください"
        ),
    );
    Error::Policy(PolicyError::new(policy.name.as_str(), key, message))
}

fn needed(rule: &Rule, policy: &Policy) -> BTreeSet<Field> {
    let mut fields = needed_by_where(&rule.filter, policy);
    for step in rule.kind.steps() {
        fields.extend(needed_by_where(&step.filter, policy));
    }
    fields.extend(rule.kind.keys().filter_map(field_of));
    fields.insert(rule.per);
    fields
}

fn needed_by_where(filter: &Where, policy: &Policy) -> BTreeSet<Field> {
    let mut fields = BTreeSet::new();
    for condition in &filter.conditions {
        match condition {
            Condition::Text(field, test) => {
                fields.insert(*field);
                if let TextTest::List(name) | TextTest::NotList(name) = test {
                    let on = policy.lists.get(name).map_or(&[][..], |l| &l.on);
                    fields.extend(on.iter().copied().filter_map(field_of));
                }
            }
            Condition::OperationClass(_) => {
                fields.insert(Field::Operation);
            }
            Condition::References(_) => {
                fields.insert(Field::References);
            }
            Condition::Result(_) => {
                fields.insert(Field::Result);
            }
            Condition::OffHours(_) | Condition::TimeOfDay(..) | Condition::Weekday(_) => {}
        }
    }
    fields
}

fn field_of(key: Key) -> Option<Field> {
    match key {
        Key::Field(field) => Some(field),
        _ => None,
    }
}
