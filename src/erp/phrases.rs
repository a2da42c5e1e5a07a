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
pub(super) const TROUBLE: [&str; 12] = [
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
pub(super) const REFUSED: [&str; 14] = [
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
const REFUSED_PERHAPS: [&str; 25] = [
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
    "未开放",
    "未启用",
    "未开通",
    "未开启",
    "停用",
    "禁用",
    "已关闭",
    "暂停使用",
];

/// What a text speaks of that is about one record: 该客户正在维护中，不能修改 is a colleague at work, no outage.
pub(super) const ONE_RECORD: [&str; 12] = [
    "该客户",
    "此客户",
    "本客户",
    "这个客户",
    "该联系人",
    "此联系人",
    "该记录",
    "此记录",
    "该资料",
    "此资料",
    "该单",
    "此单",
];

/// What is about all of it, whichever record is named beside it: 系统维护中，该客户不能保存. 系统提示 stands before anything.
const WHOLE_SYSTEM: [&str; 8] =
    ["系统正在", "系统维护", "系统升级", "系统更新", "服务器", "停机", "暂停服务", "停止服务"];

/// Reads a text; case does not matter.
pub(super) fn meaning(text: &str) -> Meaning {
    let text = without_counts_of_nothing(&normal(text));
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let is_done = says(&DONE) && !says(&REFUSED);
    if is_in_trouble(&text) {
        Meaning::Busy
    } else if says(&NO_SESSION) {
        Meaning::NoSession
    } else if says(&BUSY) || is_unwell(&text) && !is_done {
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
    } else if says(&BUSY) || is_unwell(&text) || says(&TIMEOUT) {
        Meaning::Busy
    } else {
        Meaning::Unclear
    }
}

/// Whether the ERP is being worked on, and not one of its records alone.
fn is_unwell(text: &str) -> bool {
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    says(&UNWELL) && (!says(&ONE_RECORD) || says(&WHOLE_SYSTEM))
}

/// Whether a text names one record (该客户).
pub(super) fn names_one_record(text: &str) -> bool {
    ONE_RECORD.iter().any(|word| text.contains(word))
}

/// Whether a text is about one record: that it is not there, or may not be had.
pub(super) fn speaks_of_one_record(text: &str) -> bool {
    let text = normal(text);
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    says(&ONE_RECORD) || says(&["客户", "联系人", "记录", "数据", "资料", "单据"]) && !says(&["接口", "路径", "方法"])
}

/// Whether the ERP's database is in trouble. 数据库中已存在相同客户 is none: it says what stands there.
fn is_in_trouble(text: &str) -> bool {
    let speaks_of_contents = DUPLICATE.iter().any(|word| text.contains(word));
    TROUBLE.iter().any(|word| text.contains(word) && !(*word == DATABASE && speaks_of_contents))
}

/// In lower case, and a session that ended because nobody did anything (长时间未操作超时) is no 操作超时.
pub(super) fn normal(text: &str) -> String {
    text.trim().to_lowercase().replace("未操作超时", "未操作，会话超时")
}

/// That something is there already.
pub(super) const DUPLICATE: [&str; 15] = [
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
