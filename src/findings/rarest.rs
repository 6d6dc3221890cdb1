//! The table of findings, the rarest first.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::{Arc, RwLockReadGuard};

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch};

use super::Finding;
use super::packed::{Findings, Place};
use super::ranking::Ranking;
use super::share::Share;
use super::tables::{Names, batch, counts, finding_names, place_dictionary, times, viewpoints};
use crate::detect::values::Value;
use crate::dictionary::{ID_FIELDS, Values, id_column};
use crate::policy::{Key, Kind, Rule, Sequence};
use crate::record::Field;

/// A row per finding, in the order given, which is a part of [`order`]; `key_days` are those that each rule
/// evaluated.
#[must_use]
pub fn rows(
    names: Names<'_>,
    findings: &Findings,
    order: &[Ordered],
    key_days: &[u64],
) -> RecordBatch {
    let some: Vec<Finding> = order.iter().map(|one| findings.at(one.place())).collect();
    let words = in_words(&Texts::of(names), &some);
    let (left, right) = (which(names, &some), in_figures(&some, order, key_days));
    batch(left.into_iter().chain(words).chain(right).collect())
}

/// A finding, before it has its row. (There are many of them.)
pub struct Ordered {
    as_strong: u64,
    first: i64,
    /// The number of its place, and the rule's place in the policy above it.
    which: u64,
}

/// The findings in the order of their rows: the rarest first, by their `ranking` among the `key_days` that each rule
/// evaluated; of one rarity by first, the rule's place, key, by, value.
#[must_use]
pub fn order(
    names: Names<'_>,
    findings: &Findings,
    ranking: &Ranking,
    key_days: &[u64],
) -> Vec<Ordered> {
    let texts = Texts::of(names);
    let all = findings.iter().zip(&ranking.as_strong);
    let ordered = all.map(|((place, finding), &as_strong)| Ordered {
        as_strong,
        first: finding.first,
        which: Ordered::which(finding.rule, place),
    });
    let mut order = Vec::with_capacity(findings.len());
    order.extend(ordered);
    debug_assert_eq!(order.len(), findings.len(), "all are unpacked");
    order.sort_unstable_by(|a, b| {
        let rarity = a.share(key_days).compare(b.share(key_days));
        let begun = rarity.then_with(|| (a.first, a.rule()).cmp(&(b.first, b.rule())));
        begun.then_with(|| {
            let rule = names.rule(a.rule());
            texts.order(&findings.at(a.place()), &findings.at(b.place()), rule)
        })
    });
    order
}

impl Ordered {
    /// A place in the policy and one of a finding, in one number.
    fn which(rule: u32, place: Place) -> u64 {
        let rule = u64::from(rule);
        assert!(
            rule < 1 << (u64::BITS - Place::BITS),
            "fewer rules than that"
        );
        rule << Place::BITS | place.number()
    }

    fn rule(&self) -> u32 {
        u32::try_from(self.which >> Place::BITS).unwrap_or(u32::MAX)
    }

    fn place(&self) -> Place {
        Place::of(self.which & ((1 << Place::BITS) - 1))
    }

    /// Of the key-days that its rule evaluated, those at least as strong.
    fn share(&self, key_days: &[u64]) -> Share {
        Share {
            as_strong: self.as_strong,
            of: key_days[self.rule() as usize],
        }
    }
}

type Columns = Vec<(&'static str, ArrayRef)>;

/// Which findings they are.
fn which(names: Names<'_>, findings: &[Finding]) -> Columns {
    let all = || findings.iter();
    let rule = |finding: &Finding| names.rule(finding.rule);
    let rules = all().map(|f| Some(f.rule as usize));
    let id = |rule: usize| &names.policy.rules[rule].id;
    let pers = all().map(|f| Some(rule(f).per as usize));
    vec![
        ("finding", finding_names(all().map(|f| f.id))),
        ("rule", place_dictionary(rules, |rule| id(rule))),
        ("viewpoint", viewpoints(all().map(rule))),
        ("per", place_dictionary(pers, |at| Field::ALL[at].name())),
    ]
}

/// What is said of findings in words.
fn in_words(texts: &Texts<'_>, findings: &[Finding]) -> [(&'static str, ArrayRef); 3] {
    let mut keys = StringBuilder::new();
    let mut by = StringBuilder::new();
    let mut values = StringBuilder::new();
    for finding in findings {
        let rule = texts.names.rule(finding.rule);
        keys.append_option(texts.key(finding, rule));
        by.append_value(texts.by(finding, rule));
        values.append_option(texts.value(finding, rule));
    }
    [("key", keys), ("by", by), ("value", values)]
        .map(|(name, mut texts)| (name, Arc::new(texts.finish()) as ArrayRef))
}

/// What is said of findings in figures.
fn in_figures(findings: &[Finding], order: &[Ordered], key_days: &[u64]) -> Columns {
    let all = || findings.iter();
    let share = || order.iter().map(|one| one.share(key_days));
    let peaks: Int64Array = all().map(|f| Some(f.peak)).collect();
    let magnitudes: Float64Array = all().map(|f| Some(f.magnitude)).collect();
    let continued: BooleanArray = all().map(|f| Some(f.carried > 0)).collect();
    let rarities: Float64Array = share().map(|share| Some(share.rarity())).collect();
    vec![
        ("first", times(all().map(|f| Some(f.first)))),
        ("last", times(all().map(|f| Some(f.last)))),
        ("records", counts(all().map(|f| Some(f.records)))),
        ("peak", Arc::new(peaks)),
        ("magnitude", Arc::new(magnitudes)),
        ("continued", Arc::new(continued)),
        ("rarity", Arc::new(rarities)),
        ("days_as_strong", counts(share().map(|s| Some(s.as_strong)))),
        ("days_evaluated", counts(share().map(|s| Some(s.of)))),
    ]
}

/// The texts of many values: the dictionaries are locked once.
struct Texts<'a> {
    ids: [RwLockReadGuard<'a, Values>; 6],
    names: Names<'a>,
}

impl<'a> Texts<'a> {
    fn of(names: Names<'a>) -> Texts<'a> {
        Texts {
            ids: ID_FIELDS.map(|field| names.dictionaries.of(field).read()),
            names,
        }
    }

    fn get(&self, key: Key, value: Value) -> Option<Cow<'_, str>> {
        if let Key::Field(field) = key
            && let Some(column) = id_column(field)
        {
            let id = u32::try_from(value).ok()?;
            let text = self.ids[column].text(id)?;
            return Some(self.names.mask.value(key, text));
        }
        self.names.text(key, value).map(Cow::Owned)
    }
}

impl Texts<'_> {
    /// The text of a finding's key.
    fn key(&self, finding: &Finding, rule: &Rule) -> Option<Cow<'_, str>> {
        self.get(Key::Field(rule.per), finding.key)
    }

    /// `name=value, …` of a finding's `by` values.
    fn by(&self, finding: &Finding, rule: &Rule) -> String {
        let by = match &rule.kind {
            Kind::Count { by, .. }
            | Kind::Distinct { by, .. }
            | Kind::Sequence(Sequence { by, .. }) => by.as_slice(),
            Kind::Match
            | Kind::Novelty { .. }
            | Kind::Hours { .. }
            | Kind::Spike(_)
            | Kind::Gap { .. } => &[],
        };
        let mut text = String::new();
        for (&key, &value) in by.iter().zip(&finding.by) {
            if !text.is_empty() {
                text.push_str(", ");
            }
            text.push_str(key.name());
            text.push('=');
            text.push_str(&self.get(key, value).unwrap_or_default());
        }
        text
    }

    /// The text of a finding's new value.
    fn value(&self, finding: &Finding, rule: &Rule) -> Option<Cow<'_, str>> {
        match rule.kind {
            Kind::Novelty { field, .. } => self.get(field, finding.value),
            _ => None,
        }
    }

    /// The order of findings of a rule that began at the same time: by key, by, value. The id decides
    /// between keys that read the same but for undecodable bytes.
    fn order(&self, a: &Finding, b: &Finding, rule: &Rule) -> Ordering {
        let key = || self.key(a, rule).cmp(&self.key(b, rule));
        let by = || self.by(a, rule).cmp(&self.by(b, rule));
        let value = || self.value(a, rule).cmp(&self.value(b, rule));
        key()
            .then_with(by)
            .then_with(value)
            .then_with(|| a.id.cmp(&b.id))
    }
}
