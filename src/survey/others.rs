//! Contact persons, progress records, accounts, choices, trees, the session: what a survey reads beside the customers.

use serde_json::Value;

use super::{
    customers::{Known, NO_ID, NO_TEXT, filter_is_known},
    looker::{Looker, Right, Seen},
    report::{Report, SeenCategory, SeenChoice},
    tree::{SeenTable, member, text},
};
use crate::erp::{ErpError, RawCall};

/// Texts that the ERP comes with or that its descriptions name: they say nothing of a company. Another text is not handed on.
const COMMON: [&str; 36] = [
    "陌生开发",
    "网站注册",
    "VIP",
    "广告宣传",
    "朋友介绍",
    "微信",
    "很高",
    "较高",
    "一般",
    "较低",
    "很低",
    "电话",
    "邮件",
    "上门",
    "其他",
    "默认分类",
    "终端客户",
    "经销商",
    "潜在客户",
    "意向客户",
    "重点客户",
    "多次接触",
    "已成交",
    "成交客户",
    "初步接触",
    "方案报价",
    "长期合作",
    "机械制造",
    "软件与信息",
    "批发零售",
    "教育培训",
    "上海",
    "浙江",
    "江苏",
    "北京",
    "广东",
];
/// Choices of one field and nodes of one tree that are kept.
const CHOICES_MAX: usize = 200;

/// 客户来源 and the other choices; the trees.
pub(super) async fn choices(looker: &mut Looker<'_>, report: &mut Report) -> Result<(), ErpError> {
    let fields = [
        ("sources", RawCall::Sources),
        ("levels", RawCall::Levels),
        ("trades", RawCall::Trades),
        ("ways", RawCall::Ways),
    ];
    let (mut short, mut table) = (None, None);
    for (name, call) in fields {
        let seen = looker.look(call, &[]).await?;
        if name == "sources" {
            report.note_how("right.choices", seen.is_open(), seen.how());
        }
        let Seen::Answer(tree) = &seen else { continue };
        let Some(choices) = read_choices(tree) else { continue };
        short = short.or(Some(choices.short));
        table = table.or(Some(seen.table().is_some()));
        if name == "sources" {
            report.note("choices.wechat_is_a_source", choices.found.iter().any(|(_, text)| text == "微信"));
        }
        report.shapes.choices.insert(name.to_owned(), choices.found);
    }
    report.note("choices.as_table", table);
    report.note("choices.under_v_and_n", short);
    trees(looker, report).await
}

struct Choices {
    found: Vec<SeenChoice>,
    /// Under `v` and `n`.
    short: bool,
}

fn read_choices(tree: &Value) -> Option<Choices> {
    let source = member(tree, "body").and_then(|body| member(body, "source"))?;
    let pairs: Vec<(String, String)>;
    let mut short = false;
    if let Some(options) = member(source, "options").and_then(Value::as_array) {
        short = options.iter().any(|option| member(option, "v").is_some());
        let names = if short { ("v", "n") } else { ("id", "text") };
        let pair = |option: &Value| Some((member(option, names.0).map(text)?, member(option, names.1).map(text)?));
        pairs = options.iter().filter_map(pair).collect();
    } else {
        let rows = member(source, "table").and_then(|table| member(table, "rows")).and_then(Value::as_array)?;
        let cells = |row: &Value| row.as_array().or_else(|| member(row, "value")?.as_array()).cloned();
        let pair = |row: &Value| cells(row).and_then(|cells| Some((text(cells.first()?), text(cells.get(1)?))));
        pairs = rows.iter().filter_map(pair).collect();
    }
    let found = pairs.into_iter().enumerate().filter_map(|(at, (id, text))| anonymous(at, &id, &text));
    Some(Choices { found: found.take(CHOICES_MAX).collect(), short })
}

/// A choice without what a company or a person may have written into it.
fn anonymous(at: usize, id: &str, text: &str) -> Option<SeenChoice> {
    let is_id = !id.is_empty() && id.len() <= 9 && id.bytes().all(|byte| byte.is_ascii_digit());
    let text = if COMMON.contains(&text) { text.to_owned() } else { format!("选项{}", at + 1) };
    is_id.then(|| (id.to_owned(), text))
}

async fn trees(looker: &mut Looker<'_>, report: &mut Report) -> Result<(), ErpError> {
    for (name, call) in [
        ("tree.categories", RawCall::CategoryTree),
        ("tree.accounts", RawCall::AccountTree),
        ("tree.areas", RawCall::AreaTree),
    ] {
        let seen = looker.look(call, &[]).await?;
        report.note_how(format!("right.{name}"), seen.is_open(), seen.how());
        let Seen::Answer(tree) = seen else { continue };
        let nodes = nodes(member(&tree, "body").and_then(|body| member(body, "source")?.get("trees")));
        report.note(format!("{name}.as_assumed"), !nodes.is_empty());
        match call {
            RawCall::CategoryTree => report.shapes.categories = nodes.iter().enumerate().filter_map(category).collect(),
            RawCall::AreaTree => {
                let areas = nodes.iter().enumerate().filter_map(|(at, node)| anonymous(at, &node.0, &node.1));
                report.shapes.choices.insert("areas".to_owned(), areas.take(CHOICES_MAX).collect());
            }
            // Names of people.
            _ => {}
        }
    }
    Ok(())
}

/// Value, text and children of each node.
fn nodes(parent: Option<&Value>) -> Vec<(String, String, &Value)> {
    let list = parent.and_then(|parent| member(parent, "nodes")).and_then(Value::as_array);
    let node = |node| Some((member(node, "value").map(text)?, member(node, "text").map(text)?, node));
    list.into_iter().flatten().filter_map(node).collect()
}

fn category((at, (id, text, node)): (usize, &(String, String, &Value))) -> Option<SeenCategory> {
    let (id, text) = anonymous(at, id, text)?;
    let stages = nodes(Some(node));
    let stages = stages.iter().enumerate().filter_map(|(at, (id, text, _))| anonymous(at, id, text)).collect();
    Some(SeenCategory { id, text, stages })
}

/// 联系人列表: columns, filters, and whether customers have a first contact person.
pub(super) async fn contacts(looker: &mut Looker<'_>, report: &mut Report, known: &[Known]) -> Result<(), ErpError> {
    let seen = looker.look(RawCall::ContactList, &[("pagesize", "100"), ("pageindex", "1")]).await?;
    report.note_how("right.contact.list", seen.is_open(), seen.how());
    let Some(table) = seen.table() else { return Ok(()) };
    report.shapes.columns.insert("contacts".to_owned(), table.cols.clone());
    let mobiles: Vec<String> =
        table.texts("mobile").unwrap_or_default().into_iter().filter(|one| !one.is_empty()).collect();
    let is_masked = (!mobiles.is_empty()).then(|| mobiles.iter().any(|one| one.contains('*')));
    report.note("contacts.masked", is_masked);
    let total = table.count();
    let first = table.rows.first().and_then(|row| row.ord.map(|ord| (ord, row)));
    for (filter, column, impossible) in [
        ("company", "company", NO_ID),
        ("person_name", "person_name", NO_TEXT),
        ("mobile", "mobile", NO_TEXT),
        ("email", "email", NO_TEXT),
        ("intro", "", NO_TEXT),
        ("name", "name", NO_TEXT),
    ] {
        let value = first.and_then(|(ord, row)| Some((ord, table.cell(row, column)?)));
        // A masked number finds nobody.
        let must = value.as_ref().filter(|(_, value)| !value.is_empty() && !value.contains('*'));
        let must = must.map(|(ord, value)| (*ord, value.as_str()));
        let (outcome, how) = filter_is_known(looker, RawCall::ContactList, filter, impossible, must, total).await?;
        report.note_how(format!("contacts.filter.{filter}"), outcome, how);
    }
    let mut people = None;
    if !report.refutes("contacts.filter.company") {
        for one in known {
            let company = one.ord.to_string();
            let seen = looker.look(RawCall::ContactList, &[("company", &company), ("pagesize", "100")]).await?;
            people = seen.table().map(|table| people == Some(true) || !table.rows.is_empty()).or(people);
        }
    }
    report.note("contacts.first_contact", people);
    contact_detail(looker, report, &table).await
}

/// 联系人详情, until one answers.
async fn contact_detail(looker: &mut Looker<'_>, report: &mut Report, list: &SeenTable) -> Result<(), ErpError> {
    let mut right = Right::default();
    for ord in list.rows.iter().filter_map(|row| row.ord) {
        let seen = looker.look(RawCall::ContactDetail, &[("edit", ""), ("ord", &ord.to_string())]).await?;
        if !right.note(&seen) || right.is_open == Some(true) {
            break;
        }
    }
    report.note_how("right.contact.detail", right.is_open, right.how);
    Ok(())
}

/// The list of progress records of customers that have some.
pub(super) async fn records(looker: &mut Looker<'_>, report: &mut Report, known: &[Known]) -> Result<(), ErpError> {
    let (mut newest_first, mut markup) = (None, None);
    let mut right = Right::default();
    for one in known {
        let ord = one.ord.to_string();
        let fields = [("ord", ord.as_str()), ("pagesize", "100"), ("pageindex", "1")];
        let seen = looker.look(RawCall::ProgressList, &fields).await?;
        let goes_on = right.note(&seen);
        let Some(table) = seen.table() else {
            if goes_on {
                continue;
            }
            break;
        };
        report.shapes.columns.insert("progress".to_owned(), table.cols.clone());
        report.sample.records_each = report.sample.records_each.max(table.rows.len());
        newest_first = newest_first.or_else(|| is_newest_first(&table));
        let texts = table.texts("intro").unwrap_or_default();
        markup =
            markup.or((!texts.is_empty()).then_some(false)).map(|seen| seen || texts.iter().any(|one| is_markup(one)));
    }
    report.note_how("right.progress.list", right.is_open, right.how);
    report.note("progress.newest_first", newest_first);
    report.note("progress.shows_markup", markup);
    Ok(())
}

/// By the moments of the records, or by their ids.
pub(super) fn is_newest_first(table: &SeenTable) -> Option<bool> {
    let numbers = |text: String| -> Vec<u64> {
        text.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
    };
    let dates: Option<Vec<Vec<u64>>> = table.texts("date7").map(|dates| dates.into_iter().map(numbers).collect());
    let ords: Vec<Vec<u64>> = table
        .rows
        .iter()
        .filter_map(|row| row.ord.and_then(|ord| u64::try_from(ord).ok()))
        .map(|ord| vec![ord])
        .collect();
    let order = |keys: &[Vec<u64>]| match keys {
        [] | [_] => None,
        keys if keys.first() == keys.last() => None,
        keys if keys.is_sorted_by(|a, b| a >= b) => Some(true),
        keys if keys.is_sorted() => Some(false),
        _ => None,
    };
    dates.and_then(|dates| order(&dates)).or_else(|| order(&ords))
}

/// What a page for people has and a text has not: entities that stand once too often, tags of line ends. The text was decoded once.
pub(super) fn is_markup(text: &str) -> bool {
    ["&nbsp;", "&lt;", "<br"].iter().any(|mark| text.contains(mark))
}

/// 账号列表: only that it can be read, and its columns.
pub(super) async fn accounts(looker: &mut Looker<'_>, report: &mut Report) -> Result<(), ErpError> {
    let fields = [("userstatus", ""), ("name", ""), ("page_size", "5"), ("page_index", "1")];
    let seen = looker.look(RawCall::Accounts, &fields).await?;
    report.note_how("right.accounts", seen.is_open(), seen.how());
    if let Some(table) = seen.table() {
        report.shapes.columns.insert("accounts".to_owned(), table.cols);
    }
    Ok(())
}

/// Whether a session is demanded, and how a read of what is not there is refused.
pub(super) async fn session(looker: &mut Looker<'_>, report: &mut Report) -> Result<(), ErpError> {
    let seen = looker.look_without_session(RawCall::Sources).await;
    report.note("session.demanded", seen.is_open().map(|open| !open));
    let fields = [("edit", ""), ("intsort", "2"), ("ord", NO_ID)];
    let seen = looker.look(RawCall::CustomerDetail, &fields).await?;
    let (by_status, is_understood) = match seen {
        Seen::Refused { by_status, is_understood } => (Some(by_status), Some(is_understood)),
        _ => (None, None),
    };
    report.note("refusals.of_reads_by_status", by_status);
    report.note("refusals.understood", is_understood);
    Ok(())
}
