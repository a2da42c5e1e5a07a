//! What is read from the ERP once and believed for a while, and read by one caller while the others wait.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{Account, Choice, ChoiceField, ErpError, Installation};
use crate::clock::Millis;

/// How long a closed progress list is believed to stay closed.
const CLOSED_MAX_AGE: Duration = Duration::from_secs(600);

/// How long a progress list answers nothing readable before it may count as closed: longer than an ERP takes to start.
const GARBLED_MIN_AGE: Duration = Duration::from_secs(60);

/// Effects of which only an installation's own behaviour tells whether it shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// 客户指派 in `catename` of 客户列表, whose meaning is assumed (`erp-wire.md §3`).
    Assignment,
    /// 开放给所有人 as an empty `catename`: an installation may keep the last name there, or have a word for it.
    Opening,
    /// 跟进程度 in 客户详情, where the tree may be called otherwise than 客户修改 takes it.
    Stage,
}

impl Shown {
    /// What the ledger calls it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Assignment => "assignment",
            Self::Opening => "opening",
            Self::Stage => "stage",
        }
    }
}

/// What was seen of the lists of progress records.
#[derive(Default)]
struct ProgressSeen {
    /// Whether one was ever read.
    is_readable: bool,
    /// The first customer whose list was refused.
    refused: Option<i64>,
}

/// Everything that the clones of one client remember together.
#[derive(Default)]
pub(super) struct Caches {
    choices: Mutex<HashMap<ChoiceField, Arc<Cached<Vec<Choice>>>>>,
    accounts: Mutex<Arc<Cached<Vec<Account>>>>,
    /// Whether 客户池 and 待审核 hold anybody, by `stype`.
    places: Mutex<HashMap<i64, Arc<Cached<bool>>>>,
    progress_closed: Mutex<Option<(Millis, String)>>,
    progress_garbled_since: Mutex<Option<Millis>>,
    progress_seen: Mutex<ProgressSeen>,
    shown: [AtomicBool; 3],
    /// Fields of 客户修改 that 客户详情 showed: an installation may not take each by this interface.
    edits_shown: Mutex<BTreeSet<String>>,
    installation: Mutex<Arc<Installation>>,
}

impl Caches {
    /// The cache of one field's choices.
    pub(super) fn choices(&self, field: ChoiceField) -> Arc<Cached<Vec<Choice>>> {
        Arc::clone(self.choices.lock().unwrap_or_else(PoisonError::into_inner).entry(field).or_default())
    }

    /// The cache of the accounts.
    pub(super) fn accounts(&self) -> Arc<Cached<Vec<Account>>> {
        Arc::clone(&self.accounts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether one of the lists beside that of ordinary customers holds anybody.
    pub(super) fn place(&self, stype: i64) -> Arc<Cached<bool>> {
        Arc::clone(self.places.lock().unwrap_or_else(PoisonError::into_inner).entry(stype).or_default())
    }

    /// Somebody was brought from one list to another.
    pub(super) fn forget_places(&self) {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Believes no choice, no account and no closed or empty list any more; who is reading one goes on.
    pub(super) fn forget_installation(&self) {
        self.forget_places();
        self.choices.lock().unwrap_or_else(PoisonError::into_inner).clear();
        *self.accounts.lock().unwrap_or_else(PoisonError::into_inner) = Arc::default();
        *self.progress_closed.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *self.progress_seen.lock().unwrap_or_else(PoisonError::into_inner) = ProgressSeen::default();
    }

    /// The ERP's words, if it said within the last ten minutes that the progress list is closed.
    pub(super) fn progress_closed(&self, now: Millis) -> Option<String> {
        let closed = self.progress_closed.lock().unwrap_or_else(PoisonError::into_inner);
        closed.as_ref().filter(|(at, _)| now.since(*at) < CLOSED_MAX_AGE).map(|(_, words)| words.clone())
    }

    /// Remembers that the progress list is closed.
    pub(super) fn set_progress_closed(&self, now: Millis, words: &str) {
        *self.progress_closed.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, words.to_owned()));
    }

    /// The progress list could not be read; answers whether it has not been readable for [`GARBLED_MIN_AGE`].
    pub(super) fn progress_garbled(&self, now: Millis) -> bool {
        let mut since = self.progress_garbled_since.lock().unwrap_or_else(PoisonError::into_inner);
        now.since(*since.get_or_insert(now)) >= GARBLED_MIN_AGE
    }

    /// The progress list could be read.
    pub(super) fn progress_readable(&self) {
        *self.progress_garbled_since.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.progress_seen.lock().unwrap_or_else(PoisonError::into_inner).is_readable = true;
    }

    /// Whether any customer's progress list could ever be read.
    pub(super) fn was_progress_read(&self) -> bool {
        self.progress_seen.lock().unwrap_or_else(PoisonError::into_inner).is_readable
    }

    /// The progress list of a customer that is there was refused; answers whether another one's was, too, and none could
    /// ever be read.
    pub(super) fn is_refused_to_all(&self, ord: i64) -> bool {
        let mut seen = self.progress_seen.lock().unwrap_or_else(PoisonError::into_inner);
        !seen.is_readable && *seen.refused.get_or_insert(ord) != ord
    }

    /// What a survey saw.
    pub(super) fn installation(&self) -> Arc<Installation> {
        Arc::clone(&self.installation.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes what another survey saw.
    pub(super) fn believe(&self, seen: Installation) {
        *self.installation.lock().unwrap_or_else(PoisonError::into_inner) = seen.into();
    }

    /// The fields of 客户修改 that were ever seen to be filled in by it.
    pub(super) fn edits_shown(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.edits_shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an effect of this kind was ever seen.
    pub(super) fn shown(&self, effect: Shown) -> &AtomicBool {
        &self.shown[effect as usize]
    }
}

/// One value with its age.
pub(super) struct Cached<T> {
    attempts: AtomicU64,
    slot: tokio::sync::Mutex<Slot<T>>,
}

struct Slot<T> {
    value: Option<(Millis, Arc<T>)>,
    failure: Option<ErpError>,
}

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self { attempts: AtomicU64::new(0), slot: tokio::sync::Mutex::new(Slot { value: None, failure: None }) }
    }
}

impl<T> Cached<T> {
    /// The value, read with `fetch` if it is older than `max_age`. Callers that waited while another one's reading
    /// failed get its failure: an outage must not be asked about once by each of them, one after the other.
    pub(super) async fn get<L>(
        &self,
        now: Millis,
        max_age: Duration,
        fetch: impl FnOnce() -> L,
    ) -> Result<Arc<T>, ErpError>
    where
        L: Future<Output = Result<T, ErpError>> + Send,
    {
        let attempts_before = self.attempts.load(Ordering::SeqCst);
        let mut slot = self.slot.lock().await;
        if let Some((at, value)) = &slot.value
            && now.since(*at) < max_age
        {
            return Ok(Arc::clone(value));
        }
        if let Some(failure) = &slot.failure
            && self.attempts.load(Ordering::SeqCst) != attempts_before
        {
            return Err(failure.clone());
        }
        let read = fetch().await;
        self.attempts.fetch_add(1, Ordering::SeqCst);
        match read {
            Ok(value) => {
                let value = Arc::new(value);
                *slot = Slot { value: Some((now, Arc::clone(&value))), failure: None };
                Ok(value)
            }
            Err(error) => {
                slot.failure = Some(error.clone());
                Err(error)
            }
        }
    }
}
