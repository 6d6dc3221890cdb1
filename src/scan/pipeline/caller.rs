//! What the caller's thread does before, while and after the workers are at it.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::error::Result;
use crate::policy::Key;
use crate::record::Field;
use crate::scan::Control;
use crate::scan::outcome::{Failure, Outcome};

use super::{Closed, Pipeline, lock};

impl Pipeline<'_> {
    /// The caller's thread: tells progress, notices interruption.
    pub(super) fn watch(&self, control: &mut Control<'_>) {
        loop {
            let state = lock(&self.state);
            let over = state.workers == 0;
            if over {
                drop(state);
            } else {
                let waited = self.done.wait_timeout(state, Duration::from_millis(100));
                drop(waited.unwrap_or_else(PoisonError::into_inner));
            }
            // (When there is an error to tell, the listener is left alone.)
            if !self.failed()
                && let Err(error) = control.tick(self.read.load(Ordering::Relaxed))
            {
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

    pub(super) fn finish(self) -> std::result::Result<Outcome, Failure> {
        let mut state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(failure) = state.failure.take() {
            // (All is given up before it may begin anew.)
            return Err(failure);
        }
        let closed = state.closed.take();
        let Closed { memory, outs } =
            closed.expect("unless there is a failure, no worker ends before");
        // (There are very many buffers and states to give up; nobody need wait for it.)
        let (pool, units) = (self.pool, self.units);
        let _ = std::thread::Builder::new().spawn(move || {
            drop(pool);
            drop(units);
        });
        state.take(outs);
        let exit = self.exit.into_inner();
        let flagged = exit.unwrap_or_else(PoisonError::into_inner).into_kept();
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
