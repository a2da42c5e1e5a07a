//! Reading the choices of a field (`source.asp`, `erp-wire.md §3`).

use std::{sync::Arc, time::Duration};

use super::{
    Choice, ChoiceField, Erp, ErpError,
    interface::{Interface, SOURCES},
};

/// 价值评估, as 客户来源.
pub(super) const LEVEL: Interface =
    Interface::choices("价值评估", "choices.level", "/sysa/mobilephone/source.asp?enumid=14");

/// A text that is not among the choices is looked for once more if they are older than this: somebody may just have
/// added it.
const RECHECK_AGE: Duration = Duration::from_secs(60);

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
        let id_in =
            |choices: &[Choice]| choices.iter().find(|choice| choice.text == text.trim()).map(|choice| choice.id);
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
        let fetch = || async {
            let choices = self.call(interface, &[]).await?.choices.unwrap_or_default();
            // An empty list would make every configured text look wrong; the next caller asks again.
            if choices.is_empty() {
                Err(ErpError::garbled(format!("{} answered no choices", interface.name)))
            } else {
                Ok(choices)
            }
        };
        self.caches().choices(field).get(self.now(), age, fetch).await
    }
}
