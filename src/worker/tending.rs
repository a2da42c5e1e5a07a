//! Tending the pauses and the blocks: one event tries each now and then, and what ended ones had parked is released.
//!
//! An interface that is known to be blocked is not called: whoever would call it waits with the others at once.

use super::dispatcher::Dispatcher;
use crate::{
    store::{Claimed, NewBlock, StoreError, block_name},
    sync::Fault,
};

/// An event that was so often the first to meet a block which others passed, and finished no step since, fails for its own
/// reasons.
const BEGUN_MAX: i64 = 2;

impl Dispatcher {
    /// Looks at the blocks before work is claimed: releases what ended ones had parked, and lets one event try each whose
    /// try is due.
    pub(super) async fn tend_blocks(&self) -> Result<(), StoreError> {
        self.tend_pauses().await?;
        if self.blocks.is_hurried() {
            self.parts.engine.forget_installation();
            self.parts.store.hurry_blocks().await.inspect_err(|_| self.blocks.hurry())?;
        }
        let known = self.parts.store.blocks().await?;
        self.blocks.note(&known);
        self.look_for_ended().await?;
        for name in self.blocks.ended() {
            if !self.parts.store.release_parked(&name).await? {
                self.blocks.forget_ended(&name);
            }
        }
        let now = self.parts.clock.now();
        for block in known {
            let pause = self.parts.worker.block_pause_after(block.tries + 1);
            // A moment further ahead than any pause is from before the clock was set back.
            if block.next_try_at <= now || block.next_try_at.since(now) > self.parts.worker.block_pause_max {
                self.parts.store.try_block(&block.name, pause).await?;
            }
        }
        Ok(())
    }

    /// Looks at the pauses: what ended ones had parked is to be released.
    pub(super) async fn tend_pauses(&self) -> Result<(), StoreError> {
        let gone = self.pauses.note(self.parts.store.pauses().await?);
        self.blocks.note_ended(gone);
        Ok(())
    }

    async fn look_for_ended(&self) -> Result<(), StoreError> {
        let steady = self.parts.clock.steady();
        if self.blocks.is_time_to_look(steady) {
            self.blocks.note_ended(self.parts.store.ended_blocks().await?);
            self.blocks.note_look(steady);
        }
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
            pause: self.parts.worker.block_pause_after(0),
            is_met: fault.is_met,
        })
    }
}
