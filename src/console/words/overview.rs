//! Whether everything is all right.

use super::texts;

texts! {
    /// The overview.
    OverviewWords {
        title: "总览", "Overview";
        all_right: "一切正常", "Everything is all right";
        all_right_what: "收到的事件都在按顺序写入 ERP", "What comes is being written to the ERP, in order";
        needs_you: "有 {} 件事需要你处理", "{} things need you";
        needs_you_go: "去处理", "Go through them";
        stopped: "现在不能写入 ERP", "Nothing can be written to the ERP now";
        stopped_what: "事件照常接收，恢复后按顺序自动写入", "Events are accepted as usual, and written in order once it is back";
        some_wait: "部分事件在等待", "Some events wait";
        some_wait_blocks: "ERP 的设置有问题，需要它的事件已暂停，修好后自动继续", "Something is wrong with the ERP's settings: what needs it waits, and goes on by itself";
        some_wait_pauses: "有人暂停了部分派发，恢复后按顺序自动写入", "Somebody paused a part of the dispatch: what is paused waits, and goes on in order";
        undelivered: "有 {} 条消息没有送达微信中台", "{} messages could not be delivered to the platform";
        undelivered_what: "中台还不知道这些结果；排除原因后重发，或放弃", "It does not know of them: remove the cause and send them again, or give them up";
        all_silent: "微信中台长时间没有推送", "The platform has been silent for long";
        all_silent_what: "已收到的事件照常写入 ERP", "What came before is being written to the ERP";
        states: "事件", "Events";
        as_of: "统计于", "counted";
        oldest: "等得最久的事件", "The event that has waited longest";
        oldest_none: "没有等待的事件", "No event is waiting";
        oldest_why: "还没写入 ERP 的原因", "Why it is not in the ERP yet";
        oldest_waits: "已等待 {}", "waits for {}";
        trends: "走势", "How it went";
        last_hour: "最近一小时", "Last hour";
        last_day: "最近一天", "Last day";
        last_month: "最近 30 天", "Last 30 days";
        chart_outcomes: "事件的结果", "What became of events";
        chart_spans: "从收到到写入 ERP", "From arrival to the ERP";
        chart_sentence: "收到 {}，已同步 {}，未准入 {}，待处理 {}，同步失败 {}", "{} received, {} synchronised, {} not admitted, {} to decide, {} failed";
        p50: "一半不超过", "Half within";
        p90: "九成不超过", "90% within";
        p99: "99% 不超过", "99% within";
        over_a_month: "超过 30 天", "more than 30 days";
        as_table: "以表格查看", "The same as a table";
        begin: "开始于", "From";
        received: "收到", "Received";
        let_in: "可以进入 ERP", "May go into the ERP";
        in_erp: "已写入 ERP", "In the ERP";
        funnel: "从平台到 ERP", "From the platform into the ERP";
        kept_out: "被哪条规则挡住", "Which rule kept them out";
        kept_out_go: "查看未准入的客户", "Whom they kept out";
        figures: "数字", "Figures";
        received_hour: "最近一小时收到", "Received in the last hour";
        succeeded_hour: "最近一小时已同步", "Succeeded in the last hour";
        contacts: "已关联客户", "Linked contacts";
        rejections: "无效请求", "Invalid requests";
        in_flight: "正在处理", "In hand";
        in_flight_of: "{} / {}", "{} / {}";
        sender: "微信平台", "The platform";
        last_webhook: "最近一次来消息", "Last heard of";
        never: "还没有收到过", "never yet";
        silent: "很久没有消息了，请检查平台的推送", "Silent for too long: look at its deliveries";
        gaps: "序号有缺", "Numbers are missing";
        gap: "{}：{} 与 {} 之间", "{}: between {} and {}";
    }
}
