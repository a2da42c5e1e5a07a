//! 洽谈进展 and the list of a customer's records (`erp-wire.md` §5). Sent twice, a record is stored twice.

use serde_json::json;

use super::{
    alterations,
    answer::{Answer, Page, Row, Table},
    call::Call,
    choices,
    context::{Context, Decision},
    data::{Effect, Progress},
    fields::{Fields, PROGRESS_INTRO_LIMIT, get, units},
    settings::ReplyList,
};

/// 洽谈进展.
pub(super) fn add(context: &Context<'_>, call: &Call) -> Decision {
    let Some(customer) = call.ord().and_then(|ord| context.data.customers.get(&ord)) else {
        let said = context.settings.takes_dead_records;
        return if said {
            Answer::done("保存成功！")
        } else {
            Answer::refused("该客户不存在或已被删除")
        }
        .into();
    };
    if let Err(text) = check(context, customer.ord, call) {
        return Answer::refused(text).into();
    }
    let mut fields: Fields = ["sort", "lead", "plantype"].map(|id| (id.to_owned(), call.field(id).to_owned())).into();
    let intro = choices::template_or_text(call.field("intro"));
    let replaces = context.settings.replaces.as_ref();
    let intro = replaces.map_or_else(|| intro.to_owned(), |(text, by)| intro.replace(text, by));
    fields.insert("intro".to_owned(), intro);
    fields.extend(call.fields.iter().filter(|(id, _)| id.starts_with('@')).map(|(id, val)| (id.clone(), val.clone())));
    let effect = Effect::AddProgress { customer: customer.ord, fields, by: context.user };
    Decision { answer: Answer::done("保存成功！"), effect: Some(effect) }
}

fn check(context: &Context<'_>, customer: i64, call: &Call) -> Result<(), String> {
    let intro = call.field("intro");
    if intro.trim().is_empty() {
        return Err("洽谈进展不能为空（intro）".to_owned());
    }
    if units(intro) > PROGRESS_INTRO_LIMIT {
        return Err(format!("洽谈进展长度不能超过{PROGRESS_INTRO_LIMIT}字（intro）"));
    }
    if !context.settings.choices.is_way(call.field("sort").trim()) {
        return Err("请选择跟进方式（sort）".to_owned());
    }
    match call.field("plantype").trim() {
        "0" => {}
        "1" | "2" if call.fields.keys().any(|id| id.starts_with('@')) => {}
        "1" | "2" => return Err("请填写日程（@）".to_owned()),
        _ => return Err("请选择日程安排（plantype）".to_owned()),
    }
    let lead = call.field("lead").trim();
    let of_customer = |lead: &str| context.data.contacts_of(customer).any(|contact| contact.ord.to_string() == lead);
    if !matches!(lead, "" | "0") && !of_customer(lead) {
        return Err(format!("联系人{lead}不属于该客户（lead）"));
    }
    Ok(())
}

/// The list of a customer's records, the newest first unless the installation sorts it the other way. It may be closed on an installation.
pub(super) fn list(context: &Context<'_>, call: &Call) -> Answer {
    match context.settings.replylist {
        ReplyList::Open => {}
        ReplyList::Html => return Answer::Html { status: 200, text: "系统提示：页面不存在" },
        ReplyList::NotFound => return Answer::Html { status: 404, text: "404 - 找不到文件或目录。" },
        ReplyList::Refused => return Answer::failed("您没有查看洽谈进展的权限"),
    }
    let Some(customer) = call.ord() else { return Answer::failed("缺少数据唯一标识 ord") };
    if context.settings.refuses_dead_lists && !context.data.customers.contains_key(&customer) {
        return Answer::failed("该客户不存在或已被删除");
    }
    let mut page = Page::asked(call.field("pagesize"), call.field("pageindex"), context.page_cap);
    page.is_counted = !context.settings.replylist_uncounted;
    let mut records: Vec<_> = context.data.progress_of(customer).collect();
    if !context.settings.replylist_oldest_first {
        records.reverse();
    }
    let found = page.cut(records);
    let cols = &context.settings.columns.progress;
    let row = |record: &Progress| {
        let name = context.data.user(record.user).map_or("", |user| user.name.as_str());
        let intro = record.fields.get("intro").map_or("", String::as_str);
        let intro = match context.settings.replylist_cut.and_then(|cut| intro.char_indices().nth(cut)) {
            Some((cut, _)) => format!("{}{}", &intro[..cut], context.settings.replylist_mark),
            None => intro.to_owned(),
        };
        let intro = alterations::shown(&intro, context.quirks);
        let value = |id: &String| match id.as_str() {
            "ord" => json!(record.ord),
            "intro" => json!(intro),
            "date7" => json!(record.stored_at.erp_local()),
            "catename" => json!(name),
            id => json!(get(&record.fields, id)),
        };
        Row { ord: record.ord, values: cols.iter().map(value).collect() }
    };
    let rows = found.into_iter().map(row).collect();
    // There is no detail to read the text from, so a list without `intro` would be no list.
    let table = Table::new("洽谈进展列表", cols, rows, page).keeping(&["intro"]);
    table.answer(context.settings.columns_are_texts)
}
