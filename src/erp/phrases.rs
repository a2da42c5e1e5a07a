//! What the ERP means by its words. A refused save can come back with status 0 (`erp-wire.md §1.6`), so somebody has to
//! read what it says.

/// What a text says about a save or a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It says that it was done.
    Done,
    /// It says that it was not, and will not be.
    Refused,
    /// It says that it cannot just now.
    Busy,
    /// It says that the session is gone.
    NoSession,
    /// It says nothing of the kind.
    Unclear,
}

/// A session that is gone, so plainly that status 0 beside it does not matter.
const NO_SESSION: [&str; 10] = [
    "重新登录",
    "重新登陆",
    "登录超时",
    "登陆超时",
    "登录已过期",
    "尚未登录",
    "未登录",
    "未登陆",
    "会话已过期",
    "会话超时",
];

/// The ERP's own database is in trouble. Looked for before everything else: 数据库超时，请重新登录 speaks of the session
/// beside it, and 在操作完成之前超时时间已过 of completion, but nobody knows what became of the call.
const TROUBLE: [&str; 12] = [
    DATABASE,
    "死锁",
    "操作超时",
    "执行超时",
    "命令超时",
    "查询超时",
    "超时时间已到",
    "超时时间已过",
    "deadlock",
    "timeout period elapsed",
    "execution timeout",
    "query timeout",
];

const DATABASE: &str = "数据库";

/// The ERP cannot just now; asked later it may.
const BUSY: [&str; 5] = ["繁忙", "稍后再试", "稍候再试", "稍后重试", "请重试"];

/// The ERP is being worked on, and will be back.
const UNWELL: [&str; 22] = [
    "系统维护",
    "正在维护",
    "维护中",
    "维护升级",
    "停机维护",
    "服务器维护",
    "数据维护",
    "系统升级",
    "正在升级",
    "升级中",
    "系统更新",
    "正在备份",
    "备份中",
    "数据备份",
    "暂停服务",
    "暂停使用",
    "停止服务",
    "稍候",
    "稍后",
    "稍等",
    "maintenance",
    "temporarily unavailable",
];

/// Time ran out: the session's only where a word of [`SESSION`] stands beside it, else that of the call.
const TIMEOUT: [&str; 3] = ["超时", "timeout", "timed out"];

/// What the session is called. 过期 and 超时 are not here: records and database commands have them, too.
const SESSION: [&str; 8] = ["session", "会话", "登录", "登陆", "令牌", "token", "login", "身份"];

/// A refusal even where a word of success stands beside it: 不能保存成功.
const REFUSED: [&str; 14] = [
    "不能",
    "失败",
    "已被使用",
    "无法",
    "不允许",
    "没有权限",
    "无权",
    "权限不足",
    "不成功",
    "未成功",
    "没有成功",
    "未能",
    "拒绝",
    "禁止",
];

/// Success.
const DONE: [&str; 8] = ["成功", "已保存", "保存完毕", "已提交", "操作完成", "保存完成", "已完成", "success"];

/// A refusal where nothing speaks of success: 保存成功，请等待审核 is none.
const REFUSED_PERHAPS: [&str; 17] = [
    "已存在",
    "已经存在",
    "重复",
    "错误",
    "超过",
    "超出",
    "请",
    "必填",
    "不存在",
    "无效",
    "不正确",
    "有误",
    "不符合",
    "非法",
    "异常",
    "error",
    "不可",
];

/// Reads a text; case does not matter.
pub(super) fn meaning(text: &str) -> Meaning {
    let text = without_counts_of_nothing(&normal(text));
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let is_done = says(&DONE) && !says(&REFUSED);
    if is_in_trouble(&text) {
        Meaning::Busy
    } else if says(&NO_SESSION) {
        Meaning::NoSession
    } else if says(&BUSY) || says(&UNWELL) && !is_done {
        Meaning::Busy
    } else if says(&REFUSED) {
        Meaning::Refused
    } else if says(&DONE) {
        Meaning::Done
    } else if says(&REFUSED_PERHAPS) {
        Meaning::Refused
    } else {
        Meaning::Unclear
    }
}

/// What the words beside a status that is not 0 mean. More may speak of the session than beside status 0: any word for
/// it, and silence. Whether it is a refusal the words do not settle: [`Meaning::Unclear`].
pub(super) fn meaning_of_failure(text: &str) -> Meaning {
    let text = normal(text);
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if is_in_trouble(&text) {
        Meaning::Busy
    } else if text.is_empty() || says(&SESSION) {
        Meaning::NoSession
    } else if says(&BUSY) || says(&UNWELL) || says(&TIMEOUT) {
        Meaning::Busy
    } else {
        Meaning::Unclear
    }
}

/// Whether the ERP's database is in trouble. 数据库中已存在相同客户 is none: it says what stands there.
fn is_in_trouble(text: &str) -> bool {
    let speaks_of_contents = DUPLICATE.iter().any(|word| text.contains(word));
    TROUBLE.iter().any(|word| text.contains(word) && !(*word == DATABASE && speaks_of_contents))
}

/// In lower case, and a session that ended because nobody did anything (长时间未操作超时) is no 操作超时.
fn normal(text: &str) -> String {
    text.trim().to_lowercase().replace("未操作超时", "未操作，会话超时")
}

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

/// Whether a login was refused because the ERP is unwell or the account in use, which says nothing about the password.
pub(super) fn speaks_of_trouble(text: &str) -> bool {
    meaning(text) == Meaning::Busy || text.contains("服务器错误") || IN_USE.iter().any(|word| text.contains(word))
}

/// Titles of what every customer and contact person is sent with; whatever else is asked for is sent by nobody.
const SENT: [&str; 11] =
    ["姓名", "名称", "联系人", "编号", "来源", "内容", "跟进", "分类", "客户id", "客户类型", "sort2"];

/// Whether a refusal is about what nobody sends: a limit of the account, or a field that somebody has made required. It
/// meets whoever comes.
pub(super) fn speaks_of_restriction(text: &str) -> bool {
    let text = normal(text);
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let is_limit = says(&["上限", "最大客户数", "数量限制", "数量已满", "名额"]) && !says(&["字符", "长度", "字数"]);
    let is_required = says(&["不能为空", "必填", "请选择", "请填写", "请输入", "未填写", "未选择"]) && !says(&SENT);
    is_limit || is_required
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

/// That something is there already.
const DUPLICATE: [&str; 15] = [
    "已被使用",
    "已使用",
    "已存在",
    "已经存在",
    "已有",
    "被占用",
    "已占用",
    "重复",
    "重名",
    "重号",
    "相同",
    "查重",
    "撞单",
    "duplicate",
    "already exist",
];

/// Whether the words of a refused save say that the ERP has the same already (查重).
pub(super) fn speaks_of_duplicate(text: &str) -> bool {
    let text = normal(text);
    DUPLICATE.iter().any(|word| text.contains(word))
}

/// 成功指派1个，失败0个 is no failure.
fn without_counts_of_nothing(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("失败") {
        let (before, word) = rest.split_at(at);
        out.push_str(before);
        rest = &word["失败".len()..];
        let count = rest.trim_start_matches([':', '：', ' ', '为', '了']);
        let digits: String = count.chars().take_while(char::is_ascii_digit).collect();
        if digits.is_empty() || digits.bytes().any(|digit| digit != b'0') {
            out.push_str("失败");
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
#[path = "phrases_tests.rs"]
mod tests;
