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
        replay_all: "重放这个原因", "Replay this cause";
        replay_look: "先看会写入什么", "See first what it would write";
        replay_all_what: "约 {} 条失败的事件放回队列，先看预计写入什么，确认后才开始；每秒最多 50 条，新事件优先。需要决定的事件不受影响", "About {} failed events go back into the queue, once you have seen what they would write; fifty a second at most, fresh events first. Events that need a decision stay";
        first: "从最早的开始", "Begin with the oldest";
        next: "先看下一条", "Next";
        all: "以上是最早的 50 条，查看全部", "These are the oldest 50: see all";
    }
}
