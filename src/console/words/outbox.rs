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
        none_waiting: "没有待发送的消息", "Nothing waits";
        replay: "重发", "Send again";
        discard: "放弃", "Give up";
        discard_what: "消息不再发送，对方不会得知此事", "It is not sent any more: nobody will be told";
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

/// What a message tells of; one that nobody knows is called as the ledger does.
pub(in crate::console) fn told(lang: Lang, kind: &str) -> &str {
    match kind {
        "contact.linked" => lang.pick("联系人已建档", "contact linked"),
        "event.succeeded" => lang.pick("事件已同步", "event synchronised"),
        "event.not_admitted" => lang.pick("事件未准入", "event not admitted"),
        "event.dead" => lang.pick("事件失败", "event failed"),
        "event.needs_review" => lang.pick("事件待人工处理", "event needs a decision"),
        other => other,
    }
}
