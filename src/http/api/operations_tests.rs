//! Tests of `operations.rs`.

use super::*;
use crate::http::body;

fn resolve(raw: &str) -> Result<Resolution, Problem> {
    body::parse::<ResolveBody>(raw.as_bytes())?.resolution()
}

fn faults(problem: Problem) -> Vec<String> {
    match problem {
        Problem::Invalid(errors) => errors.into_iter().map(|error| error.pointer).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_decision_is_done_or_resend_or_a_link_with_its_customer() {
    assert_eq!(resolve(r#"{"decision":"done"}"#), Ok(Resolution::Done));
    let nulls = r#"{"decision":"done","ord":null,"reason":null,"updated_at":null}"#;
    assert_eq!(resolve(nulls), Ok(Resolution::Done), "null is absent");
    assert_eq!(resolve(r#"{"decision":"resend","reason":"看过了"}"#), Ok(Resolution::Resend));
    assert_eq!(resolve(r#"{"decision":"link","ord":1}"#), Ok(Resolution::Link { ord: 1 }));
    assert_eq!(resolve(r#"{"decision":"link","ord":7.0}"#), Ok(Resolution::Link { ord: 7 }));
    let largest = format!(r#"{{"decision":"link","ord":{MAX_ORD}}}"#);
    assert_eq!(resolve(&largest), Ok(Resolution::Link { ord: MAX_ORD }));
    let table = [
        (r#"{"decision":"link","ord":9007199254740992}"#, "/ord"),
        (r#"{"decision":"link"}"#, "/ord"),
        (r#"{"decision":"link","ord":0}"#, "/ord"),
        (r#"{"decision":"link","ord":null}"#, "/ord"),
        (r#"{"decision":"link","ord":1.5}"#, "/ord"),
        (r#"{"decision":"done","ord":1}"#, "/ord"),
        (r#"{"decision":"maybe"}"#, "/decision"),
        ("{}", ""),
    ];
    for (raw, place) in table {
        assert_eq!(faults(resolve(raw).unwrap_err()), [place], "{raw}");
    }
}

#[test]
fn a_reason_has_at_most_five_hundred_characters() {
    let longest = "因".repeat(MAX_REASON_CHARS);
    assert_eq!(checked_reason(Some(longest.clone())), Ok(Some(longest.clone())));
    assert_eq!(checked_reason(None), Ok(None));
    assert!(checked_reason(Some(format!("{longest}因"))).is_err());
    assert!(checked_reason(Some("a\0b".into())).is_err());
}
