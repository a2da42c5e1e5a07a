//! What the steps on an event's way cost by themselves: `cargo bench --bench micro`, and in instructions
//! `scripts/instructions.sh`.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use divan::{Bencher, black_box};
use erp_bridge::{
    clock::Millis,
    config::{AdmissionConfig, MessagesConfig, WebhookSecret},
    erp,
    event::{Event, EventKind, Intake, Parsed, Reading, Rules, Standing},
    http::signed_body::{Secrets, sign},
    sync,
};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// When the request was signed, in Unix seconds.
const SIGNED_AT: i64 = 1_795_500_000;
const TOLERANCE: Duration = Duration::from_secs(300);
/// As a platform writes it.
const EXACT: &str = r#"{"type":"contact.promoted","timestamp":"2026-11-23T15:00:00+08:00","data":{"contact":{"id":"wxc_1024","name":"王小明","phone":"13800001234","phone_verified":true,"wechat_id":"wx_1024","source":"朋友圈","address":"上海市浦东新区"},"thread":{"id":"t1","score":88.5,"bucket":"WHITE","previous_bucket":"GRAY"},"signal":{"id":"s1","content":"你好，想了解一下价格，什么时候方便通话？","direction":"inbound"}}}"#;
/// What one interface of the ERP answers to a save.
const ANSWER: &str = r#"{"header":{"status":"0","message":"ok"},"body":{"source":{"table":{"cols":[{"id":"ord"},{"id":"name"},{"id":"khid"}],"rows":[["7592","王小明","WX-wxc_1024"],["7593","李小红","WX-wxc_1025"]]}}}}"#;

/// The bridge's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

/// Times a step, which has run before: what is made once is no part of it.
fn time<T>(bencher: Bencher<'_, '_>, step: impl Fn() -> T + Sync) {
    drop(step());
    bencher.bench(|| counted(&step));
}

/// What callgrind counts is all that is called from here, and nothing else.
#[inline(never)]
fn counted<T>(step: &impl Fn() -> T) -> T {
    step()
}

/// A body that is written as the contract says.
#[divan::bench]
fn parse_exact(bencher: Bencher<'_, '_>) {
    let reading = Reading::default();
    time(bencher, || Event::parse(black_box(EXACT.as_bytes()), &reading));
}

/// The same with one member written otherwise, which is read member by member.
#[divan::bench]
fn parse_with_care(bencher: Bencher<'_, '_>) {
    let (reading, body) = (Reading::default(), EXACT.replace("true", "1"));
    time(bencher, || Event::parse(black_box(body.as_bytes()), &reading));
}

/// A signature over a body of so many bytes.
#[divan::bench(args = [1_024, 65_536])]
fn verify(bencher: Bencher<'_, '_>, bytes: usize) {
    let (secret, body): (WebhookSecret, _) = (SECRET.parse().unwrap(), "x".repeat(bytes));
    let signature = sign(&secret, "evt_1", SIGNED_AT, body.as_bytes());
    let mut headers = HeaderMap::new();
    headers.insert("webhook-id", HeaderValue::from_static("evt_1"));
    headers.insert("webhook-timestamp", SIGNED_AT.into());
    headers.insert("webhook-signature", signature.parse().unwrap());
    let secrets = Secrets::new(&[secret]);
    let now = Millis(SIGNED_AT * 1_000);
    time(bencher, || secrets.verify(&headers, black_box(body.as_bytes()), now, TOLERANCE).unwrap());
}

/// Admission, from a parsed event to where it starts.
#[divan::bench]
fn admit(bencher: Bencher<'_, '_>) {
    let Ok(Parsed::Event(event)) = Event::parse(EXACT.as_bytes(), &Reading::default()) else { panic!("no event") };
    assert_eq!(event.kind(), EventKind::ContactPromoted);
    let (rules, messages) = (Rules::new(&AdmissionConfig::default()), MessagesConfig::default());
    time(bencher, || {
        Intake::judged(&rules, black_box(&event), &messages, false).start(&Standing::default(), Millis(0))
    });
}

/// The ERP's envelope around a save.
#[divan::bench]
fn write_envelope(bencher: Bencher<'_, '_>) {
    let fields: Vec<erp::Field> = (0..20).map(|number| erp::Field::new(format!("field{number}"), "王小明")).collect();
    time(bencher, || erp::asp_body(Some("session"), Some("__sys_dosave"), black_box(&fields)));
}

/// The ERP's envelope around an answer.
#[divan::bench]
fn read_envelope(bencher: Bencher<'_, '_>) {
    time(bencher, || erp::parse(black_box(ANSWER.as_bytes())));
}

/// A message of so many characters in pieces that the ERP takes.
#[divan::bench(args = [500, 20_000])]
fn split(bencher: Bencher<'_, '_>, characters: usize) {
    let text: String = "客户说，下周三上午可以。".chars().cycle().take(characters).collect();
    time(bencher, || sync::pieces(black_box(&text), sync::INTRO_LIMIT).len());
}
