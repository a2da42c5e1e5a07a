//! What can be tried now, state by state, and what is said where nothing can.

use std::time::Duration;

use erp_bridge::{
    event::Status,
    store::{NewBlock, Settlement},
};
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{
    colleagues::seen,
    events::{ended, ended_as},
    visitor::Visitor,
};
use crate::front::{Front, OPERATE, READ, Wishes, promoted};

/// An event that failed once and is tried again in twelve hours.
async fn retrying(front: &Front, contact: &str) -> String {
    let later = front.clock.now().plus(Duration::from_secs(43_200));
    let to = Settlement::to(Status::Queued).because("timeout", "没有应答");
    ended_as(front, contact, Settlement { next_attempt_at: Some(later), counts: true, ..to }).await
}

/// What the page says on top of what is to be done about an event.
async fn verdict(front: &Front, token: &str, id: &str) -> String {
    let page = Visitor::signed_in(front, token).await.get(&format!("/console/events/{id}")).await.html;
    page.split_once("id=\"verdict\"").unwrap().1.split_once("</section>").unwrap().0.to_owned()
}

#[tokio::test]
async fn what_waits_for_its_next_try_is_tried_now_by_one_click_and_the_try_counts_as_any() {
    let front = Front::with(Wishes { dispatches: true, ..Wishes::default() }).await;
    let id = retrying(&front, "c1").await;
    assert!(front.store.claim(1, Duration::from_secs(60)).await.unwrap().is_empty());
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let path = format!("/console/events/{id}");
    let page = visitor.get(&path).await.html;
    assert!(page.contains("<button class=\"primary\">立即重试</button>"), "{page}");
    assert!(!verdict(&front, READ, &id).await.contains("<button class=\"primary\">"));
    front.clock.advance(Duration::from_secs(1));
    let sent = visitor.change(&path, &format!("{path}/replay"), &[("updated_at", &*seen(&page))]).await;
    assert_eq!((sent.status, sent.location()), (StatusCode::SEE_OTHER, &*format!("{path}?done=replayed")));
    let event = front.store.event(&id).await.unwrap().unwrap();
    assert_eq!((event.status, event.attempts, event.next_attempt_at), (Status::Queued, 1, Some(front.clock.now())));
    assert!(!visitor.get(&path).await.html.contains("立即重试"), "its turn has come");
    let claimed = front.store.claim(1, Duration::from_secs(60)).await.unwrap();
    assert_eq!(claimed[0].event.id, id, "the contact's turn is due");
}

#[tokio::test]
async fn rest_hastens_the_next_try_and_refuses_what_is_in_its_turn_already() {
    let front = Front::open().await;
    let id = retrying(&front, "c1").await;
    let replay = async || front.rest(Method::POST, &format!("/v1/events/{id}/replay"), OPERATE, &json!({})).await;
    let done = replay().await;
    assert_eq!((done.status, &done.body["status"]), (StatusCode::OK, &json!("queued")));
    assert_eq!(replay().await.problem(), "wrong_state");
}

#[tokio::test]
async fn where_nothing_can_be_tried_the_page_says_why_and_where_one_goes_on() {
    let front = Front::open().await;
    let block = NewBlock {
        code: "choice_missing",
        subject: "客户来源".into(),
        words: "没有".into(),
        pause: Duration::from_secs(5),
        is_met: true,
    };
    let blocked =
        Settlement { blocked: Some(block), ..Settlement::to(Status::Queued).because("choice_missing", "没有") };
    let blocked = ended_as(&front, "blocked", blocked).await;
    let review = json!({"step": "progress:1", "decisions": ["done"]});
    let first = ended(&front, "late", Status::NeedsReview, "not_stored", Some(review)).await;
    let behind = front.post_event("w1", &promoted("late")).await.body["id"].as_str().unwrap().to_owned();
    let running = front.post_event("w2", &promoted("running")).await.body["id"].as_str().unwrap().to_owned();
    assert_eq!(front.store.claim(1, Duration::from_secs(60)).await.unwrap().len(), 1);
    let paused = front.post_event("w3", &promoted("paused")).await.body["id"].as_str().unwrap().to_owned();
    let pause = json!({"scope": "contact", "value": "paused", "reason": "核对"});
    front.rest(Method::POST, "/v1/dispatch/pause", OPERATE, &pause).await;
    front.store.claim(1, Duration::from_secs(60)).await.unwrap();
    let erp = "class=\"button primary\" href=\"/console/erp\"";
    let earlier = format!("class=\"button primary\" href=\"/console/events/{first}\"");
    for (id, why, there) in [
        (&blocked, "ERP 的设置改好之前，重试没有用", Some(erp)),
        (&paused, "派发暂停时不能重试", Some(erp)),
        (&behind, "此联系人更早的事件完成后才轮到它", Some(earlier.as_str())),
        (&running, "写完之前不能重试", None),
    ] {
        let told = verdict(&front, OPERATE, id).await;
        assert!(told.contains(why) && !told.contains("立即重试"), "{why}: {told}");
        assert_eq!(told.matches("primary\"").count(), usize::from(there.is_some()), "{why}: {told}");
        assert!(there.is_none_or(|there| told.contains(there)), "{why}: {told}");
    }
    // Whoever may only look is sent to look.
    let neutral = verdict(&front, READ, &blocked).await;
    assert!(neutral.contains("class=\"button\" href=\"/console/erp\">查看<"), "{neutral}");
    assert!(!neutral.contains("primary\"") && !neutral.contains("你的令牌只能查看"), "{neutral}");
    assert!(!verdict(&front, READ, &behind).await.contains("primary\""));
    let kept_out = ended(&front, "kept_out", Status::NotAdmitted, "", None).await;
    assert!(!verdict(&front, READ, &kept_out).await.contains("你的令牌只能查看"), "nobody need do anything");
    let dead = ended(&front, "dead", Status::Dead, "refused", None).await;
    assert!(verdict(&front, READ, &dead).await.contains("你的令牌只能查看"));
    assert!(!verdict(&front, OPERATE, &dead).await.contains("你的令牌只能查看"));
}

/// Nothing is sent then, whoever wants it sooner.
#[tokio::test]
async fn while_the_bridge_itself_sends_nothing_no_try_is_offered_and_the_page_says_why() {
    let (is_away, is_quiet) =
        (Wishes { is_away: true, ..Wishes::default() }, Wishes { is_quiet: true, ..Wishes::default() });
    for (wishes, why) in [
        (is_away, "ERP 无响应，现在重试没有用"),
        (is_quiet, "免打扰时段内不能重试"),
        (Wishes::default(), "ERP 拒绝登录，恢复派发之前不能重试"),
    ] {
        let front = Front::with(wishes).await;
        let id = retrying(&front, "c1").await;
        let told = verdict(&front, OPERATE, &id).await;
        assert!(told.contains(why) && !told.contains("立即重试"), "{why}: {told}");
        assert!(told.contains("class=\"button primary\" href=\"/console/erp\""), "{told}");
        let told = verdict(&front, READ, &id).await;
        assert!(told.contains(why) && !told.contains("primary\""), "{why}: {told}");
        let fresh = front.post_event("w2", &promoted("c2")).await.body["id"].as_str().unwrap().to_owned();
        assert!(!verdict(&front, OPERATE, &fresh).await.contains(why), "it has no next try");
    }
    let front = Front::with(Wishes { dispatches: true, ..Wishes::default() }).await;
    let id = retrying(&front, "c1").await;
    assert!(verdict(&front, READ, &id).await.contains("你的令牌只能查看"));
}
