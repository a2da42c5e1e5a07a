//! The states of an event.

use super::texts;

texts! {
    /// The states, and what is said of them.
    StatusWords {
        queued: "待同步", "Queued";
        running: "同步中", "Running";
        retrying: "等待重试", "Retrying";
        blocked: "暂停：缺设置", "Blocked";
        paused: "派发已暂停", "Dispatch paused";
        succeeded: "已同步", "Succeeded";
        held: "等待转客户", "Waiting for promotion";
        needs_review: "待处理", "To decide";
        not_admitted: "未准入", "Not admitted";
        dead: "同步失败", "Failed";
        discarded: "已放弃", "Discarded";
        ignored: "无需处理", "Ignored";
        attempt: "第 {} 次尝试：{}", "attempt {} at {}";
        help_queued: "按接收顺序排队，轮到后写入 ERP", "Waits for its turn, then goes into the ERP";
        help_running: "正在写入 ERP", "Is being written to the ERP";
        help_retrying: "上次未成功，到时自动再试，无需处理", "The last try failed; it is tried again by itself";
        help_blocked: "缺 ERP 的设置，如选项或权限；改好后自动继续", "The ERP's settings lack something, such as a choice or a right; it goes on by itself once they are right";
        help_paused: "有人暂停了派发，结束后按顺序自动继续", "Somebody has paused dispatch; it goes on in order once that ends";
        help_succeeded: "已写入 ERP 并读回核对", "Is in the ERP, and was read back";
        help_held: "联系人成为客户后，按顺序自动写入", "Goes into the ERP, in order, once the contact is a customer";
        help_needs_review: "需要人来决定，决定后继续", "A person has to decide; then it goes on";
        help_not_admitted: "不符合准入条件，没有写入 ERP", "The admission rules kept it out of the ERP";
        help_dead: "不会再自动重试，排除原因后可重试", "Is not tried again by itself; remove the cause, then replay it";
        help_discarded: "有人放弃了它，或等待超时", "Somebody gave it up, or it waited for too long";
        help_ignored: "这种类型无需写入 ERP", "Events of this type do not go into the ERP";
    }
}
