//! What the door needs of the rest of the house: given by `app.rs` once, shared by every request.

use std::{fmt, future::Future, ops::Deref, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

use super::{
    adopted::AdoptedContact,
    budget::Budget,
    checked::{CheckRow, LastCheck},
    keys::Keyring,
    looks::Looks,
    problem::Problem,
    rates::RateLimits,
    stream_places::StreamPlaces,
    trace::AcceptMetrics,
};
use crate::{
    clock::{Clock, Millis},
    config::{MessagesConfig, Settings},
    event::{Candidate, Event, Link, Reading, Rules, cause},
    store::{Actor, Store, StoreError},
    telemetry::traces::Traces,
};

/// Plans an event with the ERP's reads and none of its writes; implemented by `app.rs` with `sync`.
pub trait Previewer: Send + Sync {
    /// The plan, as JSON: what the contact would be matched with, every step and call with its fields. By force the rules are
    /// not asked.
    fn preview(&self, event: Event, force: bool) -> BoxFuture<'_, Result<Value, PreviewError>>;
    /// The ERP's names of the fields that a link of the event's contact to this customer would fill in, if they are empty there;
    /// `None` of a message, which says nothing of its contact. The ERP is not asked.
    fn filled_by_link(&self, event: &Event, candidate: &Candidate) -> Option<Vec<String>>;
}

/// Looks contacts up in the ERP and links those that are customers already; implemented by `app.rs` with `sync`.
pub trait Adopter: Send + Sync {
    /// What becomes of each contact, in their order; nothing is written without `apply`. It goes on with what it has begun
    /// even if nobody waits for it.
    fn adopt(
        &self,
        contacts: Vec<Value>,
        apply: bool,
        actor: Actor,
    ) -> BoxFuture<'_, Result<Vec<AdoptedContact>, PreviewError>>;
}

/// Tries what can fail later, by reads alone; implemented by `app.rs`.
pub trait Checker: Send + Sync {
    /// What holds and what does not.
    fn check(&self) -> BoxFuture<'_, Vec<CheckRow>>;
    /// The people whom a customer can be given to (账号列表 without closed accounts), as the ERP told a while ago at most.
    fn salespeople(&self) -> BoxFuture<'_, Result<Vec<Salesperson>, PreviewError>>;
    /// What the ERP holds of a linked customer now (客户详情), in its order.
    fn customer(&self, link: Link) -> BoxFuture<'_, Result<Vec<CustomerField>, PreviewError>>;
    /// Sends every target of alerts a test message.
    fn try_alerts(&self) -> BoxFuture<'_, Vec<TriedTarget>>;
}

/// What a target of alerts said to a test message.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct TriedTarget {
    /// `wecom`, `dingtalk`, `feishu` or `webhook`.
    #[schema(value_type = String, examples("wecom"))]
    pub kind: &'static str,
    /// Where it is, without its key.
    pub host: String,
    /// Whether it took the message.
    pub ok: bool,
    /// Why it did not; null if it did.
    pub refusal: Option<String>,
}

/// A field of a customer as the ERP answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerField {
    /// The ERP's name of it.
    pub id: String,
    /// The stored value; of a choice its id.
    pub value: String,
    /// What a person sees.
    pub shown: String,
}

/// Somebody whom a customer can be given to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salesperson {
    /// The id that 客户指派 takes.
    pub id: String,
    /// The name, or else what the person logs in with.
    pub name: String,
    /// The department; empty if the ERP names none.
    pub department: String,
}

/// Why there is no preview.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// The ERP could not be asked; in words without personal data.
    #[error("the ERP could not be asked: {0}")]
    Erp(String),
    /// The ledger could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the door may know of the dispatch to the ERP, and the one thing it may ask of it; implemented by `app.rs`.
pub trait DispatchFacts: Send + Sync {
    /// How dispatch stands.
    fn facts(&self) -> Dispatch;
    /// Since when it is logged in to the ERP; `None` if the next call has to log in.
    fn logged_in_since(&self) -> Option<Millis>;
    /// Forgets a refused login, so that dispatch tries again, and has every block tried at once; it has happened when this returns.
    fn resume(&self) -> BoxFuture<'static, ()>;
}

/// How dispatch to the ERP stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Dispatch {
    /// `closed` (working) or `open` (the ERP is away; one cheap call after each pause decides), by the newest call of any replica.
    #[schema(value_type = String, examples("closed"))]
    pub circuit: &'static str,
    /// Why nothing is dispatched: `paused`, `quiet_hours`, `login_refused` or `circuit_open`; null while it is.
    #[schema(value_type = Option<String>, examples("login_refused"))]
    pub paused: Option<&'static str>,
    /// The same in words, the ERP's own among them; for `operate` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub words: Option<String>,
    /// What operators have paused: `all`, `type`, `contact`; `GET /v1/stats` has each pause.
    #[schema(value_type = Vec<String>, examples(json!(["type"])))]
    pub pauses: Vec<&'static str>,
    /// What is wrong with the installation, by its codes: events that need it wait, the others go on.
    #[schema(value_type = Vec<String>, examples(json!(["choice_missing"])))]
    pub blocks: Vec<String>,
    /// What to do about each of them; `GET /v1/stats` says which choice, right or account it is.
    pub block_hints: Vec<BlockHint>,
    /// Events that workers have in hand.
    pub in_flight: usize,
    /// How many they may have in hand.
    pub limit: usize,
}

/// What to do about something that is wrong with the installation.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct BlockHint {
    /// One of `blocks`.
    #[schema(examples("choice_missing"))]
    pub code: String,
    /// What a person can do, Chinese first.
    pub hint: String,
}

impl BlockHint {
    /// What the bridge says of a code in general: nothing of the installation.
    pub fn of(code: &str) -> Self {
        Self { code: code.to_owned(), hint: cause(code).hint().to_string() }
    }
}

impl Dispatch {
    /// Without the words: they repeat what the ERP said.
    #[must_use]
    pub fn wordless(self) -> Self {
        Self { words: None, ..self }
    }
}

/// Writes the metrics in Prometheus' text form.
pub type MetricsText = Arc<dyn Fn() -> String + Send + Sync>;

/// The parts that `app.rs` gives.
pub struct HttpParts {
    /// The ledger.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// Admission (准入条件), replaced on SIGHUP.
    pub rules: watch::Receiver<Rules>,
    /// What happens to messages of contacts that are not linked.
    pub messages: MessagesConfig,
    /// Secrets and tokens, replaced on SIGHUP.
    pub keys: Arc<Keyring>,
    /// Largest body in bytes.
    pub body_limit: u64,
    /// What all bodies may take of the memory beyond what their connections have, in bytes.
    pub long_bodies_memory: u64,
    /// How long a body may take to arrive.
    pub read_timeout: Duration,
    /// How far a sender's clock may be off.
    pub tolerance: Duration,
    /// How bodies are read.
    pub reading: Reading,
    /// A sender that is silent for longer shows in the statistics; zero turns it off.
    pub silence_after: Duration,
    /// Rate limits.
    pub limits: RateLimits,
    /// Plans events for `/v1/preview`.
    pub previewer: Arc<dyn Previewer>,
    /// Adopts contacts for `/v1/contacts/adopt`.
    pub adopter: Arc<dyn Adopter>,
    /// Tries the installation for the console.
    pub checker: Arc<dyn Checker>,
    /// Every key of the configuration as it is in force.
    pub settings: watch::Receiver<Settings>,
    /// How long an event that ended is kept; its payload half as long.
    pub succeeded_kept: Duration,
    /// How long what waits for the ERP's settings rests before its first try, where nothing hurries it.
    pub block_pause: Duration,
    /// How dispatch stands.
    pub dispatch: Arc<dyn DispatchFacts>,
    /// `GET /metrics`.
    pub metrics: MetricsText,
    /// Cancelled when the bridge begins to stop: no new events are taken, streams end.
    pub stop: CancellationToken,
    /// What is done for events, shown to a collector.
    pub traces: Traces,
}

impl fmt::Debug for HttpParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpParts").finish_non_exhaustive()
    }
}

/// The state of every handler. Cheap to clone.
#[derive(Debug, Clone)]
pub struct HttpState(Arc<Shared>);

/// What is behind a [`HttpState`].
#[derive(Debug)]
struct Shared {
    parts: HttpParts,
    memory: Budget,
    streams: StreamPlaces,
    looks: Looks,
    last_check: LastCheck,
    sign_outs: watch::Sender<()>,
    tasks: TaskTracker,
    accepts: AcceptMetrics,
}

impl HttpState {
    /// A door of these parts.
    pub fn new(parts: HttpParts) -> Self {
        let memory = Budget::new(parts.long_bodies_memory);
        let (streams, looks, last_check) = (StreamPlaces::default(), Looks::default(), LastCheck::default());
        let (sign_outs, tasks, accepts) = (watch::Sender::new(()), TaskTracker::new(), AcceptMetrics::new());
        Self(Arc::new(Shared { parts, memory, streams, looks, last_check, sign_outs, tasks, accepts }))
    }

    /// Runs a write of the ledger in a task of its own, so that a client that goes away cannot cut a transaction in half.
    pub(crate) async fn undisturbed<T, E, F>(&self, write: F) -> Result<T, Problem>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Into<Problem> + Send + 'static,
    {
        match self.0.tasks.spawn(write.in_current_span()).await {
            Ok(done) => done.map_err(Into::into),
            Err(error) => {
                tracing::error!(%error, "a write of the ledger did not end");
                Err(Problem::Internal)
            }
        }
    }

    /// Waits until the writes that requests began have ended; called once no more requests come.
    pub async fn finished(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}

impl Deref for HttpState {
    type Target = HttpParts;

    fn deref(&self) -> &HttpParts {
        &self.0.parts
    }
}

impl HttpState {
    /// The memory that longer bodies share.
    pub(super) fn memory(&self) -> &Budget {
        &self.0.memory
    }

    /// The metrics of accepted webhooks.
    pub(super) fn accepts(&self) -> &AcceptMetrics {
        &self.0.accepts
    }

    /// Who has looked at which event of late.
    pub(super) fn looks(&self) -> &Looks {
        &self.0.looks
    }

    /// What a check found last.
    pub(super) fn last_check(&self) -> &LastCheck {
        &self.0.last_check
    }

    /// Told whenever somebody signs out of the console here.
    pub(crate) fn sign_outs(&self) -> &watch::Sender<()> {
        &self.0.sign_outs
    }

    /// The places for open streams.
    pub(super) fn streams(&self) -> &StreamPlaces {
        &self.0.streams
    }
}
