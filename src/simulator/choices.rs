//! The choices of a company: what `source.asp` and the trees list, what a save accepts, how 客户修改 names them (`erp-wire.md` §3).

use serde::{Deserialize, Serialize};

/// One choice: its id and its display text.
pub type Choice = (String, String);

/// A 客户分类 and the 跟进程度 below it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Category {
    /// The id in the tree.
    pub id: String,
    /// The display text.
    pub text: String,
    /// Its 跟进程度.
    pub stages: Vec<Choice>,
}

/// Every choice that differs from company to company.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Choices {
    /// 客户来源, `enumid=13`, field `ly`.
    pub sources: Vec<Choice>,
    /// 价值评估, `enumid=14`, field `jz`.
    pub levels: Vec<Choice>,
    /// 客户行业, `enumid=11`, field `trade`.
    pub trades: Vec<Choice>,
    /// 跟进方式, `enumid=98`, field `sort` of a progress record (`erp-wire.md` §5).
    pub ways: Vec<Choice>,
    /// The tree behind `sort1` of an add: `3,7` is the 客户分类 3 and its 跟进程度 7.
    pub categories: Vec<Category>,
    /// 地区, flat.
    pub areas: Vec<Choice>,
}

/// Templates of a progress record: a text that is only such an id stands for the template's text (`erp-wire.md` §5).
const TEMPLATES: [(&str, &str); 5] = [
    ("106", "谈的很好，让发合同。"),
    ("107", "电话无人接听。"),
    ("108", "现在还没考虑。"),
    ("109", "今天谈的不错，让明天面谈。"),
    ("120", "正在考虑中。"),
];

fn choices(list: &[(&str, &str)]) -> Vec<Choice> {
    list.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect()
}

impl Default for Choices {
    /// The choices of the made-up company, 微信 among its sources. `3,7` is 默认分类 / 潜在客户.
    fn default() -> Self {
        let category = |id: &str, text: &str, stages| Category {
            id: id.to_owned(),
            text: text.to_owned(),
            stages: choices(stages),
        };
        Self {
            sources: choices(&[
                ("173", "陌生开发"),
                ("171", "网站注册"),
                ("977", "VIP"),
                ("174", "广告宣传"),
                ("172", "朋友介绍"),
                ("1201", "微信"),
            ]),
            levels: choices(&[("175", "很高"), ("289", "较高"), ("176", "一般"), ("177", "较低"), ("290", "很低")]),
            trades: choices(&[("201", "机械制造"), ("202", "软件与信息"), ("203", "批发零售"), ("204", "教育培训")]),
            ways: choices(&[("481", "电话"), ("482", "邮件"), ("483", "上门"), ("484", "其他")]),
            categories: vec![
                category("3", "默认分类", &[("7", "潜在客户"), ("8", "意向客户"), ("9", "成交客户")]),
                category("4", "重点客户", &[("10", "初步接触"), ("11", "方案报价"), ("12", "长期合作")]),
            ],
            areas: choices(&[("21", "上海"), ("22", "浙江"), ("23", "江苏")]),
        }
    }
}

impl Choices {
    /// The choices behind an `enumid`.
    pub(super) fn by_enumid(&self, enumid: &str) -> Option<&[Choice]> {
        Some(match enumid {
            "13" => &self.sources,
            "14" => &self.levels,
            "11" => &self.trades,
            "98" => &self.ways,
            _ => return None,
        })
    }

    /// The choices of a customer's field, if it is a field of choices.
    pub(super) fn of_field(&self, field: &str) -> Option<&[Choice]> {
        Some(match field {
            "ly" => &self.sources,
            "jz" => &self.levels,
            "trade" => &self.trades,
            _ => return None,
        })
    }

    /// Whether `sort` is a way of contact (跟进方式).
    pub(super) fn is_way(&self, sort: &str) -> bool {
        text_of(&self.ways, sort).is_some()
    }

    /// The two texts (客户分类, 跟进程度) of tree ids such as `3,7`; `3` alone has no 跟进程度. `None` if an id is unknown.
    pub(super) fn tree_texts(&self, ids: &str) -> Option<(&str, &str)> {
        let (class, stage) = ids.split_once(',').map_or((ids, None), |(class, stage)| (class, Some(stage)));
        let category = self.categories.iter().find(|category| category.id == class.trim())?;
        match stage {
            Some(stage) => Some((&category.text, text_of(&category.stages, stage.trim())?)),
            None => Some((&category.text, "")),
        }
    }

    /// The tree ids of the texts that 客户修改 sends: `sort` is 客户分类, `sort1` is 跟进程度. Errors name the unknown text.
    pub(super) fn tree_ids(&self, class: &str, stage: &str) -> Result<String, String> {
        let category = self.categories.iter().find(|category| category.text == class);
        let category = category.ok_or_else(|| format!("客户分类“{class}”不存在"))?;
        let stage = id_of(&category.stages, stage).ok_or_else(|| format!("跟进程度“{stage}”不存在"))?;
        Ok(format!("{},{stage}", category.id))
    }
}

/// The text of `id` among `choices`.
pub(super) fn text_of<'a>(choices: &'a [Choice], id: &str) -> Option<&'a str> {
    choices.iter().find(|(known, _)| known == id).map(|(_, text)| text.as_str())
}

/// The id of `text` among `choices`.
pub(super) fn id_of<'a>(choices: &'a [Choice], text: &str) -> Option<&'a str> {
    choices.iter().find(|(_, known)| known == text).map(|(id, _)| id.as_str())
}

/// What a progress record stores for `intro`: a template's text for its id, else the text itself.
pub(super) fn template_or_text(intro: &str) -> &str {
    TEMPLATES.iter().find(|(id, _)| *id == intro).map_or(intro, |(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tree_ids_and_texts_are_each_others_inverse() {
        let choices = Choices::default();
        for category in &choices.categories {
            for (stage, stage_text) in &category.stages {
                let ids = format!("{},{stage}", category.id);
                assert_eq!(choices.tree_texts(&ids), Some((category.text.as_str(), stage_text.as_str())));
                assert_eq!(choices.tree_ids(&category.text, stage_text), Ok(ids));
            }
        }
    }

    #[test]
    fn a_stage_of_another_class_is_unknown() {
        let choices = Choices::default();
        assert_eq!(choices.tree_texts("3,10"), None);
        assert_eq!(choices.tree_texts("99"), None);
        assert!(choices.tree_ids("默认分类", "初步接触").is_err());
    }
}
