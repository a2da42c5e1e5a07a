//! The profile of a survey: what `zhibang-sim --profile FILE` plays back (`docs/simulator.md`). What a survey could not see is as
//! in a simulator without a profile.

use serde_json::{Map, Value, json};

use super::report::{Report, Sample};

/// Facts that are a quirk where they hold.
const QUIRKS: [(&str, &str); 12] = [
    ("answers.raw_controls", "raw_control"),
    ("answers.bom", "bom"),
    ("answers.rows_as_objects", "rows_objects"),
    ("answers.row_without_array", "single_row_object"),
    ("answers.numbers_as_strings", "numbers_as_strings"),
    ("answers.digits_as_numbers", "strings_as_numbers"),
    ("answers.entities", "entities"),
    ("choices.under_v_and_n", "options_vn"),
    ("choices.as_table", "options_table"),
    ("details.sparse", "sparse_bill"),
    ("details.masked", "masked_details"),
    ("details.choices_as_ids", "values_only"),
];

/// The profile, as JSON.
pub fn profile(report: &Report) -> Value {
    json!({
        "about": format!("A survey of {}", report.measured.surveyed_at),
        "settings": settings(report),
        "quirks": quirks(report),
        "population": population(report),
    })
}

fn quirks(report: &Report) -> Vec<&'static str> {
    let seen = QUIRKS.iter().filter(|(code, _)| report.holds(code)).map(|(_, quirk)| *quirk);
    let how = |code: &str| report.fact(code).map_or("", |fact| fact.how.as_str());
    let more = [
        (report.holds("customers.masked") && !report.refutes("contacts.masked"), "masked_lists"),
        (report.refutes("contacts.first_contact"), "no_first_contact"),
        // On unless a survey saw the opposite, as in a simulator without a profile.
        (!report.refutes("refusals.saves_with_status_0"), "refused_status_0"),
        (how("stored.emoji") == "question_marks", "question_marks"),
        (how("stored.zero_width") == "dropped", "drops_zero_width"),
        (how("stored.entities") == "decoded", "decodes_entities"),
        (report.holds("progress.shows_markup"), "shows_markup"),
    ];
    seen.chain(more.into_iter().filter(|(is_on, _)| *is_on).map(|(_, quirk)| quirk)).collect()
}

fn settings(report: &Report) -> Value {
    let mut closed = Map::new();
    for fact in report.facts.iter().filter(|fact| report.refutes(&fact.code)) {
        if let Some(interface) = fact.code.strip_prefix("right.") {
            let how = if ["refused", "html"].contains(&fact.how.as_str()) { fact.how.as_str() } else { "404" };
            closed.insert(interface.to_owned(), json!(how));
        }
    }
    let mut settings = json!({
        "columns": report.shapes.columns,
        "columns_are_texts": report.holds("customers.all_texts"),
        "page_cap": report.shapes.page_cap,
        "ignores_stype": report.refutes("customers.filter.stype"),
        "ignored_filters": ignored_filters(report),
        "detail_demands_kind": report.holds("details.demand_the_kind"),
        "unsorted_columns": unsorted_columns(report),
        "search_key_skips_mobile": report.refutes("customers.search_key_finds_numbers"),
        "masked_lists": masked_lists(report),
        "oldest_first": report.refutes("customers.newest_first"),
        "replylist_oldest_first": report.refutes("progress.newest_first"),
        "demands_session": !report.refutes("session.demanded"),
        "single_session": report.refutes("session.survives_second_login"),
        "allocates_again": report.refutes("ids.allocated_once"),
        "closed": closed,
        "choices": choices(report),
    });
    if report.refutes("refusals.understood") {
        settings["missing_words"] = json!("E-4711");
    }
    if let Some(cut) = &report.shapes.names_cut {
        settings["name_cut"] = json!(cut);
    }
    if let Some((cut, mark)) = &report.shapes.records_cut {
        settings["replylist_cut"] = json!(cut);
        settings["replylist_mark"] = json!(mark);
    }
    settings
}

fn ignored_filters(report: &Report) -> Vec<String> {
    let lists = [("customers.filter.", "customer.list"), ("contacts.filter.", "contact.list")];
    let refuted =
        report.facts.iter().filter(|fact| report.refutes(&fact.code) && fact.code != "customers.filter.stype");
    refuted
        .filter_map(|fact| {
            lists.iter().find_map(|(prefix, list)| Some(format!("{list}:{}", fact.code.strip_prefix(prefix)?)))
        })
        .collect()
}

fn unsorted_columns(report: &Report) -> Vec<&str> {
    let refuted = report.facts.iter().filter(|fact| report.refutes(&fact.code));
    refuted.filter_map(|fact| fact.code.strip_prefix("customers.sorts_by.")).collect()
}

/// A list that masks numbers where the other does not; where both do, a quirk plays it.
fn masked_lists(report: &Report) -> Vec<&'static str> {
    match (report.holds("customers.masked"), report.holds("contacts.masked")) {
        (true, false) if report.refutes("contacts.masked") => vec!["customer.list"],
        (false, true) => vec!["contact.list"],
        _ => Vec::new(),
    }
}

fn choices(report: &Report) -> Value {
    let mut choices = json!(report.shapes.choices);
    if !report.shapes.categories.is_empty() {
        choices["categories"] = json!(report.shapes.categories);
    }
    choices
}

fn population(report: &Report) -> Value {
    let sample = &report.sample;
    let scaled = |count: usize| scale(count, sample);
    let all_or_none = |is: bool| if is { sample.customers } else { 0 };
    let details_show_numbers = report.holds("details.masked") || report.refutes("details.masked");
    json!({
        "customers": sample.customers,
        "companies": sample.long_names.map_or(0, scaled),
        "with_mobile": sample.with_mobile.map_or(all_or_none(details_show_numbers), scaled),
        "mobiles_as_typed": sample.mobiles_as_typed.map_or(0, scaled),
        "with_salesperson": sample.with_salesperson.map_or(0, scaled),
        "with_records": sample.with_records.map_or(all_or_none(sample.records_each > 0), scaled),
        "records_each": sample.records_each.max(1),
    })
}

/// What was counted among those read, for all.
fn scale(count: usize, sample: &Sample) -> usize {
    (count * sample.customers + sample.looked_at / 2).checked_div(sample.looked_at).unwrap_or_default()
}
