//! The accounts of the made-up company.

use serde::Serialize;

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// The id that `member2` of 客户指派 takes.
    pub ord: i64,
    /// The name to log in with.
    pub username: String,
    /// The person's name, which `catename` shows.
    pub name: String,
    /// 1 in use, 2 closed.
    pub status: u8,
    /// The department.
    pub partname: String,
}

/// A dozen sample accounts; the first one logs in with the configured name. 95 is closed.
pub(super) fn samples(first_username: &str) -> Vec<User> {
    let user = |(ord, username, name, status, partname): (i64, &str, &str, u8, &str)| User {
        ord,
        username: username.to_owned(),
        name: name.to_owned(),
        status,
        partname: partname.to_owned(),
    };
    [
        (1, first_username, "管理员", 1, "管理部"),
        (63, "zhangwei", "张伟", 1, "销售一部"),
        (71, "wangfang", "王芳", 1, "销售一部"),
        (72, "lina", "李娜", 1, "销售一部"),
        (75, "liuyang", "刘洋", 1, "销售二部"),
        (80, "chenjing", "陈静", 1, "销售二部"),
        (81, "yangfan", "杨帆", 1, "销售二部"),
        (88, "zhaolei", "赵磊", 1, "客服部"),
        (90, "huangmin", "黄敏", 1, "客服部"),
        (92, "sunli", "孙丽", 1, "市场部"),
        (95, "zhoubo", "周波", 2, "市场部"),
        (101, "wuqiang", "吴强", 1, "财务部"),
    ]
    .map(user)
    .to_vec()
}
