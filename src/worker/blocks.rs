//! What is wrong with the installation kills no event: those that meet it wait together ([`Store::try_block`]), one of them
//! tries at growing pauses, and all go on once it passes.
//!
//! An interface that is known to be blocked is not called: whoever would call it waits with the others at once.
//!
//! [`Store::try_block`]: crate::store::Store::try_block

use std::{
    collections::BTreeSet,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{dispatcher::Dispatcher, end::End};
use crate::{
    clock::Millis,
    store::{Block, Claimed, NewBlock, Settled, StoreError, block_name},
    sync::Fault,
};

/// How often turns are looked for that were parked while their block ended.
const LOOK: Duration = Duration::from_secs(30);

/// An event that was so often the first to meet a block which others passed fails for its own reasons.
const BEGUN_MAX: i64 = 2;

/// The blocks as this process knows them.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    state: Mutex<State>,
    /// Somebody may have put something right.
    hurry: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    known: Vec<Block>,
    /// Ended blocks that may have turns parked still.
    ended: BTreeSet<String>,
    /// Steady time of the last look for such.
    looked: Option<Millis>,
}

impl Blocks {
    /// Those that stand, by the last look.
    pub(super) fn known(&self) -> Vec<Block> {
        self.lock().known.clone()
    }

    /// Has every block tried at once.
    pub(super) fn hurry(&self) {
        self.hurry.store(true, Ordering::Relaxed);
    }

    /// When the next try of one is due.
    pub(super) fn next_try(&self) -> Option<Millis> {
        self.lock().known.iter().map(|block| block.next_try_at).min()
    }

    fn knows(&self, name: &str) -> bool {
        self.lock().known.iter().any(|block| block.name == name)
    }

    /// What a run must not call: everything that is blocked but what it is to try.
    fn faults_but(&self, tries: Option<&str>) -> Vec<Fault> {
        let state = self.lock();
        let others = state.known.iter().filter(|block| Some(block.name.as_str()) != tries);
        others.filter_map(|block| Some(Fault::known(block.code.parse().ok()?, &block.subject, &block.words))).collect()
    }

    /// Takes over what the ledger has; those that it has no more may have turns parked still.
    fn note(&self, known: &[Block]) {
        let mut state = self.lock();
        let stands = |name: &str| known.iter().any(|block| block.name == name);
        let before = std::mem::replace(&mut state.known, known.to_vec());
        state.ended.extend(before.into_iter().map(|block| block.name).filter(|name| !stands(name)));
        state.ended.retain(|name| !stands(name));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Dispatcher {
    /// Looks at the blocks before work is claimed: releases what ended ones had parked, and lets one event try each whose
    /// try is due.
    pub(super) async fn tend_blocks(&self) -> Result<(), StoreError> {
        if self.blocks.hurry.swap(false, Ordering::Relaxed) {
            self.parts.engine.forget_installation();
            self.parts.store.hurry_blocks().await.inspect_err(|_| self.blocks.hurry())?;
        }
        let known = self.parts.store.blocks().await?;
        self.blocks.note(&known);
        self.look_for_ended().await?;
        let ended: Vec<String> = self.blocks.lock().ended.iter().cloned().collect();
        for name in ended {
            if !self.parts.store.release_parked(&name).await? {
                self.blocks.lock().ended.remove(&name);
            }
        }
        let now = self.parts.clock.now();
        for block in known {
            let pause = self.block_pause(block.tries + 1);
            // A moment further ahead than any pause is from before the clock was set back.
            if block.next_try_at <= now || block.next_try_at.since(now) > self.parts.worker.block_pause_max {
                self.parts.store.try_block(&block.name, pause).await?;
            }
        }
        Ok(())
    }

    async fn look_for_ended(&self) -> Result<(), StoreError> {
        let steady = self.parts.clock.steady();
        if self.blocks.lock().looked.is_some_and(|looked| steady.since(looked) < LOOK) {
            return Ok(());
        }
        let ended = self.parts.store.ended_blocks().await?;
        let mut state = self.blocks.lock();
        state.ended.extend(ended);
        state.looked = Some(steady);
        Ok(())
    }

    /// What is known to be wrong for this run. One that tries a block believes nothing that was read before.
    pub(super) fn known_faults(&self, claimed: &Claimed) -> Vec<Fault> {
        if claimed.tries_block.is_some() {
            self.parts.engine.forget_installation();
        }
        self.blocks.faults_but(claimed.tries_block.as_deref())
    }

    /// The block behind which an event waits that met a fault; none where it is the event's own.
    pub(super) fn block(&self, claimed: &Claimed, fault: &Fault) -> Option<NewBlock> {
        let name = block_name(fault.cause.as_str(), &fault.subject);
        let is_own = claimed.event.blocks_begun >= BEGUN_MAX
            && fault.is_met
            && claimed.tries_block.as_ref() != Some(&name)
            && !self.blocks.knows(&name);
        (!is_own).then(|| NewBlock {
            code: fault.cause.as_str(),
            subject: fault.subject.clone(),
            words: fault.words.clone(),
            pause: self.block_pause(0),
            is_met: fault.is_met,
        })
    }

    /// The pause after so many tries.
    fn block_pause(&self, tries: i64) -> Duration {
        let doubled = u32::try_from(tries.clamp(0, 20)).unwrap_or_default();
        self.parts.worker.block_pause.saturating_mul(1 << doubled).min(self.parts.worker.block_pause_max)
    }
}

/// The block that a run was to try, if it passed.
pub(super) fn passed(claimed: &Claimed, end: &End, answered: &BTreeSet<String>) -> Option<String> {
    let name = claimed.tries_block.as_ref()?;
    let (_, subject) = crate::store::code_and_subject(name);
    let passes = match end {
        End::Succeeded(_) | End::GiveWay(_) => true,
        End::Blocked(fault) if block_name(fault.cause.as_str(), &fault.subject) == *name => false,
        _ => answered.contains(subject),
    };
    passes.then(|| name.clone())
}

/// A line where a block begins, and one where it ends.
pub(super) fn log(settled: Settled, blocked: Option<&NewBlock>, passed: Option<&str>) {
    if let Some(block) = blocked.filter(|_| settled.began) {
        tracing::error!(
            block.code,
            block.subject,
            "the ERP's installation lacks something; events that need it wait, GET /v1/failures says what to do"
        );
    }
    if let Some(name) = passed.filter(|_| settled.ended) {
        let (code, subject) = crate::store::code_and_subject(name);
        tracing::info!(block.code = code, block.subject = subject, "a block ended; what waited for it goes on");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(subject: &str) -> Block {
        let name = block_name("wrong_path", subject);
        let (code, words) = ("wrong_path".into(), "HTTP 404".into());
        Block { name, code, subject: subject.into(), words, since: Millis(1), tries: 0, next_try_at: Millis(2) }
    }

    #[test]
    fn a_run_knows_every_block_but_the_one_that_it_tries() {
        let blocks = Blocks::default();
        blocks.note(&[block("a"), block("b")]);
        let subjects =
            |tries| blocks.faults_but(tries).into_iter().map(|fault: Fault| fault.subject).collect::<Vec<_>>();
        assert_eq!(subjects(None), ["a", "b"]);
        assert_eq!(subjects(Some("wrong_path a")), ["b"]);
        assert!(blocks.knows("wrong_path b") && !blocks.knows("b"));
    }

    #[test]
    fn a_block_that_stands_no_more_is_released_unless_it_begins_anew() {
        let blocks = Blocks::default();
        blocks.note(&[block("a"), block("b")]);
        blocks.note(&[block("b")]);
        assert_eq!(blocks.lock().ended.iter().collect::<Vec<_>>(), ["wrong_path a"]);
        blocks.note(&[block("a"), block("b")]);
        assert!(blocks.lock().ended.is_empty());
    }
}
