//! 账号列表: the list of accounts (`erp-wire.md` §3).

use serde_json::json;

use super::{
    answer::{Answer, Page, Row, Table},
    call::Call,
    context::Context,
    data::contains,
    users::User,
};

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
