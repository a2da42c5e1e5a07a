//! An account as 账号列表 shows it (`erp-wire.md §3`).

/// An account of the ERP (账号列表): the ids that 客户指派 takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// The id, as `member2` takes it.
    pub ord: String,
    /// The name to log in with.
    pub username: Option<String>,
    /// The person's name; `catename` of 客户列表.
    pub name: Option<String>,
    /// As the ERP writes it.
    pub status: Option<String>,
    /// The department.
    pub part_name: Option<String>,
}

/// How installations write that an account is closed (`erp-wire.md` §3, `userstatus`).
const CLOSED: [&str; 6] = ["停", "禁", "冻", "离职", "closed", "disabled"];

impl Account {
    /// Whether it is closed, as far as the installation says so.
    pub(crate) fn is_closed(&self) -> bool {
        self.status.as_deref().is_some_and(|status| status == "2" || CLOSED.iter().any(|word| status.contains(word)))
    }
}
