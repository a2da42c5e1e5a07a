//! What stands around every page.

use super::texts;

texts! {
    /// The frame.
    FrameWords {
        product: "ERP 同步", "ERP Bridge";
        skip: "跳到内容", "Skip to content";
        nav: "页面", "Pages";
        nav_overview: "总览", "Overview";
        nav_todo: "待处理", "To do";
        nav_events: "事件", "Events";
        nav_contacts: "客户", "Contacts";
        nav_not_admitted: "未准入", "Not admitted";
        nav_replays: "重放", "Replays";
        nav_erp: "ERP 连接", "ERP";
        nav_audit: "审计", "Audit";
        nav_settings: "配置", "Settings";
        language: "English", "中文";
        sign_out: "退出", "Sign out";
        scope_read: "只读", "read only";
        scope_operate: "可操作", "may operate";
        live: "实时", "Live";
        live_behind: "落后 {}，回到实时", "{} behind – back to live";
        live_paused: "已暂停，点击继续", "Paused – go on";
        live_lost: "连接断开 {}，正在重连", "Connection lost for {} – reconnecting";
        help: "帮助", "Help";
        help_more: "说明", "More about it";
        manual: "运维手册（英文）", "Operations manual";
        codes: "错误代码", "Codes";
        keys: "快捷键", "Keys";
        keys_row: "下一条、上一条", "next, previous";
        keys_open: "打开", "open";
        keys_search: "搜索", "search";
        keys_help: "打开或关闭本帮助", "open or close this help";
        keys_close: "关闭", "Close";
        copy: "复制", "Copy";
        copied: "已复制", "Copied";
        empty: "--", "--";
        reason: "原因", "Reason";
        reason_hint: "写入审计记录", "kept in the audit log";
        just_now: "刚刚", "just now";
        seconds_ago: "{} 秒前", "{} s ago";
        minutes_ago: "{} 分钟前", "{} min ago";
        hours_ago: "{} 小时前", "{} h ago";
        in_minutes: "{} 分钟后", "in {} min";
        in_seconds: "{} 秒后", "in {} s";
        milliseconds: "{} 毫秒", "{} ms";
        seconds: "{} 秒", "{} s";
        minutes: "{} 分钟", "{} min";
        hours: "{} 小时", "{} h";
        days: "{} 天", "{} d";
        banner_login: "ERP 拒绝登录，已停止派发", "The ERP refuses the login: nothing is sent";
        banner_login_next: "在 ERP 手工登录一次，改正账号密码后恢复派发", "Log in by hand once, correct the credentials, then resume";
        banner_circuit: "ERP 无响应，已暂停派发，恢复后自动继续", "The ERP does not answer: sending is paused and goes on by itself";
        banner_quiet: "现在是免打扰时段，结束后自动继续", "Quiet hours: sending goes on by itself afterwards";
        banner_paused: "已暂停派发", "Sending is paused";
        banner_block: "ERP 的设置有问题，相关事件暂停等待", "Something is wrong with the ERP's settings: the events that need it wait";
        banner_store: "数据库无法写入，新事件暂时不能接收", "The database cannot be written: no event is accepted now";
        banner_full: "积压或磁盘已满，新事件暂时不能接收", "The backlog or the disk is full: no event is accepted now";
        banner_untold: "告警发不出去，没有一个目标接收", "Alerts reach nobody: no target takes them";
        banner_untold_next: "查看原因，改正 alerts.targets 后用“测试”确认，再重发或放弃", "See why, put alerts.targets right, test them, then replay or discard";
        banner_see: "查看", "Look";
        error_title: "无法完成", "This cannot be done";
        error_back: "返回", "Back";
        error_foreign: "此操作不是从本页面发出的，请刷新页面后重试。", "This was not sent from a page of the console: reload the page and try again.";
        error_no_page: "没有这个页面。", "There is no such page.";
        error_state: "该事件现在是“{}”，不能这样做", "This is not possible while the event is: {}";
        error_changed: "可能有人刚刚处理过，请查看最新状态。", "Somebody may have just decided: look at how it stands now.";
        sign_in: "登录", "Sign in";
        sign_in_token: "访问令牌", "Access token";
        sign_in_hint: "由管理员在配置 [api] tokens 中发放；不会保存在浏览器里", "Issued by your administrator in [api] tokens; it is not kept in the browser";
        sign_in_link: "此链接只能登录一次，几分钟内有效", "This link signs in once, within some minutes";
        sign_in_link_over: "链接已用过或已过期，请用访问令牌登录", "The link was used or is over: sign in with a token";
        done_replayed: "已放回队列，马上重试", "Back in the queue: it is tried at once";
        done_amended: "已更正，重新写入 ERP", "Corrected: it is run again";
        done_replanned: "已放回队列，按现在的配置重新规划", "Back in the queue, to be planned anew";
        done_discarded: "已放弃", "Given up";
        done_resolved: "已决定，事件继续处理", "Decided: the event goes on";
        done_sent: "已提交，进展见下", "Sent: see how it goes below";
        done_unlinked: "已解除关联", "Unlinked";
        done_erased: "已清除", "Erased";
        done_paused: "已暂停，事件照常接收", "Paused: events are accepted as usual";
        done_unpaused: "已继续", "Going on";
        done_resumed: "已恢复派发", "Sending is resumed";
    }
}
