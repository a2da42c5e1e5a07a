//! Contacts that are linked to no customer are found by what they are called, however much came after them.

use std::time::Duration;

use erp_bridge::{
    event::{Intake, Link, LinkKind, LinkedBy, Status},
    store::{Advance, Amendment, Named, NewEvent, Pruned, Settlement, Store},
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{Ledger, START, erasure, event, on_both, run};
use crate::support::{World, contact, eventually, promoted};

on_both! {
    a_stranger_is_found_behind_however_many_newer_bodies
    each_thing_that_a_stranger_is_found_by_is_the_newest_that_is_told
    who_has_no_body_any_more_is_not_found_and_who_has_one_is
    a_stranger_that_comes_after_all_has_vanished_is_noted_too
    nothing_of_an_erased_stranger_is_kept_or_noted_again
    who_is_linked_is_no_stranger_and_is_one_again_when_the_link_is_forgotten
    a_corrected_body_is_what_its_stranger_is_found_by
    a_row_of_a_stranger_of_whom_nothing_else_is_kept_is_erased
    bodies_that_no_search_reads_are_not_read_for_strangers_either
    two_replicas_that_note_at_once_miss_nobody
}

/// Longer than PostgreSQL needs until no event can turn up with a lower number.
const SETTLED: Duration = Duration::from_secs(31);

/// More events of others than a search reads bodies of.
pub fn newer_bodies() -> String {
    format!(
        "insert into events (id, body_hash, kind, contact_id, status, received_at, payload, actor, force, attempts,
             updated_at, finished_at)
         with recursive n (i) as (select 1 union all select i + 1 from n where i < 1001)
         select '{}-' || i, '', 'x', 'other' || i, 'ignored', {at}, '{{}}', 'webhook', 0, 0, {at}, {at} from n",
        uuid::Uuid::now_v7(),
        at = START.0,
    )
}

async fn newer(ledger: &Ledger) {
    ledger.run(&newer_bodies()).await;
}

async fn note_all(store: &Store) {
    while store.note_strangers().await.unwrap() {}
}

/// Notes all that is there.
async fn note(ledger: &Ledger) {
    ledger.clock.advance(SETTLED);
    note_all(&ledger.store).await;
}

/// An event of somebody who is said to be this.
fn says(webhook_id: &str, contact_id: &str, contact: &Value) -> NewEvent {
    let payload = json!({ "data": { "contact": contact } }).to_string();
    NewEvent { payload, ..event(webhook_id, contact_id) }
}

/// Accepts one that nobody works on.
async fn told(ledger: &Ledger, webhook_id: &str, contact_id: &str, contact: Value) {
    ledger.accept(NewEvent { intake: Intake::Ignored, ..says(webhook_id, contact_id, &contact) }).await;
}

/// Accepts one that dies; answers its id.
async fn dead(ledger: &Ledger, webhook_id: &str, contact_id: &str, contact: Value) -> String {
    let id = ledger.accept(says(webhook_id, contact_id, &contact)).await;
    let end = Settlement::to(Status::Dead).because("refused", "words");
    ledger.store.settle(ledger.claim_one().await.lease, end).await.unwrap();
    id
}

async fn found(ledger: &Ledger, q: &str) -> Vec<String> {
    ledger.store.named(q, true, |_| true).await.unwrap().contacts
}

async fn a_stranger_is_found_behind_however_many_newer_bodies(ledger: &Ledger) {
    let wang = json!({"name": "王小明", "phone": "+86 138-0000-1001", "wechat_id": "wx_Wang"});
    told(ledger, "w1", "c1", wang).await;
    newer(ledger).await;
    assert!(found(ledger, "王小明").await.is_empty(), "nobody reads all bodies");
    note_all(&ledger.store).await;
    assert_eq!(found(ledger, "王小明").await.is_empty(), !ledger.is_sqlite(), "an older event may still turn up");
    note(ledger).await;
    for q in ["王小明", "小明", "138 0000 1001", "008613800001001", "wx_wang", "WX_WANG"] {
        assert_eq!(found(ledger, q).await, ["c1"], "{q}");
    }
    for q in ["李雷", "13800001002", "%", "_小明"] {
        assert!(found(ledger, q).await.is_empty(), "{q}");
    }
    for q in ["王小明", "13800001001", "wx_wang"] {
        let unseen = ledger.store.named(q, false, |_| true).await.unwrap();
        assert_eq!(unseen, Named::default(), "{q} for who may not see it");
    }
}

async fn each_thing_that_a_stranger_is_found_by_is_the_newest_that_is_told(ledger: &Ledger) {
    told(ledger, "w1", "c1", json!({"name": "王小明", "phone": "13800001001"})).await;
    told(ledger, "w2", "c1", json!({"name": "王大明", "company": "晨光"})).await;
    told(ledger, "w3", "c1", json!({"id": "c1"})).await;
    ledger.accept(NewEvent { payload: "no JSON".into(), intake: Intake::Ignored, ..event("w4", "c1") }).await;
    newer(ledger).await;
    note(ledger).await;
    let of_c1 = async |q: &str| found(ledger, q).await == ["c1"];
    for (q, is_found) in [("王大明", true), ("晨光", true), ("13800001001", true), ("王小明", false)] {
        assert_eq!(of_c1(q).await, is_found, "{q}");
    }
    told(ledger, "w5", "c1", json!({"name": "王中明"})).await;
    newer(ledger).await;
    note(ledger).await;
    for (q, is_found) in [("王中明", true), ("晨光", true), ("13800001001", true), ("王大明", false)] {
        assert_eq!(of_c1(q).await, is_found, "{q}, later");
    }
}

async fn who_has_no_body_any_more_is_not_found_and_who_has_one_is(ledger: &Ledger) {
    told(ledger, "w1", "c1", json!({"name": "王小明"})).await;
    // What is dead keeps its body.
    dead(ledger, "w2", "c2", json!({"name": "李雷"})).await;
    told(ledger, "w3", "c2", json!({"name": "韩梅梅"})).await;
    newer(ledger).await;
    note(ledger).await;
    assert_eq!(found(ledger, "王小明").await, ["c1"]);
    assert_eq!(found(ledger, "韩梅梅").await, ["c2"]);
    assert!(found(ledger, "李雷").await.is_empty());
    while ledger.store.prune(ledger.clock.now(), START).await.unwrap() != Pruned::default() {}
    newer(ledger).await;
    for q in ["王小明", "韩梅梅"] {
        assert!(found(ledger, q).await.is_empty(), "{q} is forgotten");
    }
    assert_eq!(found(ledger, "李雷").await, ["c2"]);
}

async fn a_stranger_that_comes_after_all_has_vanished_is_noted_too(ledger: &Ledger) {
    told(ledger, "w1", "c1", json!({"name": "王小明"})).await;
    note(ledger).await;
    while ledger.store.count_new_events().await.unwrap() {}
    let now = ledger.clock.now();
    while ledger.store.prune(now, now).await.unwrap() != Pruned::default() {}
    told(ledger, "w2", "c2", json!({"name": "韩梅梅"})).await;
    newer(ledger).await;
    note(ledger).await;
    assert_eq!(found(ledger, "韩梅梅").await, ["c2"]);
}

async fn nothing_of_an_erased_stranger_is_kept_or_noted_again(ledger: &Ledger) {
    let person = json!({"name": "欧阳秘密", "phone": "13912345678", "wechat_id": "wxid_secret_1"});
    told(ledger, "w1", "c1", person.clone()).await;
    note(ledger).await;
    told(ledger, "w2", "c2", person).await;
    for contact in ["c1", "c2"] {
        ledger.store.erase_contact(contact, &"ops".into(), None).await.unwrap();
    }
    note(ledger).await;
    let mut texts = vec![erasure::rows(ledger).await];
    if ledger.is_sqlite() {
        texts.extend(erasure::files(erasure::dir_of(ledger)).into_iter().map(|(_, text)| text));
    }
    for secret in ["欧阳秘密", "13912345678", "wxid_secret_1"] {
        assert!(found(ledger, secret).await.is_empty(), "{secret}");
        assert!(texts.iter().all(|text| !text.contains(secret)), "{secret} is left");
    }
}

async fn who_is_linked_is_no_stranger_and_is_one_again_when_the_link_is_forgotten(ledger: &Ledger) {
    ledger.accept(says("w1", "c1", &json!({"name": "王小明", "phone": "13800001001"}))).await;
    newer(ledger).await;
    note(ledger).await;
    assert_eq!(found(ledger, "王小明").await, ["c1"]);
    let link = Link { ord: 7, khid: "K-7".into(), kind: LinkKind::Person, linked_by: LinkedBy::Created };
    let last = Advance { link: Some(link), ..Advance::default() };
    ledger.store.settle(ledger.claim_one().await.lease, Settlement::succeeded(last)).await.unwrap();
    told(ledger, "w2", "c1", json!({"name": "王大明"})).await;
    newer(ledger).await;
    note(ledger).await;
    ledger.run("update contacts set found_by = null").await;
    for q in ["王小明", "王大明", "13800001001"] {
        assert!(found(ledger, q).await.is_empty(), "{q}: its link says whom it finds");
    }
    ledger.store.unlink("c1", &"ops".into(), None, None).await.unwrap();
    for q in ["王大明", "13800001001"] {
        assert_eq!(found(ledger, q).await, ["c1"], "{q}");
    }
}

async fn a_corrected_body_is_what_its_stranger_is_found_by(ledger: &Ledger) {
    let id = dead(ledger, "w1", "c1", json!({"name": "王小朋"})).await;
    newer(ledger).await;
    note(ledger).await;
    assert_eq!(found(ledger, "王小朋").await, ["c1"]);
    let amendment = Amendment {
        body: json!({"data": {"contact": {"name": "王小明"}}}).to_string(),
        warnings: None,
        admission: "{}".into(),
        keeps_records: true,
    };
    ledger.store.amend(&id, &amendment, &"ops".into(), "写错了", None).await.unwrap();
    assert_eq!(found(ledger, "王小明").await, ["c1"]);
    assert!(found(ledger, "王小朋").await.is_empty());
}

async fn a_row_of_a_stranger_of_whom_nothing_else_is_kept_is_erased(ledger: &Ledger) {
    ledger.run("insert into strangers (contact_id, found_by) values ('c9', '欧阳秘密')").await;
    newer(ledger).await;
    assert_eq!(found(ledger, "欧阳秘密").await, ["c9"]);
    assert_eq!(ledger.store.erase_contact("c9", &"ops".into(), None).await, Ok(0));
    assert!(found(ledger, "欧阳秘密").await.is_empty());
}

/// They would hold up the one who writes.
async fn bodies_that_no_search_reads_are_not_read_for_strangers_either(ledger: &Ledger) {
    let id = dead(ledger, "w1", "c1", json!({"name": "王小明"})).await;
    told(ledger, "w2", "c1", json!({"name": "王大明", "remark": "长".repeat(16_384)})).await;
    newer(ledger).await;
    let is_found = async || {
        assert_eq!(found(ledger, "王小明").await, ["c1"]);
        assert!(found(ledger, "王大明").await.is_empty());
    };
    note(ledger).await;
    is_found().await;
    let amendment = Amendment {
        body: json!({"data": {"contact": {"name": "王小明"}}}).to_string(),
        warnings: None,
        admission: "{}".into(),
        keeps_records: true,
    };
    ledger.store.amend(&id, &amendment, &"ops".into(), "再写一次", None).await.unwrap();
    is_found().await;
}

async fn two_replicas_that_note_at_once_miss_nobody(ledger: &Ledger) {
    for number in 0..3 {
        told(ledger, &format!("w{number}"), &format!("c{number}"), json!({"name": format!("第{number}人")})).await;
        newer(ledger).await;
    }
    let other = ledger.replica().await;
    ledger.clock.advance(SETTLED);
    futures::join!(note_all(&ledger.store), note_all(&other));
    for number in 0..3 {
        assert_eq!(found(ledger, &format!("第{number}人")).await, [format!("c{number}")]);
    }
}

#[tokio::test]
async fn a_running_bridge_notes_strangers_by_itself() {
    let world = World::start().await;
    // Nobody becomes a customer with such a score.
    let (status, answer) = world.post("evt-1", &promoted(&contact("c_1", 1), 22.0)).await;
    assert_eq!((status, &answer["status"]), (200, &json!("not_admitted")));
    run(world.config.database.url.expose_secret(), &newer_bodies()).await;
    eventually("a round of upkeep", Duration::from_secs(60), async || {
        let named = world.app.store.named("张1伟", true, |_| true).await.unwrap();
        (named.contacts == ["c_1"]).then_some(())
    })
    .await;
}
