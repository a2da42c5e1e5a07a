//! Who a customer belongs to: 客户指派, 客户申请, 客户审批, 客户收回, and the accounts that can own one (`erp-wire.md §3`).

use std::sync::Arc;

use super::{
    Account, Answer, Erp, ErpError, Field,
    envelope::Row,
    interface::{Interface, SAVE, Shape},
};

/// 客户指派: `ord`, `member1` (1 open to all users, 0 to the users named), `member2` user ids separated by commas, at most 50
/// characters. Refused in words: an account that is unknown or closed, a customer that is not there, no right. Source:
/// `erp-wire.md §3`.
const ASSIGN: Interface =
    Interface::command("客户指派", "customer.assign", "/sysa/mobilephone/systemmanage/order.asp?datatype=tel", SAVE);

/// 客户申请: `ord`. Refused in words: a customer that does not stand in the pool, or was applied for already. Source:
/// `erp-wire.md §3`.
const APPLY: Interface =
    Interface::command("客户申请", "customer.apply", "/sysa/mobilephone/salesmanage/custom/apply.asp", None);

/// 客户审批: `ord`, `blset` 1 agree, 0 refuse. Refused in words: a customer that waits for no approval, no right. Source:
/// `erp-wire.md §3`.
const APPROVE: Interface = Interface::command(
    "客户审批",
    "customer.approve",
    "/sysa/mobilephone/salesmanage/custom/approve.asp?__msgid=onsave",
    Some("onsave"),
);

/// 客户收回: `ord`. Refused in words: a customer that is not there or in the pool already, no right. Source: `erp-wire.md §3`.
const TAKE_BACK: Interface =
    Interface::command("客户收回", "customer.take_back", "/sysa/mobilephone/salesmanage/custom/takeback.asp", None);

/// 账号列表 (v3): `userstatus`, `name`, `page_size`, `page_index`; rows with `ord`, `username`, `name`, `status`, `partname`.
/// Source: `erp-wire.md §3`.
const ACCOUNTS: Interface = Interface::v3("账号列表", "account.list", "/webapi/v3/orgs/user/list", Shape::List);

/// The longest `member2`, in characters.
const MEMBERS_MAX: usize = 50;

/// To whom a customer is assigned (客户指派).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assignee {
    /// Open to all users.
    Public,
    /// These users' ids.
    Users(Vec<String>),
}

impl Assignee {
    /// `member1` and `member2`.
    fn fields(&self) -> Result<[Field; 2], ErpError> {
        let Self::Users(users) = self else { return Ok([Field::number("member1", 1), Field::new("member2", "")]) };
        let invalid = |text: String| Err(ErpError::Invalid(text));
        if users.is_empty() {
            return invalid("no user is named to assign the customer to".into());
        }
        if let Some(user) = users.iter().find(|user| user.is_empty() || !user.bytes().all(|byte| byte.is_ascii_digit()))
        {
            return invalid(format!("{user:?} is no user id; 账号列表 shows them"));
        }
        let members = users.join(",");
        if members.len() > MEMBERS_MAX {
            return invalid(format!("member2 has {} characters; the ERP takes {MEMBERS_MAX}", members.len()));
        }
        Ok([Field::number("member1", 0), Field::new("member2", members)])
    }
}

impl Erp {
    /// 客户指派: gives a customer to users, or opens it to all. Doing it again changes nothing more.
    ///
    /// # Errors
    ///
    /// [`ErpError::Invalid`] for no users, ids that are none, or more than 50 characters of them; a refusal in the ERP's
    /// words.
    pub async fn assign(&self, ord: i64, assignee: &Assignee) -> Result<Answer, ErpError> {
        let [member1, member2] = assignee.fields()?;
        self.command(&ASSIGN, &[Field::number("ord", ord), member1, member2]).await
    }

    /// 客户申请: asks for a customer of the pool (客户池).
    ///
    /// # Errors
    ///
    /// A refusal in the ERP's words.
    pub async fn apply(&self, ord: i64) -> Result<Answer, ErpError> {
        self.command(&APPLY, &[Field::number("ord", ord)]).await
    }

    /// 客户审批: agrees to a customer that waits for it (待审核), or does not.
    ///
    /// # Errors
    ///
    /// A refusal in the ERP's words.
    pub async fn approve(&self, ord: i64, agree: bool) -> Result<Answer, ErpError> {
        self.command(&APPROVE, &[Field::number("ord", ord), Field::number("blset", i64::from(agree))]).await
    }

    /// 客户收回: takes a customer back into the pool.
    ///
    /// # Errors
    ///
    /// A refusal in the ERP's words.
    pub async fn take_back(&self, ord: i64) -> Result<Answer, ErpError> {
        self.command(&TAKE_BACK, &[Field::number("ord", ord)]).await
    }

    /// 账号列表: all accounts, believed for `erp.choices_max_age`.
    ///
    /// # Errors
    ///
    /// [`ErpError::TooMany`] beyond 50 pages; a refusal in the ERP's words.
    pub async fn list_accounts(&self) -> Result<Arc<Vec<Account>>, ErpError> {
        let fetch = || async {
            let filters = vec![Field::new("userstatus", ""), Field::new("name", "")];
            let rows = self.all_rows(&ACCOUNTS, filters).await?;
            let accounts: Option<Vec<_>> = rows.iter().map(account).collect();
            accounts.ok_or_else(|| ErpError::garbled("账号列表 has a row without ord"))
        };
        self.caches().accounts.get(self.now(), self.choices_max_age(), fetch).await
    }
}

fn account(row: &Row) -> Option<Account> {
    Some(Account {
        ord: row.integer("ord").or_else(|| row.cell_id("ord"))?.to_string(),
        username: row.owned("username"),
        name: row.owned("name"),
        status: row.owned("status"),
        part_name: row.owned("partname"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_joined_within_the_limit() {
        let users = |ids: &[&str]| Assignee::Users(ids.iter().map(|id| (*id).to_owned()).collect()).fields();
        assert_eq!(Assignee::Public.fields(), Ok([Field::number("member1", 1), Field::new("member2", "")]));
        assert_eq!(users(&["63", "71"]), Ok([Field::number("member1", 0), Field::new("member2", "63,71")]));
        // 16 ids of two digits and their commas are 47 characters.
        let many = |last: &'static str| [vec!["63"; 16], vec![last]].concat();
        assert!(users(&many("1")).is_ok_and(|[_, members]| members.val.len() == 49));
        assert!(users(&many("12")).is_ok_and(|[_, members]| members.val.len() == 50));
        assert!(matches!(users(&many("123")), Err(ErpError::Invalid(text)) if text.contains("51")));
        for wrong in [&[][..], &[""], &["63,71"], &["张三"]] {
            assert!(matches!(users(wrong), Err(ErpError::Invalid(_))), "{wrong:?}");
        }
    }
}
