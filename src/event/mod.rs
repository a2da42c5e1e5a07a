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
pub mod phone;
mod rule;
mod status;
mod wire;

pub use admission::{Alternative, Assessment, Decision, Reason, RuleCheck, Rules, Standing};
pub use assignment::{Assignment, AssignmentBody};
pub use command::{Command, Work};
pub use field_error::FieldError;
pub use intake::{Application, Intake, Start, status_unless_admitted};
pub use kind::{EventKind, UnknownKind};
pub use leniency::Reading;
pub use link::{Link, LinkKind, LinkedBy, UnknownLinkWord};
pub use names::Placeholder;
pub use parse::{ParseError, Parsed};
pub use payload::{Channel, Contact, Deal, Direction, ErpHint, Event, Signal, Thread};
pub use rule::{Rule, RuleSet};
pub use status::{IllegalTransition, Status, Transition, UnknownStatus};
