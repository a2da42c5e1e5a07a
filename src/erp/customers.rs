//! Customers (客户): allocate, add, list, read, edit (`erp-wire.md §3`).

use std::time::Duration;

use super::{
    Answer, Detail, Erp, ErpError, Field,
    choices::missing_choice,
    envelope::Row,
    interface::{CUSTOMER_LIST, Interface, SAVE, Shape},
};

/// How long 客户池 and 待审核 are believed to hold somebody, or nobody.
const LISTS_MAX_AGE: Duration = Duration::from_secs(60);

/// 分配新客户ID: `edit` empty, `intsort` 1 or 2, no command. Answers a bill whose value is the new `ord` and whose field
/// `khid` is the number that the ERP suggests; nothing is stored yet. Source: `erp-wire.md §3`.
const ALLOCATE: Interface =
    Interface::bill("分配新客户ID", "customer.allocate", "/sysa/mobilephone/salesmanage/custom/add.asp")
        .writing()
        .general();

/// 单位客户添加: `ord` (the allocated one; saving it again overwrites the same record) and the fields of
/// [`FIELD_LIMITS`], of which `name`, `sort1` and `person_name` are required. Refused in words, also with status 0:
/// number or name taken, a required field empty, no right. Source: `erp-wire.md §3`, `§1.6`.
const ADD_COMPANY: Interface = Interface::command(
    "单位客户添加",
    "customer.add_company",
    "/sysa/mobilephone/salesmanage/custom/add.asp?intsort=1",
    SAVE,
);

/// 个人客户添加: as 单位客户添加, without `person_name`; `faren` is the person's employer (所在单位). Source:
/// `erp-wire.md §3`.
pub(super) const ADD_PERSON: Interface = Interface::command(
    "个人客户添加",
    "customer.add_person",
    "/sysa/mobilephone/salesmanage/custom/add.asp?intsort=2",
    SAVE,
);

/// 客户详情: `edit` empty, `intsort`, `ord`. Answers a bill with every field. Refused in words: a record that does not exist or
/// may not be seen. Source: `erp-wire.md §3`.
pub(super) const DETAIL: Interface =
    Interface::bill("客户详情", "customer.detail", "/sysa/mobilephone/salesmanage/custom/add.asp?edit=1");

/// 客户修改 (v3): `ord`, `sort2` (1 unit, 2 person), `name`, `sort` (客户分类), `sort1` (跟进程度) and `person_name` are
/// required every time; choices are given by display text; `mobile` has 11 digits. Refused with `Code` 300, above all
/// when the company checks `khid`, `name`, `mobile`, `email` or `phone` for duplicates. Source: `erp-wire.md §3`.
const EDIT: Interface = Interface::v3("客户修改", "customer.edit", "/webapi/v3/sales/customer/edit", Shape::Words);

/// The longest texts of a customer's fields, in UTF-16 code units (`erp-wire.md §3`, `§1.12`).
pub const FIELD_LIMITS: [(&str, usize); 23] = [
    ("name", 100),
    ("khid", 50),
    ("sort1", 50),
    ("address", 200),
    ("url", 100),
    ("zip", 10),
    ("phone", 50),
    ("fax", 50),
    ("mobile", 50),
    ("phone2", 50),
    ("email", 50),
    ("qq", 20),
    ("weixinAcc", 50),
    ("job", 50),
    ("part1", 50),
    ("product", 4_000),
    ("c2", 4_000),
    ("c3", 4_000),
    ("c4", 4_000),
    ("intro", 4_000),
    ("faren", 50),
    ("pym", 200),
    ("person_name", 50),
];

/// 单位客户 or 个人客户.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomerKind {
    /// 单位客户, `intsort` 1.
    Company,
    /// 个人客户, `intsort` 2.
    Person,
}

impl CustomerKind {
    /// `intsort` of the ASP interfaces and `sort2` of 客户修改.
    pub fn number(self) -> i64 {
        match self {
            Self::Company => 1,
            Self::Person => 2,
        }
    }
}

/// A newly allocated customer id (分配新客户ID); nothing is stored yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocated {
    /// The record's id: the adding call must name it.
    pub ord: i64,
    /// The 客户编号 that the ERP suggests.
    pub suggested_khid: Option<String>,
}

/// Filters of 客户列表, all fuzzy: compare exactly after reading. `None` is not sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomerFilter {
    /// 客户名称.
    pub name: Option<String>,
    /// 客户编号.
    pub khid: Option<String>,
    /// `telord`: the customer's own id.
    pub ord: Option<i64>,
    /// 电话: the office phone, not the mobile.
    pub phone: Option<String>,
    /// Any text column of the row.
    pub search_key: Option<String>,
    /// `stype`: `None` the customers, `1` 客户池, `2` 待审核.
    pub stype: Option<i64>,
    /// `_rpt_sort`: a column by which the rows are sorted, `-` in front for descending. An installation may ignore it.
    pub sort: Option<&'static str>,
}

/// The beginning of 客户列表.
#[derive(Debug, Clone)]
pub struct FirstCustomers {
    /// The rows of the first page.
    pub rows: Vec<CustomerRow>,
    /// Whether there are no more.
    pub is_all: bool,
}

/// One row of 客户列表. `None` = the installation's list has no such column; what the row lacks, the detail has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomerRow {
    /// The record's id.
    pub ord: i64,
    /// 客户名称.
    pub name: Option<String>,
    /// 客户编号.
    pub khid: Option<String>,
    /// 手机.
    pub mobile: Option<String>,
    /// 微信 (`weixinAcc`).
    pub weixin_acc: Option<String>,
    /// 地址.
    pub address: Option<String>,
    /// When it was added.
    pub date1: Option<String>,
    /// The salesperson's name; empty when open to all.
    pub catename: Option<String>,
    /// The text of the latest progress record, mostly empty.
    pub telintro: Option<String>,
}

impl Erp {
    /// 客户列表: all customers that match every given filter, each once.
    ///
    /// # Errors
    ///
    /// [`ErpError::TooMany`] beyond 50 pages; an unknown outcome if the rows carry no `ord`.
    pub async fn list_customers(&self, filter: &CustomerFilter) -> Result<Vec<CustomerRow>, ErpError> {
        customers(self.all_rows(&CUSTOMER_LIST, filter.fields()).await?)
    }

    /// 客户列表: the first page of the customers that match every given filter.
    ///
    /// # Errors
    ///
    /// As [`Erp::list_customers`].
    pub async fn first_customers(&self, filter: &CustomerFilter) -> Result<FirstCustomers, ErpError> {
        let (rows, is_all) = self.first_rows(&CUSTOMER_LIST, filter.fields()).await?;
        Ok(FirstCustomers { rows: customers(rows)?, is_all })
    }

    /// Whether a list beside that of ordinary customers (`stype`: 1 客户池, 2 待审核) holds anybody, believed for a minute:
    /// in most companies both are empty, and need not be asked for each newcomer.
    ///
    /// # Errors
    ///
    /// As [`Erp::list_customers`].
    pub async fn is_list_in_use(&self, stype: i64) -> Result<bool, ErpError> {
        let filter = CustomerFilter { stype: Some(stype), ..CustomerFilter::default() };
        let fetch = || async { Ok(!self.first_customers(&filter).await?.rows.is_empty()) };
        Ok(*self.caches().place(stype).get(self.now(), LISTS_MAX_AGE, fetch).await?)
    }

    /// 客户列表: the customers that match every given filter, page by page until `enough` says of those read so far that they
    /// are.
    ///
    /// # Errors
    ///
    /// As [`Erp::list_customers`], [`ErpError::TooMany`] beyond `pages_max` pages.
    pub async fn customers_until(
        &self,
        filter: &CustomerFilter,
        pages_max: i64,
        enough: impl Fn(&[CustomerRow]) -> bool + Send + Sync,
    ) -> Result<Vec<CustomerRow>, ErpError> {
        let enough = |rows: &[Row]| customers(rows.to_vec()).is_ok_and(|rows| enough(&rows));
        customers(self.rows_until(&CUSTOMER_LIST, filter.fields(), pages_max, enough).await?)
    }

    /// 分配新客户ID: a new id, under which nothing is stored yet. Calling it again allocates another one and costs nothing.
    ///
    /// # Errors
    ///
    /// A refusal in the ERP's words; an unknown outcome if the answer names no id.
    pub async fn allocate_customer(&self, kind: CustomerKind) -> Result<Allocated, ErpError> {
        let fields = [Field::new("edit", ""), Field::number("intsort", kind.number())];
        let bill = self.bill(&ALLOCATE, &fields).await?;
        let ord = bill.ord().filter(|ord| *ord > 0).ok_or_else(|| ErpError::garbled("分配新客户ID named no id"))?;
        let suggested_khid = bill.shown("khid").map(str::to_owned).filter(|khid| !khid.is_empty());
        Ok(Allocated { ord, suggested_khid })
    }

    /// 单位客户添加 or 个人客户添加: stores the allocated `ord`; doing it again overwrites the same record.
    ///
    /// # Errors
    ///
    /// [`ErpError::Invalid`] if a field is too long; a refusal in the ERP's words, [`ErpError::ChoiceMissing`] among them.
    pub async fn add_customer(&self, kind: CustomerKind, ord: i64, fields: &[Field]) -> Result<Answer, ErpError> {
        check_lengths(fields, &FIELD_LIMITS)?;
        let interface = match kind {
            CustomerKind::Company => &ADD_COMPANY,
            CustomerKind::Person => &ADD_PERSON,
        };
        self.command(interface, &with_ord(ord, fields)).await.map_err(|error| missing_choice(error, fields))
    }

    /// 客户详情: the record with every field.
    ///
    /// # Errors
    ///
    /// A refusal in the ERP's words, for a record that does not exist or may not be seen.
    pub async fn customer_detail(&self, kind: CustomerKind, ord: i64) -> Result<Detail, ErpError> {
        let intsort = Field::number("intsort", kind.number());
        self.bill(&DETAIL, &[Field::new("edit", ""), intsort, Field::number("ord", ord)]).await
    }

    /// 客户修改: the caller passes the required fields (`sort2`, `name`, `sort`, `sort1`, `person_name`) along with the
    /// changed ones, choices as display text.
    ///
    /// # Errors
    ///
    /// [`ErpError::Invalid`] if a field is too long; a refusal in the ERP's words, [`ErpError::ChoiceMissing`] among them.
    pub async fn edit_customer(&self, ord: i64, fields: &[Field]) -> Result<Answer, ErpError> {
        check_lengths(fields, &FIELD_LIMITS)?;
        self.command(&EDIT, &with_ord(ord, fields)).await.map_err(|error| missing_choice(error, fields))
    }

    /// A call that answers in words.
    pub(super) async fn command(&self, interface: &Interface, fields: &[Field]) -> Result<Answer, ErpError> {
        Ok(Answer { message: self.call(interface, fields).await?.words })
    }

    /// A call that answers a bill.
    pub(super) async fn bill(&self, interface: &Interface, fields: &[Field]) -> Result<Detail, ErpError> {
        let reply = self.call(interface, fields).await?;
        reply.bill.ok_or_else(|| ErpError::garbled(format!("{} answered no bill", interface.name)))
    }
}

impl CustomerFilter {
    fn fields(&self) -> Vec<Field> {
        let mut fields = Vec::new();
        let text = |id: &'static str, val: &Option<String>| val.as_ref().map(|val| Field::new(id, val.as_str()));
        fields.extend(text("name", &self.name));
        fields.extend(text("khid", &self.khid));
        fields.extend(text("phone", &self.phone));
        fields.extend(text("searchKey", &self.search_key));
        fields.extend(self.ord.map(|ord| Field::number("telord", ord)));
        fields.push(Field::new("stype", self.stype.map(|stype| stype.to_string()).unwrap_or_default()));
        fields.extend(self.sort.map(|column| Field::new("_rpt_sort", column)));
        fields
    }
}

/// Rows move between pages while the list is read: each customer counts once.
fn customers(rows: Vec<Row>) -> Result<Vec<CustomerRow>, ErpError> {
    let mut customers: Vec<CustomerRow> = Vec::new();
    let mut known = std::collections::HashSet::new();
    for row in rows {
        let customer = customer(&row).ok_or_else(|| ErpError::garbled("客户列表 has a row without ord"))?;
        if known.insert(customer.ord) {
            customers.push(customer);
        }
    }
    Ok(customers)
}

fn customer(row: &Row) -> Option<CustomerRow> {
    // Where the list shows no id of its own, the cell of the name points to the record.
    let ord = row.integer("ord").or_else(|| row.cell_id("ord")).or_else(|| row.cell_id("name"))?;
    Some(CustomerRow {
        ord,
        name: row.owned("name"),
        khid: row.owned("khid"),
        mobile: row.owned("mobile"),
        weixin_acc: row.owned("weixinAcc"),
        address: row.owned("address"),
        date1: row.owned("date1"),
        catename: row.owned("catename"),
        telintro: row.owned("telintro"),
    })
}

fn with_ord(ord: i64, fields: &[Field]) -> Vec<Field> {
    std::iter::once(Field::number("ord", ord)).chain(fields.iter().filter(|field| field.id != "ord").cloned()).collect()
}

/// Checks texts against limits in UTF-16 code units, as SQL Server counts `nvarchar`.
pub(super) fn check_lengths(fields: &[Field], limits: &[(&str, usize)]) -> Result<(), ErpError> {
    for field in fields {
        let limit = limits.iter().find(|(id, _)| *id == field.id).map(|(_, limit)| *limit);
        let length = field.val.encode_utf16().count();
        if let Some(limit) = limit.filter(|limit| length > *limit) {
            let text = format!("{} has {length} UTF-16 code units; the ERP takes {limit}", field.id);
            return Err(ErpError::Invalid(text));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_counted_as_the_erp_counts_them() {
        let check = |text: String| check_lengths(&[Field::new("name", text)], &FIELD_LIMITS);
        assert_eq!(check("张".repeat(99)), Ok(()));
        assert_eq!(check("张".repeat(100)), Ok(()));
        assert!(matches!(check("张".repeat(101)), Err(ErpError::Invalid(_))));
        assert_eq!(check("😀".repeat(50)), Ok(()));
        assert!(matches!(check("😀".repeat(50) + "a"), Err(ErpError::Invalid(_))));
        assert_eq!(check_lengths(&[Field::new("unlisted", "x".repeat(9_999))], &FIELD_LIMITS), Ok(()));
    }

    #[test]
    fn the_records_id_is_sent_once_and_first() {
        let fields = with_ord(5, &[Field::new("name", "a"), Field::new("ord", "6")]);
        assert_eq!(fields, [Field::number("ord", 5), Field::new("name", "a")]);
    }
}
