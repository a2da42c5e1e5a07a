//! Reading the choices of a field (`source.asp`, `erp-wire.md §3`).

use std::{sync::Arc, time::Duration};

use super::{
    Choice, ChoiceField, Erp, ErpError, Field,
    fault::value_subject,
    interface::{Interface, SOURCES},
};

/// 价值评估, as 客户来源.
pub(super) const LEVEL: Interface =
    Interface::choices("价值评估", "choices.level", "/sysa/mobilephone/source.asp?enumid=14");

/// A text that is not among the choices is looked for once more if they are older than this: somebody may just have
/// added it.
const RECHECK_AGE: Duration = Duration::from_secs(60);

/// How a save names the fields whose values are choices, and their ids in order of preference.
const NAMED: [(&str, &[&str]); 4] =
    [("客户来源", &["ly"]), ("价值评估", &["jz"]), ("跟进程度", &["sort1"]), ("客户分类", &["sort", "sort1"])];

/// How ERPs say that a value is none of a field's choices.
const NO_CHOICE: [&str; 12] =
    ["不存在", "无效", "未找到", "不正确", "有误", "错误", "非法", "不合法", "不符合", "请选择", "invalid", "error"];

/// A save that is refused because a choice that it names is unknown to the ERP: then the choice is missing, whoever names it.
pub(super) fn missing_choice(error: ErpError, fields: &[Field]) -> ErpError {
    let ErpError::Refused(text) = &error else { return error };
    let lower = text.to_ascii_lowercase();
    if !NO_CHOICE.iter().any(|word| lower.contains(word)) {
        return error;
    }
    let sent = |ids: &[&str]| ids.iter().find_map(|id| fields.iter().find(|field| field.id == *id));
    let word = |id: &&str| text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == *id);
    let named = NAMED.iter().find(|(name, _)| text.contains(name));
    let named = named.or_else(|| NAMED.iter().find(|(_, ids)| ids.iter().any(&word)));
    let Some((name, field)) = named.and_then(|(name, ids)| Some((name, sent(ids)?))) else { return error };
    ErpError::ChoiceMissing {
        field: format!("{name} ({})", field.id),
        wanted: field.val.clone(),
        available: Vec::new(),
    }
}

fn interface(field: ChoiceField) -> &'static Interface {
    match field {
        ChoiceField::Source => &SOURCES,
        ChoiceField::Level => &LEVEL,
    }
}

impl Erp {
    /// The choices of a field, believed for `erp.choices_max_age`; asked by one caller at a time.
    ///
    /// # Errors
    ///
    /// A delivery failure, or a refusal in the ERP's words.
    pub async fn choices(&self, field: ChoiceField) -> Result<Arc<Vec<Choice>>, ErpError> {
        self.choices_younger_than(field, self.choices_max_age()).await
    }

    /// The id of a display text, compared exactly but for spaces around it.
    ///
    /// # Errors
    ///
    /// [`ErpError::ChoiceMissing`] names what there is.
    pub async fn choice_id(&self, field: ChoiceField, text: &str) -> Result<i64, ErpError> {
        let id_in = |choices: &[Choice]| {
            let id = choices.iter().find(|choice| choice.text == text.trim()).map(|choice| choice.id);
            id.inspect(|_| self.note_value(value_subject(field.label(), text)))
        };
        let choices = self.choices(field).await?;
        if let Some(id) = id_in(&choices) {
            return Ok(id);
        }
        let choices = self.choices_younger_than(field, RECHECK_AGE.min(self.choices_max_age())).await?;
        id_in(&choices).ok_or_else(|| ErpError::ChoiceMissing {
            field: field.label().to_owned(),
            wanted: text.to_owned(),
            available: choices.iter().map(|choice| choice.text.clone()).collect(),
        })
    }

    async fn choices_younger_than(&self, field: ChoiceField, age: Duration) -> Result<Arc<Vec<Choice>>, ErpError> {
        let interface = interface(field);
        // A list of nothing is an installation without choices; an answer without a list says nothing.
        let fetch = || async {
            let choices = self.call(interface, &[]).await?.choices;
            choices.ok_or_else(|| ErpError::garbled(format!("{} answered no choices", interface.name)))
        };
        self.caches().choices(field).get(self.now(), age, fetch).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_save_refused_for_an_unknown_choice_names_the_choice_that_is_missing() {
        let fields = [("ly", "微信"), ("sort", "默认分类"), ("sort1", "成交客户")].map(|(id, val)| Field::new(id, val));
        let tree = [Field::new("sort1", "3,99")];
        let table: [(&str, &[Field], Option<&str>); 13] = [
            ("客户来源“微信”不存在", &fields, Some("客户来源 (ly) = 微信")),
            ("跟进程度“成交客户”不存在", &fields, Some("跟进程度 (sort1) = 成交客户")),
            ("客户分类“默认分类”不存在", &fields, Some("客户分类 (sort) = 默认分类")),
            ("客户分类3,99不存在（sort1）", &tree, Some("客户分类 (sort1) = 3,99")),
            ("ly 的选项“微信”不存在", &fields, Some("客户来源 (ly) = 微信")),
            ("请选择正确的跟进程度", &fields, Some("跟进程度 (sort1) = 成交客户")),
            ("客户来源不正确", &fields, Some("客户来源 (ly) = 微信")),
            ("客户分类有误！", &fields, Some("客户分类 (sort) = 默认分类")),
            ("ly Error", &fields, Some("客户来源 (ly) = 微信")),
            ("客户来源为必填项", &fields, None),
            ("手机号码不正确", &fields, None),
            ("价值评估不存在", &fields, None),
            ("该客户不存在或已被删除", &fields, None),
        ];
        for (text, fields, subject) in table {
            let fault = missing_choice(ErpError::Refused(text.into()), fields).fault();
            assert_eq!(fault.map(|fault| fault.subject).as_deref(), subject, "{text}");
        }
    }
}
