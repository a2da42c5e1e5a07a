//! The connection to the ERP: how it stands, what is paused, and a check that only reads.

use reqwest::StatusCode;

use super::visitor::Visitor;
use crate::{
    front::{Front, OPERATE, READ, Wishes},
    support::{OPERATOR, World, WorldOptions},
};

/// What was done, newest first.
async fn deeds(front: &Front) -> Vec<(String, String, Option<String>)> {
    let rows = front.store.audit_log(None, 9).await.unwrap().into_iter();
    rows.filter(|row| row.action != "console.sign_in").map(|row| (row.action, row.subject, row.reason)).collect()
}

#[tokio::test]
async fn a_pause_is_set_with_a_reason_and_an_end_and_ends_by_one_click() {
    let front = Front::open().await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    assert!(visitor.get("/console/erp").await.html.contains("没有人工暂停"));
    let fields = [("scope", "type:deal.closed"), ("minutes", "30"), ("reason", "单据<核对>")];
    let sent = visitor.change("/console/erp", "/console/erp/pause", &fields).await;
    assert_eq!((sent.status, sent.location()), (StatusCode::SEE_OTHER, "/console/erp?done=paused"));
    let page = visitor.get(sent.location()).await.html;
    let list = "href=\"/console/events?type=deal.closed&#38;status=queued\"";
    for told in ["类型：成交", "单据&#60;核对&#62;", "30 分钟后", "已暂停，事件照常接收", list] {
        assert!(page.contains(told), "{told} is not in {page}");
    }
    let read = Visitor::signed_in(&front, READ).await.get("/console/erp").await.html;
    assert!(read.contains("类型：成交") && !read.contains("核对"), "the reason is for operators: {read}");

    let fields = [("scope", "type:deal.closed"), ("reason", "核对完毕")];
    let sent = visitor.change("/console/erp", "/console/erp/unpause", &fields).await;
    assert_eq!(sent.location(), "/console/erp?done=unpaused");
    assert!(visitor.get("/console/erp").await.html.contains("没有人工暂停"));
    let expected = [
        ("dispatch.resume".into(), "type deal.closed".into(), Some("核对完毕".into())),
        ("dispatch.pause".into(), "type deal.closed".into(), Some("单据<核对>".into())),
    ];
    assert_eq!(deeds(&front).await, expected);
}

#[tokio::test]
async fn a_pause_of_a_contact_names_it_and_what_is_incomplete_is_told() {
    let front = Front::open().await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    for (fields, told) in [
        (vec![("scope", "all")], "请写明原因"),
        (vec![("scope", "contact"), ("reason", "x")], "请填写联系人编号"),
        (vec![("reason", "x")], "请选择范围"),
        (vec![("scope", "all"), ("reason", "x"), ("minutes", "61")], "请选择结束时间"),
        (vec![("scope", "all"), ("reason", "x"), ("minutes", "")], ""),
    ] {
        let sent = visitor.change("/console/erp", "/console/erp/pause", &fields).await;
        let expected = if told.is_empty() { StatusCode::SEE_OTHER } else { StatusCode::UNPROCESSABLE_ENTITY };
        assert!(sent.status == expected && sent.html.contains(told), "{fields:?}: {}", sent.html);
    }
    let fields = [("scope", "contact"), ("contact", "c-1"), ("reason", "x")];
    visitor.change("/console/erp", "/console/erp/pause", &fields).await;
    let page = visitor.get("/console/erp").await.html;
    for told in [
        "客户：c-1",
        "直到有人继续",
        "href=\"/console/events?contact_id=c-1&#38;status=queued\"",
        "href=\"/console/events?status=queued\"",
    ] {
        assert!(page.contains(told), "{told} is not in {page}");
    }
}

#[tokio::test]
async fn dispatch_is_resumed_by_a_button_that_is_there_when_the_login_was_refused() {
    let front = Front::open().await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let page = visitor.get("/console/erp").await.html;
    assert!(page.contains("密码错误") && page.contains("/console/erp/resume"), "{page}");
    assert!(page.contains("按 ERP 的原话改正（账号密码，或 erp.login_path 并重启）"), "{page}");
    let sent = visitor.change("/console/erp", "/console/erp/resume", &[("reason", "密码已改")]).await;
    assert_eq!(sent.location(), "/console/erp?done=resumed");
    assert_eq!(deeds(&front).await, [("erp.resume".into(), "erp".into(), Some("密码已改".into()))]);
    let read = Visitor::signed_in(&front, READ).await.get("/console/erp").await.html;
    assert!(!read.contains("密码错误") && read.contains("ERP 拒绝登录"), "{read}");
}

#[tokio::test]
async fn a_check_is_audited_limited_and_for_operators_only() {
    let front = Front::with(Wishes { previews_per_minute: 1, ..Wishes::default() }).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let checked = visitor.change("/console/erp", "/console/erp/check", &[]).await;
    assert_eq!(checked.status, StatusCode::OK, "{}", checked.html);
    for told in ["1 项未通过", "ERP 登录", "客户来源 微信", "请管理员添加 &#60;script&#62;", "再检查一次"]
    {
        assert!(checked.html.contains(told), "{told} is not in {}", checked.html);
    }
    assert_eq!(deeds(&front).await, [("erp.check".into(), "erp".into(), None)]);
    let again = visitor.change("/console/erp", "/console/erp/check", &[]).await;
    assert_eq!(again.status, StatusCode::TOO_MANY_REQUESTS);
    let mut reader = Visitor::signed_in(&front, READ).await;
    assert_eq!(reader.change("/console/erp", "/console/erp/check", &[]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(deeds(&front).await.len(), 1);
}

#[tokio::test]
async fn a_bridge_at_work_checks_its_own_erp_and_writes_nothing_to_it() {
    let world = World::with(WorldOptions { dispatch: false, ..WorldOptions::default() }).await;
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let post = |path: &str, cookie: &str, body: String| {
        let origin = format!("http://{}", world.app.address);
        let request = client.post(world.url(path)).header("origin", origin).header("cookie", cookie);
        request.header("content-type", "application/x-www-form-urlencoded").body(body).send()
    };
    let entered = post("/console/sign-in", "", format!("token={OPERATOR}")).await.unwrap();
    let cookie = entered.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let page = client.get(world.url("/console/erp")).header("cookie", &cookie).send().await.unwrap();
    let html = page.text().await.unwrap();
    assert!(html.contains("未登录"), "{html}");
    let secret = html.split_once("name=\"secret\" value=\"").unwrap().1.split('"').next().unwrap();
    let checked = post("/console/erp/check", &cookie, format!("secret={secret}")).await.unwrap();
    let html = checked.text().await.unwrap();
    for told in ["检查通过", "ERP 登录", "客户来源", "可读 客户列表", "查找不存在的联系人", "登录于"]
    {
        assert!(html.contains(told), "{told} is not in {html}");
    }
    let written = |interface: &str| world.sim.handle.calls_of(interface).len();
    assert_eq!((written("allocate"), written("customer.add"), world.sim.handle.customers().len()), (0, 0, 0));
}
