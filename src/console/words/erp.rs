//! How the connection to the ERP stands.

use super::texts;

texts! {
    /// The connection to the ERP.
    ErpWords {
        title: "ERP 连接", "ERP connection";
        at_work: "正在写入 ERP", "Writing to the ERP";
        at_work_what: "收到的事件按顺序写入，出错的自动重试", "Events are written in order, failed ones are tried again";
        session: "会话", "Session";
        session_since: "登录于", "logged in";
        session_none: "未登录，下次写入时登录", "not logged in: the next write logs in";
        circuit: "ERP 响应", "The ERP answers";
        circuit_closed: "正常", "yes";
        circuit_open: "无响应，每次停顿后试探一次", "no: one cheap call after each pause";
        resume: "恢复派发", "Resume";
        resume_what: "再登录一次，并立即重试因 ERP 设置而等待的事件", "Logs in once more, and tries at once what waits for the ERP's settings";
        blocks: "ERP 设置的问题", "Wrong in the ERP's settings";
        waiting: "{} 条在等", "{} wait";
        since: "始于", "since";
        next_try: "下次尝试", "next try";
        pauses: "人工暂停", "Paused by people";
        pauses_none: "没有人工暂停", "Nothing is paused";
        contacts_waiting: "{} 个客户在等", "{} contacts wait";
        ends: "自动结束", "ends";
        ends_by_word: "直到有人继续", "until somebody goes on";
        unpause: "继续", "Go on";
        pause: "暂停派发", "Pause";
        pause_what: "事件照常接收，暂停的按顺序等待，正在处理的做完为止", "Events are accepted and wait in order, what is in hand ends";
        scope: "范围", "What";
        scope_all: "全部", "Everything";
        scope_type: "类型：{}", "Type: {}";
        scope_contact: "客户：{}", "Contact: {}";
        scope_one: "一个客户", "One contact";
        contact: "联系人编号（只在选“一个客户”时填）", "Contact's id (for one contact only)";
        reason_hint: "所有人可见，并写入审计记录", "seen by operators and kept in the audit log";
        check: "检查", "Check";
        check_what: "检查配置、数据库、ERP 登录、每个选项和权限。只读取，不写入", "Tries configuration, database, login, every choice and right. It only reads";
        check_now: "检查一次", "Check now";
        check_again: "再检查一次", "Check again";
        checked_at: "检查于", "checked";
        check_operate: "检查需要可操作的令牌", "A check needs a token that may operate";
        check_holds: "检查通过", "Everything holds";
        check_fails: "{} 项未通过", "{} do not hold";
        check_state: "结果", "Result";
        check_item: "项目", "What";
        check_found: "内容与建议", "Found, and what to do";
        holds: "通过", "holds";
        noted: "注意", "note";
        unseen: "看不到", "unseen";
        fails: "未通过", "fails";
    }
}
