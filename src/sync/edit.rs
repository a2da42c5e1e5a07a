//! 客户修改: what a customer lacks is filled in, and its 跟进程度 set, with everything else left as the record has it.

use serde_json::json;

use super::{
    SyncError,
    category::{Category, NO_TEXTS},
    contact_persons,
    details::{self, is_missing, shown},
    executor::{Effect, Executor},
    verify::Verification,
};
use crate::erp::{Answer, CustomerKind, Detail, ErpError, Field};

/// Fields that an ERP may check for duplicates (查重, `erp-wire.md §3`), as its refusals call them.
const CHECKED: [(&str, [&str; 3]); 4] = [
    ("khid", ["编号", "khid", "客户号"]),
    ("mobile", ["手机", "mobile", "移动电话"]),
    ("email", ["邮箱", "邮件", "email"]),
    ("phone", ["电话", "phone", "固话"]),
];

/// How a refusal names the kind of a customer.
const KIND_WORDS: [&str; 2] = ["客户类型", "sort2"];

/// Why an edit is left out.
const NO_PERSON: &str = "ERP 不显示此单位的联系人，修改会改掉其姓名 \
    (the ERP does not show the company's contact person, whose name 客户修改 would overwrite)";
const GARBLED: &str = "ERP 给出的资料有乱码，修改会把乱码写回 \
    (the ERP shows the record garbled, and 客户修改 would write that back)";

/// Why an edit did not take place.
enum NotEdited {
    /// It would have changed what nobody asked to change, and is not sent.
    LeftOut(&'static str),
    /// The ERP did not do it.
    Erp(ErpError),
}

impl From<ErpError> for NotEdited {
    fn from(error: ErpError) -> Self {
        Self::Erp(error)
    }
}

impl NotEdited {
    /// What becomes of the step: what cannot be written safely is left out, for no installation is a reason to lose an event.
    fn effect(self) -> Result<Effect, SyncError> {
        match self {
            Self::LeftOut(why) => Ok(Effect::left_out(why)),
            Self::Erp(error) => Err(error.into()),
        }
    }
}

impl Executor<'_> {
    /// Fills in what the customer still lacks of these fields. What it cannot have because another customer has it (查重)
    /// is left out: it is no reason to keep the rest from it.
    pub(super) async fn fill(&self, kind: CustomerKind, ord: i64, fields: &[Field]) -> Result<Effect, SyncError> {
        // Read again right before writing: what somebody has filled in meanwhile is not ours to overwrite.
        let (kind, detail) = details::detail_of(self.erp, kind, ord).await?;
        let mut missing: Vec<Field> = fields.iter().filter(|field| is_missing(&detail, &field.id)).cloned().collect();
        if missing.is_empty() {
            return Ok(Effect::said("nothing is missing any more"));
        }
        loop {
            let refused = match self.edit(kind, ord, &detail, &missing, None).await {
                Ok(answer) => return Ok(Effect::said(answer.message)),
                Err(NotEdited::Erp(error)) if error.is_duplicate() => error,
                Err(other) => return other.effect(),
            };
            let words = refused.to_string();
            let before = missing.len();
            let taken = taken_fields(&words, &missing);
            missing.retain(|field| !taken.contains(&field.id.clone().into_owned()));
            if missing.is_empty() || missing.len() == before {
                return Ok(Effect::left_out(words));
            }
        }
    }

    /// Sets 跟进程度.
    pub(super) async fn set_stage(&self, kind: CustomerKind, ord: i64, stage: &str) -> Result<Effect, SyncError> {
        let (kind, detail) = details::detail_of(self.erp, kind, ord).await?;
        self.set_stage_of(kind, ord, &detail, stage).await
    }

    /// Sets 跟进程度 of a record that was read already.
    pub(super) async fn set_stage_of(
        &self,
        kind: CustomerKind,
        ord: i64,
        detail: &Detail,
        stage: &str,
    ) -> Result<Effect, SyncError> {
        match self.edit(kind, ord, detail, &[], Some(stage)).await {
            Ok(answer) => Ok(Effect::said(answer.message)),
            Err(not_edited) => not_edited.effect(),
        }
    }

    /// Sends 客户修改. Whether a customer is a 单位客户 or a 个人客户 no answer says, and a detail that was asked for as the
    /// other kind may be shown all the same: where the ERP refuses the kind, nothing is stored, and it is the other one.
    async fn edit(
        &self,
        kind: CustomerKind,
        ord: i64,
        detail: &Detail,
        fields: &[Field],
        stage: Option<&str>,
    ) -> Result<Answer, NotEdited> {
        let edit = self.edit_of(kind, ord, detail, fields, stage).await?;
        match self.erp.edit_customer(ord, &edit).await {
            Err(ErpError::Refused(words)) if KIND_WORDS.iter().any(|word| words.contains(word)) => {}
            sent => return Ok(sent?),
        }
        let other = match kind {
            CustomerKind::Company => CustomerKind::Person,
            CustomerKind::Person => CustomerKind::Company,
        };
        // As a company's, its own name is never that of its contact person; as a person's, nothing else is.
        let edit = self.edit_of(other, ord, detail, fields, stage).await?;
        Ok(self.erp.edit_customer(ord, &edit).await?)
    }

    /// The fields of 客户修改: those to change, and the required ones as the record has them (`erp-wire.md §3`). Where the
    /// record does not say how these are called there are none: any other text would reset what somebody has set.
    async fn edit_of(
        &self,
        kind: CustomerKind,
        ord: i64,
        detail: &Detail,
        fields: &[Field],
        stage: Option<&str>,
    ) -> Result<Vec<Field>, NotEdited> {
        let category = Category::of(detail, self.values);
        let stage = match stage {
            Some(stage) => Some(stage.to_owned()),
            None => category.stage.or_configured(&self.values.stage),
        };
        let (Some(sort), Some(stage)) = (category.sort.or_configured(&self.values.sort), stage) else {
            return Err(NotEdited::LeftOut(NO_TEXTS));
        };
        let name = shown(detail, "name").unwrap_or_default();
        let person = match (shown(detail, "person_name"), kind) {
            (Some(person), _) => person,
            (None, CustomerKind::Person) => name.clone(),
            // A company's own name would overwrite that of its contact person.
            (None, CustomerKind::Company) => {
                contact_persons::first_person(self.erp, ord).await?.ok_or(NotEdited::LeftOut(NO_PERSON))?
            }
        };
        let sort2 = match kind {
            CustomerKind::Company => "1",
            CustomerKind::Person => "2",
        };
        let required = [
            ("ord", ord.to_string()),
            ("sort2", sort2.to_owned()),
            ("name", name),
            ("sort", sort),
            ("sort1", stage),
            ("person_name", person),
        ];
        // What a page made of a blank would be stored as a text that nobody can type, and what was lost is lost for good.
        let required = required.map(|(id, val)| Field::new(id, val.replace('\u{a0}', " ")));
        if required.iter().any(|field| field.val.contains('\u{fffd}')) {
            return Err(NotEdited::LeftOut(GARBLED));
        }
        Ok(required.into_iter().chain(fields.iter().cloned()).collect())
    }

    pub(super) async fn verify_filled(
        &self,
        kind: CustomerKind,
        ord: i64,
        fields: &[Field],
    ) -> Result<Verification, SyncError> {
        let (_, detail) = details::detail_of(self.erp, kind, ord).await?;
        let (empty, filled): (Vec<_>, Vec<_>) = fields.iter().partition(|field| is_missing(&detail, &field.id));
        if filled.is_empty() {
            return Ok(Verification::NotDone);
        }
        self.erp.note_edits_shown(filled.iter().map(|field| field.id.as_ref()));
        let names = |fields: Vec<&Field>| fields.into_iter().map(|field| field.id.clone()).collect::<Vec<_>>();
        // An installation may not take a field by this interface; what it took is what can be had.
        Ok(Verification::Done(json!({ "ord": ord, "filled": names(filled), "not_taken": names(empty) })))
    }
}

/// The fields that a refusal as a duplicate names; all that may be checked where it names none of them.
fn taken_fields(words: &str, fields: &[Field]) -> Vec<String> {
    let words = words.to_lowercase();
    let sent = |(id, _): &&(&str, [&str; 3])| fields.iter().any(|field| field.id == *id);
    let checked: Vec<_> = CHECKED.iter().filter(sent).collect();
    let is_named = |titles: &[&str; 3]| titles.iter().any(|title| words.contains(title));
    let named: Vec<_> = checked.iter().filter(|(_, titles)| is_named(titles)).map(|(id, _)| (*id).to_owned()).collect();
    if named.is_empty() { checked.into_iter().map(|(id, _)| (*id).to_owned()).collect() } else { named }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_field_that_another_customer_has_or_all_that_may_be_checked() {
        let fields = ["khid", "mobile", "email", "weixinAcc"].map(|id| Field::new(id, "x"));
        for (words, taken) in [
            ("手机“13800000001”已被使用", &["mobile"][..]),
            ("邮箱重复", &["email"]),
            ("客户编号已存在", &["khid"]),
            ("电话重复", &["khid", "mobile", "email"]),
            ("已有相同客户", &["khid", "mobile", "email"]),
        ] {
            assert_eq!(taken_fields(words, &fields), taken, "{words}");
        }
    }
}
