//! What is to be planned, what is known so far, and by which rules.

use super::{Journal, mapping::Mapping, step::Step};
use crate::{
    clock::Millis,
    config::AssignmentConfig,
    erp::{CustomerKind, Erp},
    event::{Candidate, Event, FieldError, Link, LinkKind, Rules, Standing, Work},
};

/// What is to be planned, and what is known so far.
#[derive(Debug, Clone)]
pub struct Task {
    /// The event or command.
    pub work: Work,
    /// When the bridge accepted it.
    pub received_at: Millis,
    /// The contact's link, if it has one.
    pub link: Option<Link>,
    /// It was admitted when it was accepted, or is by force.
    pub is_admitted: bool,
    /// How its contact stands with admission, for an event that was not.
    pub standing: Standing,
    /// An operator said which customer the contact is.
    pub decision: Option<WhoItIs>,
    /// The customers of whom an operator said that the contact is none; `None` where none were in question.
    pub refused: Option<Vec<i64>>,
    /// The link is there and not to be trusted: the ERP has its customer no more, or an operator decided otherwise.
    pub is_stale: bool,
    /// The newest event that says who the contact is, for a message or a command under a link that is not trusted, or that an
    /// operator has undone.
    pub profile: Option<Box<Event>>,
    /// The ERP refused a save of this run as a duplicate (查重): the contact is looked for where such a check looks.
    pub duplicate: Option<Duplicate>,
    /// What of the event is done already, by earlier plans.
    pub done: Vec<DoneBefore>,
    /// The contact may have a customer that only a look into every list finds: an earlier plan of the event, or one that was
    /// given up, has sent a new one to the ERP, which may have been slow to appear; or it had one until its link was undone.
    pub has_saved: bool,
}

/// A step that an earlier plan of an event has done.
#[derive(Debug, Clone)]
pub struct DoneBefore {
    /// The step.
    pub step: Step,
    /// The customer at which it was done, as far as is known.
    pub customer: Option<i64>,
}

/// A save that the ERP refused because it has the same already (查重).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// The ERP's words.
    pub words: String,
    /// Whether a contact person (联系人) was refused, not a customer.
    pub of_contact_person: bool,
}

/// An operator's decision on which customer a contact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhoItIs {
    /// The one with this `ord`.
    Customer(i64),
    /// None that there is.
    New,
}

/// One field of an edit, old value → new value.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldChange {
    /// The ERP's field id.
    pub field: String,
    /// What the ERP has.
    pub old: String,
    /// What would be written.
    pub new: String,
}

/// Plans events by the field map, the admission rules and the assignment rules.
#[derive(Debug, Clone)]
pub struct Planner {
    /// The field map.
    pub mapping: Mapping,
    /// The admission rules.
    pub rules: Rules,
    /// The assignment rules.
    pub assignment: AssignmentConfig,
}

/// One planning: whom it asks, and what it found that the sender should know.
pub(super) struct Survey<'a> {
    /// The ERP, which is only read.
    pub erp: &'a Erp,
    /// The ledger's questions.
    pub journal: &'a dyn Journal,
    /// Leave the turns of the assignment rules as they are.
    pub peek: bool,
    /// What did not hold of what the event says.
    pub warnings: Vec<FieldError>,
    /// A customer that the platform names and that may be the contact.
    pub unclear: Option<Candidate>,
}

/// The steps by which a contact gets its customer, as far as they are planned.
#[derive(Default)]
pub(super) struct PlanDraft {
    pub steps: Vec<Step>,
    pub changes: Vec<FieldChange>,
    /// What the customer is.
    pub kind: Option<CustomerKind>,
}

/// What a linked customer is, as far as the link says.
pub(super) const fn kind_of(link: &Link) -> CustomerKind {
    match link.kind {
        LinkKind::Person => CustomerKind::Person,
        LinkKind::Company | LinkKind::ContactPerson => CustomerKind::Company,
    }
}
