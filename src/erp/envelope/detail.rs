//! A bill (BillClass): one record with its fields, from 分配新客户ID, 客户详情 and 联系人详情.

use serde_json::Value;

use super::lenient::{first_member, integer, items, member, member_text, text};

/// A record with every field, as 客户详情 and 联系人详情 answer it. Ids are looked up without regard to case; texts have
/// their entities decoded (`erp-wire.md §1`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Detail {
    ord: Option<i64>,
    fields: Vec<DetailField>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct DetailField {
    id: String,
    value: Option<String>,
    text: Option<String>,
}

impl Detail {
    /// The record's `ord`, if the bill names it.
    pub fn ord(&self) -> Option<i64> {
        self.ord
    }

    /// The stored value of a field (of a choice: its id); `None` if the bill shows no value of it, `Some("")` if it is
    /// empty.
    pub fn value(&self, id: &str) -> Option<&str> {
        self.find(id, |field| field.value.as_deref())
    }

    /// The display text of a field; `None` if the bill shows none.
    pub fn text(&self, id: &str) -> Option<&str> {
        self.find(id, |field| field.text.as_deref())
    }

    /// What a person sees: the display text, or the value where that is empty.
    pub fn shown(&self, id: &str) -> Option<&str> {
        self.text(id).filter(|text| !text.is_empty()).or_else(|| self.value(id)).or_else(|| self.text(id))
    }

    /// Whether the bill has this field at all.
    pub fn has(&self, id: &str) -> bool {
        self.fields.iter().any(|field| field.id.eq_ignore_ascii_case(id))
    }

    /// The ids of all fields, as the ERP spells them.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.id.as_str())
    }

    /// A detail made of `(id, value, text)`: for previews and tests.
    pub fn from_fields<'a>(ord: Option<i64>, fields: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) -> Self {
        let fields = fields.into_iter().map(|(id, value, text)| DetailField {
            id: id.to_owned(),
            value: Some(value.to_owned()),
            text: Some(text.to_owned()),
        });
        Self { ord, fields: fields.collect() }
    }

    /// A form can show one field in two groups and fill only one of them: the filled one counts.
    fn find<'a>(&'a self, id: &str, part: impl Fn(&'a DetailField) -> Option<&'a str>) -> Option<&'a str> {
        let mut parts = self.fields.iter().filter(|field| field.id.eq_ignore_ascii_case(id)).filter_map(part);
        let first = parts.next()?;
        if first.is_empty() { Some(parts.find(|next| !next.is_empty()).unwrap_or(first)) } else { Some(first) }
    }

    /// Reads `body.bill`; `None` if it is not a bill.
    pub(super) fn read(bill: &Value) -> Option<Self> {
        bill.as_object()?;
        let ord = first_member(bill, &["value", "ord"]).and_then(text).and_then(|text| integer(&text));
        let groups = member(bill, "groups").map(items).unwrap_or_default();
        let sets = std::iter::once(bill).chain(groups).filter_map(|group| member(group, "fields"));
        let fields: Vec<_> = sets.flat_map(items).filter_map(field).collect();
        (ord.is_some() || !fields.is_empty()).then_some(Self { ord, fields })
    }
}

fn field(value: &Value) -> Option<DetailField> {
    let id = member_text(value, "id").trim().to_owned();
    let part = |name| member(value, name).and_then(joined);
    (!id.is_empty()).then(|| DetailField { id, value: part("value"), text: part("text") })
}

/// A field's value: a scalar, an object that wraps one, or several joined by commas.
fn joined(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Array(parts) => Some(parts.iter().filter_map(joined).collect::<Vec<_>>().join(",")),
        Value::Object(_) => first_member(value, &["value", "text"]).and_then(text),
        scalar => text(scalar),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_bill_is_read_whatever_its_shape() {
        let field = json!({"id": "KhId", "value": "WX1", "maxl": "50"});
        let table = [
            ("groups and fields", json!({"value": "7592", "groups": [{"fields": []}, {"fields": [field]}]})),
            ("one group without its array", json!({"value": "7592", "groups": {"fields": [field]}})),
            ("one field without its array", json!({"value": "7592", "groups": [{"fields": field}]})),
            ("fields without groups", json!({"Value": "7592", "Fields": [field]})),
        ];
        for (what, bill) in table {
            let detail = Detail::read(&bill).unwrap();
            assert_eq!(detail.ord(), Some(7592), "{what}");
            assert_eq!(detail.value("khid"), Some("WX1"), "{what}");
            assert_eq!(detail.ids().collect::<Vec<_>>(), ["KhId"], "{what}");
        }
        for nothing in [json!(null), json!("x"), json!({}), json!({"groups": []})] {
            assert_eq!(Detail::read(&nothing), None);
        }
    }

    #[test]
    fn value_and_text_are_kept_apart_and_shown_prefers_the_text() {
        let bill = json!({"fields": [
            {"id": "ly", "value": "171", "text": "&#24494;&#20449;"},
            {"id": "name", "value": "A&amp;B"},
            {"id": "sort1", "text": "潜在客户"},
            {"id": "jz", "value": "175", "text": ""},
            {"id": "intro", "value": null},
            {"id": "product", "value": ["a", "b"]},
        ]});
        let detail = Detail::read(&bill).unwrap();
        assert_eq!(
            (detail.value("ly"), detail.text("ly"), detail.shown("ly")),
            (Some("171"), Some("微信"), Some("微信"))
        );
        assert_eq!((detail.value("NAME"), detail.text("name"), detail.shown("name")), (Some("A&B"), None, Some("A&B")));
        assert_eq!((detail.value("sort1"), detail.shown("sort1")), (None, Some("潜在客户")));
        assert_eq!(detail.shown("jz"), Some("175"));
        assert_eq!((detail.has("intro"), detail.value("intro"), detail.shown("intro")), (true, None, None));
        assert_eq!(detail.value("product"), Some("a,b"));
        assert_eq!((detail.has("mobile"), detail.value("mobile")), (false, None));
    }

    #[test]
    fn of_a_field_that_is_shown_twice_the_filled_one_counts() {
        let detail = Detail::from_fields(None, [("mobile", "", ""), ("mobile", "13800138000", ""), ("zip", "", "")]);
        assert_eq!(detail.value("mobile"), Some("13800138000"));
        assert_eq!(detail.value("zip"), Some(""));
    }
}
