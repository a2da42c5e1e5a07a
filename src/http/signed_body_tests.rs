use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use standardwebhooks::Webhook;

use super::*;

const NOW: Millis = Millis(1_764_000_000_999);
const NOW_SECONDS: i64 = 1_764_000_000;
const TOLERANCE: Duration = Duration::from_secs(300);
const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

fn secret(text: &str) -> WebhookSecret {
    text.parse().unwrap()
}

fn secrets(texts: &[&str]) -> Secrets {
    Secrets::new(&texts.iter().map(|text| secret(text)).collect::<Vec<_>>())
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

fn signed(key: &str, id: &str, seconds: i64, body: &[u8]) -> HeaderMap {
    let signature = sign(&secret(key), id, seconds, body);
    headers(&[(ID[0], id), (TIMESTAMP[0], &seconds.to_string()), (SIGNATURE[0], &signature)])
}

fn verify(headers: &HeaderMap, body: &[u8]) -> Result<Delivery, SignatureError> {
    secrets(&[KEY]).verify(headers, body, NOW, TOLERANCE)
}

#[test]
fn the_schemes_published_example_is_signed_and_verified() {
    let body = br#"{"test": 2432232314}"#;
    let signature = sign(&secret(KEY), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
    assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    let headers = signed(KEY, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
    let delivery = secrets(&[KEY]).verify(&headers, body, Millis(1_614_265_330_000), TOLERANCE).unwrap();
    assert_eq!(delivery.id, "msg_p5jXN8AQM9LWM0D4loKWxJek");
    assert_eq!(delivery.timestamp, Millis(1_614_265_330_000));
}

#[test]
fn any_secret_may_have_signed_and_any_signature_may_be_the_one() {
    let headers = signed(OTHER, "m1", NOW_SECONDS, b"body");
    assert_eq!(verify(&headers, b"body"), Err(SignatureError::NoMatch));
    for list in [&[KEY, OTHER][..], &[OTHER, KEY], &[OTHER]] {
        assert!(secrets(list).verify(&headers, b"body", NOW, TOLERANCE).is_ok());
    }
    let right = sign(&secret(KEY), "m1", NOW_SECONDS, b"body");
    let wrong = sign(&secret(OTHER), "m1", NOW_SECONDS, b"body");
    for (given, accepted) in [
        (format!("{wrong} {right}"), true),
        (format!("v1,!!! v1a,xx {right}"), true),
        (format!("{right} {wrong}"), true),
        (right.trim_end_matches('=').to_owned(), true),
        (wrong.clone(), false),
        (String::new(), false),
        ("v1,".to_owned(), false),
        (right.replacen("v1,", "v2,", 1), false),
        (right.replacen("v1,", "", 1), false),
        (right.chars().take(20).collect(), false),
        (format!("{}{right}", format!("{wrong} ").repeat(31)), true),
        (format!("{}{right}", format!("{wrong} ").repeat(32)), false),
    ] {
        let mut headers = headers.clone();
        headers.insert(SIGNATURE[0], given.parse().unwrap());
        assert_eq!(verify(&headers, b"body").is_ok(), accepted, "{given}");
    }
}

#[test]
fn two_lines_of_signatures_and_values_joined_by_a_comma_are_one_list() {
    let right = sign(&secret(KEY), "m1", NOW_SECONDS, b"body");
    let wrong = sign(&secret(OTHER), "m1", NOW_SECONDS, b"body");
    let with = |lines: &[&str]| {
        let mut headers = signed(KEY, "m1", NOW_SECONDS, b"body");
        headers.remove(SIGNATURE[0]);
        for line in lines {
            headers.append(SIGNATURE[0], line.parse().unwrap());
        }
        verify(&headers, b"body")
    };
    let joined = [format!("{wrong},{right}"), format!("{wrong}, {right}"), format!("{right} , {wrong}")];
    for joined in &joined {
        assert!(with(&[joined]).is_ok(), "{joined}");
    }
    assert!(with(&[&wrong, &right]).is_ok() && with(&[&right, &wrong]).is_ok() && with(&["v1,", &right]).is_ok());
    assert_eq!(with(&[&wrong, &wrong]), Err(SignatureError::NoMatch));
    assert_eq!(with(&[&right.replace("v1,", "v1a,")]), Err(SignatureError::NoMatch));
}

#[test]
fn when_a_secret_was_last_used_is_known_by_its_fingerprint() {
    let (ours, later) = (secrets(&[OTHER, KEY]), secrets(&[KEY]));
    let headers = signed(KEY, "m1", NOW_SECONDS, b"body");
    assert!(ours.verify(&headers, b"Body", NOW, TOLERANCE).is_err());
    assert!(ours.uses().all(|secret| secret.last_used_at.is_none()));
    ours.verify(&headers, b"body", NOW, TOLERANCE).unwrap();
    let used: Vec<_> = ours.uses().collect();
    assert_eq!((used[0].last_used_at, used[1].last_used_at), (None, Some(NOW)));
    assert_eq!(used[1].fingerprint.len(), 8);
    assert!(!KEY.contains(&used[1].fingerprint));
    later.continue_from(&ours);
    assert_eq!(later.uses().collect::<Vec<_>>(), used[1..]);
}

#[test]
fn a_changed_body_id_or_time_does_not_match() {
    let good = signed(KEY, "m1", NOW_SECONDS, b"body");
    assert!(verify(&good, b"body").is_ok());
    for body in [&b"Body"[..], b"", b"body ", b"body\0"] {
        assert_eq!(verify(&good, body), Err(SignatureError::NoMatch));
    }
    for (name, value) in [(ID[0], "m2"), (TIMESTAMP[0], "1764000001"), (TIMESTAMP[0], "01764000000")] {
        let mut headers = good.clone();
        headers.insert(name, value.parse().unwrap());
        assert_eq!(verify(&headers, b"body"), Err(SignatureError::NoMatch), "{name}");
    }
}

#[test]
fn the_clock_may_be_off_by_the_tolerance_and_no_more() {
    for (offset, expected) in [
        (-301, Some(SignatureError::TooOld)),
        (-300, None),
        (-299, None),
        (0, None),
        (299, None),
        (300, None),
        (301, Some(SignatureError::TooNew)),
    ] {
        let headers = signed(KEY, "m1", NOW_SECONDS + offset, b"body");
        assert_eq!(verify(&headers, b"body").err(), expected, "{offset}");
    }
}

#[test]
fn an_extreme_time_is_refused_without_a_panic() {
    let at = |text: &str| headers(&[(ID[0], "m1"), (TIMESTAMP[0], text), (SIGNATURE[0], "v1,AAAA")]);
    for (text, expected) in [
        ("9223372036854775807", SignatureError::TooNew),
        ("-9223372036854775808", SignatureError::TooOld),
        ("-1", SignatureError::TooOld),
        ("0", SignatureError::TooOld),
        ("9223372036854775808", SignatureError::BadHeader("webhook-timestamp")),
        ("", SignatureError::BadHeader("webhook-timestamp")),
        ("-", SignatureError::BadHeader("webhook-timestamp")),
        ("+1764000000", SignatureError::BadHeader("webhook-timestamp")),
        ("1764000000.0", SignatureError::BadHeader("webhook-timestamp")),
        ("1 764000000", SignatureError::BadHeader("webhook-timestamp")),
        ("2026-11-23T15:04:05Z", SignatureError::BadHeader("webhook-timestamp")),
    ] {
        assert_eq!(verify(&at(text), b""), Err(expected), "{text}");
    }
    for now in [i64::MIN, 0, i64::MAX] {
        for seconds in [i64::MIN, -1, 0, i64::MAX] {
            let headers = signed(KEY, "m1", seconds, b"");
            let _ = secrets(&[KEY]).verify(&headers, b"", Millis(now), Duration::MAX);
            let _ = secrets(&[KEY]).verify(&headers, b"", Millis(now), TOLERANCE);
        }
    }
}

#[test]
fn a_missing_header_is_named_by_its_first_name() {
    for index in 0..3 {
        let names = [ID[0], TIMESTAMP[0], SIGNATURE[0]];
        let mut headers = signed(KEY, "m1", NOW_SECONDS, b"");
        headers.remove(names[index]);
        assert_eq!(verify(&headers, b""), Err(SignatureError::MissingHeader(names[index])));
    }
    assert_eq!(verify(&HeaderMap::new(), b""), Err(SignatureError::MissingHeader("webhook-id")));
}

#[test]
fn the_older_names_of_the_headers_are_taken_too() {
    let signature = sign(&secret(KEY), "m1", NOW_SECONDS, b"");
    let seconds = NOW_SECONDS.to_string();
    let headers = headers(&[(ID[1], "m1"), (TIMESTAMP[1], &seconds), (SIGNATURE[1], &signature)]);
    assert_eq!(verify(&headers, b"").map(|delivery| delivery.id).as_deref(), Ok("m1"));
}

#[test]
fn an_id_or_a_timestamp_given_twice_is_refused() {
    for name in [ID[0], TIMESTAMP[0]] {
        let mut headers = signed(KEY, "m1", NOW_SECONDS, b"");
        let value = headers[name].clone();
        headers.append(name, value);
        assert_eq!(verify(&headers, b""), Err(SignatureError::BadHeader(name)));
    }
}

#[test]
fn an_id_has_1_to_255_visible_characters() {
    let longest = "x".repeat(255);
    for good in ["a", "evt_01J:9/x~!", &longest] {
        assert!(verify(&signed(KEY, good, NOW_SECONDS, b""), b"").is_ok(), "{good}");
    }
    for bad in ["", "a b", "a\tb", "客户", &"x".repeat(256)] {
        let headers = headers(&[(ID[0], bad), (TIMESTAMP[0], "1764000000"), (SIGNATURE[0], "v1,AAAA")]);
        assert_eq!(verify(&headers, b""), Err(SignatureError::BadHeader("webhook-id")), "{bad}");
    }
}

#[test]
fn secrets_show_how_many_they_are_and_no_more() {
    assert_eq!(format!("{:?}", secrets(&[KEY, OTHER])), "Secrets(2)");
}

proptest! {
    #[test]
    fn we_and_the_schemes_own_library_sign_alike(
        key in proptest::collection::vec(any::<u8>(), 1..80), id in "[!-~]{1,255}", seconds in any::<i64>(), body in ".{0,200}",
    ) {
        let text = format!("whsec_{}", STANDARD.encode(&key));
        let theirs = Webhook::new(&text).unwrap().sign(&id, seconds, body.as_bytes()).unwrap();
        let ours = sign(&secret(&text), &id, seconds, body.as_bytes());
        prop_assert_eq!(&ours, &theirs);
        let headers = signed(&text, &id, seconds, body.as_bytes());
        let now = Millis(seconds.saturating_mul(1000));
        let verdict = secrets(&[&text]).verify(&headers, body.as_bytes(), now, Duration::MAX);
        prop_assert!(verdict.is_ok(), "{:?}", verdict);
    }

    #[test]
    fn whatever_we_sign_now_the_schemes_own_library_accepts(id in "[!-~]{1,40}", body in ".{0,200}", flip in any::<bool>()) {
        let now = crate::clock::Clock::system().now();
        let mut headers = signed(KEY, &id, now.0 / 1000, body.as_bytes());
        if flip {
            headers.insert(SIGNATURE[0], HeaderValue::from_static("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
        }
        let theirs = Webhook::new(KEY).unwrap().verify(body.as_bytes(), &headers).is_ok();
        let ours = secrets(&[KEY]).verify(&headers, body.as_bytes(), now, TOLERANCE).is_ok();
        prop_assert_eq!((ours, theirs), (!flip, !flip));
    }

    #[test]
    fn no_headers_make_it_panic(
        id in proptest::collection::vec(32u8..=255, 0..20), time in "[-0-9]{0,25}", signature in "[ -~]{0,60}",
    ) {
        let mut headers = headers(&[(TIMESTAMP[0], &time), (SIGNATURE[0], &signature)]);
        if let Ok(id) = HeaderValue::from_bytes(&id) {
            headers.insert(ID[0], id);
        }
        prop_assert!(verify(&headers, b"body").is_err());
    }
}
