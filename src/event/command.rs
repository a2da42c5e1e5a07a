//! What the REST interface orders for a contact (`contract.md` §5), and the reading of either kind of ledger row.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, Type},
    },
};

use super::{
    kind::EventKind,
    leniency::Reading,
    parse::{self, FieldError, ParseError, Parsed},
    payload::Event,
};

/// `member2` of 客户指派 holds this many characters (`erp-wire.md` §4).
const USERS_CHARS_MAX: usize = 50;

/// An order for a linked contact; takes the same queue as events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// 客户指派.
    Assign(AssignTo),
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

/// To whom a customer is assigned: `{"mode": "public"}` or `{"mode": "users", "users": ["63"]}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WireAssignTo", into = "WireAssignTo")]
pub enum AssignTo {
    /// 对所有用户公开.
    Public,
    /// 指派给以下用户: ERP user ids. Make it with [`AssignTo::users`], which checks them.
    Users(Vec<String>),
}

/// The form in bodies and payloads.
#[derive(Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "lowercase", deny_unknown_fields)]
enum WireAssignTo {
    Public {},
    Users { users: Vec<String> },
}

impl AssignTo {
    /// The users with these ERP ids.
    ///
    /// # Errors
    /// What is allowed, if there is none, one is not all digits or named twice, or `member2` would not hold them.
    pub fn users(users: Vec<String>) -> Result<Self, String> {
        let digits = |user: &String| !user.is_empty() && user.bytes().all(|byte| byte.is_ascii_digit());
        if users.is_empty() || !users.iter().all(digits) {
            return Err("users must name at least one ERP user id, digits only, such as [\"63\"]".into());
        }
        if users.iter().enumerate().any(|(index, user)| users.iter().take(index).any(|earlier| earlier == user)) {
            return Err("users must name every ERP user id only once".into());
        }
        if users.iter().map(|user| user.len() + 1).sum::<usize>() - 1 > USERS_CHARS_MAX {
            return Err(format!("users, joined by commas, must be at most {USERS_CHARS_MAX} characters"));
        }
        Ok(Self::Users(users))
    }
}

impl TryFrom<WireAssignTo> for AssignTo {
    type Error = String;

    fn try_from(wire: WireAssignTo) -> Result<Self, String> {
        match wire {
            WireAssignTo::Public {} => Ok(Self::Public),
            WireAssignTo::Users { users } => Self::users(users),
        }
    }
}

impl From<AssignTo> for WireAssignTo {
    fn from(to: AssignTo) -> Self {
        match to {
            AssignTo::Public => Self::Public {},
            AssignTo::Users(users) => Self::Users { users },
        }
    }
}

/// Written by hand: the derive would not say that no other member is allowed.
impl PartialSchema for AssignTo {
    fn schema() -> RefOr<Schema> {
        let mode = |name: &str| {
            let value = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([name]));
            ObjectBuilder::new()
                .schema_type(Type::Object)
                .property("mode", value)
                .required("mode")
                .additional_properties(Some(AdditionalProperties::FreeForm(false)))
        };
        let user = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9]{1,50}$"));
        let users = ArrayBuilder::new()
            .items(user)
            .unique_items(true)
            .min_items(Some(1))
            .max_items(Some(USERS_CHARS_MAX.div_ceil(2)))
            .description(Some("ERP user ids, each once; with commas between at most 50 characters"));
        let public = mode("public").description(Some("Open to all users (对所有用户公开)"));
        let named = mode("users").property("users", users).required("users");
        OneOfBuilder::new()
            .item(public)
            .item(named.description(Some("To the users named (指派给以下用户)")))
            .examples([json!({ "mode": "users", "users": ["63"] })])
            .into()
    }
}

impl ToSchema for AssignTo {
    fn name() -> std::borrow::Cow<'static, str> {
        "AssignTo".into()
    }
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
                _ => Err(FieldError::new("/data/approve", "must be true or false")),
            },
            EventKind::ContactAssign => {
                let to = body.pointer("/data/assignment").unwrap_or(&Value::Null);
                AssignTo::deserialize(to).map(Self::Assign).map_err(|_| {
                    let message = r#"must be {"mode": "public"} or {"mode": "users", "users": ["63"]}"#;
                    FieldError::new("/data/assignment", message)
                })
            }
            _ => Err(FieldError::new("/type", "is not a command")),
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
                let no_contact = contact_id.is_none().then(|| FieldError::new("/data/contact/id", "is required"));
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

    fn users(ids: &[&str]) -> Result<AssignTo, String> {
        AssignTo::users(ids.iter().map(|id| (*id).to_owned()).collect())
    }

    #[test]
    fn a_command_reads_back_from_its_payload() {
        let commands = [
            Command::Assign(AssignTo::Public),
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
        assert_eq!(serde_json::from_str::<Value>(&payload).unwrap(), expected);
        assert_eq!(serde_json::to_string(&AssignTo::Public).unwrap(), r#"{"mode":"public"}"#);
    }

    #[test]
    fn users_are_distinct_digits_that_member2_can_hold() {
        assert!(users(&["63"]).is_ok() && users(&["1", "11"]).is_ok());
        let forty_nine = "1".repeat(24);
        let longest = [forty_nine.as_str(), &"2".repeat(25)];
        assert!(users(&longest).is_ok(), "24 + comma + 25 = 50");
        assert!(users(&[longest[1], &"3".repeat(25)]).is_err(), "51");
        for bad in [&[][..], &[""], &["a"], &["-1"], &["６３"], &["63", "63"], &["63,71"]] {
            assert!(users(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_assignment_of_any_other_form_is_refused() {
        for bad in [
            r#"{}"#,
            r#"{"mode":"all"}"#,
            r#"{"mode":"users"}"#,
            r#"{"mode":"users","users":[]}"#,
            r#"{"mode":"users","users":[63]}"#,
            r#"{"mode":"public","users":["63"]}"#,
            r#"{"mode":"public","extra":1}"#,
            r#""public""#,
        ] {
            assert!(serde_json::from_str::<AssignTo>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_documented_form_of_an_assignment_is_the_one_that_is_read() {
        let schema = serde_json::to_value(AssignTo::schema()).unwrap();
        let [public, users] = &schema["oneOf"].as_array().unwrap()[..] else { panic!("two modes: {schema}") };
        assert_eq!((&public["additionalProperties"], &users["additionalProperties"]), (&json!(false), &json!(false)));
        assert_eq!(users["required"], json!(["mode", "users"]));
        let list = &users["properties"]["users"];
        assert_eq!((&list["uniqueItems"], &list["minItems"], &list["maxItems"]), (&json!(true), &json!(1), &json!(25)));
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
