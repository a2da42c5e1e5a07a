//! The list of events.

use super::texts;

texts! {
    /// The list of events.
    EventsWords {
        title: "事件", "Events";
        preset_all: "全部", "All";
        preset_trouble: "有问题", "In trouble";
        preset_waiting: "等待中", "Waiting";
        search: "搜索", "Search";
        search_hint: "姓名、手机、微信号、单号、编号、错误", "name, phone, WeChat id, deal, id, error";
        search_hint_read: "编号、联系人、客户编号", "id, contact, customer number";
        search_where: "联系人的全部事件可按姓名、手机、微信号查到（未关联的以其内容仍留存为限），已关联的还可按客户编号、客户 ID 查到，成交可按单号（交易编号）查到；消息编号在最近一千条有内容的事件中查；编号和错误原文在最近 20,000 条中查", "All events of a contact are found by its name, phone and WeChat id (of one that is not linked while a body of it is kept), of a linked one by customer number and id, too, deals by their ids; messages by their ids in the newest thousand events that have a body; other ids and errors among the newest 20,000";
        search_where_read: "搜索事件编号、Webhook 编号、联系人编号、客户编号、客户 ID 和错误代码", "Searches event ids, webhook ids, contact ids, customer numbers and ids, and error codes";
        any_kind: "所有类型", "All types";
        cause: "原因", "Cause";
        any_cause: "所有原因", "All causes";
        kind: "类型", "Type";
        status: "状态", "State";
        contact: "联系人", "Contact";
        received: "收到", "Received";
        since: "从", "From";
        until: "到", "Until";
        note: "说明", "Note";
        apply: "筛选", "Filter";
        clear: "清除筛选", "Clear";
        older: "更早的", "Older";
        newest: "回到最新", "Newest";
        newer: "更新的", "Newer";
        oldest: "回到最早", "Oldest";
        oldest_first: "最早的在最上面", "The oldest on top";
        newest_first: "最新的在最上面", "The newest on top";
        to_oldest_first: "改为最早的在前", "Show the oldest first";
        to_newest_first: "改为最新的在前", "Show the newest first";
        none_match: "没有符合条件的事件", "No event matches";
        none_here: "这 20,000 条事件中没有符合条件的，更早的还没有查", "None of these 20,000 events matches; older ones were not looked at yet";
        none_here_oldest: "这 20,000 条事件中没有符合条件的，后面的还没有查", "None of these 20,000 events matches; later ones were not looked at yet";
        cut_oldest: "每次查 20,000 条事件，后面的还没有查", "20,000 events are looked through at a time; later ones were not looked at yet";
        cut: "每次查 20,000 条事件，更早的还没有查", "20,000 events are looked through at a time; older ones were not looked at yet";
        none_yet: "还没有事件", "No events yet";
        none_yet_hint: "微信平台发来的事件会出现在这里，最新的在最上面", "What the platform sends will stand here, the newest on top";
        none_trouble: "没有出问题的事件", "Nothing is in trouble";
        choose: "勾选", "Tick";
        choose_page: "勾选本页全部", "Tick the whole page";
        choose_all: "全部符合条件的，不只本页", "All that match, not this page only";
        bulk_replay: "批量重放", "Replay many";
        bulk_count: "约 {} 条，{}统计", "About {}, counted {}";
        bulk_replay_effect: "可以重放的事件会成为一次重放", "What can be replayed becomes a replay";
        bulk_replay_what: "先看预计写入什么，确认后才开始；每秒最多放回 50 条，新事件优先。等待重试的会提前再试；已同步、还没轮到和需要决定的事件不受影响", "You see first what it would write, and nothing begins before you say so; fifty a second at most go back, fresh events first. What waits for its next try is tried sooner; what succeeded, waits for its turn or needs a decision stays as it is";
        bulk_replay_go: "先看会写入什么", "See first what it would write";
        bulk_discard: "批量放弃", "Discard many";
        bulk_discard_effect: "这些事件将被放弃", "These events will be given up";
        bulk_discard_what: "不再写入 ERP，同一联系人后面的事件照常继续；以后仍可以重放。已同步、同步中的事件不受影响", "They will not go into the ERP; later events of their contacts go on, and they can still be replayed. What succeeded or is being written stays as it is";
        bulk_discard_go: "放弃这些事件", "Discard these events";
        bulk_none: "选中的事件现在都不能这样做，可能有人刚刚处理过", "None of them can be done so now: somebody may have just decided";
        bulk_none_match: "符合条件的事件中没有“{}”的，要处理其他状态请先在列表中筛选", "None of those that match is in this state: {}. Choose another one in the list first";
        cancel: "取消", "Cancel";
        chip_off: "去掉此条件", "take this off";
        chip_search: "搜索：{}", "Search: {}";
        chip_kind: "类型：{}", "Type: {}";
        chip_since: "从 {}", "From {}";
        chip_until: "到 {}", "Until {}";
        chip_contact: "联系人 {}", "Contact {}";
        chip_cause: "原因：{}", "Cause: {}";
        chip_states: "状态：{}", "State: {}";
        not_live_oldest: "这是后面的一页，不会自动更新", "This is a later page: it does not follow new events";
        not_live: "这是较早的一页，不会自动更新", "This is an older page: it does not follow new events";
    }
}
