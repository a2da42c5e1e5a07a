//! Two people at once: one decides what the other is looking at; the second is told, and nothing happens twice.

use std::time::Duration;

use erp_bridge::event::Status;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{events::ended, visitor::Visitor};
use crate::front::{Front, OPERATE};

/// When the event had last changed, as its page says it.
pub fn seen(page: &str) -> String {
    page.split_once("name=\"updated_at\" value=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
}

#[tokio::test]
async fn who_gives_up_or_replays_from_an_old_page_is_told_and_the_decision_of_the_other_stands() {
    let front = Front::open().await;
    let review = json!({"decisions": ["link"], "candidates": [{"ord": 7_001, "name": "王小明"}]});
    let id = ended(&front, "c1", Status::NeedsReview, "candidates", Some(review)).await;
    let path = format!("/console/events/{id}");
    let mut first = Visitor::signed_in(&front, OPERATE).await;
    let mut second = Visitor::signed_in(&front, OPERATE).await;
    let page = second.get(&path).await.html;
    let old = seen(&page);
    assert_eq!(page.matches(&format!("name=\"updated_at\" value=\"{old}\"")).count(), 5, "every form: {page}");
    front.clock.advance(Duration::from_secs(1));
    let linked = [("decision", "link"), ("ord", "7001"), ("updated_at", old.as_str())];
    assert_eq!(first.change(&path, &format!("{path}/resolve"), &linked).await.status, StatusCode::SEE_OTHER);
    for deed in ["discard", "replay", "replan"] {
        let form = [("reason", "重复"), ("updated_at", old.as_str())];
        let told = second.change(&path, &format!("{path}/{deed}"), &form).await;
        assert_eq!(told.status, StatusCode::CONFLICT, "{deed}: {}", told.html);
        assert!(told.html.contains("可能有人刚刚处理过"), "{deed}: {}", told.html);
        let event = front.store.event(&id).await.unwrap().unwrap();
        assert_eq!((event.status, &event.resolution.unwrap()["ord"]), (Status::Queued, &json!(7_001)), "{deed}");
    }
    let body = json!({"reason": "重复", "updated_at": old});
    let told = front.rest(Method::POST, &format!("/v1/events/{id}/discard"), OPERATE, &body).await;
    assert_eq!((told.status, told.problem()), (StatusCode::CONFLICT, "changed"));
    let now = seen(&second.get(&path).await.html);
    let form = [("reason", "重复"), ("updated_at", &*now)];
    assert_eq!(second.change(&path, &format!("{path}/discard"), &form).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_ticked_event_that_a_colleague_put_back_meanwhile_is_not_given_up() {
    let front = Front::open().await;
    let kept = ended(&front, "c1", Status::Dead, "refused", None).await;
    let other = ended(&front, "c2", Status::Dead, "refused", None).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let list = visitor.get("/console/events?status=dead").await.html;
    let ticked = [&kept, &other].map(|id| format!("{id}.dead"));
    assert!(ticked.iter().all(|value| list.contains(&format!("name=\"id\" value=\"{value}\""))), "{list}");
    front.store.replay(&kept, &"colleague".into(), None, None).await.unwrap();
    let ask = format!("/console/events/bulk?do=discard&id={}&id={}", ticked[0], ticked[1]);
    let page = visitor.get(&ask).await.html;
    assert!(page.contains("约 1 条，") && page.contains(&format!("value=\"{}\"", ticked[0])), "{page}");
    let form = [("do", "discard"), ("id", &*ticked[0]), ("id", &*ticked[1]), ("reason", "旧")];
    let done = visitor.change(&ask, "/console/events/bulk", &form).await;
    assert!(done.location().ends_with("count=1"), "{}: {}", done.location(), done.html);
    let status = async |id: &str| front.store.event(id).await.unwrap().unwrap().status;
    assert_eq!((status(&kept).await, status(&other).await), (Status::Queued, Status::Discarded));
}
