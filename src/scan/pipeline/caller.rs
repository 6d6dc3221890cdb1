//! What the caller's thread does before, while and after the workers are at it.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arrow_array::RecordBatch;

use crate::error::Result;
use crate::policy::Key;
use crate::record::Field;
use crate::scan::Control;
use crate::scan::carry;
use crate::scan::outcome::{Failure, Outcome};
use crate::state::Memory;

use super::{Pipeline, lock};

impl Pipeline<'_> {
    /// The caller's thread: hands on output in order, tells progress, notices interruption.
    pub(super) fn watch(&self, control: &mut Control<'_>, flagged: &mut Vec<RecordBatch>) {
        loop {
            let mut state = lock(&self.state);
            let mut ready = Vec::new();
            while let Some(batch) = {
                let next = state.next_output;
                state.outputs.remove(&next)
            } {
                state.next_output += 1;
                ready.push(batch);
            }
            // After a failure, output behind the batch that failed never gets its turn.
            let stopped = self.stopped.load(Ordering::Relaxed);
            let over = state.workers == 0 && (stopped || state.outputs.is_empty());
            if !ready.is_empty() {
                self.work.notify_all();
            }
            if ready.is_empty() && !over {
                let waited = self.done.wait_timeout(state, Duration::from_millis(100));
                drop(waited.unwrap_or_else(PoisonError::into_inner));
            } else {
                drop(state);
            }
            let records = self.read.load(Ordering::Relaxed);
            let mut handed = Ok(());
            for batch in ready {
                if handed.is_ok() && !self.stopped.load(Ordering::Relaxed) {
                    handed = control.output(batch.shown(&self.context.mask), flagged);
                }
            }
            if handed.is_ok() && !self.failed() {
                handed = control.tick(records);
            }
            if let Err(error) = handed {
                self.fail(Failure::Error(error));
            }
            if over {
                return;
            }
        }
    }

    /// Takes up the state of an earlier scan.
    pub(super) fn load(&self) -> Result<()> {
        let Some(carry) = &self.context.carry else {
            return Ok(());
        };
        let flags = &mut lock(&self.state).flags;
        carry.load(&self.context.dictionaries, |memory, from| {
            self.units.load(&memory.pers, self.shard_context(), from);
            let user = Key::Field(Field::User);
            let seen = memory.seen.iter();
            flags.know(seen.map(|&(finding, number)| {
                let user = from.value(user, number);
                (finding, u32::try_from(user).unwrap_or(0))
            }));
        })
    }

    /// What the next scan goes on from.
    pub(super) fn memory(&self) -> Option<Memory> {
        let state = lock(&self.state);
        let carry = self.context.carry.as_ref()?;
        if state.failure.is_some() {
            return None;
        }
        let dictionaries = &self.context.dictionaries;
        let mut saver = carry.saver(dictionaries, &state.collector);
        let pers = self.units.save(self.shard_context(), &mut saver);
        Some(carry::memory(dictionaries, saver, pers, state.flags.seen()))
    }

    pub(super) fn finish(self, flagged: Vec<RecordBatch>) -> std::result::Result<Outcome, Failure> {
        let memory = self.memory();
        let outs = self.units.finish(self.shard_context());
        // (There are very many states to give up; nobody need wait for it.)
        let units = self.units;
        let _ = std::thread::Builder::new().spawn(move || drop(units));
        let mut state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(failure) = state.failure.take() {
            return Err(failure);
        }
        state.take(outs);
        Ok(Outcome {
            spilled_to: state.sorted.then(|| self.spool.folder()),
            collector: state.collector,
            leaks: state.leaks,
            flagged,
            findings: state.findings,
            flags: state.flags,
            records: state.records,
            memory,
        })
    }
}
