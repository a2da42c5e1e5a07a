//! 联系人添加, 联系人详情, 联系人列表 (`erp-wire.md` §4).

use serde_json::{Value, json};

use super::{
    alterations::masked,
    answer::{Answer, Bill, BillField, Page, Row, Table},
    call::Call,
    context::{Context, Decision},
    data::{Contact, Data, Effect},
    fields::{self, get},
    search_log::contains,
};

/// 联系人添加; with the `ord` of a contact person that there is, it changes that one.
pub(super) fn add(context: &Context<'_>, call: &Call) -> Decision {
    let company = call.field("company").trim().parse().ok().filter(|ord| context.data.customers.contains_key(ord));
    let Some(company) = company else { return Answer::refused("请选择关联客户（company）").into() };
    let fields = fields::only(&call.fields, fields::CONTACT);
    let checked = fields::require(&fields, fields::CONTACT, &["person_name"])
        .and_then(|()| fields::check_lengths(&fields, fields::CONTACT));
    if let Err(text) = checked {
        return Answer::refused(text).into();
    }
    let ord = match call.field("ord").trim() {
        "" | "0" => None,
        ord => match ord.parse().ok().and_then(|ord| context.data.contacts.get(&ord)) {
            Some(contact) => Some(contact.ord),
            None => return Answer::refused(format!("联系人{ord}不存在")).into(),
        },
    };
    let effect = Effect::SaveContact { ord, company, first: false, fields };
    Decision { answer: Answer::done("保存成功！"), effect: Some(effect) }
}

/// 联系人详情.
pub(super) fn detail(context: &Context<'_>, call: &Call) -> Answer {
    let Some(contact) = call.ord().and_then(|ord| context.data.contacts.get(&ord)) else {
        return Answer::failed("该联系人不存在或已被删除");
    };
    let field = |form: &fields::Field| BillField {
        id: form.id,
        title: form.title.to_owned(),
        group: form.group,
        value: get(&contact.fields, form.id).to_owned(),
        text: get(&contact.fields, form.id).to_owned(),
        required: form.id == "person_name",
        limit: form.limit,
    };
    let mut fields: Vec<BillField> = fields::CONTACT.iter().map(field).collect();
    fields.push(BillField {
        id: "company",
        title: "关联客户".to_owned(),
        group: "联系人资料",
        value: contact.company.to_string(),
        text: customer_name(context.data, contact).to_owned(),
        required: true,
        limit: None,
    });
    Answer::Bill(Bill { ord: contact.ord, title: "联系人详情", fields })
}

/// 联系人列表: every filter is fuzzy, `company` too.
pub(super) fn list(context: &Context<'_>, call: &Call) -> Answer {
    let data = context.data;
    let indexed = ["mobile", "company", "person_name", "email"].into_iter().find(|id| !call.field(id).is_empty());
    let mut found: Vec<&Contact> = match indexed {
        Some(id) => {
            let ords = data.candidates(&format!("contact.{id}"), call.field(id));
            ords.iter().filter_map(|ord| data.contacts.get(ord)).collect()
        }
        None => data.contacts.values().collect(),
    };
    found.retain(|contact| {
        let fuzzy = |id: &&str| contains(get(&contact.fields, id), call.field(id));
        contains(&contact.company.to_string(), call.field("company").trim())
            && ["person_name", "mobile", "email", "intro"].iter().all(fuzzy)
            && contains(customer_name(data, contact), call.field("name"))
    });
    found.reverse();
    let mut page = Page::asked(call.field("pagesize"), call.field("pageindex"), context.page_cap);
    let cols = &context.settings.columns.contacts;
    let is_masked = context.settings.masked_lists.iter().any(|list| list == "contact.list");
    let shown = |contact: &Contact, id: &str| match column(data, contact, id) {
        Value::String(number) if is_masked && id == "mobile" => json!(masked(&number)),
        value => value,
    };
    let row = |contact: &Contact| Row {
        ord: contact.ord,
        values: cols.iter().map(|id| shown(contact, id.as_str())).collect(),
    };
    let rows = page.cut(found).into_iter().map(row).collect();
    let table = Table::new("联系人列表", cols, rows, page);
    table.answer(context.settings.columns_are_texts)
}

fn column(data: &Data, contact: &Contact, id: &str) -> Value {
    match id {
        "ord" => json!(contact.ord),
        "company" => json!(contact.company),
        "name" => json!(customer_name(data, contact)),
        id => json!(get(&contact.fields, id)),
    }
}

fn customer_name<'a>(data: &'a Data, contact: &Contact) -> &'a str {
    data.customers.get(&contact.company).map_or("", |customer| get(&customer.fields, "name"))
}
