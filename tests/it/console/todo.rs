//! What waits for a person, and the overview.

use reqwest::StatusCode;

use erp_bridge::{event::Status, store::Settlement};

use super::{
    events::{ended, ended_as, many},
    visitor::Visitor,
};
use crate::front::{Front, OPERATE, READ, promoted};

#[tokio::test]
async fn what_waits_is_grouped_by_cause_and_deciding_one_opens_the_next() {
    let front = Front::open().await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    assert!(visitor.get("/console/todo").await.html.contains("没有待处理的事"));
    let first = ended(&front, "c1", Status::Dead, "refused", None).await;
    let second = ended(&front, "c2", Status::Dead, "refused", None).await;
    ended(&front, "c3", Status::Dead, "invalid", None).await;
    let page = visitor.get("/console/todo").await.html;
    for told in ["同类 2 条", "同类 1 条", "客户名称已存在", "按 ERP 原话排除原因后重试"] {
        assert!(page.contains(told), "{told} is not in {page}");
    }
    let chosen = visitor.get("/console/todo?cause=refused").await.html;
    assert_eq!(chosen.matches("<tr data-row").count(), 2, "{chosen}");
    assert!(chosen.contains("约 2 条失败的事件放回队列"), "{chosen}");

    let next = visitor.get("/console/todo/next?cause=refused").await;
    assert_eq!(next.location(), format!("/console/events/{first}?todo=refused"), "the oldest first");
    let discard = [("todo", "refused"), ("reason", "重复")];
    let sent = visitor.change(next.location(), &format!("/console/events/{first}/discard"), &discard).await;
    assert_eq!(sent.location(), format!("/console/todo/next?cause=refused&after={first}&done=discarded"));
    let next = visitor.get(sent.location()).await;
    assert_eq!(next.location(), format!("/console/events/{second}?todo=refused&done=discarded&of={first}"));
    let page = visitor.get(next.location()).await.html;
    let banner = page.split_once("class=\"banner good\"").unwrap().1.split_once("</p>").unwrap().0;
    assert!(
        banner.contains("上一条：已放弃") && banner.contains(&format!("href=\"/console/events/{first}\"")),
        "{banner}"
    );
    let (other, strange) =
        (format!("/console/events/{second}?done=discarded"), "/console/todo?done=discarded&of=%22%3E");
    for path in [other.as_str(), strange] {
        assert!(!visitor.get(path).await.html.contains("上一条："), "{path}");
    }
    let sent =
        visitor.change("/console/todo", &format!("/console/events/{second}/replay"), &[("todo", "refused")]).await;
    let last = visitor.get(sent.location()).await;
    assert_eq!(last.location(), format!("/console/todo?done=replayed&of={second}"));
}

/// A cause of which the oldest fifty, all that the page shows, wait for a decision, and of which two failed.
#[tokio::test]
async fn trying_a_cause_again_counts_what_failed_and_not_what_waits_for_a_decision() {
    let front = Front::open().await;
    many(&front, 50, Status::NeedsReview, "refused").await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let none = visitor.get("/console/todo?cause=refused").await.html;
    assert!(none.matches("<tr data-row").count() == 50 && !none.contains("放回队列"), "{none}");
    for contact in ["c1", "c2"] {
        ended(&front, contact, Status::Dead, "refused", None).await;
    }
    let page = visitor.get("/console/todo?cause=refused").await.html;
    assert!(page.contains("同类 52 条") && page.contains("约 2 条失败的事件放回队列"), "{page}");
    let reader = Visitor::signed_in(&front, READ).await.get("/console/todo?cause=refused").await.html;
    assert!(!reader.contains("放回队列"), "{reader}");
}

#[tokio::test]
async fn of_more_failures_than_are_counted_it_is_told_that_there_are_more() {
    let front = Front::open().await;
    many(&front, 10_001, Status::Dead, "refused").await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let page = visitor.get("/console/todo?cause=refused").await.html;
    assert!(page.contains("约 10,000+ 条失败的事件放回队列"), "{page}");
    front.ledger("update events set payload = null where seq = (select min(seq) from events)").await;
    let page = visitor.get("/console/todo?cause=refused").await.html;
    assert!(page.contains("约 10,000 条失败的事件放回队列"), "without its payload there is nothing to replay: {page}");
}

#[tokio::test]
async fn the_next_thing_to_do_is_the_one_behind_the_last_and_behind_the_newest_comes_the_oldest() {
    let front = Front::open().await;
    let mut ids = Vec::new();
    for contact in ["c1", "c2", "c3"] {
        ids.push(ended(&front, contact, Status::Dead, "refused", None).await);
    }
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let list = visitor.get("/console/todo?cause=refused").await.html;
    let places = ids.iter().map(|id| list.find(id.as_str()).unwrap());
    assert!(places.is_sorted(), "the oldest stands first: {list}");
    let after = async |visitor: &mut Visitor<'_>, id: &str| {
        visitor.get(&format!("/console/todo/next?cause=refused&after={id}")).await.location().to_owned()
    };
    for (seen, next) in [(0, 1), (1, 2), (2, 0)] {
        let expected = format!("/console/events/{}?todo=refused", ids[next]);
        assert_eq!(after(&mut visitor, &ids[seen]).await, expected, "after {seen}");
    }
    let page = visitor.get(&format!("/console/events/{}?todo=refused", ids[0])).await.html;
    assert!(page.contains(&format!("/console/todo/next?cause=refused&#38;after={}", ids[0])), "{page}");
    // What was decided is passed over, wherever one stands; of one alone there is no next.
    visitor.change("/console/todo", &format!("/console/events/{}/discard", ids[1]), &[("reason", "重复")]).await;
    assert_eq!(after(&mut visitor, &ids[0]).await, format!("/console/events/{}?todo=refused", ids[2]));
    visitor.change("/console/todo", &format!("/console/events/{}/discard", ids[2]), &[("reason", "重复")]).await;
    assert_eq!(after(&mut visitor, &ids[0]).await, "/console/todo");
    assert_eq!(after(&mut visitor, "nonsense").await, format!("/console/events/{}?todo=refused", ids[0]));
}

/// The ERP names another customer each time; what to do about it is the same.
#[tokio::test]
async fn one_cause_is_one_card_in_however_many_ways_the_erp_puts_it() {
    let front = Front::open().await;
    for (number, name) in ["甲", "乙", "丙", "甲"].into_iter().enumerate() {
        let end = Settlement::to(Status::Dead).because("refused", format!("客户{name}不能保存"));
        ended_as(&front, &format!("c{number}"), end).await;
    }
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let page = visitor.get("/console/todo?cause=refused").await.html;
    for told in ["同类 4 条", "ERP 拒绝", "客户甲不能保存 × 2", "约 4 条失败的事件放回队列"] {
        assert!(page.contains(told), "{told} is not in {page}");
    }
    assert_eq!((page.matches("<li class=\"card").count(), page.matches("<tr data-row").count()), (1, 4));
}

#[tokio::test]
async fn what_was_said_in_english_is_told_in_chinese_with_its_words_behind_it() {
    let front = Front::open().await;
    let (invalid, away) = ("not a valid call: the name is too long", "not delivered to the ERP: connection refused");
    let id = ended_as(&front, "c1", Settlement::to(Status::Dead).because("invalid", invalid)).await;
    let later = Some(front.clock.now().plus(std::time::Duration::from_secs(300)));
    let again = Settlement { next_attempt_at: later, counts: true, ..Settlement::to(Status::Queued) };
    ended_as(&front, "c2", again.because("not_delivered", away)).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let pages = [
        ("/console/events?status=dead".to_owned(), "超出接口限制，未发送", invalid),
        (format!("/console/events/{id}"), "超出接口限制，未发送", invalid),
        ("/console/contacts/c1".into(), "超出接口限制，未发送", invalid),
        ("/console/todo".into(), "超出接口限制，未发送", invalid),
        ("/console/events?retrying=true".into(), "第 2 次尝试：", away),
        ("/console/events?retrying=true".into(), "· 未能送达 ERP", away),
        ("/console/overview".into(), "未能送达 ERP · 检查网络", away),
    ];
    for (path, told, said) in &pages {
        let page = visitor.get(path).await.html;
        let behind = format!("<bdi class=\"dim\">{said}</bdi>");
        assert!(page.contains(told) && page.contains(&behind), "{path}: {told}: {page}");
    }
    visitor.get("/console/language?to=en&back=/console").await;
    for (path, told, said) in &pages {
        let page = visitor.get(path).await.html;
        assert!(page.contains(said) && !page.contains(told), "{path}: {page}");
    }
}

#[tokio::test]
async fn a_cause_becomes_a_replay_of_its_dead_events_and_of_no_other() {
    let front = Front::open().await;
    let refused = ended(&front, "c1", Status::Dead, "refused", None).await;
    let other = ended(&front, "c2", Status::Dead, "invalid", None).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let nothing = visitor.change("/console/todo", "/console/replays", &[]).await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY, "no cause is named");
    let cause = [("status", "dead"), ("code", "refused"), ("reason", "已修复")];
    let sent = visitor.change("/console/todo?cause=refused", "/console/replays", &cause).await;
    assert!(sent.location().starts_with("/console/replays/"), "{} {}", sent.status, sent.html);
    let page = visitor.get(sent.location()).await;
    for told in ["待开始", "共 1 条，还没有开始", "新建客户", "开始重放", "已修复", "已放回 0 / 1"]
    {
        assert!(page.html.contains(told), "{told} is not in {}", page.html);
    }
    visitor.change(sent.location(), &format!("{}/start", sent.location()), &[]).await;
    assert_eq!(front.store.feed_replays().await, Ok(1));
    let status = async |id: &str| front.store.event(id).await.unwrap().unwrap().status;
    assert_eq!((status(&refused).await, status(&other).await), (Status::Queued, Status::Dead));
}

#[tokio::test]
async fn the_overview_says_in_words_whether_all_is_right_and_why_the_oldest_waits() {
    let front = Front::open().await;
    front.post_event("w1", &promoted("c1")).await;
    front.clock.advance(std::time::Duration::from_secs(200));
    let mut visitor = Visitor::signed_in(&front, READ).await;
    let page = visitor.get("/console/overview").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    for told in
        ["现在不能写入 ERP", "等得最久的事件", "<bdi>王*明</bdi>", "已等待 3 分钟 20 秒", "ERP 拒绝登录，已停止派发"]
    {
        assert!(page.html.contains(told), "{told} is not in {}", page.html);
    }
    let home = visitor.get("/console").await;
    assert_eq!((home.status, home.location()), (StatusCode::SEE_OTHER, "/console/overview"));
}
