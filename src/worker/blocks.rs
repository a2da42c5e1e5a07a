//! What is wrong with the installation kills no event: those that meet it wait together ([`Store::try_block`]), one of them
//! tries at growing pauses, and all go on once it passes.
//! `tending.rs` does it; here is what a process knows of the blocks.
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

use super::end::End;
use crate::{
    clock::Millis,
    event::EventKind,
    store::{Block, Claimed, NewBlock, Settled, block_name, code_and_subject},
    sync::{Fault, FaultCause},
};

/// How often turns are looked for that were parked while their block ended.
const LOOK: Duration = Duration::from_secs(30);

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
    /// Ended blocks and pauses that may have turns parked still.
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

    /// Whether this one stands.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.lock().known.iter().any(|block| block.name == name)
    }

    /// What a run must not call: everything that is blocked but what it is to try. What is tried is the subject: another
    /// block of the same interface would keep it from being called for ever.
    pub(super) fn faults_but(&self, tries: Option<&str>) -> Vec<Fault> {
        let tried = tries.map(|name| code_and_subject(name).1);
        let state = self.lock();
        let others = state.known.iter().filter(|block| Some(block.subject.as_str()) != tried);
        others.filter_map(|block| Some(Fault::known(block.code.parse().ok()?, &block.subject, &block.words))).collect()
    }

    /// Takes over what the ledger has; those that it has no more may have turns parked still.
    pub(super) fn note(&self, known: &[Block]) {
        let mut state = self.lock();
        let stands = |name: &str| known.iter().any(|block| block.name == name);
        let before = std::mem::replace(&mut state.known, known.to_vec());
        state.ended.extend(before.into_iter().map(|block| block.name).filter(|name| !stands(name)));
        state.ended.retain(|name| !stands(name));
    }

    /// Whether somebody asked for it since the last time.
    pub(super) fn is_hurried(&self) -> bool {
        self.hurry.swap(false, Ordering::Relaxed)
    }

    /// Ended blocks that may have turns parked still.
    pub(super) fn ended(&self) -> Vec<String> {
        self.lock().ended.iter().cloned().collect()
    }

    /// Whether it is time to look for more of them.
    pub(super) fn is_time_to_look(&self, steady: Millis) -> bool {
        self.lock().looked.is_none_or(|looked| steady.since(looked) >= LOOK)
    }

    /// Notes that it was looked for more of them.
    pub(super) fn note_look(&self, steady: Millis) {
        self.lock().looked = Some(steady);
    }

    /// Notes more of them, or pauses that ended: what they had parked is released alike.
    pub(super) fn note_ended(&self, found: Vec<String>) {
        self.lock().ended.extend(found);
    }

    /// Nothing is parked by an ended one any more.
    pub(super) fn forget_ended(&self, name: &str) {
        self.lock().ended.remove(name);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The block that a run was to try, if it passed.
pub(super) fn passed(claimed: &Claimed, end: &End, answered: &BTreeSet<String>) -> Option<String> {
    let name = claimed.tries_block.as_ref()?;
    let (code, subject) = code_and_subject(name);
    // A command names a salesperson of its own.
    let is_command = claimed.event.kind.parse().is_ok_and(EventKind::is_command);
    let says_nothing = is_command && code == FaultCause::SalespersonUnknown.as_str();
    let passes = match end {
        End::Succeeded(_) | End::GiveWay(_) => !says_nothing,
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
        let (code, subject) = code_and_subject(name);
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
        assert_eq!(blocks.ended(), ["wrong_path a"]);
        blocks.note(&[block("a"), block("b")]);
        assert!(blocks.ended().is_empty());
    }
}
