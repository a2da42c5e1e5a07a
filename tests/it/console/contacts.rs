//! Contacts: the search, one contact, and what is ordered for it.

use erp_bridge::event::Status;
use reqwest::StatusCode;

use super::visitor::Visitor;
use crate::front::{Front, OPERATE, READ, promoted};

/// A door whose contact `c1` is linked to customer 7001.
async fn linked() -> Front {
    let front = Front::open().await;
    front.post_event("w1", &promoted("c1")).await;
    front.link(7_001, "WXc1").await;
    front
}

/// The newest event of the contact: its type and its state.
async fn newest(front: &Front) -> (String, Status) {
    let event = front.store.list_events(&Default::default(), None, 1).await.unwrap().remove(0);
    (event.kind, event.status)
}

#[tokio::test]
async fn a_linked_contact_is_found_and_shown_with_its_history() {
    let front = linked().await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    for q in ["", "c1", "WXc1", "7001", "王小明", "13800001001"] {
        let found = visitor.get(&format!("/console/contacts?q={q}")).await.html;
        assert_eq!(found.matches("<tr data-row").count(), 1, "{q}: {found}");
    }
    let nobody = visitor.get("/console/contacts?q=nobody").await.html;
    assert!(nobody.contains("没有找到") && nobody.contains("按编号、姓名、手机或微信号查找"), "{nobody}");
    let page = visitor.get("/console/contacts/c1").await.html;
    for told in ["个人客户", "WXc1", "王小明", "转为客户", "已同步", "value=\"138 0000 1001\"", "解除关联"]
    {
        assert!(page.contains(told), "{told} is not in {page}");
    }
    assert_eq!(visitor.get("/console/contacts/nobody").await.status, StatusCode::NOT_FOUND);
    let mut reader = Visitor::signed_in(&front, READ).await;
    let found = reader.get("/console/contacts?q=%E7%8E%8B%E5%B0%8F%E6%98%8E").await.html;
    assert_eq!(found.matches("<tr data-row").count(), 0, "whom one may not see one cannot search for");
    assert!(found.contains("按联系人编号查找"), "{found}");
}

#[tokio::test]
async fn what_is_ordered_for_a_contact_becomes_an_event_once() {
    let front = linked().await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    for (order, fields, kind) in [
        ("assign", &[("user", "63"), ("user", "71")][..], "contact.assign"),
        ("assign", &[("users", "63, 71")], "contact.assign"),
        ("assign", &[("public", "true")], "contact.assign"),
        ("apply", &[], "contact.apply"),
        ("approval", &[("approve", "false")], "contact.approval"),
        ("takeback", &[], "contact.takeback"),
        (
            "sync",
            &[("name", "王小明"), ("phone", "13800001001"), ("phone_verified", "true"), ("score", "82")],
            "sync.requested",
        ),
    ] {
        let sent = visitor.change("/console/contacts/c1", &format!("/console/contacts/c1/{order}"), fields).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{order}: {}", sent.html);
        assert!(sent.location().starts_with("/console/events/") && sent.location().ends_with("?done=sent"), "{order}");
        assert_eq!(newest(&front).await, (kind.into(), Status::Queued), "{order}");
    }
    let again = [("key", "same"), ("users", "63")];
    let first = visitor.change("/console/contacts/c1", "/console/contacts/c1/assign", &again).await;
    let second = visitor.change("/console/contacts/c1", "/console/contacts/c1/assign", &again).await;
    assert_eq!(first.location(), second.location(), "a form that is sent twice");
    let wrong = visitor.change("/console/contacts/c1", "/console/contacts/c1/assign", &[("users", "李")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn whom_a_customer_is_given_to_is_chosen_by_name() {
    let front = linked().await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    assert!(visitor.get("/console/contacts/c1").await.html.contains("href=\"/console/contacts/c1/assign\""));
    let page = visitor.get("/console/contacts/c1/assign").await;
    for told in ["王芳", "销售部", "name=\"user\" value=\"63\"", "李雷&#60;script&#62;", "<h1>指派 <bdi>王小明</bdi>"]
    {
        assert!(page.html.contains(told), "{told} is not in {}", page.html);
    }
    // Who chooses people and everybody has not said what is meant.
    let both = [("user", "63"), ("public", "true")];
    let sent = visitor.change("/console/contacts/c1", "/console/contacts/c1/assign", &both).await;
    assert_eq!(sent.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(sent.html.contains("选了人员，又勾选了“对所有用户公开”：请只选一种"), "{}", sent.html);
    assert_eq!(newest(&front).await.0, "contact.promoted", "nothing is ordered");
    let refused = Visitor::signed_in(&front, READ).await.get("/console/contacts/c1/assign").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_link_and_a_person_s_data_go_with_a_reason() {
    let front = linked().await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let page = "/console/contacts/c1";
    let form = visitor.get(page).await.html;
    let (_, form) = form.split_once("/console/contacts/c1/unlink").unwrap();
    let form = form.split_once("</form>").unwrap().0;
    for told in ["name=\"reason\" maxlength=\"200\" required", "<a class=\"button\" href=\"\">取消</a>"] {
        assert!(form.contains(told), "{told} is not in {form}");
    }
    let without = visitor.change(page, "/console/contacts/c1/unlink", &[("reason", " ")]).await;
    assert_eq!(without.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(without.html.contains("请写明原因") && front.store.contact("c1").await.unwrap().is_some());
    let unlinked = visitor.change(page, "/console/contacts/c1/unlink", &[("reason", "认错人")]).await;
    assert_eq!(unlinked.location(), "/console/contacts/c1?done=unlinked", "{}", unlinked.html);
    assert!(front.store.contact("c1").await.unwrap().is_none());
    let blank = visitor.change(page, "/console/contacts/c1/erase", &[("reason", " ")]).await;
    assert!(blank.status == StatusCode::UNPROCESSABLE_ENTITY && blank.html.contains("请写明原因"), "{}", blank.html);
    let erased = visitor.change(page, "/console/contacts/c1/erase", &[("reason", "本人要求")]).await;
    assert_eq!(erased.location(), "/console/contacts/c1?done=erased", "{}", erased.html);
    let page = visitor.get(erased.location()).await.html;
    assert!(!page.contains("王小明") && page.contains("没有留存的资料"), "{page}");
    let audit = front.store.audit_log(None, 50).await.unwrap();
    let reasons: Vec<_> = audit.iter().filter_map(|row| row.reason.as_deref()).collect();
    assert_eq!(reasons, ["本人要求", "认错人"]);
}

#[tokio::test]
async fn the_preview_writes_nothing_and_says_who_is_not_admitted() {
    let front = linked().await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let fields = [("name", "先生"), ("phone", "138"), ("score", "10"), ("key", "k1")];
    let before = newest(&front).await;
    let shown = visitor.change("/console/contacts/c1", "/console/contacts/c2/preview", &fields).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.html);
    assert!(shown.html.contains("不会写入 ERP") && shown.html.contains("不符合</span> 姓名完整"), "{}", shown.html);
    assert!(shown.html.contains("<h1>预览：同步会做什么 <bdi>先生</bdi>"), "{}", shown.html);
    assert!(shown.html.contains("name=\"key\" value=\"k1\""), "{}", shown.html);
    assert_eq!(newest(&front).await, before);
    // Whoever wants the rules skipped sees what that would do.
    let forced = [&fields[..], &[("force", "true")]].concat();
    let shown = visitor.change("/console/contacts/c1", "/console/contacts/c2/preview", &forced).await.html;
    for told in ["已按要求跳过准入条件", "将发送到 ERP", "个人客户添加", "name=\"force\" value=\"true\""]
    {
        assert!(shown.contains(told), "{told} is not in {shown}");
    }
    assert!(!shown.contains("不会写入 ERP") && !shown.contains("姓名完整"), "{shown}");
    assert_eq!(newest(&front).await, before);
}
