//! What only a write shows: one customer is added, edited, recorded on, and taken back. Its name says what it is.

use serde_json::Value;

use super::{
    looker::{Looker, Seen},
    others::{is_markup, is_newest_first},
    report::{Outcome, Report},
    tree::{SeenTable, bill_fields, cut_of},
};
use crate::erp::{ContactWay, CustomerKind, Erp, ErpError, Field, NewProgress, RawCall};

/// With what the customer is written.
pub(crate) struct WriteOne {
    /// 客户分类 when adding (`erp.values.sort1`).
    pub(crate) sort1: String,
    /// 客户分类 and 跟进程度 when editing, by their texts.
    pub(crate) category: (String, String),
    /// The same account, to log in with a second time.
    pub(crate) second: Erp,
}

/// A text that installations alter: an emoji, a zero-width blank, an entity (`erp-wire.md §1.12`).
const ODD: &str = "甲😀乙\u{200b}丙&amp;丁";
/// Characters of a record that a list may cut.
const LONG: usize = 300;

/// Writes, reads back, and takes back. What stops it halfway is noted, and the customer is taken back all the same.
pub(super) async fn look(looker: &mut Looker<'_>, report: &mut Report, write: &WriteOne) {
    let Err(error) = written(looker, report, write).await else { return };
    report.settle("saves.stored", Outcome::Unseen);
    report.measured.writing_stopped = Some(error.code().to_owned());
    if let Some(ord) = report.measured.written_customer.filter(|_| !report.measured.is_taken_back) {
        report.measured.is_taken_back = looker.erp.take_back(ord).await.is_ok();
    }
}

async fn written(looker: &mut Looker<'_>, report: &mut Report, write: &WriteOne) -> Result<(), ErpError> {
    let erp = looker.erp;
    let unused = erp.allocate_customer(CustomerKind::Person).await?.ord;
    let ord = erp.allocate_customer(CustomerKind::Person).await?.ord;
    report.note("ids.allocated_once", unused != ord);
    let moment = looker.clock.now().erp_local();
    let khid = format!("ERPB{}", moment.chars().filter(char::is_ascii_digit).collect::<String>());
    let fields = |intro: &str| {
        let mut fields = vec![
            Field::new("name", format!("ERP Bridge 测试客户 {moment} 请勿使用")),
            Field::new("khid", khid.clone()),
            Field::new("sort1", write.sort1.clone()),
            Field::new("intro", intro),
        ];
        let source = report.shapes.choices.get("sources").and_then(|sources| sources.first());
        fields.extend(source.map(|(id, _)| Field::new("ly", id.clone())));
        fields
    };
    let (first, second) = (fields("第一次"), fields(ODD));
    refused_save(looker, report, ord, &write.sort1).await?;
    let added = erp.add_customer(CustomerKind::Person, ord, &first).await;
    if matches!(added, Ok(_) | Err(ErpError::OutcomeUnknown { .. })) {
        report.measured.written_customer = Some(ord);
    }
    added?;
    erp.add_customer(CustomerKind::Person, ord, &second).await?;
    let stored = intro(looker, ord).await?;
    report.note("saves.stored", stored.as_ref().map(|text| text.contains('甲')));
    alterations(report, stored.as_deref().unwrap_or_default());
    let again = list(looker, &[("khid", &khid)]).await?;
    let again = again.filter(|_| !report.refutes("customers.filter.khid"));
    report.note("saves.overwrite", again.map(|table| table.count() == 1));
    edited(looker, report, ord, write).await?;
    recorded(looker, report, ord).await?;
    taken_back(looker, report, ord).await?;
    second_login(looker, report, &write.second).await
}

/// A save without a name must be refused; if it is not, the one customer is there a little earlier, and nothing was seen.
async fn refused_save(looker: &mut Looker<'_>, report: &mut Report, ord: i64, sort1: &str) -> Result<(), ErpError> {
    let asked = ord.to_string();
    let seen = looker.look(RawCall::AddPerson, &[("ord", &asked), ("name", ""), ("sort1", sort1)]).await?;
    let stored = list(looker, &[("telord", &asked)]).await?.is_some_and(|table| table.has_row(ord));
    report.measured.written_customer = stored.then_some(ord);
    let status_0 = match seen {
        Seen::Refused { by_status, .. } if !stored => Some(!by_status),
        _ => None,
    };
    report.note("refusals.saves_with_status_0", status_0);
    Ok(())
}

async fn intro(looker: &mut Looker<'_>, ord: i64) -> Result<Option<String>, ErpError> {
    let seen = looker.detail_as(CustomerKind::Person, ord).await?;
    let Seen::Answer(tree) = seen else { return Ok(None) };
    let fields = bill_fields(&tree);
    let field = fields.iter().find(|field| field.id == "intro");
    let raw = field.and_then(|field| field.value.as_ref().or(field.text.as_ref())).and_then(Value::as_str);
    // Where the installation writes entities, one reading of them belongs to the form and not to the text.
    let decoded = |raw: &str| html_escape::decode_html_entities(raw).into_owned();
    Ok(raw.map(|raw| if looker.form.entities { decoded(raw) } else { raw.to_owned() }))
}

fn alterations(report: &mut Report, stored: &str) {
    let between = |from: &str, to: &str| {
        let start = stored.find(from)? + from.len();
        let end = stored.get(start..)?.find(to)?;
        stored.get(start..start + end)
    };
    for (code, from, to, sent, known) in [
        ("stored.emoji", "甲", "乙", "😀", [("??", "question_marks"), ("", "dropped")]),
        ("stored.zero_width", "乙", "丙", "\u{200b}", [("?", "question_marks"), ("", "dropped")]),
        ("stored.entities", "丙", "丁", "&amp;", [("&", "decoded"), ("", "dropped")]),
    ] {
        let found = between(from, to);
        let how = found.and_then(|found| known.iter().find(|(text, _)| *text == found)).map_or("", |(_, how)| how);
        report.note_how(code, found.map(|found| found == sent), how);
    }
}

async fn list(looker: &mut Looker<'_>, more: &[(&'static str, &str)]) -> Result<Option<SeenTable>, ErpError> {
    let mut fields = vec![("pagesize", "100"), ("pageindex", "1")];
    if !more.iter().any(|(id, _)| *id == "stype") {
        fields.push(("stype", ""));
    }
    fields.extend(more);
    Ok(looker.look(RawCall::CustomerList, &fields).await?.table())
}

async fn edited(looker: &mut Looker<'_>, report: &mut Report, ord: i64, write: &WriteOne) -> Result<(), ErpError> {
    let detail = looker.erp.customer_detail(CustomerKind::Person, ord).await?;
    let filled = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let shown = |id: &str, other: &str| filled(detail.shown(id)).unwrap_or_else(|| other.to_owned());
    let (sort, stage) = &write.category;
    let name = shown("name", "");
    let fields = [
        Field::number("sort2", CustomerKind::Person.number()),
        Field::new("sort", filled(detail.text("sort")).unwrap_or_else(|| sort.clone())),
        Field::new("sort1", filled(detail.text("sort1")).unwrap_or_else(|| stage.clone())),
        Field::new("person_name", shown("person_name", &name)),
        Field::new("name", name),
        Field::new("intro", "改过"),
    ];
    let done = looker.erp.edit_customer(ord, &fields).await;
    let shows = intro(looker, ord).await?.map(|text| text == "改过");
    report.note_how("edit.shows", shows, if done.is_err() { "refused" } else { "" });
    Ok(())
}

async fn recorded(looker: &mut Looker<'_>, report: &mut Report, ord: i64) -> Result<(), ErpError> {
    let long: String = (0..LONG).filter_map(|at| char::from_digit(u32::try_from(at % 10).ok()?, 10)).collect();
    for text in ["第 一 条", &long] {
        let record = NewProgress { ord, intro: text.to_owned(), sort: ContactWay::Other, lead: None };
        if looker.erp.add_progress(&record).await.is_err() {
            report.note("progress.stored", Outcome::Unseen);
            return Ok(());
        }
    }
    let asked = ord.to_string();
    let fields = [("ord", asked.as_str()), ("pagesize", "100"), ("pageindex", "1")];
    let table = looker.look(RawCall::ProgressList, &fields).await?.table();
    let texts = table.as_ref().and_then(|table| table.texts("intro")).unwrap_or_default();
    report.note("progress.stored", table.as_ref().map(|_| texts.len() == 2));
    report.settle("progress.newest_first", table.as_ref().and_then(is_newest_first));
    report.settle("progress.shows_markup", (!texts.is_empty()).then(|| texts.iter().any(|text| is_markup(text))));
    let shown = texts.iter().find(|text| text.starts_with('0'));
    report.note("progress.whole_texts", shown.map(|shown| *shown == long));
    report.shapes.records_cut = shown.and_then(|shown| cut_of(shown, &long));
    let row = list(looker, &[("telord", &asked)]).await?;
    let telintro = row.and_then(|table| table.texts("telintro")).and_then(|texts| texts.into_iter().next());
    report.note("customers.telintro_shows_latest", telintro.map(|text| text.starts_with("0123")));
    Ok(())
}

async fn taken_back(looker: &mut Looker<'_>, report: &mut Report, ord: i64) -> Result<(), ErpError> {
    let done = looker.erp.take_back(ord).await;
    report.measured.is_taken_back = done.is_ok();
    let asked = ord.to_string();
    let is_in = |table: Option<SeenTable>| table.map(|table| table.has_row(ord));
    let customers = is_in(list(looker, &[("telord", &asked)]).await?);
    let pool = is_in(list(looker, &[("telord", &asked), ("stype", "1")]).await?);
    report.note_how(
        "takeback.leaves_customers",
        customers.map(|is_in| !is_in),
        if done.is_err() { "refused" } else { "" },
    );
    report.note("takeback.shows_in_pool", pool);
    Ok(())
}

/// The session of this survey is renewed where the second login ended it, and that is seen.
async fn second_login(looker: &mut Looker<'_>, report: &mut Report, second: &Erp) -> Result<(), ErpError> {
    let before = looker.erp.session_mark();
    let in_again = second.check_login().await.is_ok();
    looker.look(RawCall::Sources, &[]).await?;
    let survives = in_again.then(|| looker.erp.session_mark() == before);
    report.note("session.survives_second_login", survives);
    Ok(())
}
