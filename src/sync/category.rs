//! 客户分类 and 跟进程度: 客户修改 wants both by their display texts every time (`erp-wire.md §3`), and a detail may show only ids.

use super::details::shown;
use crate::{config::ErpValues, erp::Detail};

/// 客户分类 and 跟进程度, as a record has them.
pub(super) struct Category {
    /// 客户分类.
    pub(super) sort: DisplayText,
    /// 跟进程度.
    pub(super) stage: DisplayText,
}

/// One of the two.
pub(super) enum DisplayText {
    /// Its display text, as 客户修改 takes it.
    Named(String),
    /// An id, and nothing says how it is called.
    Unnamed,
    /// Nothing, so that nothing is reset by what is configured.
    Empty,
}

impl DisplayText {
    /// What an edit sends; `None` where it cannot know.
    pub(super) fn or_configured(self, configured: &str) -> Option<String> {
        match self {
            Self::Named(text) => Some(text),
            Self::Empty => Some(configured.to_owned()),
            Self::Unnamed => None,
        }
    }
}

impl Category {
    /// Editing calls 客户分类 `sort` and 跟进程度 `sort1`; adding calls the tree of both `sort1`. A detail with a field
    /// `sort` speaks as editing does; one without shows the tree, its first level being the 客户分类.
    pub(super) fn of(detail: &Detail, values: &ErpValues) -> Self {
        let configured = levels(&values.sort1);
        let level = |field: &str, at: usize, is_tree: bool, name: &str| {
            let text = shown(detail, field).filter(|text| !is_id(text));
            let text = if is_tree { text.and_then(|text| levels(&text).get(at).cloned()) } else { text };
            if let Some(text) = text {
                return DisplayText::Named(text);
            }
            let ids = [detail.value(field), detail.text(field)].into_iter().flatten().filter(|text| is_id(text));
            let ids = ids.map(levels).find(|ids| !ids.is_empty()).unwrap_or_default();
            match if is_tree { ids.get(at) } else { ids.last() } {
                None => DisplayText::Empty,
                // The configured ids have configured names.
                Some(id) if configured.get(at) == Some(id) => DisplayText::Named(name.to_owned()),
                Some(_) => DisplayText::Unnamed,
            }
        };
        let is_tree = !detail.has("sort");
        let sort = level(if is_tree { "sort1" } else { "sort" }, 0, is_tree, &values.sort);
        Self { sort, stage: level("sort1", 1, is_tree, &values.stage) }
    }
}

/// The levels of a tree: `3,7`, `潜在客户/初步洽谈`.
fn levels(text: &str) -> Vec<String> {
    let levels = text.split([',', '，', '/', '>', '-']).map(str::trim);
    levels.filter(|level| !level.is_empty()).map(str::to_owned).collect()
}

/// `7`, `3,7`: no text for people.
fn is_id(text: &str) -> bool {
    text.chars().all(|character| character.is_ascii_digit() || matches!(character, ',' | ' '))
}

/// Why an edit is left out.
pub(super) const NO_TEXTS: &str = "客户详情只给出客户分类、跟进程度的编号，没有名称，修改会改掉它们 \
    (客户详情 shows 客户分类 and 跟进程度 by their ids alone, and 客户修改 takes texts: editing could reset them)";

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> ErpValues {
        ErpValues {
            sort: "配置分类".into(), stage: "配置程度".into(), ..crate::config::Config::default().erp.values
        }
    }

    #[test]
    fn an_edit_sends_the_category_that_the_record_has_and_none_where_it_does_not_say_its_name() {
        type Fields<'a> = &'a [(&'a str, &'a str, &'a str)];
        type Sent<'a> = (Option<&'a str>, Option<&'a str>);
        let cases: [(Fields<'_>, Sent<'_>); 13] = [
            (&[("sort", "3", "潜在客户"), ("sort1", "3,7", "初步洽谈")], (Some("潜在客户"), Some("初步洽谈"))),
            (&[("sort", "", ""), ("sort1", "", "初步洽谈")], (Some("配置分类"), Some("初步洽谈"))),
            (&[("sort", "", "潜在客户")], (Some("潜在客户"), Some("配置程度"))),
            (&[("sort", "潜在客户", ""), ("sort1", "初步洽谈", "")], (Some("潜在客户"), Some("初步洽谈"))),
            (&[("sort1", "3,7", "潜在客户/初步洽谈")], (Some("潜在客户"), Some("初步洽谈"))),
            (&[("sort1", "3", "潜在客户")], (Some("潜在客户"), Some("配置程度"))),
            (&[("sort1", "3,8", "潜在客户")], (Some("潜在客户"), None)),
            (&[], (Some("配置分类"), Some("配置程度"))),
            // Ids alone have a name where they are the configured ones.
            (&[("sort", "3", ""), ("sort1", "7", "")], (Some("配置分类"), Some("配置程度"))),
            (&[("sort", "3", ""), ("sort1", "3,7", "3,7")], (Some("配置分类"), Some("配置程度"))),
            (&[("sort", "3", ""), ("sort1", "3,8", "")], (Some("配置分类"), None)),
            (&[("sort", "4", ""), ("sort1", "4,10", "方案报价")], (None, Some("方案报价"))),
            (&[("sort1", "4,7", "")], (None, Some("配置程度"))),
        ];
        for (fields, expected) in cases {
            let category = Category::of(&Detail::from_fields(None, fields.iter().copied()), &values());
            let (sort, stage) = (category.sort.or_configured("配置分类"), category.stage.or_configured("配置程度"));
            assert_eq!((sort.as_deref(), stage.as_deref()), expected, "{fields:?}");
        }
    }
}
