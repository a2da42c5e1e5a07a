//! Contact persons (联系人): list, add, read (`erp-wire.md §4`).

use super::{
    Answer, Detail, Erp, ErpError, Field,
    customers::check_lengths,
    envelope::Row,
    interface::{Interface, SAVE},
};

/// 联系人添加: `company` (the customer's `ord`) and `person_name` 50 are required; `mobile` 50, `weixinAcc` 50, `email` 50,
/// `phone`, `job`, `part1`, `qq`, `intro` 5000; no `ord`, so sent twice it is stored twice. Refused in words. Source:
/// `erp-wire.md §4`.
const ADD: Interface =
    Interface::command("联系人添加", "contact.add", "/sysa/mobilephone/salesmanage/person/add.asp", SAVE);

/// 联系人详情: `edit` empty, `ord`. Answers a bill. Source: `erp-wire.md §4`.
pub(super) const DETAIL: Interface =
    Interface::bill("联系人详情", "contact.detail", "/sysa/mobilephone/salesmanage/person/add.asp?edit=1");

/// 联系人列表: filters `company`, `person_name`, `mobile`, `email`, `intro`, `name` (customer), all fuzzy; pages as in 客户列表.
/// Refused in words without the right. Source: `erp-wire.md §4`, `§1.9`.
pub(super) const LIST: Interface =
    Interface::list("联系人列表", "contact.list", "/sysa/mobilephone/salesmanage/person/list.asp");

/// The longest texts, in UTF-16 code units (`erp-wire.md §4`).
const FIELD_LIMITS: [(&str, usize); 5] =
    [("person_name", 50), ("mobile", 50), ("weixinAcc", 50), ("email", 50), ("intro", 5_000)];

/// Filters of 联系人列表, all fuzzy: compare exactly after reading. `None` is not sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContactPersonFilter {
    /// The customer's `ord`.
    pub company: Option<i64>,
    /// 联系人姓名.
    pub person_name: Option<String>,
    /// 手机.
    pub mobile: Option<String>,
    /// 电子邮件.
    pub email: Option<String>,
}

/// One row of 联系人列表. `None` = the installation's list has no such column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContactPersonRow {
    /// The contact person's own id.
    pub ord: Option<i64>,
    /// 联系人姓名.
    pub person_name: Option<String>,
    /// 手机.
    pub mobile: Option<String>,
    /// 电子邮件.
    pub email: Option<String>,
    /// 微信 (`weixinAcc`).
    pub weixin_acc: Option<String>,
    /// The customer's `ord`.
    pub company: Option<i64>,
    /// The customer's name.
    pub company_name: Option<String>,
}

impl Erp {
    /// 联系人列表: all contact persons that match every given filter.
    ///
    /// # Errors
    ///
    /// [`ErpError::TooMany`] beyond 50 pages.
    pub async fn list_contact_persons(&self, filter: &ContactPersonFilter) -> Result<Vec<ContactPersonRow>, ErpError> {
        let mut fields = Vec::new();
        fields.extend(filter.company.map(|company| Field::number("company", company)));
        fields.extend(filter.person_name.as_deref().map(|name| Field::new("person_name", name)));
        fields.extend(filter.mobile.as_deref().map(|mobile| Field::new("mobile", mobile)));
        fields.extend(filter.email.as_deref().map(|email| Field::new("email", email)));
        let mut people: Vec<ContactPersonRow> = Vec::new();
        for row in self.all_rows(&LIST, fields).await? {
            let person = contact_person(&row);
            // Rows move between pages while the list is read; those without an id cannot be told apart.
            if person.ord.is_none() || !people.iter().any(|known| known.ord == person.ord) {
                people.push(person);
            }
        }
        Ok(people)
    }

    /// 联系人添加: a further contact person of a customer. Not idempotent: look it up before sending it again.
    ///
    /// # Errors
    ///
    /// [`ErpError::Invalid`] if a field is too long; a refusal in the ERP's words.
    pub async fn add_contact_person(&self, company: i64, fields: &[Field]) -> Result<Answer, ErpError> {
        check_lengths(fields, &FIELD_LIMITS)?;
        let company = Field::number("company", company);
        let others = fields.iter().filter(|field| field.id != "company" && field.id != "ord").cloned();
        self.command(&ADD, &std::iter::once(company).chain(others).collect::<Vec<_>>()).await
    }

    /// 联系人详情: the contact person with every field.
    ///
    /// # Errors
    ///
    /// A refusal in the ERP's words, for a record that does not exist or may not be seen.
    pub async fn contact_person_detail(&self, ord: i64) -> Result<Detail, ErpError> {
        self.bill(&DETAIL, &[Field::new("edit", ""), Field::number("ord", ord)]).await
    }
}

fn contact_person(row: &Row) -> ContactPersonRow {
    let ord = row.integer("ord").or_else(|| row.cell_id("ord")).or_else(|| row.cell_id("person_name"));
    // The customer stands in `company` as an id, or as a name whose cell points to the record. Where every cell carries the
    // id of its row, that id is the person's, not the customer's.
    let points_to = |column: &str| row.cell_id(column).filter(|id| Some(*id) != ord);
    let company = points_to("company").or_else(|| row.integer("company")).or_else(|| points_to("name"));
    let company_text = row.owned("company").filter(|text| !text.is_empty() && text.trim().parse::<i64>().is_err());
    ContactPersonRow {
        ord,
        person_name: row.owned("person_name"),
        mobile: row.owned("mobile"),
        email: row.owned("email"),
        weixin_acc: row.owned("weixinAcc"),
        company,
        company_name: row.owned("name").or(company_text),
    }
}
