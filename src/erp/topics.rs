//! What a refusal or a page is about, by its words: the list is empty, the page broke down, the account lacks a right, a
//! limit is reached, the ERP has the same already.

use super::phrases::{DUPLICATE, Meaning, ONE_RECORD, REFUSED, TROUBLE, meaning, normal};

/// Whether a list says in words that it has no rows.
pub(super) fn speaks_of_no_rows(text: &str) -> bool {
    const NO_ROWS: [&str; 13] = [
        "暂无数据",
        "暂无记录",
        "暂无信息",
        "没有数据",
        "没有记录",
        "没有相关",
        "没有符合",
        "没有满足",
        "没有找到相关",
        "无符合条件",
        "未查询到",
        "no data",
        "no record",
    ];
    let text = normal(text);
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    says(&NO_ROWS) && !says(&REFUSED) && !says(&TROUBLE) && !text.contains("权限")
}

/// Whether a page broke down: the words of its script engine or its database driver, not of the ERP.
pub(super) fn speaks_of_a_breakdown(text: &str) -> bool {
    let text = normal(text);
    let words = [
        "缺少对象",
        "类型不匹配",
        "下标越界",
        "变量未定义",
        "运行时错误",
        "vbscript",
        "jscript",
        "adodb",
        "odbc",
        "ole db",
        "0x8",
        "'800",
        "object required",
    ];
    words.iter().any(|word| text.contains(word))
}

/// Somebody else is logged in under the account, and will not be for ever.
const IN_USE: [&str; 6] = ["其他地方", "其它地方", "其他设备", "其它设备", "异地登", "已在线"];

/// Whether a login was refused for what was typed, or because the account is locked: whoever asks again and again makes it
/// worse, even where the ERP itself says 请重试 or 稍后.
pub(super) fn speaks_of_credentials(text: &str) -> bool {
    let text = normal(text).replace("服务器错误", "");
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    says(&["验证码", "rndcode"])
        || says(&["密码", "口令", "用户名", "帐号", "账号", "账户", "password", "account"])
            && says(&[
                "错误",
                "不正确",
                "有误",
                "不匹配",
                "不存在",
                "锁定",
                "冻结",
                "wrong",
                "incorrect",
                "invalid",
                "locked",
            ])
            && !IN_USE.iter().any(|word| text.contains(word))
}

/// Whether a login was refused because the ERP is unwell or the account in use, which says nothing about the password.
pub(super) fn speaks_of_trouble(text: &str) -> bool {
    meaning(text) == Meaning::Busy || text.contains("服务器错误") || IN_USE.iter().any(|word| text.contains(word))
}

/// Titles of what customers and contact persons are sent with, where the contact has it: a refusal for want of one is about
/// that contact. Whatever else is asked for is sent by nobody.
const SENT: [&str; 21] = [
    "姓名",
    "名称",
    "联系人",
    "编号",
    "来源",
    "内容",
    "跟进",
    "分类",
    "客户id",
    "客户类型",
    "sort2",
    "手机",
    "邮箱",
    "邮件",
    "email",
    "微信",
    "地址",
    "职务",
    "价值",
    "备注",
    "产品",
];

/// An interface that somebody has switched off, or never switched on.
const CLOSED: [&str; 7] = ["未开放", "未启用", "未开通", "未开启", "停用", "禁用", "已关闭"];

/// Whether a refusal is about what nobody sends: a limit of the account, a field that somebody has made required, an interface
/// that is switched off. It meets whoever comes.
pub(super) fn speaks_of_restriction(text: &str) -> bool {
    let text = normal(text);
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let is_number = says(&["上限", "最大客户数", "数量限制", "数量已满", "名额"])
        || says(&["客户数", "数量"]) && says(&["超出", "超过", "超限"]);
    let is_limit = is_number && !says(&["字符", "长度", "字数"]);
    let is_required = says(&["不能为空", "必填", "请选择", "请填写", "请输入", "未填写", "未选择"]) && !says(&SENT);
    let is_closed = says(&["接口", "功能", "模块"]) && says(&CLOSED) && !says(&ONE_RECORD);
    is_limit || is_required || is_closed
}

/// Whether a refusal says that the account may not use the interface at all.
pub(super) fn speaks_of_rights(text: &str) -> bool {
    let text = text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    says(&["无权", "未授权", "permission denied", "access denied"])
        || (text.contains("权限") && says(&["没有", "不足", "缺少", "无此", "未开通"]))
}

/// Whether a login was refused for the licence or the client's serial, and not for the credentials, which are never tried
/// again by themselves.
pub(super) fn speaks_of_licence(text: &str) -> bool {
    let text = text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let of_credentials = ["密码", "用户名", "帐号", "账号", "验证码", "password", "rndcode"];
    !says(&of_credentials)
        && says(&[
            "授权",
            "许可",
            "licen",
            "注册码",
            "机器码",
            "序列号",
            "serial",
            "加密锁",
            "加密狗",
            "用户数",
            "使用期限",
            "试用期",
        ])
}

/// Whether a refusal says that the ERP's licence is over, which any other call would meet, too. Narrower than the words of a
/// login: a record can speak of a 授权 or of its own 过期.
pub(super) fn speaks_of_an_ended_licence(text: &str) -> bool {
    let text = normal(text);
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    says(&["软件授权", "系统授权", "授权已", "授权许可", "软件许可", "使用期限", "试用期", "license", "licence"])
        && says(&["到期", "过期", "期满", "失效", "expire"])
}

/// Whether the words of a refused save say that the ERP has the same already (查重).
pub(super) fn speaks_of_duplicate(text: &str) -> bool {
    let text = normal(text);
    DUPLICATE.iter().any(|word| text.contains(word))
}

#[cfg(test)]
#[path = "topics_tests.rs"]
mod tests;
