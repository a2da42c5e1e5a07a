//! Who a customer belongs to: 客户指派, 客户申请, 客户审批, 客户收回, and the accounts that can own one (`erp-wire.md §3`).

use std::sync::Arc;

use super::{
    Account, Answer, Erp, ErpError, Fault, Field,
    customers::check_lengths,
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
pub(super) const ACCOUNTS: Interface =
    Interface::v3("账号列表", "account.list", "/webapi/v3/orgs/user/list", Shape::List).general();

/// The longest `member2`, in characters.
const LIMITS: [(&str, usize); 1] = [("member2", 50)];

impl Erp {
    /// 客户指派: gives a customer to `members` (user ids separated by commas), or opens it to all. Doing it again changes nothing
    /// more.
    ///
    /// # Errors
    ///
    /// [`ErpError::Invalid`] for more than 50 characters of ids; a salesperson whom the ERP does not take; a refusal in the
    /// ERP's words.
    pub async fn assign(&self, ord: i64, members: Option<&str>) -> Result<Answer, ErpError> {
        let member1 = Field::number("member1", i64::from(members.is_none()));
        let fields = [Field::number("ord", ord), member1, Field::new("member2", members.unwrap_or_default())];
        check_lengths(&fields, &LIMITS)?;
        self.command(&ASSIGN, &fields).await.map_err(|error| match (error, members) {
            (ErpError::Refused(text), Some(user)) if speaks_of_account(&text) => {
                ErpError::Installation(Fault::salesperson(user, text))
            }
            (error, _) => error,
        })
    }

    /// 客户申请: asks for a customer of the pool (客户池).
    ///
    /// # Errors
    ///
    /// A refusal in the ERP's words.
    pub async fn apply(&self, ord: i64) -> Result<Answer, ErpError> {
        self.moving(&APPLY, &[Field::number("ord", ord)]).await
    }

    /// 客户审批: agrees to a customer that waits for it (待审核), or does not.
    ///
    /// # Errors
    ///
    /// A refusal in the ERP's words.
    pub async fn approve(&self, ord: i64, agree: bool) -> Result<Answer, ErpError> {
        self.moving(&APPROVE, &[Field::number("ord", ord), Field::number("blset", i64::from(agree))]).await
    }

    /// 客户收回: takes a customer back into the pool.
    ///
    /// # Errors
    ///
    /// A refusal in the ERP's words.
    pub async fn take_back(&self, ord: i64) -> Result<Answer, ErpError> {
        self.moving(&TAKE_BACK, &[Field::number("ord", ord)]).await
    }

    /// A command that takes a customer from one list to another.
    async fn moving(&self, command: &Interface, fields: &[Field]) -> Result<Answer, ErpError> {
        let answer = self.command(command, fields).await;
        self.caches().forget_places();
        answer
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
        self.caches().accounts().get(self.now(), self.choices_max_age(), fetch).await
    }
}

/// Whether a refusal of 客户指派 says that an account is unknown or closed.
fn speaks_of_account(text: &str) -> bool {
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    says(&["用户", "账号", "帐号", "人员", "员工", "member2"])
        && says(&["不存在", "停用", "禁用", "离职", "关闭", "冻结", "已删除", "无效"])
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
