use proptest::prelude::*;
use serde_json::json;

use super::*;

fn fault_of(text: &str) -> String {
    parse_text(text).expect_err(text).to_string()
}

#[test]
fn every_name_is_a_name_and_what_looks_like_json_in_a_text_stays_text() {
    for name in ["$serde_json::private::RawValue", "$serde_json::private::Number"] {
        let text = format!(r#"{{"{}":"[[1]]"}}"#, name.replace('$', r"\u0024").replace("::", r":\u003a"));
        let read = parse_text(&text).unwrap();
        assert_eq!(read[name], "[[1]]");
        assert_eq!(from_value::<Plain>(&read).unwrap().0, read);
    }
}

#[test]
fn depth_and_number_of_values_are_limited_over_the_whole_text() {
    let nested = |depth: usize| format!("{}{}", r#"{"a":["#.repeat(depth / 2), "]}".repeat(depth / 2));
    assert!(parse_text(&nested(DEPTH_MAX - 2)).is_ok());
    assert!(parse_text(&nested(DEPTH_MAX)).is_ok());
    assert!(fault_of(&format!("[{}]", nested(DEPTH_MAX))).starts_with("nesting deeper than 128 at line 1"));
    assert!(parse_text(&"[".repeat(1_000_000)).is_err());
    let wide = |values: usize| format!("[{}0]", "0,".repeat(values - 2));
    assert!(parse_text(&wide(VALUES_MAX - 1)).is_ok());
    assert!(parse_text(&wide(VALUES_MAX)).is_ok());
    assert!(fault_of(&wide(VALUES_MAX + 1)).starts_with("more than 500000 values"));
}

#[test]
fn where_json_leaves_a_choice_it_is_read_as_the_contract_says() {
    for (text, expected) in [
        ("\u{feff} {} ", json!({})),
        (r#""\ud83d\ude00""#, json!("😀")),
        (r#""\ud83dx\ude00\ud83d\ud83d\ude00""#, json!("\u{fffd}x\u{fffd}\u{fffd}😀")),
        (r#""a\u0000\/\"\\\b\f\n\r\t""#, json!("a\0/\"\\\u{8}\u{c}\n\r\t")),
        ("1e999", json!(f64::MAX)),
        ("-1e999", json!(f64::MIN)),
        ("18446744073709551615", json!(u64::MAX)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("18446744073709551616", json!(18_446_744_073_709_551_616.0)),
        ("1.50E+2", json!(150.0)),
        (r#"{"a":1,"a":2}"#, json!({"a": 2})),
    ] {
        assert_eq!(parse_text(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_no_json_is_refused_with_its_place_and_without_its_words() {
    let table = [
        ("", "no value at line 1, column 1"),
        ("{\n \"a\": nul}", "no value at line 2, column 7"),
        ("{'a':1}", "no member's name at line 1, column 2"),
        ("{\"a\" 1}", "no colon behind a member's name at line 1, column 6"),
        ("[1 2]", "neither comma nor ] at line 1, column 4"),
        ("[1,]", "no value at line 1, column 4"),
        ("{\"a\":1,}", "no member's name at line 1, column 8"),
        ("{} {}", "more than one value at line 1, column 4"),
        ("\"a", "a string without an end at line 1, column 3"),
        ("\"a\n\"", "a control character in a string at line 1, column 3"),
        ("\"\\x\"", "an escape that is none at line 1, column 2"),
        ("\"\\u+123\"", "an escape that is none at line 1, column 2"),
    ];
    for (text, expected) in table {
        assert_eq!(fault_of(text), expected, "{text}");
    }
    for number in ["01", "-", "1.", ".5", "1e", "+1", "0x1", "NaN", "1e+"] {
        assert!(parse_text(number).is_err(), "{number}");
    }
    assert_eq!(parse(b"[\"\xff\"]").unwrap_err().to_string(), "a byte that is not UTF-8 at line 1, column 3");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        let members = proptest::collection::vec((any::<String>(), inner.clone()), 0..6);
        prop_oneof![
            proptest::collection::vec(inner, 0..6).prop_map(Value::from),
            members.prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_back(value in any_json()) {
        prop_assert_eq!(parse_text(&value.to_string()), Ok(value.clone()));
        prop_assert_eq!(parse_text(&format!("{value:#}")), Ok(value));
    }

    #[test]
    fn what_is_taken_here_and_not_by_serde_json_is_one_of_the_choices(text in r#"[\[\]{}:,"\\u0-9eE+.\-a-f \n]{0,40}"#) {
        #[expect(clippy::disallowed_methods, reason = "the other reading, to compare with")]
        let other = serde_json::from_str::<Value>(&text);
        match (parse_text(&text), other) {
            (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours.to_string().replace("-0.0", "0"), theirs.to_string().replace("-0.0", "0")),
            (Err(_), Err(_)) => {}
            (Ok(_), Err(error)) => {
                let error = error.to_string();
                prop_assert!(error.contains("surrogate") || error.contains("out of range")
                    || error.contains("end of hex escape"), "{}: {}", text, error);
            }
            (Err(ours), Ok(_)) => prop_assert!(false, "{}: {}", text, ours),
        }
    }
}
