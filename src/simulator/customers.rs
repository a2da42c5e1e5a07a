//! 分配新客户ID, 单位/个人客户添加, 客户详情 (`erp-wire.md` §3).

use super::{
    answer::{Answer, Bill, BillField},
    call::Call,
    choices::{Choices, text_of},
    context::{Context, Decision},
    data::{Effect, Holding},
    fields::{self, Fields, get},
};

/// 分配新客户ID: a new `ord` and the `khid` that the ERP suggests; nothing is stored yet.
pub(super) fn allocate(context: &Context<'_>, call: &Call) -> Decision {
    let kind = match call.field("intsort").trim() {
        "1" => 1,
        "2" => 2,
        other => return Answer::failed(format!("客户类型无效 intsort={other}")).into(),
    };
    let ord = context.data.next_customer;
    let mut fields = Fields::new();
    fields.insert("khid".to_owned(), format!("KH{}{ord:05}", &context.now.erp_local()[..10].replace('-', "")));
    let bill = Bill { ord, title: "客户添加", fields: bill_fields(&context.settings.choices, kind, &fields) };
    let once = !context.settings.allocates_again;
    Decision { answer: Answer::Bill(bill), effect: Some(Effect::Allocate { ord, kind, once }) }
}

/// 单位客户添加 (`intsort=1`) and 个人客户添加 (`intsort=2`).
pub(super) fn add(context: &Context<'_>, call: &Call) -> Decision {
    let kind = match call.query.get("intsort").map(String::as_str) {
        Some("1") => 1,
        Some("2") => 2,
        _ => return Answer::failed("缺少参数 intsort").into(),
    };
    let Some(ord) = call.ord() else { return Answer::refused("保存失败：缺少数据唯一标识 ord").into() };
    if !context.data.allocated.contains_key(&ord) && !context.data.customers.contains_key(&ord) {
        return Answer::refused(format!("保存失败：客户ID {ord} 未分配")).into();
    }
    let fields = fields::only(&call.fields, fields::CUSTOMER);
    let required: &[&str] = if kind == 1 { &["name", "sort1", "person_name"] } else { &["name", "sort1"] };
    let checked = fields::require(&fields, fields::CUSTOMER, required)
        .and_then(|()| fields::check_lengths(&fields, fields::CUSTOMER))
        .and_then(|()| fields::check_choices(&fields, &context.settings.choices));
    if let Err(text) = checked {
        return Answer::refused(text).into();
    }
    if let Some(text) = duplicate(context, ord, &fields) {
        return Answer::Refused { text, always_zero: true }.into();
    }
    let first_contact = context.first_contact;
    let effect = Effect::SaveCustomer { ord, kind, fields, by: context.user, first_contact };
    Decision { answer: Answer::done("保存成功！"), effect: Some(effect) }
}

/// The company's duplicate-check rules: what would be refused, if anything (`erp-wire.md` §3, 客户修改).
pub(super) fn duplicate(context: &Context<'_>, ord: i64, fields: &Fields) -> Option<String> {
    let data = context.data;
    let other = |found: i64| found != ord;
    for rule in &context.settings.duplicate_rules {
        let value = get(fields, rule);
        if value.is_empty() {
            continue;
        }
        let same = |customer: &i64| data.customers.get(customer).is_some_and(|c| get(&c.fields, rule) == value);
        let (title, taken) = match rule.as_str() {
            "khid" => ("客户编号", data.with_khid(value).any(other)),
            "name" => {
                ("客户名称", data.candidates("customer.name", value).iter().any(|found| other(*found) && same(found)))
            }
            rule => {
                let customers = data.customers.values().any(|c| other(c.ord) && get(&c.fields, rule) == value);
                (rule, customers || data.contacts.values().any(|c| other(c.company) && get(&c.fields, rule) == value))
            }
        };
        if taken {
            return Some(format!("{title}“{value}”已被使用，不能保存！"));
        }
    }
    None
}

/// 客户详情: a bill with every field.
pub(super) fn detail(context: &Context<'_>, call: &Call) -> Answer {
    let Some(customer) = call.ord().and_then(|ord| context.data.customers.get(&ord)) else {
        let words = context.settings.missing_words.as_deref();
        return Answer::failed(words.unwrap_or("该客户不存在或已被删除"));
    };
    if context.settings.detail_demands_kind && call.field("intsort").trim() != customer.kind.to_string() {
        return Answer::failed("客户类型不正确");
    }
    let mut fields = bill_fields(&context.settings.choices, customer.kind, &customer.fields);
    let extra = |id, title: &str, value: String, text: String| BillField {
        id,
        title: title.to_owned(),
        group: "基本资料",
        value,
        text,
        required: false,
        limit: None,
    };
    let date1 = customer.created_at.erp_local();
    let catename = context.data.catename(&customer.holding);
    let members = match &customer.holding {
        Holding::Members { members } => members.iter().map(i64::to_string).collect::<Vec<_>>().join(","),
        _ => String::new(),
    };
    fields.push(extra("cateid", "销售人员", members, catename.clone()));
    fields.push(extra("catename", "销售人员", catename.clone(), catename));
    fields.push(extra("date1", "添加时间", date1.clone(), date1));
    Answer::Bill(Bill { ord: customer.ord, title: "客户详情", fields })
}

/// The fields of a bill. 客户分类 stands in `sort` and 跟进程度 in `sort1`, named as 客户修改 names them; the value of `sort1` is
/// the pair of tree ids that 客户添加 takes.
fn bill_fields(choices: &Choices, kind: u8, values: &Fields) -> Vec<BillField> {
    let (class, stage) = choices.tree_texts(get(values, "sort1")).unwrap_or_default();
    let mut bill = Vec::with_capacity(fields::CUSTOMER.len() + 4);
    for form in fields::CUSTOMER {
        let value = get(values, form.id).to_owned();
        let text = match form.id {
            "sort1" => stage.to_owned(),
            id => match choices.of_field(id) {
                Some(choices) => text_of(choices, &value).unwrap_or_default().to_owned(),
                None => value.clone(),
            },
        };
        let required = matches!(form.id, "name" | "sort1") || (form.id == "person_name" && kind == 1);
        let title = if form.id == "faren" && kind == 2 { "所在单位" } else { form.title };
        bill.push(BillField {
            id: form.id,
            title: title.to_owned(),
            group: form.group,
            value,
            text,
            required,
            limit: form.limit,
        });
    }
    bill.insert(
        2,
        BillField {
            id: "sort",
            title: "客户分类".to_owned(),
            group: "基本资料",
            value: get(values, "sort1").split(',').next().unwrap_or_default().to_owned(),
            text: class.to_owned(),
            required: true,
            limit: None,
        },
    );
    bill
}
