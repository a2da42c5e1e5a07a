//! 分配新客户ID, 单位/个人客户添加, 客户详情, 客户列表 (`erp-wire.md` §3).

use serde_json::{Value, json};

use super::{
    answer::{Answer, Bill, BillField, Page, Row, Table},
    call::Call,
    choices,
    context::{Context, Decision},
    data::{Customer, Data, Effect, Holding, SEARCH_KEY_FIELDS, contains},
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
    let bill = Bill { ord, title: "客户添加", fields: bill_fields(kind, &fields) };
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
        .and_then(|()| fields::check_choices(&fields));
    if let Err(text) = checked {
        return Answer::refused(text).into();
    }
    let texts = choices::texts_of_save(get(&fields, "ly"), get(&fields, "jz"), get(&fields, "sort1"));
    if let Some((title, text)) = texts.into_iter().find(|(_, text)| context.settings.lacks(text)) {
        return Answer::refused(format!("{title}“{text}”不存在，不能保存")).into();
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
        return Answer::failed("该客户不存在或已被删除");
    };
    let mut fields = bill_fields(customer.kind, &customer.fields);
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
fn bill_fields(kind: u8, values: &Fields) -> Vec<BillField> {
    let (class, stage) = choices::tree_texts(get(values, "sort1")).unwrap_or_default();
    let mut bill = Vec::with_capacity(fields::CUSTOMER.len() + 4);
    for form in fields::CUSTOMER {
        let value = get(values, form.id).to_owned();
        let text = match form.id {
            "sort1" => stage.to_owned(),
            id => match choices::of_field(id) {
                Some(choices) => choices::text_of(choices, &value).unwrap_or_default().to_owned(),
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

const COLUMNS: &[(&str, &str)] = &[
    ("ord", "ID"),
    ("name", "客户名称"),
    ("khid", "客户编号"),
    ("mobile", "手机"),
    ("weixinAcc", "微信"),
    ("address", "客户地址"),
    ("date1", "添加时间"),
    ("catename", "销售人员"),
];

/// 客户列表: fuzzy filters, paging, sorting.
pub(super) fn list(context: &Context<'_>, call: &Call) -> Answer {
    let data = context.data;
    let mut found: Vec<&Customer> = match shortlist(data, call) {
        Some(ords) => ords.iter().filter_map(|ord| data.customers.get(ord)).collect(),
        None => data.customers.values().collect(),
    };
    let is_in_list = |customer: &Customer| context.settings.ignores_stype || matches_stype(customer, call);
    found.retain(|customer| is_in_list(customer) && matches_filters(data, customer, call));
    sort(data, &mut found, call.field("_rpt_sort").trim());
    let mut page = Page::asked(call.field("pagesize"), call.field("pageindex"), context.page_cap);
    let rows = page.cut(found).into_iter();
    let rows = rows.map(|customer| Row {
        ord: customer.ord,
        values: COLUMNS.iter().map(|(id, _)| column(data, customer, id)).collect(),
    });
    let rows = rows.collect();
    Answer::Table { table: Table { name: "客户列表", cols: COLUMNS, kept: &[], rows, page }, v3: false }
}

/// The few records that can match, where a filter allows to tell without looking at all of them.
fn shortlist(data: &Data, call: &Call) -> Option<Vec<i64>> {
    let given = |id: &str| Some(call.field(id)).filter(|value| !value.is_empty());
    if let Some(telord) = given("telord") {
        return Some(telord.trim().parse().into_iter().collect());
    }
    for (filter, log) in [("khid", "customer.khid"), ("name", "customer.name")] {
        if let Some(value) = given(filter) {
            return Some(data.candidates(log, value).into_iter().collect());
        }
    }
    // `searchKey` also looks into the salesperson's name and the date, which the log does not hold.
    let key = given("searchKey")?;
    let beyond = data.users.iter().any(|user| contains(&user.name, key));
    let beyond = beyond || key.chars().all(|c| c.is_ascii_digit() || "-: ".contains(c)) && key.len() < 11;
    if beyond { None } else { Some(data.candidates("customer.*", key).into_iter().collect()) }
}

fn matches_stype(customer: &Customer, call: &Call) -> bool {
    match call.field("stype").trim() {
        "" | "0" => customer.holding.is_customer(),
        "1" => customer.holding == Holding::Pool,
        "2" => matches!(customer.holding, Holding::Pending { .. }),
        _ => false,
    }
}

fn matches_filters(data: &Data, customer: &Customer, call: &Call) -> bool {
    let fuzzy = |id: &&str| contains(get(&customer.fields, id), call.field(id));
    let one_of = |id: &&str| is_one_of(call.field(id), get(&customer.fields, id));
    let members = match &customer.holding {
        Holding::Members { members } => members.as_slice(),
        _ => &[],
    };
    let cateid = call.field("cateid");
    let telord = call.field("telord").trim();
    (telord.is_empty() || telord == customer.ord.to_string())
        && ["name", "khid", "phone", "address", "intro"].iter().all(fuzzy)
        && ["ly", "jz", "area", "trade"].iter().all(one_of)
        && (cateid.is_empty() || members.iter().any(|member| is_one_of(cateid, &member.to_string())))
        && added_within(customer, call.field("date1_0").trim(), call.field("date1_1").trim())
        && matches_search_key(data, customer, call.field("searchKey"))
}

/// A filter that lists ids: empty lets everything pass.
fn is_one_of(ids: &str, value: &str) -> bool {
    ids.is_empty() || ids.split(',').any(|id| id.trim() == value)
}

/// Writing a date is half the cost of reading a long list, so it is written only where one is asked for.
fn added_within(customer: &Customer, from: &str, to: &str) -> bool {
    (from.is_empty() && to.is_empty()) || within_dates(&customer.created_at.erp_local(), from, to)
}

/// Dates compare as text up to the length that was given, so that `2026-11-23` as an end includes that day.
fn within_dates(date: &str, from: &str, to: &str) -> bool {
    let prefix = |length: usize| date.get(..length).unwrap_or(date);
    (from.is_empty() || prefix(from.len()) >= from) && (to.is_empty() || prefix(to.len()) <= to)
}

fn matches_search_key(data: &Data, customer: &Customer, key: &str) -> bool {
    key.is_empty()
        || SEARCH_KEY_FIELDS.iter().any(|id| contains(get(&customer.fields, id), key))
        || contains(&data.catename(&customer.holding), key)
        || contains(&customer.created_at.erp_local(), key)
}

fn column(data: &Data, customer: &Customer, id: &str) -> Value {
    match id {
        "ord" => json!(customer.ord),
        "date1" => json!(customer.created_at.erp_local()),
        "catename" => json!(data.catename(&customer.holding)),
        id => json!(get(&customer.fields, id)),
    }
}

/// By a column, `-` in front for descending; the newest first where no known column is named.
fn sort(data: &Data, customers: &mut [&Customer], by: &str) {
    let (id, descending) = by.strip_prefix('-').map_or((by, false), |id| (id, true));
    let known = COLUMNS.iter().any(|(column, _)| *column == id);
    let (id, descending) = if known { (id, descending) } else { ("ord", true) };
    if id == "ord" {
        customers.sort_by_key(|customer| customer.ord);
    } else {
        customers.sort_by_cached_key(|customer| (super::call::text(&column(data, customer, id)), customer.ord));
    }
    if descending {
        customers.reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_range_includes_both_of_its_days() {
        for (from, to, inside) in [
            ("", "", true),
            ("2026-11-23", "2026-11-23", true),
            ("2026-11-24", "", false),
            ("", "2026-11-22", false),
            ("2026-11-23 15:04:05", "2026-11-23 15:04:05", true),
            ("2026-11-23 15:04:06", "", false),
        ] {
            assert_eq!(within_dates("2026-11-23 15:04:05", from, to), inside, "{from}..{to}");
        }
    }

    #[test]
    fn a_list_of_ids_lets_only_those_pass() {
        assert!(is_one_of("", "63"));
        assert!(is_one_of("63, 71", "71"));
        assert!(!is_one_of("63,71", "6"));
    }
}
