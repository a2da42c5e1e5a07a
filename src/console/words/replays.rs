//! Many events put back as one thing.

use super::texts;

texts! {
    /// Replays.
    ReplaysWords {
        title: "重放", "Replays";
        error_state: "该重放现在是“{}”，不能这样做", "This is not possible while the replay is: {}";
        one: "一次重放", "A replay";
        none_yet: "还没有重放", "No replays yet";
        none_yet_hint: "在“待处理”里选一个原因即可重放，每次重放会出现在这里", "Choose a cause in “To do” to replay it: every replay will stand here";
        state: "状态", "State";
        filter: "范围", "Which events";
        chosen: "勾选的 {} 条", "{} ticked events";
        cause: "原因", "Cause";
        progress_title: "进度", "Progress";
        progress: "已放回 {} / {}", "{} of {} put back";
        passed: "跳过 {}", "{} passed over";
        by: "发起人", "By";
        created: "创建于", "Made";
        draft: "待开始", "Draft";
        draft_what: "共 {} 条，还没有开始；开始前可以先看看会写入什么", "{} events, not begun: see first what it would write";
        running: "进行中", "Running";
        running_what: "每秒最多放回 50 条，新事件优先", "Fifty a second at most go back; fresh events first";
        still_login: "现在没有进展：ERP 拒绝登录，恢复派发后自动继续", "Stands still: the ERP refuses the login; it goes on once dispatch is resumed";
        still_circuit: "现在没有进展：ERP 无响应，恢复后自动继续", "Stands still: the ERP does not answer; it goes on by itself";
        still_quiet: "现在没有进展：免打扰时段，结束后自动继续", "Stands still: quiet hours; it goes on afterwards";
        still_paused: "现在没有进展：派发已被暂停，有人继续后自动进行", "Stands still: dispatch is paused; it goes on once somebody ends that";
        still_parked: "现在没有进展：很多客户因 ERP 设置问题或暂停在等，解决后自动继续", "Stands still: many contacts wait for the ERP's settings or for a pause; it goes on once that is over";
        still_busy: "新事件优先：很多客户正在排队，空出来后自动继续", "Fresh events first: many contacts wait for their turn; it goes on as they are done";
        paused: "已暂停", "Paused";
        paused_what: "还有 {} 条没有放回", "{} are not put back yet";
        stopped: "已停止", "Stopped";
        stopped_what: "有 {} 条没有放回，保持原样", "{} were not put back and stay as they were";
        done: "已完成", "Done";
        done_what: "全部已放回，结果见下", "All were put back: see what became of them";
        more: "符合条件的超过 10,000 条，这次只包含最早的", "More than 10,000 match: these are the oldest";
        start: "开始重放", "Start";
        pause: "暂停", "Pause";
        resume: "继续", "Go on";
        stop: "停止", "Stop";
        stop_what: "停止后不能继续，没有放回的保持原样", "It cannot go on afterwards; what was not put back stays as it is";
        forecast_title: "预计写入", "What it is expected to write";
        forecast_hint: "根据本桥的记录推算，没有询问 ERP；ERP 已有的客户会被关联而不是新建", "By what the bridge knows: the ERP is not asked; a customer that it has already is linked instead";
        create: "新建客户", "New customer";
        fill: "补全资料", "Fill in";
        record: "洽谈记录", "Progress record";
        order: "指派等操作", "Order";
        skip: "不写入", "Nothing";
        outcomes: "放回后的结果", "What became of them";
        outcomes_none: "还没有放回的事件", "None is put back yet";
        events: "其中的事件", "Its events";
        event: "事件", "Event";
        kind: "类型", "Type";
        contact: "联系人", "Contact";
        forecast: "预计", "Expected";
        in_replay: "重放", "Replay";
        outcome: "现在", "Now";
        why: "说明", "Why";
        waiting: "未放回", "Waits";
        put_back: "已放回", "Put back";
        passed_over: "跳过", "Passed over";
        pruned: "已过保留期", "pruned";
        csv: "下载 CSV", "Download CSV";
        next: "后面的", "Further";
        first: "回到开头", "From the begin";
    }
}
