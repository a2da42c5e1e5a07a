//! Who did what.

use super::{Lang, texts};

texts! {
    /// The audit log.
    AuditWords {
        title: "审计", "Audit";
        of_this: "谁做了什么", "Who did what";
        csv: "下载 CSV", "Download CSV";
        at: "时间", "When";
        who: "谁", "Who";
        address: "来源地址", "From";
        action: "操作", "What";
        action_code: "操作代码", "Code";
        any_action: "全部操作", "Everything";
        subject: "对象", "To what";
        subject_hint: "完整的事件或联系人编号", "the whole id of an event or contact";
        reason: "原因", "Why";
        none_yet: "还没有操作，谁做了什么会记录在这里", "Nothing yet: who did what will stand here";
        none_match: "没有符合条件的记录", "Nothing matches";
    }
}

/// What is audited, as the ledger names it.
const ACTIONS: &[(&str, &str, &str)] = &[
    ("console.sign_in", "登录控制台", "Signed in"),
    ("console.offer", "生成登录链接", "Made a link to sign in"),
    ("event.unmask", "查看事件原文", "Saw an event in clear"),
    ("contact.unmask", "查看联系人原文", "Saw a contact in clear"),
    ("contact.look", "查看 ERP 现在的资料", "Saw what the ERP holds"),
    ("rejections.unmask", "查看无效请求原文", "Saw rejections in clear"),
    ("preview", "预览事件", "Previewed an event"),
    ("event.replay", "重试事件", "Replayed an event"),
    ("event.discard", "放弃事件", "Discarded an event"),
    ("event.resolve", "决定事件", "Decided an event"),
    ("event.amend", "更正并重跑", "Corrected an event"),
    ("event.replan", "重新规划并重试", "Planned an event anew"),
    ("replay.create", "创建重放", "Made a replay"),
    ("replay.start", "开始重放", "Started a replay"),
    ("replay.pause", "暂停重放", "Paused a replay"),
    ("replay.resume", "继续重放", "Let a replay go on"),
    ("replay.stop", "停止重放", "Stopped a replay"),
    ("contact.sync", "手动同步", "Synchronised by hand"),
    ("contact.force_sync", "强制同步", "Forced a sync"),
    ("contact.assign", "客户指派", "Assigned a contact"),
    ("contact.apply", "客户申请", "Applied for a contact"),
    ("contact.approval", "客户审批", "Approved a contact"),
    ("contact.takeback", "客户收回", "Took a contact back"),
    ("contact.adopt", "认领客户", "Adopted a contact"),
    ("contacts.adopt", "批量认领", "Adopted contacts"),
    ("contact.relink", "改关联", "Linked anew"),
    ("contact.unlink", "解除关联", "Unlinked a contact"),
    ("contact.erase", "清除个人数据", "Erased a contact"),
    ("erp.check", "检查 ERP 连接", "Checked the ERP"),
    ("erp.resume", "恢复派发", "Resumed dispatch"),
    ("dispatch.pause", "暂停派发", "Paused dispatch"),
    ("dispatch.resume", "继续派发", "Went on after a pause"),
    ("alerts.test", "测试告警", "Tested the alerts"),
    ("outbox.replay", "重发消息", "Delivered a message again"),
    ("outbox.discard", "放弃消息", "Gave a message up"),
];

/// What a deed is called; one that nobody knows is called as the ledger does.
pub(in crate::console) fn action(lang: Lang, name: &str) -> &str {
    ACTIONS.iter().find(|row| row.0 == name).map_or(name, |(_, zh, en)| lang.pick(zh, en))
}

/// The deeds that a person may choose from.
pub(in crate::console) fn actions(lang: Lang) -> impl Iterator<Item = (&'static str, &'static str)> {
    ACTIONS.iter().map(move |(name, zh, en)| (*name, lang.pick(zh, en)))
}
