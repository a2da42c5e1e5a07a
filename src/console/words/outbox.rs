//! What others are told, and could not be told.

use super::{Lang, texts};

texts! {
    /// The outbox.
    OutboxWords {
        title: "回写与告警", "Messages out";
        dead: "未送达", "Not delivered";
        waiting: "待发送", "Waiting";
        to: "发给", "To";
        what: "内容", "What";
        about: "关于", "About";
        attempts: "· 已发 {} 次", "· sent {} times";
        outcome: "最近结果", "Last outcome";
        written: "写入", "Written";
        next: "下次发送", "Next attempt";
        after_older: "等待同一联系人之前的消息", "after an older one of its contact";
        none_dead: "没有未送达的消息", "Everything was delivered";
        none_dead_hint: "平台或告警机器人没有收下的消息会出现在这里，可以重发或放弃", "What the platform or an alert robot did not take will stand here, to be sent again or given up";
        none_waiting: "没有待发送的消息", "Nothing waits";
        none_waiting_hint: "回写和告警在送达之前会出现在这里", "What others are to be told will stand here until it is delivered";
        replay: "重发", "Send again";
        discard: "放弃", "Give up";
        discard_what: "消息不再发送，对方不会得知此事", "It is not sent any more: nobody will be told";
        replay_all: "重发全部（{}，{} 条）", "Send all again ({}, {})";
        replay_all_what: "按写入的顺序重发，同一联系人的消息不会颠倒", "They go in the order of their writing: those of a contact stay in order";
        test: "测试告警", "Test the alerts";
        test_what: "给 [[alerts.targets]] 中的每个目标发一条测试消息；每分钟最多三次，并写入审计记录", "Sends every target of [[alerts.targets]] a test message; three times a minute at most, and audited";
        test_help: "有哪些告警，怎么办", "Which alerts there are, and what to do";
        test_go: "发送测试消息", "Send a test message";
        test_none: "没有配置告警目标（alerts.targets），出了问题没有人会收到消息", "No target is configured (alerts.targets): nobody is told when something is wrong";
        test_target: "目标", "Target";
        test_host: "地址", "Host";
        test_taken: "已收到", "Taken";
        test_refused: "未送达", "Refused";
        done_replayed: "已放回待发送，马上重发", "Waiting again: it is sent at once";
    }
}

/// Whom a message is for, as the ledger names them.
pub(in crate::console) fn addressee(lang: Lang, to: &str) -> &str {
    match to {
        "platform" => lang.pick("微信中台", "the platform"),
        "alerts" => lang.pick("告警机器人", "alert robots"),
        other => other,
    }
}

/// What a target of alerts is called.
pub(in crate::console) fn robot(lang: Lang, kind: &'static str) -> &'static str {
    match kind {
        "wecom" => lang.pick("企业微信", "WeCom"),
        "dingtalk" => lang.pick("钉钉", "DingTalk"),
        "feishu" => lang.pick("飞书", "Feishu"),
        other => other,
    }
}

/// What a message tells of; one that nobody knows is called as the ledger does.
pub(in crate::console) fn told(lang: Lang, kind: &str) -> &str {
    match kind {
        "contact.linked" => lang.pick("联系人已建档", "contact linked"),
        "event.succeeded" => lang.pick("事件已同步", "event synchronised"),
        "event.not_admitted" => lang.pick("事件未准入", "event not admitted"),
        "event.dead" => lang.pick("同步失败", "event failed"),
        "event.needs_review" => lang.pick("事件待人工处理", "event needs a decision"),
        other => other,
    }
}
