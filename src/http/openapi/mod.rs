//! The OpenAPI 3.1 document: gathered from the handlers, completed with what is true of all of them.

pub(super) mod parts;
pub(super) mod schemas;

use serde_json::{Map, Value, json};
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};

use super::problem;

/// What the document begins with: whose it is, the tags, the security scheme.
pub(super) fn base() -> OpenApi {
    let license = LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build();
    let info = InfoBuilder::new()
        .title("ERP Bridge")
        .version(env!("CARGO_PKG_VERSION"))
        .license(Some(license))
        .description(Some(
            "Signed events of the WeChat platform (微信中台) in, exactly-once records in 智邦国际 ERP out. Errors are RFC \
             9457 problems with a stable `type`. Every answer carries `x-request-id`. Unknown query parameters are \
             ignored. Personal data is masked for tokens with the scope `read`.",
        ))
        .build();
    OpenApiBuilder::new().info(info).build()
}

/// The whole document, as JSON.
pub(super) fn complete(gathered: &OpenApi) -> Value {
    // A document of plain structs always serialises; an empty one would fail the test that compares it.
    let mut document = serde_json::to_value(gathered).unwrap_or_default();
    document["tags"] = tags();
    document["servers"] = json!([{"url": "/", "description": "This bridge"}]);
    document["components"]["securitySchemes"] = json!({
        "token": {
            "type": "http", "scheme": "bearer",
            "description": "A token of `[api].tokens`; its scope is `read` or `operate`, and `operate` includes `read`.",
        },
    });
    document["components"]["responses"] = Value::Object(shared_responses());
    if let Some(known) = document["components"]["schemas"].as_object_mut() {
        known.extend(schemas::written_by_hand());
        schemas::tighten(known);
    }
    schemas::part_selections(&mut document);
    if let Some(known) = document["components"]["schemas"].as_object_mut() {
        known.sort_keys();
    }
    if let Some(paths) = document["paths"].as_object_mut() {
        paths.sort_keys();
        for (path, item) in paths.iter_mut() {
            for (method, operation) in item.as_object_mut().into_iter().flatten() {
                if is_method(method) {
                    finish(path, operation);
                }
            }
        }
    }
    document
}

fn is_method(name: &str) -> bool {
    matches!(name, "get" | "put" | "post" | "delete" | "patch" | "head" | "options" | "trace")
}

fn tags() -> Value {
    json!([
        {"name": "webhooks", "description": "Where the platform sends its events"},
        {"name": "events", "description": "What came, and what became of it"},
        {"name": "operations", "description": "What operators do about it; every call is audited"},
        {"name": "contacts", "description": "Contacts and their customers (客户); writes go through the queue"},
        {"name": "observation", "description": "Counts, the stream of changes, the audit log"},
        {"name": "health", "description": "For probes; no token"},
    ])
}

/// The problems that many operations share: status, name under `components/responses`, description.
const SHARED: [(&str, &str, &str); 10] = [
    ("400", "Unreadable", "A header, a query parameter or the JSON of the body cannot be read"),
    ("401", "Unauthorized", "No token, or one that is not known or has expired"),
    ("403", "Forbidden", "The token's scope does not allow this"),
    ("408", "TooSlow", "The body did not arrive in time: send it again"),
    ("413", "TooLarge", "The body is larger than `server.body_limit`"),
    ("415", "NotJson", "The body does not call itself JSON, or is compressed"),
    ("422", "Invalid", "Well-formed and not valid; `errors` names every fault with its JSON pointer"),
    ("429", "TooMany", "Too many requests, or too many failed authentications from this address"),
    ("500", "Fault", "A fault of the bridge"),
    (
        "503",
        "Unavailable",
        "The store or the ERP is unavailable, the backlog is full, too much is under way, or the bridge is stopping",
    ),
];

/// The shared problems as components.
fn shared_responses() -> Map<String, Value> {
    let response = |(status, name, description): &(&str, &str, &str)| {
        let mut response = json!({"description": description});
        set_security_headers(status, &mut response);
        ((*name).to_owned(), response)
    };
    SHARED.iter().map(response).collect()
}

/// Adds to one operation the problems that it shares with others of its sort.
fn finish(path: &str, operation: &mut Value) {
    if path.starts_with("/v1/") || path.starts_with("/webhooks/") {
        let guarded = operation.get("security").is_some();
        let body = operation.get("requestBody").is_some();
        let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
        let query = parameters.iter().any(|parameter| parameter["in"] == "query");
        let operate = guarded && needs_operate(operation);
        let occurs = |status: &str| match status {
            "400" => query || body,
            "401" => guarded,
            "403" => operate,
            "408" | "413" | "415" | "422" => body,
            _ => true,
        };
        if let Some(responses) = operation["responses"].as_object_mut() {
            for (status, name, _) in SHARED.iter().filter(|(status, ..)| occurs(status)) {
                let reference = json!({"$ref": format!("#/components/responses/{name}")});
                responses.entry(*status).or_insert(reference);
            }
        }
    }
    optional_body(operation);
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        // A form that leaves the field empty asks for nothing.
        if parameter["in"] == "query" && parameter["schema"]["format"] == "date-time" {
            parameter["schema"] = json!({"anyOf": [
                {"type": "string", "format": "date-time"},
                {"type": "string", "maxLength": 0},
            ]});
        }
    }
    if let Some(responses) = operation["responses"].as_object_mut() {
        responses.sort_keys();
        for (status, response) in responses.iter_mut() {
            if response.get("$ref").is_none() {
                set_security_headers(status, response);
                link(response);
            }
        }
    }
}

fn needs_operate(operation: &Value) -> bool {
    operation["security"][0]["token"][0] == "operate"
}

/// A body of which every member may be left out may itself be left out.
fn optional_body(operation: &mut Value) {
    let Some(body) = operation.get_mut("requestBody") else { return };
    let schema = body["content"]["application/json"]["schema"]["$ref"].as_str().unwrap_or_default();
    let optional = ["/ReasonBody", "/DeedBody", "/EmptyBody"].iter().any(|name| schema.ends_with(name));
    body["required"] = (!optional).into();
}

/// Every refusal is a problem, and says what else it carries.
fn set_security_headers(status: &str, response: &mut Value) {
    let refusal = status.starts_with('4') || status.starts_with('5');
    let own = response["content"]["application/json"]["schema"]["$ref"].as_str();
    if !refusal || own.is_some_and(|name| !name.ends_with("/Problem")) {
        return;
    }
    response["content"] = json!({problem::MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}});
    let mut headers = Map::new();
    if matches!(status, "429" | "503") {
        let schema = json!({"type": "integer", "minimum": 1});
        headers.insert("Retry-After".into(), json!({"description": "Seconds to wait", "schema": schema}));
    }
    if status == "401" {
        let schema = json!({"type": "string"});
        headers.insert("WWW-Authenticate".into(), json!({"description": "What is expected", "schema": schema}));
    }
    if !headers.is_empty() {
        response["headers"] = Value::Object(headers);
    }
}

/// Says where the id of an event that was just taken can be used next.
fn link(response: &mut Value) {
    if response["content"]["application/json"]["schema"]["$ref"] != "#/components/schemas/Answer" {
        return;
    }
    let link = |operation| (operation, json!({"operationId": operation, "parameters": {"id": "$response.body#/id"}}));
    let operations = ["get_event", "replay_event", "discard_event", "resolve_event"];
    response["links"] = operations.map(link).into_iter().collect();
}

/// The document as `openapi.yaml` holds it.
pub(super) fn yaml(gathered: &OpenApi) -> String {
    let body = yaml_serde::to_string(&complete(gathered)).unwrap_or_default();
    let body: String = body.lines().map(|line| quote_moment(line) + "\n").collect();
    format!("# Generated from the code: cargo run -- openapi > openapi.yaml\n{body}")
}

/// Readers of YAML 1.1 take a bare RFC 3339 text for a date: quotes keep it a text.
fn quote_moment(line: &str) -> String {
    match line.split_once(": ") {
        Some((name, value)) if value.parse::<jiff::Timestamp>().is_ok() => format!("{name}: '{value}'"),
        _ => line.to_owned(),
    }
}
