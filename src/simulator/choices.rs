//! The choices of this made-up company: what `source.asp` lists, what a save accepts, how 客户修改 names them (`erp-wire.md` §3).

/// One choice: its id and its display text.
pub(super) type Choice = (&'static str, &'static str);

/// 客户来源, `enumid=13`, field `ly`.
const SOURCES: &[Choice] = &[
    ("173", "陌生开发"),
    ("171", "网站注册"),
    ("977", "VIP"),
    ("174", "广告宣传"),
    ("172", "朋友介绍"),
    ("1201", "微信"),
];

/// 价值评估, `enumid=14`, field `jz`.
const LEVELS: &[Choice] = &[("175", "很高"), ("289", "较高"), ("176", "一般"), ("177", "较低"), ("290", "很低")];

/// 客户行业, `enumid=11`, field `trade`.
const TRADES: &[Choice] = &[("201", "机械制造"), ("202", "软件与信息"), ("203", "批发零售"), ("204", "教育培训")];

/// 跟进方式, `enumid=98`, field `sort` of a progress record (`erp-wire.md` §5).
const WAYS: &[Choice] = &[("481", "电话"), ("482", "邮件"), ("483", "上门"), ("484", "其他")];

/// Templates of a progress record: a text that is only such an id stands for the template's text (`erp-wire.md` §5).
const TEMPLATES: &[Choice] = &[
    ("106", "谈的很好，让发合同。"),
    ("107", "电话无人接听。"),
    ("108", "现在还没考虑。"),
    ("109", "今天谈的不错，让明天面谈。"),
    ("120", "正在考虑中。"),
];

/// The tree behind `sort1` of an add: 客户分类 and below it 跟进程度. `3,7` is 默认分类 / 潜在客户.
const TREE: &[(Choice, &[Choice])] = &[
    (("3", "默认分类"), &[("7", "潜在客户"), ("8", "意向客户"), ("9", "成交客户")]),
    (("4", "重点客户"), &[("10", "初步接触"), ("11", "方案报价"), ("12", "长期合作")]),
];

/// The choices behind an `enumid`.
pub(super) fn by_enumid(enumid: &str) -> Option<&'static [Choice]> {
    Some(match enumid {
        "13" => SOURCES,
        "14" => LEVELS,
        "11" => TRADES,
        "98" => WAYS,
        _ => return None,
    })
}

/// The choices of a customer's field, if it is a field of choices.
pub(super) fn of_field(field: &str) -> Option<&'static [Choice]> {
    Some(match field {
        "ly" => SOURCES,
        "jz" => LEVELS,
        "trade" => TRADES,
        _ => return None,
    })
}

/// The text of `id` among `choices`.
pub(super) fn text_of(choices: &[Choice], id: &str) -> Option<&'static str> {
    choices.iter().find(|(known, _)| *known == id).map(|(_, text)| *text)
}

/// The id of `text` among `choices`.
pub(super) fn id_of(choices: &[Choice], text: &str) -> Option<&'static str> {
    choices.iter().find(|(_, known)| *known == text).map(|(id, _)| *id)
}

/// The display texts of the choices that a save names by their ids: 客户来源, 价值评估 and both of `sort1`.
pub(super) fn texts_of_save(ly: &str, jz: &str, sort1: &str) -> [(&'static str, &'static str); 4] {
    let (class, stage) = tree_texts(sort1).unwrap_or_default();
    let text = |choices, id| text_of(choices, id).unwrap_or_default();
    [("客户来源", text(SOURCES, ly)), ("价值评估", text(LEVELS, jz)), ("客户分类", class), ("跟进程度", stage)]
}

/// Whether `sort` is a way of contact (跟进方式).
pub(super) fn is_way(sort: &str) -> bool {
    text_of(WAYS, sort).is_some()
}

/// What a progress record stores for `intro`: a template's text for its id, else the text itself.
pub(super) fn template_or_text(intro: &str) -> &str {
    text_of(TEMPLATES, intro).unwrap_or(intro)
}

/// The two texts (客户分类, 跟进程度) of tree ids such as `3,7`; `3` alone has no 跟进程度. `None` if an id is unknown.
pub(super) fn tree_texts(ids: &str) -> Option<(&'static str, &'static str)> {
    let (class, stage) = ids.split_once(',').map_or((ids, None), |(class, stage)| (class, Some(stage)));
    let ((_, class_text), stages) = TREE.iter().find(|((id, _), _)| *id == class.trim())?;
    match stage {
        Some(stage) => Some((class_text, text_of(stages, stage.trim())?)),
        None => Some((class_text, "")),
    }
}

/// The tree ids of the texts that 客户修改 sends: `sort` is 客户分类, `sort1` is 跟进程度. Errors name the unknown text.
pub(super) fn tree_ids(class: &str, stage: &str) -> Result<String, String> {
    let ((class_id, _), stages) =
        TREE.iter().find(|((_, text), _)| *text == class).ok_or_else(|| format!("客户分类“{class}”不存在"))?;
    let stage_id = id_of(stages, stage).ok_or_else(|| format!("跟进程度“{stage}”不存在"))?;
    Ok(format!("{class_id},{stage_id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tree_ids_and_texts_are_each_others_inverse() {
        for ((class, class_text), stages) in TREE {
            for (stage, stage_text) in *stages {
                let ids = format!("{class},{stage}");
                assert_eq!(tree_texts(&ids), Some((*class_text, *stage_text)));
                assert_eq!(tree_ids(class_text, stage_text), Ok(ids));
            }
        }
    }

    #[test]
    fn a_stage_of_another_class_is_unknown() {
        assert_eq!(tree_texts("3,10"), None);
        assert_eq!(tree_texts("99"), None);
        assert!(tree_ids("默认分类", "初步接触").is_err());
    }
}
