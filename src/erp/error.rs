//! What can go wrong with a call, named by what it means for the caller.

use super::{Fault, FaultCause, fault::value_subject, phrases::names_one_record, topics::speaks_of_duplicate};

/// What is said of logins that the ERP calls good, and that bring no session where calls demand one.
pub(super) const NO_SESSION: &str =
    "登录没有给出会话，而接口要求会话 (the login gives no session, and calls demand one; check erp.login_path)";

/// Why the ERP client could not be built: a sentence for whoever wrote the configuration.
#[derive(Debug, thiserror::Error)]
#[error("the ERP client cannot be built: {0}")]
pub struct BuildError(pub String);

/// Why a call to the ERP did not bring what was asked. Texts are the ERP's own words where it said any, entities
/// decoded; they never hold a password or a session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ErpError {
    /// The call never reached the ERP (no connection, name not found, login impossible just now): it had no effect and
    /// may be sent again.
    #[error("not delivered to the ERP: {0}")]
    NotDelivered(String),
    /// The worker's lease ended before the call was sent: it had no effect, and says nothing about the ERP.
    #[error("the lease is over; the call was not sent")]
    LeaseOver,
    /// The call was sent and nobody knows what it did. Look it up before sending it again; a pure read is just asked
    /// again.
    #[error("outcome unknown: {reason}")]
    OutcomeUnknown {
        /// What came instead of a readable answer.
        reason: String,
        /// `true`: a complete HTTP answer came (500, HTML, empty, garbled), so nothing can come late. `false`: a
        /// timeout or a cut line; the effect may still appear, see [`Erp::late_effect`](super::Erp::late_effect).
        answered: bool,
    },
    /// The session had expired and the renewed one was not taken either. The call had no effect.
    #[error("the ERP does not accept the session, not even after logging in again")]
    SessionExpired,
    /// The ERP refused the account, or did before and is not asked again. The call was not sent.
    #[error("the ERP refuses the login: {0}")]
    LoginRefused(String),
    /// The ERP understood the call and refused it, in its own words.
    #[error("refused by the ERP: {0}")]
    Refused(String),
    /// The installation is not as it should be; the call had no effect, or none that is certain ([`Fault::is_certain`]).
    #[error("{0}")]
    Installation(Fault),
    /// A display text is not among the choices of a field.
    #[error("ERP 的{field}中没有“{wanted}”，现有：{} (the ERP's {field} does not have it)", listed(available))]
    ChoiceMissing {
        /// The field, Chinese name first: `客户来源 (ly)`.
        field: String,
        /// The text looked for.
        wanted: String,
        /// The texts that there are.
        available: Vec<String>,
    },
    /// More pages or records than the client reads.
    #[error("too many: {0}")]
    TooMany(String),
    /// The call breaks a limit of the interface and was not sent.
    #[error("not a valid call: {0}")]
    Invalid(String),
}

fn listed(choices: &[String]) -> String {
    if choices.is_empty() { "无".to_owned() } else { choices.join("、") }
}

impl ErpError {
    /// A stable word for metrics, logs and the ledger.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotDelivered(_) => "not_delivered",
            Self::LeaseOver => "lease_over",
            Self::OutcomeUnknown { .. } => "outcome_unknown",
            Self::SessionExpired => "session_expired",
            Self::LoginRefused(_) => "login_refused",
            Self::Refused(_) => "refused",
            Self::Installation(fault) => fault.cause.as_str(),
            Self::ChoiceMissing { .. } => FaultCause::ChoiceMissing.as_str(),
            Self::TooMany(_) => "too_many",
            Self::Invalid(_) => "invalid",
        }
    }

    /// The ERP refused a save because it has the same already (查重).
    pub fn is_duplicate(&self) -> bool {
        matches!(self, Self::Refused(words) if speaks_of_duplicate(words))
    }

    /// The ERP could not be asked, or gave no readable answer: an outage, not a fault of the event. Opens the circuit.
    pub fn is_delivery_failure(&self) -> bool {
        matches!(self, Self::NotDelivered(_) | Self::OutcomeUnknown { .. })
    }

    /// The ERP lets the account in and gives no session, which its other interfaces demand: nothing is wrong with the credentials.
    pub fn is_without_session(&self) -> bool {
        matches!(self, Self::LoginRefused(words) if words == NO_SESSION)
    }

    /// What is wrong with the installation, if that is what the error says: any other event would meet it too.
    pub fn fault(&self) -> Option<Fault> {
        match self {
            Self::Installation(fault) => Some(fault.clone()),
            Self::ChoiceMissing { field, wanted, .. } => {
                Some(Fault::new(FaultCause::ChoiceMissing, value_subject(field, wanted), self.to_string()))
            }
            _ => None,
        }
    }

    /// Whether the ERP refused in words, which may be about the one record (it is another salesperson's) or the right.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Refused(_) => true,
            Self::Installation(fault) => matches!(fault.cause, FaultCause::RightMissing | FaultCause::Restricted),
            _ => false,
        }
    }

    /// Whether the record that was asked for is refused, and not the interface: it is gone, or may not be seen.
    pub fn refuses_this_record(&self) -> bool {
        match self {
            Self::Refused(_) => true,
            Self::Installation(fault) => fault.cause == FaultCause::RightMissing && names_one_record(&fault.words),
            _ => false,
        }
    }

    /// Whether the installation does not let the account use this interface, or has none such: an interface that can be
    /// done without is then done without.
    pub fn denies_interface(&self) -> bool {
        let is_nowhere = |fault: &Fault| fault.cause == FaultCause::WrongPath;
        self.is_refusal() || matches!(self, Self::Installation(fault) if is_nowhere(fault))
    }

    /// A complete answer came, and it says nothing.
    pub(super) fn garbled(reason: impl Into<String>) -> Self {
        Self::OutcomeUnknown { reason: reason.into(), answered: true }
    }

    /// No complete answer came; the effect may still come.
    pub(super) fn cut(reason: impl Into<String>) -> Self {
        Self::OutcomeUnknown { reason: reason.into(), answered: false }
    }
}
