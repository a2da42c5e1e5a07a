//! What the REST interface orders for a contact (`contract.md` §5), and the reading of either kind of ledger row.

use serde_json::{Value, json};

use super::{
    assignment::Assignment,
    field_error::FieldError,
    kind::EventKind,
    leniency::Reading,
    parse::{self, ParseError, Parsed},
    payload::Event,
};
use crate::json;

/// An order for a linked contact; takes the same queue as events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// 客户指派.
    Assign(Assignment),
    /// 客户申请.
    Apply,
    /// 客户审批.
    Approval {
        /// Approved (同意), or refused.
        approve: bool,
    },
    /// 客户收回.
    TakeBack,
}

impl Command {
    /// The kind under which the ledger keeps it.
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Assign(_) => EventKind::ContactAssign,
            Self::Apply => EventKind::ContactApply,
            Self::Approval { .. } => EventKind::ContactApproval,
            Self::TakeBack => EventKind::ContactTakeback,
        }
    }

    /// The ledger's `kind` and `payload` of this order for `contact_id`; [`Work::parse`] reads them back.
    pub fn payload(&self, contact_id: &str) -> (String, String) {
        let kind = self.kind().as_str();
        let mut data = json!({ "contact": { "id": contact_id } });
        match self {
            Self::Assign(to) => data["assignment"] = json!(to),
            Self::Approval { approve } => data["approve"] = json!(approve),
            Self::Apply | Self::TakeBack => {}
        }
        (kind.to_owned(), json!({ "type": kind, "data": data }).to_string())
    }

    fn read(kind: EventKind, body: &Value) -> Result<Self, FieldError> {
        match kind {
            EventKind::ContactApply => Ok(Self::Apply),
            EventKind::ContactTakeback => Ok(Self::TakeBack),
            EventKind::ContactApproval => match body.pointer("/data/approve") {
                Some(Value::Bool(approve)) => Ok(Self::Approval { approve: *approve }),
                _ => Err(FieldError::new("/data/approve", "应为 true 或 false (must be true or false)")),
            },
            EventKind::ContactAssign => {
                let to = body.pointer("/data/assignment").unwrap_or(&Value::Null);
                json::from_value(to).map(Self::Assign).map_err(|_| {
                    let message = r#"must be {"mode": "public"} or {"mode": "users", "users": ["63"]}"#;
                    FieldError::new("/data/assignment", message)
                })
            }
            _ => Err(FieldError::new("/type", "不是指令 (is not a command)")),
        }
    }
}

/// What a worker does with a ledger row.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// An event of the platform.
    Event(Box<Event>),
    /// An order of the REST interface.
    Command {
        /// For whom.
        contact_id: String,
        /// What.
        command: Command,
    },
}

impl Work {
    /// Whose it is.
    pub fn contact_id(&self) -> &str {
        match self {
            Self::Event(event) => event.contact().id(),
            Self::Command { contact_id, .. } => contact_id,
        }
    }

    /// Reads a ledger row: `kind` decides whether `payload` is an event's body or what [`Command::payload`] built.
    ///
    /// # Errors
    /// [`ParseError`] if the payload is not of this kind, which only a changed row or an older version's can be.
    pub fn parse(kind: &str, payload: &str, reading: &Reading) -> Result<Self, ParseError> {
        let Some(command) = kind.parse().ok().filter(|kind: &EventKind| kind.is_command()) else {
            return match Event::parse(payload.as_bytes(), &reading.of_accepted())? {
                Parsed::Event(event) if event.kind().as_str() == kind => Ok(Self::Event(event)),
                Parsed::Event(event) => Err(not_of(kind, Some(event.contact().id().to_owned()))),
                Parsed::Unknown { contact_id, .. } => Err(not_of(kind, contact_id)),
            };
        };
        let body = parse::json(payload.as_bytes())?;
        let contact_id = parse::contact_id(&body);
        if body.get("type").and_then(Value::as_str) != Some(kind) {
            return Err(not_of(kind, contact_id));
        }
        match (contact_id, Command::read(command, &body)) {
            (Some(contact_id), Ok(command)) => Ok(Self::Command { contact_id, command }),
            (contact_id, result) => {
                let no_contact =
                    contact_id.is_none().then(|| FieldError::new("/data/contact/id", "必填 (is required)"));
                let errors = result.err().into_iter().chain(no_contact).collect();
                Err(parse::invalid(Some(kind.to_owned()), contact_id, errors))
            }
        }
    }
}

fn not_of(kind: &str, contact_id: Option<String>) -> ParseError {
    let errors = vec![FieldError::new("/type", "is not one that a worker handles, or not the ledger's own")];
    parse::invalid(Some(kind.to_owned()), contact_id, errors)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(ids: &[&str]) -> Result<Assignment, FieldError> {
        Assignment::users(ids.iter().map(|id| (*id).to_owned()).collect())
    }

    #[test]
    fn a_command_reads_back_from_its_payload() {
        let commands = [
            Command::Assign(Assignment::Public),
            Command::Assign(users(&["63", "71"]).unwrap()),
            Command::Apply,
            Command::Approval { approve: true },
            Command::Approval { approve: false },
            Command::TakeBack,
        ];
        for command in commands {
            let (kind, payload) = command.payload("c-1");
            let work = Work::parse(&kind, &payload, &Reading::default()).unwrap();
            assert_eq!(work, Work::Command { contact_id: "c-1".into(), command });
        }
    }

    #[test]
    fn an_assignment_has_the_contracts_form() {
        let (kind, payload) = Command::Assign(users(&["63"]).unwrap()).payload("c1");
        assert_eq!(kind, "contact.assign");
        let expected = json!({"type": "contact.assign",
            "data": {"contact": {"id": "c1"}, "assignment": {"mode": "users", "users": ["63"]}}});
        assert_eq!(json::parse_text(&payload).unwrap(), expected);
    }

    #[test]
    fn a_row_whose_payload_is_not_of_its_kind_is_refused() {
        let event = r#"{"type":"message.logged","timestamp":"2026-11-23T15:04:05Z",
            "data":{"contact":{"id":"c1"},"signal":{"id":"s1","content":"hi"}}}"#;
        assert!(matches!(Work::parse("message.logged", event, &Reading::default()), Ok(Work::Event(_))));
        let apply = r#"{"type":"contact.apply","data":{"contact":{"id":"c1"}}}"#;
        for (kind, payload) in [
            ("deal.closed", event),
            ("contact.apply", event),
            ("message.logged", apply),
            ("contact.takeback", apply),
            ("something.else", r#"{"type":"something.else"}"#),
            ("contact.apply", r#"{"type":"contact.apply","data":{}}"#),
            ("contact.approval", r#"{"type":"contact.approval","data":{"contact":{"id":"c1"},"approve":"yes"}}"#),
            ("contact.assign", r#"{"type":"contact.assign","data":{"contact":{"id":"c1"}}}"#),
            ("contact.apply", "[]"),
        ] {
            assert!(
                matches!(Work::parse(kind, payload, &Reading::default()), Err(ParseError::Invalid { .. })),
                "{kind} {payload}"
            );
        }
        assert!(matches!(Work::parse("contact.apply", "{", &Reading::default()), Err(ParseError::NotJson(_))));
    }
}
