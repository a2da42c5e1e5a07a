//! 客户列表: fuzzy filters, paging, sorting (`erp-wire.md` §3).

use serde_json::{Value, json};

use super::{
    alterations::masked,
    answer::{Answer, Page, Row, Table},
    call::{Call, text},
    columns::Columns,
    context::Context,
    data::{Contact, Customer, Data, Holding},
    fields::get,
    search_log::contains,
    settings::Settings,
};

/// Columns that hold ids: no text that `searchKey` could match.
const IDS: [&str; 2] = ["ord", "person"];

/// 客户列表.
pub(super) fn list(context: &Context<'_>, call: &Call) -> Answer {
    let (data, settings) = (context.data, context.settings);
    let mut found: Vec<&Customer> = match shortlist(data, settings, call) {
        Some(ords) => ords.iter().filter_map(|ord| data.customers.get(ord)).collect(),
        None => data.customers.values().collect(),
    };
    let is_in_list = |customer: &Customer| settings.ignores_stype || matches_stype(settings, customer, call);
    found.retain(|customer| is_in_list(customer) && matches_filters(data, settings, customer, call));
    sort(data, settings, &mut found, call.field("_rpt_sort").trim());
    let mut page = Page::asked(call.field("pagesize"), call.field("pageindex"), context.page_cap);
    let row = |customer: &Customer| Row {
        ord: customer.ord,
        values: settings.columns.customers.iter().map(|id| shown(data, settings, customer, id)).collect(),
    };
    let rows = page.cut(found).into_iter().map(row).collect();
    let table = Table::new("客户列表", &settings.columns.customers, rows, page);
    table.answer(settings.columns_are_texts)
}

/// The few records that can match, where a filter allows to tell without looking at all of them.
fn shortlist(data: &Data, settings: &Settings, call: &Call) -> Option<Vec<i64>> {
    let given = |id: &str| Some(call.field(id)).filter(|value| !value.is_empty());
    if let Some(telord) = given("telord") {
        return Some(telord.trim().parse().into_iter().collect());
    }
    for (filter, log) in [("khid", "customer.khid"), ("name", "customer.name")] {
        if let Some(value) = given(filter) {
            return Some(data.candidates(log, value).into_iter().collect());
        }
    }
    // The log holds the usual columns, but not the salesperson's name.
    let key = given("searchKey").filter(|_| settings.columns.customers == Columns::default().customers)?;
    let beyond = data.users.iter().any(|user| contains(&user.name, key));
    if beyond { None } else { Some(data.candidates("customer.*", key).into_iter().collect()) }
}

fn matches_stype(settings: &Settings, customer: &Customer, call: &Call) -> bool {
    match call.field("stype").trim() {
        "" | "0" => customer.holding.is_customer(),
        "1" => customer.holding == Holding::Pool,
        "2" => matches!(customer.holding, Holding::Pending { .. }),
        _ => settings.unknown_stype_is_none && customer.holding.is_customer(),
    }
}

fn matches_filters(data: &Data, settings: &Settings, customer: &Customer, call: &Call) -> bool {
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
        && matches_search_key(data, settings, customer, call.field("searchKey"))
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

/// `searchKey` matches any text column of the row (§1.9).
fn matches_search_key(data: &Data, settings: &Settings, customer: &Customer, key: &str) -> bool {
    let is_searched =
        |id: &&String| !(IDS.contains(&id.as_str()) || settings.search_key_skips_mobile && *id == "mobile");
    let mut texts = settings.columns.customers.iter().filter(is_searched);
    key.is_empty() || texts.any(|id| contains(&text(&column(data, settings, customer, id)), key))
}

/// What the list shows of a column: it may cut a long name, and mask a number.
fn shown(data: &Data, settings: &Settings, customer: &Customer, id: &str) -> Value {
    let value = column(data, settings, customer, id);
    if id == "mobile" && settings.masked_lists.iter().any(|list| list == "customer.list") {
        return json!(masked(&text(&value)));
    }
    let (Some((length, mark)), "name", Some(name)) = (&settings.name_cut, id, value.as_str()) else { return value };
    name.char_indices().nth(*length).map_or_else(|| json!(name), |(cut, _)| json!(format!("{}{mark}", &name[..cut])))
}

fn column(data: &Data, settings: &Settings, customer: &Customer, id: &str) -> Value {
    let first = || data.first_contact(customer.ord);
    let of_first = |field: &str| json!(first().map_or("", |contact| get(&contact.fields, field)));
    let tree = || settings.choices.tree_texts(get(&customer.fields, "sort1")).unwrap_or_default();
    match id {
        "ord" => json!(customer.ord),
        "date1" => json!(customer.created_at.erp_local()),
        "catename" if customer.holding == Holding::Public => json!(settings.opened_shows),
        "catename" => json!(data.catename(&customer.holding)),
        "sortname" => json!(tree().0),
        "sort1name" => json!(tree().1),
        "person" => first().map_or(json!(""), |contact: &Contact| json!(contact.ord)),
        "personname" => of_first("person_name"),
        "personjob" => of_first("job"),
        "telintro" => json!(data.progress_of(customer.ord).next_back().map_or("", |last| get(&last.fields, "intro"))),
        id => json!(get(&customer.fields, id)),
    }
}

/// By a column, `-` in front for descending; where no known column is named, as the installation is set.
fn sort(data: &Data, settings: &Settings, customers: &mut [&Customer], by: &str) {
    let (id, descending) = by.strip_prefix('-').map_or((by, false), |id| (id, true));
    let known = settings.columns.customers.iter().any(|column| column == id)
        && !settings.unsorted_columns.iter().any(|column| column == id);
    let (id, descending) = if known { (id, descending) } else { ("ord", !settings.oldest_first) };
    if id == "ord" {
        customers.sort_by_key(|customer| customer.ord);
    } else {
        customers.sort_by_cached_key(|customer| (text(&column(data, settings, customer, id)), customer.ord));
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
