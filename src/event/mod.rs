//! What came: the platform's events, parsed once into types that cannot be wrong, and the admission rules (准入条件).

mod admission;
mod assignment;
mod command;
mod field_error;
mod intake;
mod kind;
mod leniency;
mod limits;
mod link;
mod names;
mod parse;
mod payload;
pub(crate) mod phone;
mod rule;
mod status;
mod wire;

pub(crate) use admission::{Alternative, Assessment, Decision, Reason};
pub use admission::{Rules, Standing};
pub(crate) use assignment::{Assignment, AssignmentBody};
pub(crate) use command::{Command, Work};
pub(crate) use field_error::FieldError;
pub use intake::Intake;
pub(crate) use intake::{Start, status_unless_admitted};
pub use kind::EventKind;
pub use leniency::Reading;
pub(crate) use link::UnknownLinkWord;
pub use link::{Link, LinkKind, LinkedBy};
pub(crate) use names::Placeholder;
pub use parse::{ParseError, Parsed};
pub use payload::Event;
pub(crate) use payload::{Channel, Deal, Direction, ErpHint, Signal, Thread};
pub use rule::{Rule, RuleSet};
pub use status::Status;
pub(crate) use status::Transition;
