//! Which columns each list shows, in which order: it differs between installations (`erp-wire.md` §1.3, §3).

use serde::{Deserialize, Serialize};

/// The columns of every list, by their ids. A column that this simulator has nothing for is empty in every row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Columns {
    /// 客户列表.
    pub customers: Vec<String>,
    /// 联系人列表.
    pub contacts: Vec<String>,
    /// The list of progress records.
    pub progress: Vec<String>,
    /// 账号列表.
    pub accounts: Vec<String>,
}

impl Default for Columns {
    /// The columns that the wire file names.
    fn default() -> Self {
        let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        Self {
            customers: owned(&["ord", "name", "khid", "mobile", "weixinAcc", "address", "date1", "catename"]),
            contacts: owned(&["ord", "person_name", "mobile", "email", "weixinAcc", "company", "name"]),
            progress: owned(&["ord", "intro", "date7", "catename"]),
            accounts: owned(&["ord", "username", "name", "status", "partname"]),
        }
    }
}

/// The titles that people read above the columns.
const TITLES: [(&str, &str); 24] = [
    ("ord", "ID"),
    ("name", "客户名称"),
    ("khid", "客户编号"),
    ("mobile", "手机"),
    ("weixinAcc", "微信"),
    ("address", "客户地址"),
    ("date1", "添加时间"),
    ("catename", "销售人员"),
    ("sortname", "客户分类"),
    ("sort1name", "跟进程度"),
    ("person", "联系人ID"),
    ("personname", "联系人"),
    ("personjob", "职务"),
    ("phone", "办公电话"),
    ("telintro", "洽谈进展"),
    ("url", "客户网址"),
    ("personurl", "联系人网址"),
    ("person_name", "联系人姓名"),
    ("email", "电子邮件"),
    ("company", "客户ID"),
    ("intro", "洽谈进展"),
    ("date7", "时间"),
    ("username", "账号"),
    ("partname", "部门"),
];

/// The title of a column; its id where it has none.
pub(super) fn title(id: &str) -> &str {
    TITLES.iter().find(|(known, _)| *known == id).map_or(id, |(_, title)| title)
}
