//! One event.

use super::texts;

texts! {
    /// One event.
    EventWords {
        journey: "经过", "Journey";
        content: "内容", "Content";
        content_gone: "内容已按保留期删除", "The content was deleted when its time was over";
        raw: "原始请求", "Raw request";
        ids: "编号", "Ids";
        event_id: "事件编号", "Event id";
        webhook_id: "Webhook 编号", "Webhook id";
        all_of_contact: "此联系人的全部事件", "All events of this contact";
        received: "收到", "Received";
        by_webhook: "微信平台发来，签名有效", "From the platform; the signature is right";
        by_token: "由 {} 提交", "Sent by {}";
        forced: "按要求跳过准入条件", "Admission was skipped on request";
        admission: "准入", "Admission";
        admitted: "符合准入条件", "Admitted";
        not_admitted: "不符合准入条件", "Not admitted";
        warnings: "有内容未按原样采用", "Some of it was not taken as it came";
        time_queue: "排队", "Queue";
        time_own: "本桥", "Bridge";
        time_erp: "ERP", "ERP";
        time_total: "共 {}", "{} in all";
        step_planned: "未开始", "Not begun";
        step_started: "已发出，待核实", "Begun, to be looked up";
        calls_cut: "更早的调用未显示", "Earlier calls are not shown";
        calls_earlier: "更早的 {} 次调用未显示", "{} earlier calls are not shown";
        sent_fields: "发送的字段", "Fields sent";
        answer: "ERP 的应答", "The ERP's answer";
        ended_succeeded: "已写入 ERP 并核对", "In the ERP, and read back";
        ended_dead: "同步失败，不再自动重试", "Failed; not tried again by itself";
        ended_review: "需要你来决定", "You have to decide";
        ended_discarded: "已放弃", "Given up";
        ended_ignored: "这种类型无需写入 ERP", "Nothing to do for this type";
        ended_not_admitted: "没有写入 ERP", "Not written to the ERP";
        next_queued: "等待轮到", "Waits for its turn";
        next_earlier: "排在此联系人更早的事件之后（{}）", "Behind an older event of this contact ({})";
        next_earlier_see: "查看更早的事件", "See the older event";
        next_paused: "派发已被人工暂停，恢复后自动继续", "Somebody has paused it; it goes on once that ends";
        next_paused_until: "暂停到 {}", "paused until {}";
        next_retry: "下次尝试 {}", "Next try {}";
        next_running: "正在写入 ERP", "Being written to the ERP";
        next_held: "联系人成为客户后继续，最迟等到 {}", "Goes on once the contact is a customer, until {} at the latest";
        next_held_open: "联系人成为客户后继续", "Goes on once the contact is a customer";
        next_blocked: "ERP 的设置改好后自动继续", "Goes on by itself once the ERP's settings are right";
        what_to_do: "怎么办", "What to do";
        replay: "立即重试", "Try now";
        amend: "更正并重跑", "Correct and run again";
        amend_what: "原来收到的内容会保留。已经写入 ERP 的步骤不会重做，其余按更正后的内容重新规划", "What came is kept beside it. What is in the ERP already is not done again, the rest is planned anew";
        amend_go: "更正并重跑", "Correct and run again";
        amended: "已更正", "Corrected";
        raw_amended: "更正后的内容", "As it was corrected";
        replan: "重新规划并重试", "Plan anew and try";
        replan_what: "按现在的配置重新规划还没有完成的步骤，已经写入 ERP 的不会重做", "Plans what is not done yet by the configuration of now; what is in the ERP already is not done again";
        discard: "放弃", "Discard";
        discard_what: "不再写入 ERP，此联系人后面的事件照常继续", "It will not go into the ERP; later events of the contact go on";
        done: "已生效，继续", "It took effect: go on";
        done_what: "你在 ERP 中看到了这一步的结果", "You see its result in the ERP";
        resend: "未生效，重新发送", "It did not: send it again";
        resend_what: "你在 ERP 中没有找到这一步的结果", "You do not find its result in the ERP";
        recreate: "都不是，新建客户", "None of them: create a customer";
        recreate_what: "在 ERP 中新建一个客户，并关联此联系人", "Makes a new customer in the ERP and links the contact";
        link: "关联到此客户", "Link this customer";
        link_other: "关联到其他客户", "Link another customer";
        link_what: "客户 ID（ERP 中的 ord）", "The customer's id (ord in the ERP)";
        fills: "关联后，ERP 中还空着的会补上：{}；已有的不改", "A link fills in what is empty in the ERP: {}; what is there stays";
        fills_nothing: "只关联，不改客户资料", "Only linked: the customer's own fields stay as they are";
        candidates: "可能是同一客户", "May be the same customer";
        customer: "客户", "Customer";
        contact_here: "此联系人", "This contact";
        salesperson: "销售", "Salesperson";
        added: "建档时间", "Added";
        now_go: "看 ERP 现在的资料", "See what the ERP holds now";
        now_title: "ERP 现在的资料", "What the ERP holds now";
        now_wanted: "此事件写入的字段", "The fields that this event has sent";
        now_field: "字段", "Field";
        now_sent: "写入时", "As sent";
        now_held: "ERP 现在", "In the ERP now";
        now_empty: "（空）", "(empty)";
        now_others: "ERP 中的其他字段", "Other fields in the ERP";
        now_nothing: "没有其他有内容的字段", "No other field is filled";
        question_step: "待确认的步骤：{}", "The step in question: {}";
    }
}
