//! One primary button a state: what is to be done next stands out, and of several things none.

use std::time::Duration;

use erp_bridge::{
    event::Status,
    store::{Addressee, Delivery, PauseScope, Settlement, WriteBack},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    events::{ended, ended_as},
    pages::of_operators,
    visitor::Visitor,
};
use crate::front::{Front, OPERATE, READ, Wishes, promoted};

/// How many buttons of a page stand out.
async fn primaries(visitor: &mut Visitor<'_>, path: &str) -> usize {
    visitor.get(path).await.html.matches("primary\"").count()
}

/// A question between so many customers.
fn question(candidates: i64) -> Value {
    let candidate = |number| json!({"ord": 7_000 + number, "name": format!("王小明{number}")});
    let candidates: Vec<Value> = (1..=candidates).map(candidate).collect();
    json!({"decisions": ["link", "recreate", "done", "resend"], "candidates": candidates})
}

#[tokio::test]
async fn no_page_of_an_event_has_two_primary_buttons_in_whatever_state_it_is() {
    for dispatches in [true, false] {
        let front = Front::with(Wishes { dispatches, ..Wishes::default() }).await;
        let mut events = Vec::new();
        for candidates in 0..4 {
            let review = Some(question(candidates));
            events.push(ended(&front, &format!("r{candidates}"), Status::NeedsReview, "candidates", review).await);
        }
        let later = Some(front.clock.now().plus(Duration::from_secs(43_200)));
        let again = Settlement { next_attempt_at: later, counts: true, ..Settlement::to(Status::Queued) };
        events.push(ended_as(&front, "again", again.because("timeout", "没有应答")).await);
        let mut unmet = promoted("unmet");
        unmet["data"]["thread"]["score"] = json!(1);
        events.push(front.post_event("unmet", &unmet).await.body["id"].as_str().unwrap().to_owned());
        for status in Status::ALL {
            let status = status.as_str();
            let id = front.post_event(status, &promoted(status)).await.body["id"].as_str().unwrap().to_owned();
            front.ledger(&format!("update events set status = '{status}' where id = '{id}'")).await;
            events.push(id);
        }
        for token in [OPERATE, READ] {
            let mut visitor = Visitor::signed_in(&front, token).await;
            for id in &events {
                for query in ["", "?amend=open", "?todo=candidates"] {
                    let path = format!("/console/events/{id}{query}");
                    assert!(primaries(&mut visitor, &path).await <= 1, "{path}");
                }
            }
        }
    }
}

#[tokio::test]
async fn to_link_the_only_candidate_stands_out_and_of_several_none_does() {
    let front = Front::open().await;
    for (candidates, expected) in [(0, 0), (1, 1), (2, 0), (3, 0)] {
        let contact = format!("c{candidates}");
        let id = ended(&front, &contact, Status::NeedsReview, "candidates", Some(question(candidates))).await;
        let mut visitor = Visitor::signed_in(&front, OPERATE).await;
        let path = format!("/console/events/{id}");
        assert_eq!(primaries(&mut visitor, &path).await, expected, "{candidates} candidates");
        let links = visitor.get(&path).await.html.matches("name=\"ord\" value=\"").count();
        assert_eq!(i64::try_from(links), Ok(candidates), "each can be linked all the same");
    }
}

#[tokio::test]
async fn no_other_page_has_two_primary_buttons_in_whatever_state_the_bridge_is() {
    let (free, away) =
        (Wishes { dispatches: true, ..Wishes::default() }, Wishes { is_away: true, ..Wishes::default() });
    for wishes in [Wishes::default(), free, away] {
        let front = Front::with(wishes).await;
        front.post_event("w1", &promoted("c1")).await;
        front.link(7_001, "WXc1").await;
        let dead = ended(&front, "c2", Status::Dead, "refused", None).await;
        front.store.pause(&PauseScope::All, "盘点", None, &"ops".into()).await.unwrap();
        let replay = front.rest(Method::POST, "/v1/replays", OPERATE, &json!({"code": "refused"})).await;
        let replay = format!("/console/replays/{}", replay.body["id"].as_str().unwrap());
        let mut visitor = Visitor::signed_in(&front, OPERATE).await;
        for path in of_operators(&dead).into_iter().chain([replay.clone(), "/console/events/bulk?do=burn".into()]) {
            assert!(primaries(&mut visitor, &path).await <= 1, "{path}");
        }
        for deed in ["start", "pause", "resume", "stop"] {
            visitor.change(&replay, &format!("{replay}/{deed}"), &[]).await;
            assert!(primaries(&mut visitor, &replay).await <= 1, "{deed}");
        }
    }
}

#[tokio::test]
async fn of_what_was_not_delivered_no_button_of_a_row_stands_out() {
    let front = Front::open().await;
    front.store.write_back(WriteBack { succeeded: false });
    let mut unmet = promoted("c1");
    unmet["data"]["thread"]["score"] = json!(1);
    for webhook in ["w1", "w2", "w3"] {
        front.post_event(webhook, &unmet).await;
    }
    for _ in 0..3 {
        let mut claimed = front.store.claim_messages(Addressee::Platform, 1, Duration::from_secs(30)).await.unwrap();
        front.store.settle_message(&claimed.remove(0), &Delivery::Dead("HTTP 410".into())).await.unwrap();
    }
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let page = visitor.get("/console/outbox").await.html;
    assert!(page.matches("<tr data-row").count() == 3, "{page}");
    assert!(primaries(&mut visitor, "/console/outbox").await <= 1, "{page}");
}
