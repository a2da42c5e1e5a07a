//! What waits for a person, by cause.

use super::texts;

texts! {
    /// What waits for a person.
    TodoWords {
        title: "待处理", "To do";
        nothing: "没有待处理的事", "Nothing to do";
        nothing_hint: "需要你决定或处理的事件会出现在这里", "What needs you will stand here";
        alike: "同类 {} 条", "{} alike";
        blocked: "改好后自动继续", "goes on by itself";
        replay_all: "全部重试", "Try all again";
        replay_all_what: "约 {} 条失败的事件放回队列，每秒最多 50 条，新事件优先。需要决定的事件不受影响", "About {} failed events go back into the queue, fifty a second at most, fresh events first. Events that need a decision stay";
        first: "从第一条开始", "Begin with the first";
        keys: "快捷键", "Keys";
        keys_list: "j 下一条 · k 上一条 · Enter 打开 · / 搜索 · ? 本帮助", "j next · k previous · Enter open · / search · ? this help";
    }
}
