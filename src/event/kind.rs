//! The types of work: four that webhooks bring (`contract.md` §1), four that the REST interface orders (§5).

use std::{fmt, str::FromStr};

use crate::telemetry::metrics::OTHER;

/// What an event or command is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// From the gray list to the white list: the contact becomes a customer.
    ContactPromoted,
    /// First deal (首次成交).
    DealClosed,
    /// A chat message, call or visit: a progress record (洽谈进展).
    MessageLogged,
    /// The manual trigger (手动触发).
    SyncRequested,
    /// 客户指派, ordered over the REST interface.
    ContactAssign,
    /// 客户申请, ordered over the REST interface.
    ContactApply,
    /// 客户审批, ordered over the REST interface.
    ContactApproval,
    /// 客户收回, ordered over the REST interface.
    ContactTakeback,
}

impl EventKind {
    /// Every kind: the webhook's four first, then the commands.
    pub const ALL: [Self; 8] = [
        Self::ContactPromoted,
        Self::DealClosed,
        Self::MessageLogged,
        Self::SyncRequested,
        Self::ContactAssign,
        Self::ContactApply,
        Self::ContactApproval,
        Self::ContactTakeback,
    ];

    /// The name in `type` and in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ContactPromoted => "contact.promoted",
            Self::DealClosed => "deal.closed",
            Self::MessageLogged => "message.logged",
            Self::SyncRequested => "sync.requested",
            Self::ContactAssign => "contact.assign",
            Self::ContactApply => "contact.apply",
            Self::ContactApproval => "contact.approval",
            Self::ContactTakeback => "contact.takeback",
        }
    }

    /// The type as a metric's label.
    pub fn label(name: &str) -> &'static str {
        name.parse().map_or(OTHER, Self::as_str)
    }

    /// Whether only the REST interface may order it; from a webhook such a type is one that nobody handles.
    pub const fn is_command(self) -> bool {
        matches!(self, Self::ContactAssign | Self::ContactApply | Self::ContactApproval | Self::ContactTakeback)
    }

    /// The kind of a webhook's `type`; `None` for whatever a webhook may not bring, commands included.
    pub fn of_webhook(name: &str) -> Option<Self> {
        name.parse().ok().filter(|kind: &Self| !kind.is_command())
    }

    /// Which members of `data` this kind reads besides `contact` and `sequence`; others are kept and not looked at.
    pub(super) const fn members(self) -> &'static [&'static str] {
        match self {
            Self::ContactPromoted | Self::MessageLogged => &["thread", "signal"],
            Self::DealClosed => &["thread", "signal", "deal"],
            Self::SyncRequested => &["thread", "signal", "requested_by"],
            _ => &[],
        }
    }

    /// The one member of `data` that this kind cannot do without, besides `contact`.
    pub(super) const fn required_member(self) -> Option<&'static str> {
        match self {
            Self::ContactPromoted => Some("thread"),
            Self::DealClosed => Some("deal"),
            Self::MessageLogged => Some("signal"),
            _ => None,
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text was no kind's name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such event type")]
pub struct UnknownKind;

impl FromStr for EventKind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or(UnknownKind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_back_from_its_name() {
        for kind in EventKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert_eq!("Contact.Promoted".parse::<EventKind>(), Err(UnknownKind));
    }

    #[test]
    fn a_webhook_cannot_bring_a_command() {
        let from_webhook = EventKind::ALL.map(|kind| EventKind::of_webhook(kind.as_str()).is_some());
        assert_eq!(from_webhook, [true, true, true, true, false, false, false, false]);
    }
}
