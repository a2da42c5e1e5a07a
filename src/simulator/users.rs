//! The accounts of the made-up company, and the list of them (账号列表, `erp-wire.md` §3).

use serde::Serialize;
use serde_json::json;

use super::{
    answer::{Answer, Page, Row, Table},
    call::Call,
    data::contains,
    world::Context,
};

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// The id that `member2` of 客户指派 takes.
    pub ord: i64,
    /// The name to log in with.
    pub username: String,
    /// The person's name, which `catename` shows.
    pub name: String,
    /// 1 in use, 2 closed.
    pub status: u8,
    /// The department.
    pub partname: String,
}

/// A dozen sample accounts; the first one logs in with the configured name. 95 is closed.
pub(super) fn samples(first_username: &str) -> Vec<User> {
    let user = |(ord, username, name, status, partname): (i64, &str, &str, u8, &str)| User {
        ord,
        username: username.to_owned(),
        name: name.to_owned(),
        status,
        partname: partname.to_owned(),
    };
    [
        (1, first_username, "管理员", 1, "管理部"),
        (63, "zhangwei", "张伟", 1, "销售一部"),
        (71, "wangfang", "王芳", 1, "销售一部"),
        (72, "lina", "李娜", 1, "销售一部"),
        (75, "liuyang", "刘洋", 1, "销售二部"),
        (80, "chenjing", "陈静", 1, "销售二部"),
        (81, "yangfan", "杨帆", 1, "销售二部"),
        (88, "zhaolei", "赵磊", 1, "客服部"),
        (90, "huangmin", "黄敏", 1, "客服部"),
        (92, "sunli", "孙丽", 1, "市场部"),
        (95, "zhoubo", "周波", 2, "市场部"),
        (101, "wuqiang", "吴强", 1, "财务部"),
    ]
    .map(user)
    .to_vec()
}

/// 账号列表 (v3): filters `userstatus` (1 or 2, empty for all) and `name` (fuzzy).
pub(super) fn list(context: &Context<'_>, call: &Call) -> Answer {
    let status = call.field("userstatus").trim();
    let found: Vec<&User> = context
        .data
        .users
        .iter()
        .filter(|user| status.is_empty() || user.status.to_string() == status)
        .filter(|user| contains(&user.name, call.field("name")))
        .collect();
    let mut page = Page::asked(call.field("page_size"), call.field("page_index"), context.page_cap);
    let row = |user: &User| Row {
        ord: user.ord,
        values: vec![json!(user.ord), json!(user.username), json!(user.name), json!(user.status), json!(user.partname)],
    };
    let rows = page.cut(found).into_iter().map(row).collect();
    let cols = &[("ord", "ID"), ("username", "账号"), ("name", "姓名"), ("status", "状态"), ("partname", "部门")];
    // Who looks for a salesperson needs all of these, and the wire file names them all without "may be missing".
    let kept = &["ord", "username", "name", "status", "partname"];
    Answer::Table { table: Table { name: "账号列表", cols, kept, rows, page }, v3: true }
}
