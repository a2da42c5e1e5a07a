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
        search_hint: "编号、联系人、错误", "id, contact, error";
        search_where: "搜索事件编号、Webhook 编号、联系人编号、错误代码和错误原文", "Searches event ids, webhook ids, contact ids, error codes and the words of errors";
        search_where_read: "搜索事件编号、Webhook 编号、联系人编号和错误代码", "Searches event ids, webhook ids, contact ids and error codes";
        any_kind: "所有类型", "All types";
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
        none_match: "没有符合条件的事件", "No event matches";
        none_yet: "还没有事件", "No events yet";
        none_yet_hint: "微信平台发来的事件会出现在这里，最新的在最上面", "What the platform sends will stand here, the newest on top";
        none_trouble: "没有出问题的事件", "Nothing is in trouble";
        chip_contact: "联系人 {}", "Contact {}";
        not_live: "这是较早的一页，不会自动更新", "This is an older page: it does not follow new events";
    }
}
