//! What an event's time was spent with, as its page tells.

use erp_bridge::{
    event::Status,
    store::{Advance, Settlement},
};

use super::{
    events::ended,
    search::message,
    visitor::{HOUR, MINUTE, Visitor},
};
use crate::front::{Front, OPERATE, READ, promoted};

#[tokio::test]
async fn days_for_a_person_s_decision_are_not_told_as_waiting_for_its_turn() {
    let front = Front::open().await;
    let id = ended(&front, "zhou", Status::Dead, "refused", None).await;
    let page = format!("/console/events/{id}");
    front.clock.advance(50 * HOUR);
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    visitor.change(&page, &format!("{page}/replay"), &[]).await;
    front.clock.advance(10 * MINUTE);
    front.end(Settlement::succeeded(Advance::default())).await;
    for token in [OPERATE, READ] {
        let html = Visitor::signed_in(&front, token).await.get(&page).await.html;
        assert!(html.contains("class=\"key person\">等人处理 2 天 2 小时<"), "{html}");
        assert!(html.contains("class=\"key queue\">排队 10 分钟<"), "{html}");
    }
}

/// Of an event at which somebody looks each hour, too.
#[tokio::test]
async fn hundreds_of_looks_hide_no_deed() {
    let front = Front::open().await;
    let id = ended(&front, "zhou", Status::Dead, "refused", None).await;
    let page = format!("/console/events/{id}");
    front.clock.advance(50 * HOUR);
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    visitor.change(&page, &format!("{page}/replay"), &[]).await;
    let looks = format!(
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < 300)
         insert into audit (at, actor, action, subject) select {}, 'ops', 'event.unmask', '{id}' from n",
        front.clock.now().0
    );
    front.ledger(&looks).await;
    front.clock.advance(10 * MINUTE);
    let html = visitor.get(&page).await.html;
    assert!(html.contains("class=\"key person\">等人处理 2 天 2 小时<"), "{html}");
}

#[tokio::test]
async fn what_waits_now_is_told_by_what_it_waits_for() {
    let front = Front::open().await;
    let asked = ended(&front, "zhou", Status::NeedsReview, "candidates", None).await;
    let again = front.post_event("w2", &promoted("qian")).await.body["id"].as_str().unwrap().to_owned();
    let later = front.clock.now().plus(5 * HOUR);
    let away = Settlement { next_attempt_at: Some(later), ..Settlement::to(Status::Queued) };
    front.end(Settlement { counts: true, ..away.clone() }.because("not_delivered", "x")).await;
    // An outage counts no try.
    let outage = front.post_event("w4", &promoted("li")).await.body["id"].as_str().unwrap().to_owned();
    front.end(away.because("not_delivered", "x")).await;
    let held = front.post_event("w5", &message("stranger", "你好")).await.body["id"].as_str().unwrap().to_owned();
    let fresh = front.post_event("w3", &promoted("sun")).await.body["id"].as_str().unwrap().to_owned();
    front.clock.advance(HOUR);
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    for (id, told) in [
        (asked, "class=\"key person\">等人处理 1 小时<"),
        (again, "class=\"key away\">等 ERP 恢复 1 小时<"),
        (outage, "class=\"key away\">等 ERP 恢复 1 小时<"),
        (held, "class=\"key held\">等待转客户 1 小时<"),
        (fresh, "class=\"key queue\">排队 1 小时<"),
    ] {
        let html = visitor.get(&format!("/console/events/{id}")).await.html;
        assert!(html.contains(told), "{told}: {html}");
    }
}
