//! From how a run ended to the event's next state.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use serde_json::Value;

use super::{
    blocks,
    dispatcher::Dispatcher,
    end::{Counts, DATA_REFUSED, End, Ran},
    retry::{jittered, pause},
};
use crate::{
    clock::Millis,
    config::BeforePromotion,
    event::{EventKind, Status, status_unless_admitted},
    store::{Claimed, Lease, Settlement, StoreError},
    sync::{Duplicate, Question},
    telemetry::metrics,
};

/// The pause after a failure that does not count, where the schedule has no entry.
const UNCOUNTED_PAUSE: Duration = Duration::from_secs(5);

impl Dispatcher {
    /// Writes a run's end into the ledger.
    pub(super) async fn settle(&self, claimed: &Claimed, lease: Lease, end: End, ran: Ran) {
        if !matches!(end, End::Wait) {
            self.waits.forget(&claimed.event.id);
        }
        let settlement = match self.settlement(claimed, end, ran.begun).await {
            Ok(settlement) => settlement,
            Err(reason) => {
                tracing::warn!(event.id = %lease.event_id, %reason, "the run was abandoned; the event goes on when its lease is over");
                self.suspects.note_abandoned(&lease.event_id);
                return;
            }
        };
        let mut settlement = settlement;
        settlement.last.calls.extend(ran.calls);
        (settlement.passed, settlement.came_on) = (ran.passed, ran.came_on);
        let (blocked, passed) = (settlement.blocked.clone(), settlement.passed.clone());
        let mut told = Told::of(&settlement);
        let is_in_erp = settlement.status == Status::Succeeded;
        let mut settled = self.parts.store.settle(lease.clone(), settlement).await;
        if let Err(error @ StoreError::Data(_)) = &settled {
            // What the run brought cannot be written; that it ended can.
            let bare = Settlement::to(Status::Dead).because(DATA_REFUSED, error.to_string());
            told = Told::of(&bare);
            settled = self.parts.store.settle(lease, bare).await;
        }
        match settled {
            Ok(settled) => {
                log(claimed, &told);
                if is_in_erp {
                    let took = self.parts.clock.now().since(claimed.event.received_at);
                    metrics::event_arrived(EventKind::label(&claimed.event.kind), took);
                }
                blocks::log(settled, blocked.as_ref(), passed.as_deref());
            }
            Err(StoreError::LeaseLost) => {
                tracing::warn!(event.id = %claimed.event.id, "the lease was lost to another worker, which goes on with the event");
            }
            Err(error) => {
                tracing::error!(event.id = %claimed.event.id, %error, "the run's end could not be written; the event goes on when its lease is over");
                self.suspects.note_abandoned(&claimed.event.id);
            }
        }
    }

    async fn settlement(&self, claimed: &Claimed, end: End, begun: Millis) -> Result<Settlement, String> {
        let now = self.parts.clock.now();
        let again_at = |at| Settlement { next_attempt_at: Some(at), ..Settlement::to(Status::Queued) };
        Ok(match end {
            End::Succeeded(last) => Settlement::succeeded(*last),
            // Placed by its order of acceptance, it comes behind the older messages that the link released.
            End::GiveWay(last) => Settlement { last: *last, ..again_at(now) },
            End::Again => again_at(now),
            End::Wait => again_at(now.plus(self.waits.next(&claimed.event.id))),
            End::LookAgain(at, why) => {
                again_at(now.plus(at.since(now).min(self.uncounted_pause()))).because(LOOKING, why)
            }
            End::Hold => self.hold(claimed, now),
            End::NotAdmitted(decision) => Settlement {
                admission: Some(serde_json::json!(decision)),
                replan: true,
                ..Settlement::to(claimed.event.kind.parse().map_or(Status::NotAdmitted, status_unless_admitted))
            },
            End::Retry { code, error, counts } => {
                let again = if self.counts(counts, code, claimed, begun).await {
                    self.again_or_dead(claimed, now)
                } else {
                    again_at(now.plus(jittered(self.uncounted_pause(), spread(claimed))))
                };
                again.because(code, error)
            }
            End::Blocked(fault) => {
                let (code, words) = (fault.cause.as_str(), fault.to_string());
                match self.block(claimed, &fault) {
                    Some(block) => Settlement { blocked: Some(block), ..Settlement::to(Status::Queued) },
                    None => self.again_or_dead(claimed, now),
                }
                .because(code, words)
            }
            End::PlanAnew { code, error } if !is_repeated(claimed, code) => {
                Settlement { replan: true, ..self.again_or_dead(claimed, now) }.because(code, error)
            }
            // What failed as before, planned anew, fails for good.
            End::PlanAnew { code, error } | End::Dead { code, error } => {
                Settlement { replan: true, ..Settlement::to(Status::Dead) }.because(code, error)
            }
            // The run has looked once more already.
            End::Duplicate(Duplicate { words, .. }) => {
                let question = Question::Duplicate { words, candidates: Vec::new() };
                review(question.code(), question.words(), question.facts())
            }
            End::Review { code, error, facts } => review(code, error, facts),
            End::Abandon(reason) => return Err(reason),
        })
    }

    /// Whether a failed try counts. The first failure may be the beginning of an outage; the same one again while the ERP
    /// answers is the event's own.
    async fn counts(&self, counts: Counts, code: &str, claimed: &Claimed, begun: Millis) -> bool {
        match counts {
            Counts::Yes => true,
            Counts::No => false,
            // Between two tries it may have waited to see whether the first one took effect.
            Counts::UnlessOutage if !is_repeated(claimed, code) && !is_repeated(claimed, LOOKING) => false,
            // Where nothing else is going on, one cheap call tells.
            Counts::UnlessOutage => self.health.breaker.answered_since(begun) || self.erp_answers().await,
        }
    }

    /// Asks the ERP for something cheap, unless the circuit will.
    async fn erp_answers(&self) -> bool {
        self.circuit_closed() && self.parts.engine.ping().await.is_ok()
    }

    /// A message whose turn came before its contact is linked.
    fn hold(&self, claimed: &Claimed, now: Millis) -> Settlement {
        let is_message = claimed.event.kind == EventKind::MessageLogged.as_str();
        if !is_message || self.parts.messages.before_promotion == BeforePromotion::Ignore {
            return Settlement::to(Status::Dead)
                .because("not_linked", "联系人尚未关联 ERP 客户 (the contact is not linked)");
        }
        let until = claimed.event.received_at.plus(self.parts.messages.hold_for).max(now);
        Settlement { next_attempt_at: Some(until), ..Settlement::to(Status::Held) }
    }

    /// After a failure that counts: the next try at its time, or the end where the budget is used up.
    fn again_or_dead(&self, claimed: &Claimed, now: Millis) -> Settlement {
        match pause(&self.parts.retry.schedule, claimed.event.attempts + 1, spread(claimed)) {
            Some(pause) => {
                Settlement { counts: true, next_attempt_at: Some(now.plus(pause)), ..Settlement::to(Status::Queued) }
            }
            None => Settlement { counts: true, ..Settlement::to(Status::Dead) },
        }
    }

    fn uncounted_pause(&self) -> Duration {
        self.parts.retry.schedule.first().copied().unwrap_or(UNCOUNTED_PAUSE)
    }
}

/// Only a person can decide.
fn review(code: &'static str, error: String, facts: Value) -> Settlement {
    Settlement { review: Some(facts), ..Settlement::to(Status::NeedsReview) }.because(code, error)
}

/// The code of an event whose run met a login that the ERP refuses.
const LOGIN_REFUSED: &str = "login_refused";

/// The code of an event that waits until a call without an answer can have no effect any more.
const LOOKING: &str = "looking";

/// Whether the event's last run failed in the same way.
fn is_repeated(claimed: &Claimed, code: &str) -> bool {
    claimed.event.error_code.as_deref() == Some(code)
}

/// Where in its pause's jitter an event lies, 0 to 1: drawn from the event, so that events spread and a run of the tests
/// can be repeated.
fn spread(claimed: &Claimed) -> f64 {
    let mut hasher = DefaultHasher::new();
    (&claimed.event.contact_id, claimed.event.seq, claimed.event.attempts).hash(&mut hasher);
    (hasher.finish() % 1_000) as f64 / 1_000.0
}

/// What the log says of a run's end.
struct Told {
    status: Status,
    code: String,
    is_blocked: bool,
}

impl Told {
    fn of(settlement: &Settlement) -> Self {
        let code = settlement.error_code.clone().unwrap_or_default();
        Self { status: settlement.status, code, is_blocked: settlement.blocked.is_some() }
    }
}

/// One readable line a run, once its end is written.
fn log(claimed: &Claimed, told: &Told) {
    let event = &claimed.event;
    let contact = event.contact_id.as_deref().unwrap_or_default();
    let code = told.code.as_str();
    match told.status {
        Status::Dead | Status::NeedsReview => {
            tracing::error!(event.id = %event.id, event.kind = %event.kind, contact.id = contact, status = %told.status, code, "an event needs a person");
        }
        // What keeps many events has its line where it was met.
        Status::Queued if told.is_blocked || code == LOGIN_REFUSED => {
            tracing::debug!(event.id = %event.id, event.kind = %event.kind, contact.id = contact, code, "an event waits for the installation");
        }
        Status::Queued if !code.is_empty() => {
            tracing::warn!(event.id = %event.id, event.kind = %event.kind, contact.id = contact, code, attempts = event.attempts, "an event is tried again later");
        }
        status => {
            tracing::info!(event.id = %event.id, event.kind = %event.kind, contact.id = contact, %status, "an event was run");
        }
    }
}
