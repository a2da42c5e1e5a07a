use serde_json::json;

use super::*;

#[test]
fn a_body_shows_its_shape_and_nothing_that_a_person_wrote() {
    let event = json!({
        "type": "deal.closed", "timestamp": "2026-11-23T15:04:05+08:00", "made_up": "138 0000 1001",
        "data": {
            "contact": {
                "id": "c_1", "name": "仲小妮", "phone": "13800001001", "phone_verified": true, "wechat_id": "wxid_abc123",
                "company": "杭州甲公司", "email": "zhang@example.com", "address": "西湖区1号", "notes": "爱喝茶", "x": 1
            },
            "thread": {"id": "t1", "score": 82.5, "bucket": "WHITE", "previous_bucket": "灰"},
            "signal": {"id": "s1", "content": "在吗", "direction": "inbound", "channel": "wechat", "sent_at": "2026-11-23"},
            "deal": {"id": "d1", "title": "框架", "amount": "128.00", "currency": "CNY", "closed_at": null}
        }
    });
    let shown = json!({
        "type": "deal.closed", "timestamp": "2026-11-23T15:04:05+08:00",
        "data": {
            "contact": {
                "id": "c_1", "name": "仲*妮", "phone": "138****1001", "phone_verified": true, "wechat_id": "wx****23",
                "company": "杭*司", "email": "z****@example.com", "address": HIDDEN, "notes": HIDDEN
            },
            "thread": {"id": HIDDEN, "score": 82.5, "bucket": "WHITE", "previous_bucket": HIDDEN},
            "signal": {"id": HIDDEN, "content": HIDDEN, "direction": "inbound", "channel": "wechat", "sent_at": "2026-11-23"},
            "deal": {"id": HIDDEN, "title": HIDDEN, "amount": HIDDEN, "currency": "CNY", "closed_at": null}
        }
    });
    assert_eq!(body(&event), shown);
    assert_eq!(body(&json!("{\"type\": …")), HIDDEN, "what is no JSON is hidden as a whole");
}

#[test]
fn a_member_of_another_shape_than_it_should_have_is_hidden() {
    for contact in [
        json!({"id": "王小明"}),
        json!({"id": "138 0000 1001"}),
        json!({"phone": ["13800001001"]}),
        json!({"phone_verified": "13800001001"}),
        json!({"erp": {"ord": 13_800_001_001_i64}}),
        json!({"name": {"first": "小明"}}),
    ] {
        let shown = body(&json!({"data": {"contact": contact}})).to_string();
        assert!(shown.contains(HIDDEN) && !shown.contains("0000") && !shown.contains("明"), "{shown}");
    }
    let thread = json!({"data": {"thread": {"score": 13_800_001_001_i64}}});
    assert_eq!(body(&thread)["data"]["thread"]["score"], HIDDEN);
}

#[test]
fn a_call_shows_its_ids_and_masks_whom_it_is_about() {
    let sent = json!({"ord": "7592", "khid": "WXc1", "name": "张伟", "mobile": "13800001001", "intro": "在吗", "sort1": "3,7"});
    let shown = json!({"ord": "7592", "khid": "WXc1", "name": "张*", "mobile": "138****1001", "sort1": "3,7"});
    assert_eq!(fields(&sent), shown);
    assert_eq!(fields(&json!({"ord": "13800001001", "ly": "微信"})), json!({"ord": HIDDEN, "ly": HIDDEN}));
}

#[test]
fn a_review_shows_which_customers_match_and_not_who_they_are() {
    let facts = json!({
        "matched_by": "mobile", "decisions": ["link"], "said": "张伟已存在",
        "candidates": [{"ord": 7592, "khid": "K-1", "name": "张伟", "mobile": "13800001001", "added": "2026-11-23 10:00:00", "x": 1}]
    });
    let shown = json!({
        "matched_by": "mobile", "decisions": ["link"],
        "candidates": [{"ord": 7592, "khid": "K-1", "name": "张*", "mobile": "138****1001", "added": "2026-11-23 10:00:00"}]
    });
    assert_eq!(review(&facts), shown);
}

#[test]
fn a_fault_names_no_member_that_the_sender_made_up() {
    let told = json!([
        {"pointer": "/data/contact/phone", "message": "must be text"},
        {"pointer": "/data/王小明", "message": "is not known"},
        {"pointer": "", "message": "138/0000/1001"}
    ]);
    let shown = json!([
        {"pointer": "/data/contact/phone", "message": "must be text"},
        {"pointer": HIDDEN, "message": "is not known"},
        {"pointer": "", "message": "138/****/1001"}
    ]);
    assert_eq!(faults(&told), shown);
}
