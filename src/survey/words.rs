//! What people read of a survey: a line a fact, Chinese first.

use super::report::{Fact, Outcome, Report};

/// Every fact, in Chinese and in English. A code that ends in a dot stands for those that begin with it.
const WORDS: [(&str, &str, &str); 49] = [
    ("right.", "接口对该账号开放", "the interface is open to the account"),
    ("choices.wechat_is_a_source", "客户来源里有“微信”", "微信 is among the sources"),
    ("choices.as_table", "选项以表格回答", "choices come as a table"),
    ("choices.under_v_and_n", "选项用 v、n 命名", "choices are named v and n"),
    ("tree.categories.as_assumed", "客户分类树的结构与假定一致", "the tree of categories has the assumed shape"),
    ("tree.accounts.as_assumed", "账号树的结构与假定一致", "the tree of accounts has the assumed shape"),
    ("tree.areas.as_assumed", "地区树的结构与假定一致", "the tree of areas has the assumed shape"),
    ("customers.all_texts", "客户列表的值都是文本", "every value of the customer list is a text"),
    ("customers.masked", "客户列表遮盖手机号", "the customer list masks mobile numbers"),
    ("customers.page_of_500", "每页 500 行有效", "pages of 500 rows are honoured"),
    ("customers.newest_first", "客户列表新的在前", "the customer list begins with the newest"),
    ("customers.filter._rpt_sort", "客户列表可按列排序", "the customer list is sorted as asked"),
    ("customers.sorts_by.", "客户列表可按该列排序", "the customer list is sorted by the column"),
    ("customers.whole_names", "客户列表显示完整名称", "the customer list shows whole names"),
    ("customers.search_key_finds_numbers", "searchKey 能按手机号找到客户", "searchKey finds a customer by its number"),
    ("customers.filter.", "客户列表识别该条件", "the customer list knows the filter"),
    ("customers.telintro_shows_latest", "telintro 显示最近一条洽谈", "telintro shows the latest record"),
    ("details.demand_the_kind", "客户详情须说明单位或个人", "customer details must be asked for by the right kind"),
    ("details.masked", "客户详情遮盖手机号", "customer details mask mobile numbers"),
    ("details.sparse", "详情字段只有 value 或只有 text", "fields of details have only a value or a text"),
    ("details.choices_as_ids", "详情里的选项只有 ID", "details show choices by their ids alone"),
    ("contacts.filter.", "联系人列表识别该条件", "the contact person list knows the filter"),
    ("contacts.masked", "联系人列表遮盖手机号", "the contact person list masks mobile numbers"),
    ("contacts.first_contact", "客户自带首个联系人", "customers have a first contact person"),
    ("progress.newest_first", "洽谈列表新的在前", "the list of records begins with the newest"),
    ("progress.shows_markup", "洽谈列表里见到页面标记", "the list of records shows markup"),
    ("progress.stored", "洽谈记录写入后能读回", "a record can be read back"),
    ("progress.whole_texts", "洽谈列表显示全文", "the list of records shows whole texts"),
    ("session.demanded", "必须先登录", "a session is demanded"),
    ("session.survives_second_login", "再次登录不影响前一会话", "a session survives a second login"),
    ("refusals.of_reads_by_status", "查询被拒时 status 不为 0", "a refused read has a status other than 0"),
    ("refusals.understood", "查询被拒的文字能识别", "the words of a refused read are understood"),
    ("refusals.saves_with_status_0", "保存被拒时 status 仍为 0", "a refused save has status 0"),
    ("ids.allocated_once", "每次分配新的客户 ID", "each allocation gives a new id"),
    ("saves.stored", "保存成功后能读回", "what was saved can be read back"),
    ("saves.overwrite", "同一 ID 再次保存为覆盖", "saving an id again overwrites"),
    ("stored.emoji", "表情符号原样保存", "an emoji is stored as sent"),
    ("stored.zero_width", "零宽字符原样保存", "zero-width characters are stored as sent"),
    ("stored.entities", "HTML 实体原样保存", "entities are stored as sent"),
    ("edit.shows", "客户修改后详情可见", "an edit shows in the detail"),
    ("takeback.leaves_customers", "收回后不在客户列表", "a customer taken back leaves the list"),
    ("takeback.shows_in_pool", "收回后在客户池", "a customer taken back is in the pool"),
    ("answers.bom", "答复以 BOM 开头", "answers begin with a BOM"),
    ("answers.raw_controls", "字符串内有裸控制字符", "strings hold raw control characters"),
    ("answers.entities", "文字含数字 HTML 实体", "texts hold numeric entities"),
    ("answers.numbers_as_strings", "数字写成字符串", "numbers come as strings"),
    ("answers.digits_as_numbers", "纯数字文本写成数字", "texts of digits come as numbers"),
    ("answers.rows_as_objects", "列表的行是对象", "rows are objects"),
    ("answers.row_without_array", "单独一行不带数组", "a single row stands without its array"),
];

/// A fact's sentence, in Chinese and in English; what stands behind the general code is named behind it.
pub fn label(code: &str) -> Option<(String, String)> {
    let (known, zh, en) =
        WORDS.iter().find(|(known, ..)| known == &code || (known.ends_with('.') && code.starts_with(known)))?;
    let named = |text: &str| match code.strip_prefix(known).unwrap_or_default() {
        "" => text.to_owned(),
        rest => format!("{text} {rest}"),
    };
    Some((named(zh), named(en)))
}

/// The report as a table: a line a fact, and what was measured below.
pub fn table(report: &Report) -> String {
    let mut lines =
        vec![format!("调查于 surveyed {}  ERP {}", report.measured.surveyed_at, report.measured.app_version)];
    lines.extend(report.facts.iter().map(line));
    let sample = &report.sample;
    let count = |count: Option<usize>| count.map_or("?".to_owned(), |count| count.to_string());
    lines.push(format!(
        "客户 customers {}, 已读 read {}: 有手机 with a mobile {}, 非 11 位数字 not as 11 digits {}, 有销售 with a salesperson {}, \
         有洽谈 with records {}",
        sample.customers,
        sample.looked_at,
        count(sample.with_mobile),
        count(sample.mobiles_as_typed),
        count(sample.with_salesperson),
        count(sample.with_records),
    ));
    for (list, columns) in &report.shapes.columns {
        lines.push(format!("列 columns {list}: {}", columns.join(",")));
    }
    if let Some(cap) = report.shapes.page_cap {
        lines.push(format!("每页最多 rows of a page at most: {cap}"));
    }
    let measured = &report.measured;
    let [half, most, all] = measured.latency_ms;
    lines.push(format!("调用 calls {}, 耗时 took p50 {half} ms, p95 {most} ms, max {all} ms", measured.calls));
    if let Some(skew) = measured.clock_skew_s {
        lines.push(format!("ERP 时钟快 the ERP's clock is ahead by {skew} s"));
    }
    if let Some(why) = &measured.writing_stopped {
        lines.push(format!("写入测试中断 the writing stopped halfway: {why}"));
    }
    match measured.written_customer {
        Some(ord) if measured.is_taken_back => lines.push(format!(
            "测试客户 ord {ord} 已收回到客户池，可删除 the test customer is in the 客户池 and can be deleted"
        )),
        Some(ord) => lines.push(format!(
            "测试客户 ord {ord} 未能收回，请在 ERP 中删除 the test customer could not be taken back: delete it in the ERP"
        )),
        None => {}
    }
    lines.join("\n") + "\n"
}

fn line(fact: &Fact) -> String {
    let mark = match fact.outcome {
        Outcome::Holds => "✓ 成立 holds      ",
        Outcome::DoesNot => "✗ 不成立 does not ",
        Outcome::Unseen => "? 看不出 unseen   ",
    };
    let (zh, en) = label(&fact.code).unwrap_or_default();
    let how = if fact.how.is_empty() { String::new() } else { format!(" ({})", fact.how) };
    format!("{mark} {}: {zh} · {en}{how}", fact.code)
}
