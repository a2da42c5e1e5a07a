//! The fields of a customer, a contact person and a progress record, with their limits (`erp-wire.md` §3 to §5).

use std::collections::BTreeMap;

use super::choices::{Choices, text_of};

/// Field id → value, as text: numbers and strings are the same to this ERP.
pub type Fields = BTreeMap<String, String>;

/// One field of a form.
pub(super) struct Field {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// Most UTF-16 code units that the column holds (`nvarchar`); `None` where the wire file names no limit.
    pub(super) limit: Option<usize>,
    pub(super) group: &'static str,
}

const fn field(id: &'static str, title: &'static str, limit: usize, group: &'static str) -> Field {
    Field { id, title, limit: if limit == 0 { None } else { Some(limit) }, group }
}

/// Every field of 单位客户添加 and 个人客户添加.
pub(super) const CUSTOMER: &[Field] = &[
    field("name", "客户名称", 100, "基本资料"),
    field("khid", "客户编号", 50, "基本资料"),
    field("sort1", "跟进程度", 50, "基本资料"),
    field("ly", "客户来源", 0, "基本资料"),
    field("jz", "价值评估", 0, "基本资料"),
    field("trade", "客户行业", 0, "基本资料"),
    field("area", "客户区域", 0, "基本资料"),
    field("address", "客户地址", 200, "基本资料"),
    field("url", "客户网址", 100, "基本资料"),
    field("zip", "邮编", 10, "基本资料"),
    field("faren", "法人代表", 50, "基本资料"),
    field("pym", "拼音码", 200, "基本资料"),
    field("person_name", "联系人姓名", 50, "联系人资料"),
    field("phone", "办公电话", 50, "联系人资料"),
    field("fax", "传真", 50, "联系人资料"),
    field("mobile", "手 机 ", 50, "联系人资料"),
    field("phone2", "家庭电话", 50, "联系人资料"),
    field("email", "电子邮件", 50, "联系人资料"),
    field("qq", "QQ", 20, "联系人资料"),
    field("weixinAcc", "微 信", 50, "联系人资料"),
    field("sex", "性别", 0, "联系人资料"),
    field("job", "职务", 50, "联系人资料"),
    field("part1", "部门", 50, "联系人资料"),
    field("product", "客户简介", 4000, "备注"),
    field("c2", "合作前景", 4000, "备注"),
    field("c3", "跟进策略", 4000, "备注"),
    field("c4", "合作现状", 4000, "备注"),
    field("intro", "备 注 ", 4000, "备注"),
];

/// Every field of 联系人添加 but `company`.
pub(super) const CONTACT: &[Field] = &[
    field("person_name", "联系人姓名", 50, "联系人资料"),
    field("mobile", "手 机 ", 50, "联系人资料"),
    field("weixinAcc", "微 信", 50, "联系人资料"),
    field("email", "电子邮件", 50, "联系人资料"),
    field("phone", "办公电话", 0, "联系人资料"),
    field("job", "职务", 0, "联系人资料"),
    field("part1", "部门", 0, "联系人资料"),
    field("qq", "QQ", 0, "联系人资料"),
    field("intro", "备　　注", 5000, "备注"),
];

/// Most UTF-16 code units of a progress record's `intro` (`erp-wire.md` §5).
pub(super) const PROGRESS_INTRO_LIMIT: usize = 1000;

/// Most UTF-16 code units of `member2` of 客户指派 (`erp-wire.md` §3).
pub(super) const MEMBERS_LIMIT: usize = 50;

/// Length as SQL Server counts it: UTF-16 code units, an emoji is two (`erp-wire.md` §1.12).
pub(super) fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The value of `id`, empty when it is absent.
pub(super) fn get<'a>(fields: &'a Fields, id: &str) -> &'a str {
    fields.get(id).map_or("", String::as_str)
}

/// Refuses the first required field that is empty or blank.
pub(super) fn require(fields: &Fields, form: &[Field], required: &[&str]) -> Result<(), String> {
    match required.iter().find(|id| get(fields, id).trim().is_empty()) {
        Some(id) => Err(format!("{}不能为空（{id}）", title(form, id))),
        None => Ok(()),
    }
}

/// Refuses the first field that is longer than its column.
pub(super) fn check_lengths(fields: &Fields, form: &[Field]) -> Result<(), String> {
    for Field { id, title, limit, .. } in form {
        if let Some(limit) = limit
            && units(get(fields, id)) > *limit
        {
            return Err(format!("{title}长度不能超过{limit}字（{id}）"));
        }
    }
    Ok(())
}

/// Refuses ids that are none of the company's choices: `ly`, `jz`, `trade`, `sort1`, and an `area` that is no number.
pub(super) fn check_choices(fields: &Fields, choices: &Choices) -> Result<(), String> {
    for id in ["ly", "jz", "trade"] {
        let value = get(fields, id);
        let known = choices.of_field(id).is_some_and(|choices| text_of(choices, value).is_some());
        if !value.is_empty() && !known {
            return Err(format!("{}的选项{value}不存在（{id}）", title(CUSTOMER, id)));
        }
    }
    let area = get(fields, "area");
    if !area.is_empty() && area.parse::<i64>().is_err() {
        return Err("客户区域必须为整数（area）".to_owned());
    }
    let sort1 = get(fields, "sort1");
    if !sort1.is_empty() && choices.tree_texts(sort1).is_none() {
        return Err(format!("客户分类{sort1}不存在（sort1）"));
    }
    Ok(())
}

/// The part of `fields` that belongs to `form`; the rest is what this ERP ignores.
pub(super) fn only(fields: &Fields, form: &[Field]) -> Fields {
    let known = |id: &str| form.iter().any(|field| field.id == id);
    fields.iter().filter(|(id, _)| known(id)).map(|(id, value)| (id.clone(), value.clone())).collect()
}

fn title(form: &[Field], id: &str) -> String {
    form.iter().find(|field| field.id == id).map_or_else(|| id.to_owned(), |field| field.title.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_holds_one_below_and_at_and_refuses_one_above() {
        for form in [CUSTOMER, CONTACT] {
            for Field { id, limit, .. } in form {
                let Some(limit) = limit else { continue };
                for (length, fits) in [(limit - 1, true), (*limit, true), (limit + 1, false)] {
                    let fields = Fields::from([((*id).to_owned(), "字".repeat(length))]);
                    assert_eq!(check_lengths(&fields, form).is_ok(), fits, "{id} of {length}");
                }
            }
        }
    }

    #[test]
    fn an_emoji_counts_two_units() {
        let fields = |count| Fields::from([("zip".to_owned(), "😀".repeat(count))]);
        assert!(check_lengths(&fields(5), CUSTOMER).is_ok());
        assert!(check_lengths(&fields(6), CUSTOMER).is_err());
    }

    #[test]
    fn unknown_choices_are_refused_by_field() {
        for (id, value, fits) in [
            ("ly", "1201", true),
            ("ly", "1", false),
            ("jz", "290", true),
            ("jz", "291", false),
            ("trade", "201", true),
            ("trade", "9", false),
            ("area", "12", true),
            ("area", "上海", false),
            ("sort1", "3,7", true),
            ("sort1", "7,3", false),
        ] {
            let fields = Fields::from([(id.to_owned(), value.to_owned())]);
            assert_eq!(check_choices(&fields, &Choices::default()).is_ok(), fits, "{id}={value}");
        }
    }
}
