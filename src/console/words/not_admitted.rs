//! Whom the rules kept out.

use super::texts;

texts! {
    /// What was not admitted.
    NotAdmittedWords {
        title: "未准入", "Not admitted";
        csv: "下载 CSV", "Download CSV";
        by_rule: "各规则挡下的事件", "Events that each rule kept out";
        counted: "统计最近 {} 条事件，{} 个客户；一条事件可能不符合多条规则", "Of the newest {} events, {} contacts; an event may fail several rules";
        more: "更早的未统计", "older ones are not counted";
        what_if: "如果换一套规则", "What if the rules were others";
        sampled: "只试算最近 {} 条未准入的事件，更早的不算在内；上面按规则的统计看最近 {} 条，两边的数不能直接相减", "Only the newest {} events that were kept out are judged, and no older ones; the counts by rule above are of the newest {}, so that one cannot be taken from the other";
        score: "评分不低于", "Score at least";
        set: "必须全部符合（都不选则用现在的规则）", "All of (none chosen: the rules of now)";
        ask: "试算", "Work it out";
        would_admit: "另有 {} 条事件、{} 个客户会准入", "{} more events of {} contacts would be admitted";
        gone: "{} 条的内容已删除，无法判断", "{} have lost their content and cannot be judged";
        looked_at: "按客户现在的情况重新判断了最近 {} 条，没有写入任何数据", "The newest {} were judged anew as their contacts stand now; nothing was written";
        rules: "不符合", "Fails";
        unmet: "不符合：{}", "Fails: {}";
        event: "事件", "Event";
        kind: "类型", "Type";
        contact: "联系人编号", "Contact's id";
        why: "原因", "Why";
        received: "收到", "Received";
        none: "没有未准入的事件", "Nobody was kept out";
        none_hint: "不符合准入条件的事件会出现在这里，并写明原因", "Events that the rules refuse will stand here, with the reason";
    }
}
