//! Schemas that no type of ours has: the event bodies as they are accepted (`contract.md` §1), and bodies whose members
//! depend on each other.

use std::borrow::Cow;

use serde_json::{Map, Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, Type, schema::SchemaType},
};

use crate::{
    event::{EventKind, Status},
    http::adopted::ADOPT_MAX,
};

/// Stands for the body of an event where a handler is documented.
pub(in crate::http) struct EventBody;

impl PartialSchema for EventBody {
    fn schema() -> RefOr<Schema> {
        reference("Event")
    }
}

impl ToSchema for EventBody {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Event")
    }
}

fn reference(name: &str) -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(name))
}

/// The contact of a sync call.
pub(in crate::http) fn sync_contact() -> RefOr<Schema> {
    reference("SyncContact")
}

/// Contacts of an adoption. One that is not valid is answered with its errors, and refuses none of the others.
pub(in crate::http) fn contacts() -> RefOr<Schema> {
    let anything = ObjectBuilder::new().schema_type(SchemaType::AnyValue);
    let items = ArrayBuilder::new().items(anything).min_items(Some(1)).max_items(Some(ADOPT_MAX));
    items
        .description(Some("Each as the schema Contact has it; one that is not comes out as invalid, with its errors"))
        .into()
}

/// A thread that may be left out.
pub(in crate::http) fn thread() -> RefOr<Schema> {
    optional("Thread")
}

/// Something that can be seen.
const NOT_BLANK: &str = r"[^\s\u0000-\u001f\u007f-\u009f]";

/// A signal that may be left out.
pub(in crate::http) fn signal() -> RefOr<Schema> {
    optional("Signal")
}

/// This or null, which counts as absent.
fn optional(name: &str) -> RefOr<Schema> {
    let null = ObjectBuilder::new().schema_type(Type::Null);
    OneOfBuilder::new().item(reference(name)).item(null).into()
}

/// An optional text of the platform: null counts as absent, and where the door is not strict a blank does; lengths are the
/// ERP's.
fn text(max: u32, description: &str) -> Value {
    json!({"type": ["string", "null"], "maxLength": max, "pattern": NOT_BLANK, "description": description})
}

fn id(description: &str) -> Value {
    json!({
        "type": "string", "minLength": 1, "maxLength": 100, "pattern": r"^[^\u0000-\u001f\u007f-\u009f]*[!-~][^\u0000-\u001f\u007f-\u009f]*$",
        "description": description,
    })
}

fn moment(description: &str) -> Value {
    json!({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}], "description": description})
}

/// All of them, by name.
pub(super) fn written_by_hand() -> Map<String, Value> {
    let mut schemas = Map::new();
    let mut add = |name: &str, schema: Value| schemas.insert(name.to_owned(), schema);
    let known = ["contact.promoted", "deal.closed", "message.logged", "sync.requested"];
    add(
        "Event",
        json!({
            "description": "An event of the platform. Unknown members are accepted and kept.",
            "oneOf": [
                {"$ref": "#/components/schemas/ContactPromoted"}, {"$ref": "#/components/schemas/DealClosed"},
                {"$ref": "#/components/schemas/MessageLogged"}, {"$ref": "#/components/schemas/SyncRequested"},
                {"$ref": "#/components/schemas/OtherEvent"},
            ],
            "examples": [example()],
        }),
    );
    add(
        "ContactPromoted",
        event(
            known[0],
            "灰名单升级到白名单: the contact becomes a customer",
            "Contact",
            &["contact", "thread"],
            &["signal"],
        ),
    );
    add(
        "DealClosed",
        event(
            known[1],
            "首次成交: the contact's deal is recorded",
            "Contact",
            &["contact", "deal"],
            &["thread", "signal"],
        ),
    );
    add(
        "MessageLogged",
        event(known[2], "A progress record (洽谈进展)", "ContactReference", &["contact", "signal"], &["thread"]),
    );
    add(
        "SyncRequested",
        event(
            known[3],
            "手动触发同步: the manual trigger",
            "Contact",
            &["contact"],
            &["thread", "signal", "requested_by"],
        ),
    );
    add("OtherEvent", other_event(&known));
    add("Contact", contact(&["id", "name"]));
    add("ContactReference", contact(&["id"]));
    let mut of_path = contact(&["name"]);
    of_path["properties"]["id"]["type"] = json!(["string", "null"]);
    add("SyncContact", of_path);
    add("Thread", thread_schema());
    add("Signal", signal_schema());
    add("Deal", deal_schema());
    add(
        "UserIds",
        json!({
            "type": "array", "minItems": 1, "maxItems": 5, "uniqueItems": true, "items": {"type": "string", "pattern": "^[0-9]{1,9}$"},
            "description": "ERP user ids (账号)", "examples": [["63"]],
        }),
    );
    schemas
}

fn other_event(known: &[&str]) -> Value {
    json!({
        "type": "object", "required": ["type"],
        "description": "Anything else: stored as `ignored`, answered 200.",
        "properties": {"type": {
            "type": "string", "pattern": "^[a-z0-9._-]{1,64}$", "not": {"enum": known},
        }},
    })
}

fn example() -> Value {
    json!({
        "type": "contact.promoted", "timestamp": "2026-11-23T15:04:05+08:00",
        "data": {
            "contact": {"id": "c_1001", "name": "王小明", "phone": "13800001001", "phone_verified": true, "wechat_id": "wxm_1001"},
            "thread": {"id": "t_1", "score": 82, "bucket": "WHITE", "previous_bucket": "GRAY"},
        },
    })
}

/// One kind of event with what its `data` holds; other members are kept and need not fit.
fn event(kind: &str, description: &str, contact: &str, required: &[&str], optional: &[&str]) -> Value {
    let mut members = Map::new();
    members.insert("contact".into(), json!({"$ref": format!("#/components/schemas/{contact}")}));
    for (name, schema) in [("thread", "Thread"), ("signal", "Signal"), ("deal", "Deal")] {
        let reference = json!({"$ref": format!("#/components/schemas/{schema}")});
        if required.contains(&name) {
            members.insert(name.into(), reference);
        } else if optional.contains(&name) {
            members.insert(name.into(), json!({"oneOf": [reference, {"type": "null"}]}));
        }
    }
    if optional.contains(&"requested_by") {
        members.insert("requested_by".into(), text(100, "Who asked for it"));
    }
    let sequence = json!({
        "type": ["integer", "null"], "minimum": 0, "format": "int64", "maximum": i64::MAX,
        "description": "The sender's own number of this event for its contact; gaps show in the statistics",
    });
    members.insert("sequence".into(), sequence);
    json!({
        "type": "object", "required": ["type", "timestamp", "data"], "description": description,
        "properties": {
            "type": {"type": "string", "enum": [kind]},
            "timestamp": {"type": "string", "format": "date-time", "description": "When it happened"},
            "data": {"type": "object", "required": required, "properties": members},
        },
    })
}

fn contact(required: &[&str]) -> Value {
    json!({
        "type": "object", "required": required,
        "description": "With `company` the customer is a 单位客户, else a 个人客户. Lengths count UTF-16 units.",
        "properties": {
            "id": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,48}$", "examples": ["c_1001"]},
            "name": contact_name(required.contains(&"name")),
            "phone": text(50, "手机"),
            "phone_verified": {"type": ["boolean", "null"]},
            "wechat_id": text(50, "微信号"),
            "company": text(100, "公司名称"),
            "source": text(50, "来源"),
            "notes": text(4_000, "备注"),
            "address": text(200, "地址"),
            "email": {"anyOf": [
                {"type": "string", "format": "email", "maxLength": 50},
                {"type": "null"},
            ]},
            "job": text(50, "职务"),
        },
    })
}

fn contact_name(required: bool) -> Value {
    let description = "客户名称: up to 100; with a company 联系人姓名, up to 50";
    if required {
        json!({"type": "string", "minLength": 1, "maxLength": 100, "pattern": NOT_BLANK, "description": description})
    } else {
        text(100, description)
    }
}

fn thread_schema() -> Value {
    let bucket = json!({"type": ["string", "null"], "enum": ["WHITE", "GRAY", "BLACK", null]});
    json!({
        "type": "object", "required": ["id"],
        "properties": {
            "id": id("The platform's id"),
            "score": {"type": ["number", "null"], "minimum": 0, "maximum": 100, "description": "价值评估"},
            "bucket": bucket, "previous_bucket": bucket,
        },
    })
}

fn signal_schema() -> Value {
    json!({
        "type": "object", "required": ["id", "content"],
        "properties": {
            "id": id("The platform's id"),
            "content": {"type": "string", "minLength": 1, "maxLength": 20_000, "pattern": NOT_BLANK},
            "direction": {
                "type": ["string", "null"], "enum": ["inbound", "outbound", null],
                "description": "`inbound` from the customer, `outbound` from us",
            },
            "channel": {"type": ["string", "null"], "enum": ["wechat", "phone", "email", "visit", null], "default": "wechat"},
            "sent_at": moment("When it was said"),
        },
    })
}

fn deal_schema() -> Value {
    json!({
        "type": "object", "required": ["id"],
        "properties": {
            "id": id("The platform's id"),
            "title": text(200, "What was sold"),
            "amount": {"type": ["string", "null"], "pattern": r"^[0-9]{1,18}(\.[0-9]{1,4})?$", "examples": ["12800.00"]},
            "currency": {"type": ["string", "null"], "pattern": "^[A-Za-z]{3}$", "default": "CNY"},
            "closed_at": moment("When it was closed"),
        },
    })
}

/// What many events are selected by, with the states of which each operation takes events.
pub(super) fn part_selections(document: &mut Value) {
    let Some(known) = document["components"]["schemas"].as_object_mut() else { return };
    let Some(selection) = known.remove("Selection") else { return };
    for (name, states) in
        [("ReplaySelection", &Status::REPLAYED_TOGETHER[..]), ("DiscardSelection", &Status::DISCARDED_TOGETHER[..])]
    {
        let states = states.iter().map(|status| status.as_str()).collect::<Vec<_>>().join("|");
        let mut selection = selection.clone();
        selection["properties"]["status"]["pattern"] = json!(format!("^({states})(,({states}))*$"));
        known.insert(name.to_owned(), selection);
    }
    for (path, name) in [
        ("/v1/events/replay", "ReplaySelection"),
        ("/v1/replays", "ReplaySelection"),
        ("/v1/events/discard", "DiscardSelection"),
    ] {
        document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"] =
            json!({ "$ref": format!("#/components/schemas/{name}") });
    }
}

/// A member that is there and says something.
fn narrows(name: &str) -> Value {
    let mut said = json!({"required": [name]});
    said["properties"][name] = json!({"not": {"type": "null"}});
    said
}

/// Says of derived schemas how their members depend on each other.
pub(super) fn tighten(schemas: &mut Map<String, Value>) {
    if let Some(selection) = schemas.get_mut("Selection") {
        let members = ["ids", "status", "type", "contact_id", "code", "since", "until", "q"];
        let is_on = |name: &str| {
            let mut on = json!({"required": [name]});
            on["properties"][name] = json!({"const": true});
            on
        };
        let narrowing = members.iter().map(|name| narrows(name)).chain(["blocked", "retrying"].map(is_on));
        selection["anyOf"] = narrowing.collect();
        selection["properties"]["ids"]["items"] = json!({"type": "string", "format": "uuid"});
    }
    for body in ["PauseBody", "ResumeBody"] {
        if let Some(body) = schemas.get_mut(body) {
            let one = |scope: &str, value: Value| json!({"properties": {"scope": {"enum": [scope]}, "value": value}, "required": ["value"]});
            body["oneOf"] = json!([
                {"properties": {"scope": {"enum": ["all"]}, "value": {"type": "null"}}},
                one("type", json!({"enum": EventKind::ALL.map(EventKind::as_str)})),
                one("contact", json!({"type": "string", "pattern": "^[A-Za-z0-9_-]{1,48}$"})),
            ]);
        }
    }
    if let Some(resolve) = schemas.get_mut("ResolveBody") {
        resolve["oneOf"] = json!([
            {"properties": {"decision": {"enum": ["done", "resend", "recreate"]}, "ord": {"type": "null"}}},
            {"properties": {"decision": {"enum": ["link"]}, "ord": {"type": "integer"}}, "required": ["ord"]},
        ]);
        resolve["examples"] = json!([{"decision": "link", "ord": 26_013, "reason": "同一客户"}]);
    }
    if let Some(assignment) = schemas.get_mut("AssignmentBody") {
        assignment["oneOf"] = json!([
            {"properties": {"mode": {"enum": ["public"]}, "users": {"type": "null"}}},
            {"properties": {"mode": {"enum": ["users"]}, "users": {"$ref": "#/components/schemas/UserIds"}}, "required": ["users"]},
        ]);
    }
}
