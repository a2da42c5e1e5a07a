//! Tests of `contacts.rs`.

use super::*;
use crate::http::body;

fn assignment(raw: &str) -> Result<Assignment, Problem> {
    body::parse::<AssignmentBody>(raw.as_bytes())?.try_into().map_err(|fault| Problem::Invalid(vec![fault]))
}

fn place(problem: Problem) -> String {
    match problem {
        Problem::Invalid(errors) => errors[0].pointer.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_assignment_is_public_or_names_its_users() {
    for raw in [r#"{"mode":"public"}"#, r#"{"mode":"public","users":null}"#] {
        assert!(matches!(assignment(raw), Ok(Assignment::Public)), "{raw}");
    }
    for raw in [r#"{"mode":"users","users":["63"]}"#, r#"{"mode":"users","users":["1","2","3","4","123456789"]}"#] {
        assert!(matches!(assignment(raw), Ok(Assignment::Users(_))), "{raw}");
    }
    let table = [
        (r#"{"mode":"users"}"#, "/users"),
        (r#"{"mode":"users","users":[]}"#, "/users"),
        (r#"{"mode":"users","users":["1","2","3","4","5","6"]}"#, "/users"),
        (r#"{"mode":"users","users":["63",""]}"#, "/users/1"),
        (r#"{"mode":"users","users":["1234567890"]}"#, "/users/0"),
        (r#"{"mode":"users","users":["6,3"]}"#, "/users/0"),
        (r#"{"mode":"users","users":["63","63"]}"#, "/users"),
        (r#"{"mode":"users","users":[63]}"#, "/users/0"),
        (r#"{"mode":"users","users":null}"#, "/users"),
        (r#"{"mode":"public","users":["63"]}"#, "/users"),
        (r#"{"mode":"all"}"#, "/mode"),
        (r#"{"mode":"public","who":1}"#, "/who"),
    ];
    for (raw, expected) in table {
        assert_eq!(place(assignment(raw).unwrap_err()), expected, "{raw}");
    }
}

#[test]
fn a_sync_call_speaks_of_the_contact_of_its_path() {
    let event = |raw: &str| body::parse::<SyncBody>(raw.as_bytes())?.event("c1", "ops", "2026-11-23T00:00:00Z");
    let filled = event(r#"{"contact":{"name":"张三"},"thread":{"id":"t"}}"#).unwrap();
    assert_eq!(filled["data"]["contact"]["id"], "c1");
    assert_eq!((&filled["data"]["thread"]["id"], &filled["data"]["requested_by"]), (&json!("t"), &json!("ops")));
    assert_eq!(filled["data"].get("signal"), None);
    assert!(event(r#"{"contact":{"id":"c1","name":"张三"},"force":true}"#).is_ok());
    let nulls = event(r#"{"contact":{"id":null,"name":"张三"},"thread":null,"signal":null,"force":null}"#).unwrap();
    assert_eq!(nulls["data"]["contact"]["id"], "c1");
    assert_eq!((nulls["data"].get("thread"), nulls["data"].get("signal")), (None, None));
    assert_eq!(event(r#"{"contact":{"id":"c2","name":"张三"}}"#), Err(Problem::ContactMismatch));
    assert_eq!(event(r#"{"contact":{"id":42,"name":"张三"}}"#), Err(Problem::ContactMismatch));
    let table = [
        (r#"{"contact":null}"#, "/contact"),
        (r#"{"contact":{},"force":"yes"}"#, "/force"),
        (r#"{"contact":{},"deal":{}}"#, "/deal"),
        (r"{}", ""),
    ];
    for (raw, expected) in table {
        assert_eq!(place(event(raw).unwrap_err()), expected, "{raw}");
    }
}

#[test]
fn pointers_begin_where_the_callers_body_begins() {
    let error = |pointer: &str| FieldError { pointer: pointer.into(), message: String::new() };
    let stripped = without_data(vec![error("/data/contact/phone"), error("")]);
    assert_eq!((stripped[0].pointer.as_str(), stripped[1].pointer.as_str()), ("/contact/phone", ""));
}
