//! 客户修改 (v3): required fields every time, choices by their display text (`erp-wire.md` §3).

use super::{
    answer::Answer,
    call::Call,
    choices::id_of,
    context::{Context, Decision},
    customers::duplicate,
    data::{Customer, Effect},
    fields::{self, Fields, get},
};

/// What every edit must carry.
const REQUIRED: [&str; 6] = ["ord", "sort2", "name", "sort", "sort1", "person_name"];

/// Changes the fields that are given; what is absent stays.
pub(super) fn edit(context: &Context<'_>, call: &Call) -> Decision {
    if let Some(id) = REQUIRED.iter().find(|id| call.field(id).trim().is_empty()) {
        return Answer::v3_refused(format!("{id} 不能为空")).into();
    }
    let Some(customer) = call.ord().and_then(|ord| context.data.customers.get(&ord)) else {
        return Answer::v3_refused("客户不存在").into();
    };
    let fields = match read(context, customer, call) {
        Ok(fields) => fields,
        Err(text) => return Answer::v3_refused(text).into(),
    };
    if let Some(text) = duplicate(context, customer.ord, &fields) {
        return Answer::v3_refused(text).into();
    }
    let answer = Answer::V3 { code: 200, text: "操作成功".to_owned() };
    Decision { answer, effect: Some(Effect::EditCustomer { ord: customer.ord, fields }) }
}

/// The fields as they are stored: texts of choices become ids.
fn read(context: &Context<'_>, customer: &Customer, call: &Call) -> Result<Fields, String> {
    if call.field("sort2").trim() != customer.kind.to_string() {
        return Err(format!("客户类型不能修改：sort2 应为 {}", customer.kind));
    }
    let choices = &context.settings.choices;
    let mut fields = fields::only(&call.fields, fields::CUSTOMER);
    fields.insert("sort1".to_owned(), choices.tree_ids(call.field("sort").trim(), call.field("sort1").trim())?);
    for id in ["ly", "jz", "trade"] {
        let Some(text) = fields.get(id).filter(|text| !text.is_empty()) else { continue };
        let known = choices.of_field(id).and_then(|choices| id_of(choices, text));
        let known = known.ok_or_else(|| format!("{id} 的选项“{text}”不存在"))?;
        fields.insert(id.to_owned(), known.to_owned());
    }
    let mobile = get(&fields, "mobile");
    if !mobile.is_empty() && !is_mobile(mobile) {
        return Err("手机号码格式不正确，应为11位有效手机号码".to_owned());
    }
    fields::check_lengths(&fields, fields::CUSTOMER)?;
    Ok(fields)
}

fn is_mobile(text: &str) -> bool {
    text.len() == 11 && text.starts_with('1') && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mobile_number_has_eleven_digits() {
        for (text, fits) in [
            ("1380013800", false),
            ("13800138000", true),
            ("138001380001", false),
            ("23800138000", false),
            ("1380013800a", false),
            ("１３８００１３８０００", false),
        ] {
            assert_eq!(is_mobile(text), fits, "{text}");
        }
    }
}
