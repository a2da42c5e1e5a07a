//! Where an accepted event starts (`contract.md` §2): what its type, the admission decision and the configuration say, and
//! then what the ledger knows of its contact at the moment in which it is committed.

use super::{EventKind, Status};
use crate::{
    clock::Millis,
    config::{BeforePromotion, MessagesConfig},
};

/// Where an accepted event starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intake {
    /// In its contact's turn.
    Queue,
    /// In the turn if the contact is linked, else held until the given moment.
    QueueIfLinkedElseHold(Millis),
    /// In the turn if the contact is linked, else ignored.
    QueueIfLinkedElseIgnore,
    /// In the turn if the contact is linked or has events in its turn (the worker decides again), else not admitted.
    QueueIfKnownElseNotAdmitted,
    /// Stored as not admitted.
    NotAdmitted,
    /// Stored as ignored.
    Ignored,
}

/// What the ledger knows of a contact as its event is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// It is linked to a customer.
    pub linked: bool,
    /// It has events in its turn.
    pub in_turn: bool,
}

impl Intake {
    /// Where an event of this type starts that the rules admit or not; a message may wait until `now` and `hold_for`.
    pub fn of(kind: EventKind, admitted: bool, messages: &MessagesConfig, now: Millis) -> Self {
        match kind {
            EventKind::MessageLogged if !admitted => Self::NotAdmitted,
            EventKind::MessageLogged => match messages.before_promotion {
                BeforePromotion::Hold => Self::QueueIfLinkedElseHold(now.plus(messages.hold_for)),
                BeforePromotion::Ignore => Self::QueueIfLinkedElseIgnore,
            },
            _ if admitted => Self::Queue,
            EventKind::ContactPromoted => Self::NotAdmitted,
            // Whoever is a customer already need not be admitted again.
            EventKind::DealClosed | EventKind::SyncRequested => Self::QueueIfKnownElseNotAdmitted,
            EventKind::ContactAssign
            | EventKind::ContactApply
            | EventKind::ContactApproval
            | EventKind::ContactTakeback => Self::Queue,
        }
    }

    /// The same for an event that names its contact's customer (`contact.erp`): whether that holds the worker finds out, so
    /// a message is not held before it is known.
    #[must_use]
    pub const fn naming_customer(self, is_named: bool) -> Self {
        match self {
            Self::QueueIfLinkedElseHold(_) if is_named => Self::Queue,
            other => other,
        }
    }

    /// Whether the first state depends on what the ledger knows.
    pub const fn asks_the_ledger(self) -> bool {
        match self {
            Self::Queue | Self::NotAdmitted | Self::Ignored => false,
            Self::QueueIfLinkedElseHold(_) | Self::QueueIfLinkedElseIgnore | Self::QueueIfKnownElseNotAdmitted => true,
        }
    }

    /// The event's first state.
    pub const fn first_status(self, standing: Standing) -> Status {
        match self {
            Self::Queue => Status::Queued,
            Self::QueueIfLinkedElseHold(_) if !standing.linked => Status::Held,
            Self::QueueIfLinkedElseIgnore if !standing.linked => Status::Ignored,
            Self::QueueIfKnownElseNotAdmitted if !standing.linked && !standing.in_turn => Status::NotAdmitted,
            Self::QueueIfLinkedElseHold(_) | Self::QueueIfLinkedElseIgnore | Self::QueueIfKnownElseNotAdmitted => {
                Status::Queued
            }
            Self::NotAdmitted => Status::NotAdmitted,
            Self::Ignored => Status::Ignored,
        }
    }

    /// When something happens to the event in its first state, accepted now, by itself: its turn may come, or its holding
    /// time ends.
    pub const fn next_attempt_at(self, first: Status, now: Millis) -> Option<Millis> {
        match (first, self) {
            (Status::Queued, _) => Some(now),
            (Status::Held, Self::QueueIfLinkedElseHold(until)) => Some(until),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_type_starts_where_the_contract_says() {
        let now = Millis(1_000);
        let hold = MessagesConfig { before_promotion: BeforePromotion::Hold, hold_for: Duration::from_secs(1) };
        let ignore = MessagesConfig { before_promotion: BeforePromotion::Ignore, ..hold.clone() };
        let table = [
            (EventKind::ContactPromoted, true, &hold, Intake::Queue),
            (EventKind::ContactPromoted, false, &hold, Intake::NotAdmitted),
            (EventKind::DealClosed, true, &hold, Intake::Queue),
            (EventKind::DealClosed, false, &hold, Intake::QueueIfKnownElseNotAdmitted),
            (EventKind::SyncRequested, true, &hold, Intake::Queue),
            (EventKind::SyncRequested, false, &hold, Intake::QueueIfKnownElseNotAdmitted),
            (EventKind::MessageLogged, true, &hold, Intake::QueueIfLinkedElseHold(Millis(2_000))),
            (EventKind::MessageLogged, true, &ignore, Intake::QueueIfLinkedElseIgnore),
            (EventKind::MessageLogged, false, &hold, Intake::NotAdmitted),
            (EventKind::ContactAssign, true, &ignore, Intake::Queue),
        ];
        for (kind, admitted, messages, expected) in table {
            assert_eq!(Intake::of(kind, admitted, messages, now), expected, "{kind:?} {admitted}");
        }
    }

    #[test]
    fn a_message_that_names_its_contacts_customer_is_not_held_at_the_door() {
        let held = Intake::QueueIfLinkedElseHold(Millis(9));
        assert_eq!([true, false].map(|is_named| held.naming_customer(is_named)), [Intake::Queue, held]);
        for other in [Intake::QueueIfLinkedElseIgnore, Intake::QueueIfKnownElseNotAdmitted, Intake::NotAdmitted] {
            assert_eq!(other.naming_customer(true), other);
        }
    }

    #[test]
    fn the_first_state_follows_from_what_the_ledger_knows_of_the_contact() {
        let (now, until) = (Millis(1), Millis(9));
        // Unknown, in its turn, linked.
        let standings = [(false, false), (false, true), (true, false)];
        let table = [
            (Intake::Queue, [Status::Queued; 3]),
            (Intake::QueueIfLinkedElseHold(until), [Status::Held, Status::Held, Status::Queued]),
            (Intake::QueueIfLinkedElseIgnore, [Status::Ignored, Status::Ignored, Status::Queued]),
            (Intake::QueueIfKnownElseNotAdmitted, [Status::NotAdmitted, Status::Queued, Status::Queued]),
            (Intake::NotAdmitted, [Status::NotAdmitted; 3]),
            (Intake::Ignored, [Status::Ignored; 3]),
        ];
        for (intake, expected) in table {
            let first = standings.map(|(linked, in_turn)| intake.first_status(Standing { linked, in_turn }));
            assert_eq!(first, expected, "{intake:?}");
            assert_eq!(intake.asks_the_ledger(), first.iter().any(|status| *status != first[0]), "{intake:?}");
            for status in first {
                let due = match status {
                    Status::Queued => Some(now),
                    Status::Held => Some(until),
                    _ => None,
                };
                assert_eq!(intake.next_attempt_at(status, now), due, "{intake:?} {status}");
            }
        }
    }
}
