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
        states: "事件", "Events";
        as_of: "统计于", "counted";
        oldest: "等得最久的事件", "The event that has waited longest";
        oldest_none: "没有等待的事件", "No event is waiting";
        oldest_why: "还没写入 ERP 的原因", "Why it is not in the ERP yet";
        oldest_waits: "已等待 {}", "waits for {}";
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
