//! 账号列表: the list of accounts (`erp-wire.md` §3).

use serde_json::{Value, json};

use super::{
    answer::{Answer, Page, Row, Table},
    call::Call,
    context::Context,
    search_log::contains,
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
    let cols = &context.settings.columns.accounts;
    let row = |user: &User| Row { ord: user.ord, values: cols.iter().map(|id| column(user, id)).collect() };
    let rows = page.cut(found).into_iter().map(row).collect();
    // Who looks for a salesperson needs all of these, and the wire file names them all without "may be missing".
    let table = Table::new("账号列表", cols, rows, page).keeping(&["ord", "username", "name", "status", "partname"]);
    Answer::Table { table, v3: true }
}

fn column(user: &User, id: &str) -> Value {
    match id {
        "ord" => json!(user.ord),
        "username" => json!(user.username),
        "name" => json!(user.name),
        "status" => json!(user.status),
        "partname" => json!(user.partname),
        _ => json!(""),
    }
}
