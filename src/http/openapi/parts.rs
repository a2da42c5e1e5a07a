//! Parameters and answers that several operations document alike.

use utoipa::{IntoParams, IntoResponses};

use crate::http::{intake::Answer, problem::ProblemDocument};

/// The contact of an address.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "it describes what PathId reads")]
pub(in crate::http) struct ContactPath {
    /// The platform's id
    #[param(pattern = "^[A-Za-z0-9_-]{1,48}$")]
    contact_id: String,
}

/// The event of an address.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "it describes what PathId reads")]
pub(in crate::http) struct EventPath {
    /// The event's id
    #[param(format = "uuid")]
    id: String,
}

/// The message of an address.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "it describes what PathId reads")]
pub(in crate::http) struct MessagePath {
    /// The message's id
    #[param(format = "uuid")]
    id: String,
}

/// The replay of an address.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "it describes what PathId reads")]
pub(in crate::http) struct ReplayPath {
    /// The replay's id
    #[param(format = "uuid")]
    id: String,
}

/// What tells a repeated call from a second one.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it describes what Origin reads")]
pub(in crate::http) struct IdempotencyKey {
    /// A repeat with the same key is answered with the first one's id
    #[param(rename = "Idempotency-Key", nullable = false, pattern = "^[!-~]{1,100}$")]
    key: Option<String>,
}

/// How a call is answered that changes the ERP by way of the queue.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "it describes what intake answers")]
pub(in crate::http) enum CommandAnswers {
    /// Committed to disk; follow the event
    #[response(status = 202)]
    Queued(Answer),
    /// A repeat with the same key
    #[response(status = 200)]
    Repeated(Answer),
    /// The contact is not linked
    #[response(status = 404)]
    NotLinked(ProblemDocument),
    /// This key was used before for another call
    #[response(status = 409)]
    KeyReused(ProblemDocument),
}

/// Why an operator's deed on an event is refused.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "it describes what the ledger refuses")]
pub(in crate::http) enum DeedRefusals {
    /// No such event
    #[response(status = 404)]
    NoEvent(ProblemDocument),
    /// Its state does not allow this, or has changed since the caller saw it
    #[response(status = 409)]
    WrongState(ProblemDocument),
}

/// Why an operator's deed on a replay is refused.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "it describes what the ledger refuses")]
pub(in crate::http) enum ReplayRefusals {
    /// No such replay
    #[response(status = 404)]
    NoReplay(ProblemDocument),
    /// Its state does not allow this
    #[response(status = 409)]
    WrongState(ProblemDocument),
}
