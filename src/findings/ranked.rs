//! The two tables that rank. They are made when one of them is first asked for: to rank and to order
//! a hundred thousand findings takes a while, at the end of a scan, and not everybody looks at them.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
use hashbrown::HashSet;

use super::packed::Findings;
use super::ranking::Ranking;
use super::rarest::{self, Ordered};
use super::tables::Names;
use super::totals::FlagTotals;
use super::users;
use crate::dictionary::Dictionaries;
use crate::individual::mask::Mask;
use crate::join::join;
use crate::policy::Policy;
use crate::record::Field;

/// Rows of findings that are made together.
const TOGETHER: usize = 16 * 1024;

/// What it takes to name what is in the tables.
pub struct Naming {
    /// The policy.
    pub policy: Policy,
    /// The scan's values.
    pub dictionaries: Arc<Dictionaries>,
    /// The sources, by number.
    pub sources: Vec<String>,
    /// What hides Individual Numbers.
    pub mask: Mask,
}

impl Naming {
    /// What the tables name things by.
    #[must_use]
    pub fn names(&self) -> Names<'_> {
        Names {
            policy: &self.policy,
            dictionaries: &self.dictionaries,
            sources: &self.sources,
            mask: &self.mask,
        }
    }
}

/// What is ranked, and what it takes to name it.
pub struct Unranked {
    /// What names it.
    pub naming: Naming,
    /// All findings, in no order.
    pub findings: Findings,
    /// Counts of flags.
    pub flags: FlagTotals,
}

impl Unranked {
    /// How many users have flagged records; those who read the same are one.
    #[must_use]
    pub fn users(&self) -> usize {
        let users = self.naming.dictionaries.of(Field::User).read();
        let ids: HashSet<_> = self.flags.by_user.keys().map(|&(user, _)| user).collect();
        let texts: HashSet<_> = ids.into_iter().filter_map(|id| users.text(id)).collect();
        texts.len()
    }

    fn rank(self) -> Tables {
        let ranking = Ranking::of(&self.findings, &self.flags);
        let key_days = self.flags.evaluated.iter().map(|e| e.key_days);
        let key_days: Vec<u64> = key_days.collect();
        let names = self.naming.names();
        let ((by_user, by_user_users), order) = join(
            || users::by_user(names, &self.flags, &ranking),
            || rarest::order(names, &self.findings, &ranking, &key_days),
        );
        Tables {
            naming: self.naming,
            findings: self.findings,
            key_days,
            order,
            by_user,
            by_user_users,
        }
    }
}

/// The tables that rank.
pub struct Tables {
    naming: Naming,
    findings: Findings,
    /// Key-days evaluated, by rule.
    key_days: Vec<u64>,
    /// The findings, the rarest first.
    order: Vec<Ordered>,
    /// A row per user and rule with flagged records, the users to look at first before the others.
    pub by_user: RecordBatch,
    /// Of each, which user it is of.
    pub by_user_users: Vec<u64>,
}

impl Tables {
    /// A row per finding, the rarest first.
    #[must_use]
    pub fn findings(self: Arc<Self>) -> FindingRows {
        let schema = self.rows(&[]).schema();
        FindingRows {
            tables: self,
            schema,
            given: 0,
        }
    }

    fn rows(&self, some: &[Ordered]) -> RecordBatch {
        let names = self.naming.names();
        rarest::rows(names, &self.findings, some, &self.key_days)
    }
}

/// The rows of all findings. They are made as they are asked for: as a table they take four times the room that
/// they take packed.
pub struct FindingRows {
    tables: Arc<Tables>,
    schema: SchemaRef,
    /// How many have been given.
    given: usize,
}

impl Iterator for FindingRows {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let some = self.tables.order[self.given..].chunks(TOGETHER).next()?;
        self.given += some.len();
        Some(Ok(self.tables.rows(some)))
    }
}

impl RecordBatchReader for FindingRows {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

/// The tables that rank, or what they are made of.
pub struct Ranked {
    unranked: Mutex<Option<Unranked>>,
    tables: OnceLock<Arc<Tables>>,
}

impl Ranked {
    /// Nothing is ranked yet.
    #[must_use]
    pub fn new(unranked: Unranked) -> Ranked {
        Ranked {
            unranked: Mutex::new(Some(unranked)),
            tables: OnceLock::new(),
        }
    }

    /// The tables.
    ///
    /// # Panics
    /// If making them panicked before.
    pub fn tables(&self) -> &Arc<Tables> {
        self.tables.get_or_init(|| {
            let mut unranked = self.unranked.lock().unwrap_or_else(PoisonError::into_inner);
            let unranked = unranked.take().expect("it is ranked once");
            Arc::new(unranked.rank())
        })
    }
}
