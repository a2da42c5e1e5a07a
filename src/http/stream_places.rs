//! The places for open streams: a bound on all, and a share for each token.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many streams may be open at once …
const ALL: usize = 256;
/// … and how many with one token.
const PER_TOKEN: usize = 64;

/// The places.
#[derive(Debug)]
pub(super) struct StreamPlaces {
    all: Arc<Semaphore>,
    /// By the token's name: as many as were ever configured.
    by_token: Mutex<HashMap<Arc<str>, Arc<Semaphore>>>,
}

/// A stream's place; free again when it is dropped.
#[derive(Debug)]
pub(super) struct StreamPlace {
    _of_all: OwnedSemaphorePermit,
    _of_token: OwnedSemaphorePermit,
}

impl Default for StreamPlaces {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(ALL)), by_token: Mutex::default() }
    }
}

impl StreamPlaces {
    /// A place for a stream of this token, if it has one left.
    pub(super) fn take(&self, token: &Arc<str>) -> Option<StreamPlace> {
        let mut by_token = self.by_token.lock().unwrap_or_else(PoisonError::into_inner);
        let own = by_token.entry(Arc::clone(token)).or_insert_with(|| Arc::new(Semaphore::new(PER_TOKEN)));
        let of_token = own.clone().try_acquire_owned().ok()?;
        let of_all = self.all.clone().try_acquire_owned().ok()?;
        Some(StreamPlace { _of_all: of_all, _of_token: of_token })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_its_share_and_all_together_no_more_than_there_are() {
        let places = StreamPlaces::default();
        let take = |token: usize| places.take(&token.to_string().into());
        let mut held = Vec::new();
        for token in 0..ALL / PER_TOKEN {
            held.extend((0..PER_TOKEN).map(|_| take(token).unwrap()));
            assert!(take(token).is_none(), "not one more");
        }
        assert!(take(1_000).is_none(), "all are taken");
        held.pop();
        assert!(take(1_000).is_some());
    }
}
