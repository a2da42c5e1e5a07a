//! Where an accepted event starts (`contract.md` §2): what its type, the rules and the configuration say, and what the
//! ledger knows of its contact at the moment in which it is committed.

use super::{Assessment, Decision, Event, EventKind, Rules, Standing, Status, Thread};
use crate::{
    clock::Millis,
    config::{BeforePromotion, MessagesConfig},
};

/// How an event asks to be taken in.
#[derive(Debug, Clone)]
pub enum Intake {
    /// In its contact's turn, whatever is known of the contact: an order.
    Queue,
    /// Stored and left alone: a type that nobody handles.
    Ignored,
    /// As the rules and the contact's standing decide.
    Judged(Box<Application>),
}

/// What is judged of an event once its contact's standing is known.
#[derive(Debug, Clone)]
pub struct Application {
    kind: EventKind,
    assessment: Assessment,
    score: Option<f64>,
    is_forced: bool,
    names_customer: bool,
    messages: MessagesConfig,
}

/// Where an event starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Its first state.
    pub status: Status,
    /// When something happens to it by itself: its turn may come, or its holding time ends.
    pub next_attempt_at: Option<Millis>,
    /// The admission decision, if one was made.
    pub decision: Option<Decision>,
}

impl Intake {
    /// An event of the platform, or an operator's manual trigger, which may skip admission by force.
    pub fn judged(rules: &Rules, event: &Event, messages: &MessagesConfig, is_forced: bool) -> Self {
        Self::Judged(Box::new(Application {
            kind: event.kind(),
            assessment: rules.assess(event),
            score: event.thread().and_then(Thread::score),
            is_forced,
            names_customer: event.contact().erp().is_some(),
            messages: messages.clone(),
        }))
    }

    /// Where the event starts if it is committed now and its contact stands so.
    pub fn start(&self, standing: &Standing, now: Millis) -> Start {
        let (status, hold_until, decision) = match self {
            Self::Queue => (Status::Queued, None, None),
            Self::Ignored => (Status::Ignored, None, None),
            Self::Judged(application) => {
                let decision = application.assessment.decide(standing);
                let admitted = decision.admitted || application.is_forced;
                (application.first_status(admitted, standing), application.hold_until(now), Some(decision))
            }
        };
        let next_attempt_at = match status {
            Status::Queued => Some(now),
            Status::Held => hold_until,
            _ => None,
        };
        Start { status, next_attempt_at, decision }
    }

    /// Whether its start depends on the contact's link or turn.
    pub fn asks_for_link(&self) -> bool {
        let Self::Judged(application) = self else { return false };
        application.assessment.is_open()
            || application.kind == EventKind::MessageLogged
            || !application.assessment.decide(&Standing::default()).admitted
    }

    /// Whether its start depends on what earlier events said of the contact.
    pub fn asks_for_facts(&self) -> bool {
        matches!(self, Self::Judged(application) if application.assessment.is_open())
    }

    /// Whether its start can depend on another event that is committed with it: on what that one says, or on its turn.
    pub fn hangs_on_others(&self) -> bool {
        let Self::Judged(application) = self else { return false };
        self.asks_for_facts() || application.kind != EventKind::MessageLogged && self.asks_for_link()
    }

    /// The score that it brings, which the contact's later events are judged by if they bring none.
    pub fn score(&self) -> Option<f64> {
        if let Self::Judged(application) = self { application.score } else { None }
    }

    /// Whether it is a closed deal.
    pub fn is_deal(&self) -> bool {
        matches!(self, Self::Judged(application) if application.kind == EventKind::DealClosed)
    }
}

impl Application {
    fn first_status(&self, admitted: bool, standing: &Standing) -> Status {
        match self.kind {
            EventKind::MessageLogged if admitted && !standing.linked => match self.messages.before_promotion {
                // Whether the customer that it names holds the worker finds out.
                BeforePromotion::Hold if self.names_customer => Status::Queued,
                // Its link was undone: whose customer it is is looked up anew.
                BeforePromotion::Hold if standing.was_unlinked => Status::Queued,
                BeforePromotion::Hold => Status::Held,
                BeforePromotion::Ignore => Status::Ignored,
            },
            _ if admitted => Status::Queued,
            // Whoever is a customer already need not be admitted again; of whoever may be one soon, the worker decides.
            EventKind::DealClosed | EventKind::SyncRequested if standing.linked || standing.in_turn => Status::Queued,
            kind => status_unless_admitted(kind),
        }
    }

    /// A message waits for its time; a deal waits for as long as it takes.
    fn hold_until(&self, now: Millis) -> Option<Millis> {
        (self.kind == EventKind::MessageLogged).then(|| now.plus(self.messages.hold_for))
    }
}

/// Where an event ends up whose contact is not admitted: a deal is held, and follows the contact into the ERP should it be
/// admitted by another event, for it must never be lost to the ERP.
pub const fn status_unless_admitted(kind: EventKind) -> Status {
    match kind {
        EventKind::DealClosed => Status::Held,
        _ => Status::NotAdmitted,
    }
}

#[cfg(test)]
#[path = "intake_tests.rs"]
mod tests;
