//! The memory that the longer bodies of all requests share, counted as it arrives and not as it is announced. What heads and the
//! first bytes of bodies take is set aside for every connection from the start (`config/memory.rs`).

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::Problem;

/// How long a body waits for memory that others have.
const PATIENCE: Duration = Duration::from_secs(1);

/// A budget of memory, in bytes. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Budget(Arc<Semaphore>);

/// What one body has of it; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

impl Budget {
    /// So many bytes for all.
    pub(super) fn new(bytes: u64) -> Self {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self(Arc::new(Semaphore::new(bytes)))
    }

    /// A share of nothing yet.
    pub(super) fn share(&self) -> Share {
        Share { budget: Arc::clone(&self.0), held: None }
    }

    /// A share of so many bytes, if they are there.
    pub(super) fn try_share(&self, bytes: u32) -> Option<Share> {
        let held = self.0.clone().try_acquire_many_owned(bytes).ok()?;
        Some(Share { budget: Arc::clone(&self.0), held: Some(held) })
    }
}

impl Share {
    /// Takes what is missing up to so many bytes, and waits a little where others have it.
    ///
    /// # Errors
    /// [`Problem::Overloaded`] if it does not become free.
    pub(super) async fn grow_to(&mut self, bytes: usize) -> Result<(), Problem> {
        let held = self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = u32::try_from(bytes.saturating_sub(held)).map_err(|_| Problem::Overloaded)?;
        if missing == 0 {
            return Ok(());
        }
        let wait = tokio::time::timeout(PATIENCE, self.budget.clone().acquire_many_owned(missing));
        let Ok(Ok(more)) = wait.await else { return Err(Problem::Overloaded) };
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_budget_gives_what_it_has_and_not_one_byte_more_and_takes_it_back() {
        let budget = Budget::new(100);
        let (mut first, mut second) = (budget.share(), budget.share());
        assert_eq!(first.grow_to(60).await, Ok(()));
        assert_eq!(first.grow_to(40).await, Ok(()), "it has that already");
        assert_eq!(second.grow_to(41).await, Err(Problem::Overloaded));
        assert_eq!(second.grow_to(40).await, Ok(()));
        assert!(budget.try_share(1).is_none());
        drop(first);
        assert_eq!(second.grow_to(99).await, Ok(()));
        assert!(budget.try_share(1).is_some());
        assert_eq!(second.grow_to(101).await, Err(Problem::Overloaded), "more than there is");
    }

    #[tokio::test]
    async fn a_body_waits_a_little_for_what_another_gives_back() {
        let budget = Budget::new(100);
        let (first, mut second) = (budget.try_share(100), budget.share());
        let give_back = async {
            tokio::time::sleep(PATIENCE / 2).await;
            drop(first);
        };
        assert_eq!(tokio::join!(second.grow_to(100), give_back).0, Ok(()));
    }
}
