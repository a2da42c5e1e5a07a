//! What was erased, or forgotten by retention, is gone: from every row, every file and every copy.

use std::{fs, path::Path, time::Duration};

use erp_bridge::{
    event::{Intake, Link, LinkKind, LinkedBy, Status},
    store::{
        Actor, Addressee, Advance, CallRow, DoneStep, NewEvent, NewMessage, NewReplay, NewStep, PauseScope, Pruned,
        Rejection, Settlement, StepFacts, StoreError, WriteBack,
    },
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

use super::{LEASE, Ledger, START, event, on_both};

on_both! {
    nothing_of_an_erased_person_stands_in_any_row
    the_link_goes_with_the_person_and_another_contact_keeps_its_own
    a_refused_request_that_only_names_its_contact_is_erased_and_no_other
    what_retention_left_of_a_link_still_finds_the_person_in_others_rows
    an_erasure_takes_no_word_and_no_body_of_others_for_want_of_an_account
    an_erasure_reaches_every_row_of_a_long_table
}

const PHONE: &str = "13912345678";
const CHAT: &str = "我的身份证在抽屉里，请不要告诉别人";
const NAME: &str = "欧阳秘密";
const WECHAT: &str = "wxid_secret_1";

/// An account that the person had at another time, as short as one can be.
const SHORT_WECHAT: &str = "ly_886";
/// How others write the person's number.
const WRITTEN: [&str; 11] = [
    "139 1234 5678",
    "139-1234-5678",
    "139.1234.5678",
    "１３９１２３４５６７８",
    "139 123 45678",
    "139 1234 56 78",
    "1-391-234-5678",
    "1 3 9 1 2 3 4 5 6 7 8",
    "1３９123４5678",
    "一三九一二三四五六七八",
    "1\u{fe0f}\u{20e3}3\u{fe0f}\u{20e3}9\u{fe0f}\u{20e3}1\u{fe0f}\u{20e3}2\u{fe0f}\u{20e3}3\u{fe0f}\u{20e3}4\u{fe0f}\u{20e3}5\u{fe0f}\u{20e3}678",
];

/// Everything by which the person could be found.
const SECRETS: [&str; 7] = [PHONE, CHAT, NAME, WECHAT, SHORT_WECHAT, "LY_886", "K-SECRET-7"];

fn payload(contact: &str, filler: usize) -> String {
    payload_with(json!(contact), WECHAT, filler)
}

fn payload_with(id: Value, wechat_id: &str, filler: usize) -> String {
    json!({
        "type": "message.logged",
        "data": {
            "contact": { "id": id, "name": NAME, "phone": "+86 139-1234-5678", "wechat_id": wechat_id },
            "signal": { "content": format!("{CHAT}{}", "。".repeat(filler)) },
        }
    })
    .to_string()
}

fn call(response: &str) -> CallRow {
    CallRow {
        step: "survey".into(),
        interface: "客户列表".into(),
        started_at: START,
        duration_ms: 1,
        outcome: "ok".into(),
        request: json!({ "mobile": PHONE }),
        response: response.into(),
    }
}

/// One event of the person, run to its end with everything that a run leaves.
async fn run_of_the_person(ledger: &Ledger, number: usize, filler: usize) {
    ledger.accept(NewEvent { payload: payload("erased", filler), ..event(&format!("p{number}"), "erased") }).await;
    let mut lease = ledger.claim_one().await.lease;
    let step = json!({ "name": NAME, "mobile": PHONE, "intro": CHAT });
    let steps =
        [NewStep { name: "a".into(), step: step.clone(), fingerprint: None, facts: StepFacts::default(), begun: None }];
    ledger.store.plan(&mut lease, &steps, vec![call(&format!("{NAME} {PHONE} {CHAT}"))]).await.unwrap();
    let link = Link { ord: 7, khid: "WXerased".into(), kind: LinkKind::Person, linked_by: LinkedBy::Created };
    let last = Advance { done: vec![DoneStep::new(0, step)], link: Some(link), ..Advance::default() };
    ledger.store.settle(lease, Settlement::succeeded(last)).await.unwrap();
}

/// Another contact whose rows quote the person: candidates, the ERP's answer, an error's words.
async fn quotes_of(ledger: &Ledger, contact: &str, status: Status) -> String {
    let id = ledger.queue(contact).await;
    let mut lease = ledger.claim_one().await.lease;
    let written = WRITTEN.join("、");
    let answer = json!({
        "mobile": PHONE.parse::<i64>().unwrap(), "phone": "139 1234 5678", "weixinAcc": WECHAT,
        "qq": "LY_886", "intro": format!("电话 {written}，或 +86{PHONE}"), "name": NAME, "of": format!("{NAME}的朋友"),
    });
    let answer = answer.to_string();
    ledger.store.plan(&mut lease, &[], vec![call(&answer)]).await.unwrap();
    let own = json!({ "ord": 7, "name": NAME, "khid": "K-SECRET-7", "mobile": "139-1234-5678", "salesperson": null });
    let others = json!({ "ord": 71, "name": "王芳", "mobile": "13700000000" });
    let review = json!({ "candidates": [own, others], "decisions": ["link"] });
    let settlement = Settlement {
        review: Some(review),
        ..Settlement::to(status).because("candidates", format!("{NAME} {PHONE} 已存在 (exists)"))
    };
    ledger.store.settle(lease, settlement).await.unwrap();
    id
}

async fn refused(ledger: &Ledger) {
    let whole = payload_with(json!("erased"), SHORT_WECHAT, 9_000);
    reject(ledger, "r1", Some("erased"), &whole).await;
    // Cut in the middle it is no JSON any more, and nobody reads whose it is; nor where the id is none.
    let cut: String = whole.chars().take(whole.chars().count() - 40).collect();
    reject(ledger, "r2", None, &cut).await;
    reject(ledger, "r3", None, &payload_with(json!(["erased"]), WECHAT, 0)).await;
}

async fn reject(ledger: &Ledger, webhook_id: &str, contact: Option<&str>, payload: &str) {
    let (webhook_id, contact_id) = (webhook_id.to_owned(), contact.map(str::to_owned));
    let rejection =
        Rejection { webhook_id, kind: None, contact_id, errors: json!([NAME]), payload: payload.to_owned() };
    ledger.store.reject(rejection).await.unwrap();
}

/// What operators wrote where they had to say why.
async fn reasons(ledger: &Ledger) {
    let (ops, reason) = (Actor::from("ops"), format!("客户 {} 要求", WRITTEN[2]));
    let new = NewReplay { reason: Some(reason), filter: json!({}), more: false, events: Vec::new() };
    ledger.store.create_replay(new, &ops).await.unwrap();
    let scope = PauseScope::Kind("tag.added".into());
    ledger.store.pause(&scope, &format!("客户 {} 要求", WRITTEN[3]), None, &ops).await.unwrap();
    ledger.store.audit(&ops, "event.replay", "erased", Some(&format!("微信 {SHORT_WECHAT} 要求"))).await.unwrap();
}

/// An event of a type that nobody handles, of which nobody could read whose it is.
async fn unhandled(ledger: &Ledger) {
    let payload = payload_with(json!({ "of": "erased" }), WECHAT, 40);
    let (kind, contact_id, intake) = ("tag.removed".into(), None, Intake::Ignored);
    ledger.accept(NewEvent { kind, contact_id, intake, payload, ..event("unhandled", "nobody") }).await;
}

/// The person among others, in small and in large rows.
async fn planted(ledger: &Ledger) -> [String; 2] {
    // Somebody looked for the person, and gave no reason.
    let filter = json!({ "q": PHONE, "status": "dead" });
    let new = NewReplay { reason: None, filter, more: false, events: Vec::new() };
    ledger.store.create_replay(new, &"ops".into()).await.unwrap();
    // What the platform and people are told quotes the ERP.
    ledger.store.write_back(WriteBack { succeeded: true });
    let quoted = NewMessage {
        to: Addressee::People,
        kind: "alert.raised".into(),
        data: json!({ "words": format!("{PHONE} 已存在") }),
        event_id: None,
        contact_id: None,
    };
    ledger.store.take_watch("test", LEASE).await.unwrap();
    ledger.store.keep_watch("test", "{}", vec![quoted]).await.unwrap();
    for (number, filler) in [0, 3, 200, 1_000, 5_000, 20_000].into_iter().enumerate() {
        run_of_the_person(ledger, number, filler).await;
        for other in 0..8 {
            let mut noise = event(&format!("n{number}-{other}"), "noise");
            noise.payload = "x".repeat(37 * (other + 1) * (number + 1));
            ledger.accept(noise).await;
            let lease = ledger.claim_one().await.lease;
            ledger.store.settle(lease, Settlement::to(Status::Succeeded)).await.unwrap();
        }
    }
    // What somebody corrected is theirs, too. A connection of the ledger's own leaves nothing behind where a row grows.
    let as_the_ledger = if ledger.is_sqlite() { "pragma secure_delete = on;" } else { "" };
    ledger.run(&format!("{as_the_ledger} update events set amended = payload where contact_id = 'erased'")).await;
    refused(ledger).await;
    reasons(ledger).await;
    unhandled(ledger).await;
    [quotes_of(ledger, "other1", Status::NeedsReview).await, quotes_of(ledger, "other2", Status::Dead).await]
}

/// Every row of the ledger as text.
pub async fn rows(ledger: &Ledger) -> String {
    let url = ledger.config.url.expose_secret();
    let mut text = String::new();
    if ledger.is_sqlite() {
        let copy = tempfile::tempdir().unwrap();
        let copy = copy.path().join("copy.db");
        ledger.store.backup(&copy).await.unwrap();
        return String::from_utf8_lossy(&fs::read(copy).unwrap()).into_owned();
    }
    let mut connection = PgConnection::connect(url).await.unwrap();
    let tables = "select tablename::text from pg_tables where schemaname = current_schema()";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut connection).await.unwrap();
    assert!(tables.iter().any(|table| table == "outbox"), "{tables:?}");
    for table in tables {
        let sql = sqlx::AssertSqlSafe(format!("select coalesce(string_agg(t::text, ' '), '') from {table} t"));
        text += &sqlx::query_scalar::<_, String>(sql).fetch_one(&mut connection).await.unwrap();
    }
    text
}

fn assert_gone(text: &str, place: &str) {
    for secret in SECRETS.iter().chain(&WRITTEN) {
        assert_eq!(text.matches(secret).count(), 0, "{secret} in {place}");
    }
}

async fn nothing_of_an_erased_person_stands_in_any_row(ledger: &Ledger) {
    let [review, _] = planted(ledger).await;
    let before = rows(ledger).await;
    for secret in SECRETS.iter().chain(&WRITTEN) {
        assert!(before.contains(secret), "{secret} was there");
    }
    let why = format!("本人（{PHONE}）要求");
    assert_eq!(ledger.store.erase_contact("erased", &"ops".into(), Some(&why)).await, Ok(7));
    assert_gone(&rows(ledger).await, "the rows");
    // What quoted the person can still be read and decided.
    let row = ledger.event(&review).await;
    let candidates = row.review.clone().unwrap()["candidates"].take();
    assert_eq!((&candidates[0]["ord"], &candidates[0]["name"]), (&json!(7), &Value::Null));
    assert_eq!(candidates[1]["name"], "王芳", "another candidate stays as it was");
    let call = ledger.store.calls(&review).await.unwrap().items.remove(0);
    let answer: Value = serde_json::from_str(&call.response).unwrap();
    assert_eq!(answer["mobile"], json!(99_999_999_999_i64), "{answer}");
    assert_eq!((&answer["name"], &answer["of"]), (&json!("****"), &json!("****的朋友")), "{answer}");
    assert_eq!(row.error.as_deref(), Some("**** 99999999999 已存在 (exists)"));
    let audit = ledger.store.audit_log(None, 10).await.unwrap();
    assert_eq!(audit[0].reason.as_deref(), Some("本人（99999999999）要求"));
    let is_id =
        |subject: &str| ["erased", "type tag.added"].contains(&subject) || uuid::Uuid::try_parse(subject).is_ok();
    assert!(audit.iter().all(|entry| is_id(&entry.subject)), "an id only: {audit:?}");
}

async fn the_link_goes_with_the_person_and_another_contact_keeps_its_own(ledger: &Ledger) {
    planted(ledger).await;
    let own = NewEvent { payload: payload("namesake", 0), ..event("own", "namesake") };
    let own = ledger.accept(own).await;
    assert!(ledger.store.contact("erased").await.unwrap().is_some());
    ledger.store.erase_contact("erased", &"ops".into(), None).await.unwrap();
    assert!(ledger.store.contact("erased").await.unwrap().is_none());
    let kept = ledger.event(&own).await.payload.unwrap();
    assert!(kept.contains(CHAT) && kept.contains(NAME), "the same number, or name, is another contact's own");
}

async fn a_refused_request_that_only_names_its_contact_is_erased_and_no_other(ledger: &Ledger) {
    reject(ledger, "r1", None, r#"{"data":{"contact":{"id":"c1","name":"欧阳"#).await;
    reject(ledger, "r2", None, r#"{"data":{"contact":{"id":"c11","name":"王"#).await;
    reject(ledger, "r3", Some("c2"), r#"{"data":{"contact":{"id":"c1"}}}"#).await;
    reject(ledger, "r4", None, r#"{"data":{"contact":[{"id":"c2"},{"id":"c1","name":"欧阳"#).await;
    assert_eq!(ledger.store.erase_contact("c1", &"ops".into(), None).await, Ok(0));
    let left = ledger.store.rejections(None, 10).await.unwrap().items;
    let left: Vec<_> = left.iter().rev().map(|row| !row.rejection.payload.is_empty()).collect();
    assert_eq!(left, [false, true, true, false]);
    assert_eq!(ledger.store.erase_contact("c1", &"ops".into(), None).await, Err(StoreError::NotFound));
}

async fn what_retention_left_of_a_link_still_finds_the_person_in_others_rows(ledger: &Ledger) {
    let payload = payload_with(json!("erased"), "zhangsan", 0);
    let promoted = NewEvent { kind: "contact.promoted".into(), payload, ..event("p", "erased") };
    ledger.accept(promoted).await;
    let lease = ledger.claim_one().await.lease;
    let link = Link { ord: 7, khid: "WXerased".into(), kind: LinkKind::Person, linked_by: LinkedBy::Created };
    ledger
        .store
        .settle(lease, Settlement::succeeded(Advance { link: Some(link), ..Advance::default() }))
        .await
        .unwrap();
    ledger.clock.advance(Duration::from_secs(60));
    assert_eq!(ledger.store.prune(ledger.clock.now(), START).await.unwrap().payloads, 1);
    let id = ledger.queue("other").await;
    let mut lease = ledger.claim_one().await.lease;
    ledger.store.plan(&mut lease, &[], vec![call(&format!("zhangsan {NAME} {PHONE}"))]).await.unwrap();
    ledger.store.settle(lease, Settlement::to(Status::Succeeded)).await.unwrap();
    ledger.store.erase_contact("erased", &"ops".into(), None).await.unwrap();
    let call = ledger.store.calls(&id).await.unwrap().items.remove(0);
    assert_eq!(call.response, "******** **** 99999999999");
}

async fn an_erasure_takes_no_word_and_no_body_of_others_for_want_of_an_account(ledger: &Ledger) {
    let ops = Actor::from("ops");
    for (number, wechat_id) in ["微信", "没有", "未知"].into_iter().enumerate() {
        let payload = payload_with(json!(42), wechat_id, 0);
        ledger.accept(NewEvent { payload, ..event(&format!("p{number}"), "42") }).await;
        let lease = ledger.claim_one().await.lease;
        ledger.store.settle(lease, Settlement::to(Status::Succeeded)).await.unwrap();
    }
    let words = "客户来源 微信，电话没有，地址未知";
    ledger.store.audit(&ops, "event.replay", "other", Some(words)).await.unwrap();
    reject(ledger, "r1", None, r#"{"data":{"contact":{"id":"c1"},"deal":{"id":42}}}"#).await;
    reject(ledger, "r2", None, r#"{"data":{"contact":{"id":"c1","name":"王"},"deal":{"id":42,"#).await;
    // Somebody else of that name.
    reject(ledger, "r3", None, &format!(r#"{{"data":{{"contact":{{"id":"c9","name":"{NAME}","#)).await;
    ledger.store.audit(&ops, "event.replay", "other", Some(NAME)).await.unwrap();
    assert_eq!(ledger.store.erase_contact("42", &ops, None).await, Ok(3));
    let audit = ledger.store.audit_log(None, 10).await.unwrap();
    assert!(audit.iter().any(|entry| entry.reason.as_deref() == Some(words)), "{audit:?}");
    let left = ledger.store.rejections(None, 10).await.unwrap().items;
    assert!(audit.iter().any(|entry| entry.reason.as_deref() == Some(NAME)), "{audit:?}");
    assert!(left.len() == 3 && left.iter().all(|row| !row.rejection.payload.is_empty()), "deals have ids, too");
}

/// More rows than one statement looks through, and more bodies than are read at once.
async fn an_erasure_reaches_every_row_of_a_long_table(ledger: &Ledger) {
    let many =
        |upto: usize| format!("with recursive n (i) as (select 1 union all select i + 1 from n where i < {upto})");
    let said = format!("客户 {}", WRITTEN[6]);
    let audited = "insert into audit (at, actor, action, subject, reason)";
    ledger.run(&format!("{audited} {} select i, 'ops', 'event.replay', 'x', '{said}' from n", many(600))).await;
    let refused = "insert into rejections (received_at, webhook_id, errors, payload)";
    ledger.run(&format!("{refused} {} select i, 'r', '[]', '{said}' from n", many(130))).await;
    reject(ledger, "own", Some("erased"), &payload("erased", 0)).await;
    assert_eq!(ledger.store.erase_contact("erased", &"ops".into(), None).await, Ok(0));
    assert_gone(&rows(ledger).await, "the rows");
}

pub fn dir_of(ledger: &Ledger) -> &Path {
    let file = ledger.config.url.expose_secret().strip_prefix("sqlite://").unwrap();
    Path::new(file).parent().unwrap()
}

pub fn files(dir: &Path) -> Vec<(String, String)> {
    let read = |entry: fs::DirEntry| {
        let bytes = fs::read(entry.path()).unwrap();
        (entry.file_name().to_string_lossy().into_owned(), String::from_utf8_lossy(&bytes).into_owned())
    };
    fs::read_dir(dir).unwrap().map(|entry| read(entry.unwrap())).collect()
}

#[tokio::test]
async fn after_an_erasure_no_file_of_the_ledger_holds_anything_of_the_person_before_and_after_a_stop() {
    let ledger = Ledger::sqlite().await;
    planted(&ledger).await;
    let planted: String = files(dir_of(&ledger)).into_iter().map(|(_, text)| text).collect();
    assert!(planted.contains(CHAT) && planted.contains(PHONE));
    ledger.store.erase_contact("erased", &"ops".into(), None).await.unwrap();
    for stopped in [false, true] {
        if stopped {
            ledger.store.close().await;
        }
        for (name, text) in files(dir_of(&ledger)) {
            assert_gone(&text, &format!("{name}, stopped: {stopped}"));
        }
    }
}

#[tokio::test]
async fn what_retention_took_away_stands_in_no_file_either() {
    let ledger = Ledger::sqlite().await;
    for (number, filler) in [0, 200, 5_000].into_iter().enumerate() {
        run_of_the_person(&ledger, number, filler).await;
    }
    refused(&ledger).await;
    ledger.clock.advance(Duration::from_secs(60));
    while ledger.store.count_new_events().await.unwrap() {}
    let now = ledger.clock.now();
    while ledger.store.prune(now, now).await.unwrap() != Pruned::default() {}
    ledger.store.empty_log().await;
    for (name, text) in files(dir_of(&ledger)) {
        assert_gone(&text, &name);
    }
}
