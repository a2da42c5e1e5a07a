//! What the help says of what stops everything, of each alert, and of every problem that a request is answered with.

use super::Lang;

/// What something is, and what to do about it, in both languages.
pub(in crate::console) struct Entry {
    /// Its place in the help.
    pub(in crate::console) code: &'static str,
    what: (&'static str, &'static str),
    next: (&'static str, &'static str),
}

impl Entry {
    /// What it is.
    pub(in crate::console) const fn what(&self, lang: Lang) -> &'static str {
        lang.pick(self.what.0, self.what.1)
    }

    /// What to do about it.
    pub(in crate::console) const fn next(&self, lang: Lang) -> &'static str {
        lang.pick(self.next.0, self.next.1)
    }
}

const fn entry(code: &'static str, what: (&'static str, &'static str), next: (&'static str, &'static str)) -> Entry {
    Entry { code, what, next }
}

/// What stops everything, or keeps everybody in the dark, and what people are told of by alerts, by its name there.
pub(in crate::console) static TOPICS: [Entry; 11] = [
    entry(
        "circuit_open",
        ("ERP 无响应，已暂停派发", "The ERP does not answer, and sending is paused"),
        (
            "事件照常接收并按顺序等待，不消耗重试次数；每隔一段时间试探一次，ERP 恢复后自动继续。请管理员检查 ERP 服务器、网络和 erp.base_url；计划内的维护请设 erp.quiet_hours",
            "Events are accepted and wait in order, and no try is counted; one cheap call after each pause finds out when it is back, and all go on by themselves. Have the ERP's server, the network and erp.base_url looked after; for planned maintenance set erp.quiet_hours",
        ),
    ),
    entry(
        "paused",
        ("有人暂停了派发", "Somebody has paused sending"),
        (
            "“ERP 连接”页写着谁、为什么、到什么时候。事件照常接收并按顺序等待，到时自动继续；需要提前继续时在该页点“继续”",
            "The page of the ERP connection says who, why and until when. Events are accepted and wait in order, and go on once it ends; to end it earlier, let it go on there",
        ),
    ),
    entry(
        "quiet_hours",
        ("免打扰时段", "Quiet hours"),
        (
            "按 erp.quiet_hours 在 ERP 维护时段不写入，结束后自动继续，无需处理",
            "By erp.quiet_hours nothing is written while the ERP is maintained; it goes on by itself afterwards",
        ),
    ),
    entry(
        "alerts",
        ("告警发不出去，或机器人收不到", "Alerts do not arrive"),
        (
            "在“回写与告警”看最近一次的结果：核对 alerts.targets 的地址与密钥，310000 是加签或关键词不符，45009 和 130101 是发送过于频繁，连不上时检查出网代理。改正后点“发送测试消息”确认，再重发或放弃没有送达的消息",
            "The outbox says what came of the last attempt: look at the addresses and secrets of alerts.targets; 310000 is a wrong sign or keyword, 45009 and 130101 are too many messages, and where nothing connects look at the proxy. Then test them, and send again or give up what did not arrive",
        ),
    ),
    entry(
        "backlog_age",
        ("积压：最早的事件等待过久", "The oldest event has waited for too long"),
        (
            "在总览查看最早的事件在等什么：派发是否暂停，ERP 是否变慢；都不是时可调大 erp.max_in_flight",
            "See on the overview what the oldest event waits for: is sending paused, is the ERP slow? If neither, more erp.max_in_flight may help",
        ),
    ),
    entry(
        "silence",
        ("微信中台长时间没有推送", "The platform has been silent for long"),
        (
            "检查中台的发件箱、签名密钥和到本服务的网络；本来就没有消息时可调大 webhook.silence_after",
            "Look at the platform's outbox, its secret and its way to the bridge; where there is nothing to send, make webhook.silence_after longer",
        ),
    ),
    entry(
        "full",
        ("积压或磁盘已满，新事件被拒收", "The backlog or the disk is full, and new events are refused"),
        (
            "恢复派发或清理磁盘，有空间后自动继续接收，被拒收的由平台重发",
            "Have events dispatched or make room on the disk; it goes on by itself, and the platform sends again what was refused",
        ),
    ),
    entry(
        "disk",
        ("磁盘空间不足", "The disk is nearly full"),
        (
            "清理磁盘，旧的账本副本与备份可移走；低于 database.min_free_disk 时不再接收事件",
            "Make room: old copies of the ledger and backups can be moved away; below database.min_free_disk no event is taken",
        ),
    ),
    entry(
        "old_secret",
        ("旧的签名密钥仍在使用", "An old webhook secret is still in use"),
        (
            "让仍在使用的发送方换用 webhook.secrets 的第一个密钥，再移除旧密钥",
            "Have the senders that still use it take the first of webhook.secrets, then remove it",
        ),
    ),
    entry(
        "outbox_age",
        ("回写积压：微信中台长时间收不到消息", "The platform has not been told for long"),
        (
            "检查 writeback.url 是否可用，恢复后自动补发",
            "See whether the platform is there, at writeback.url; it is told everything once it is",
        ),
    ),
    entry(
        "outbox_dead",
        ("回写消息未能送达", "Messages to the platform could not be delivered"),
        (
            "在“回写与告警”查看原因，改正后重发，不再需要的放弃",
            "The outbox says why: put it right, then send them again or give them up",
        ),
    ),
];

/// Every problem that a request can be answered with, by the name in its `type`.
pub(in crate::console) static PROBLEMS: [Entry; 40] = [
    entry(
        "invalid_json",
        ("请求体不是 JSON", "The body is not JSON"),
        ("按 detail 指出的位置更正后重发", "Mend it where detail says, and send it again"),
    ),
    entry(
        "missing_header",
        ("缺少请求头", "A header is missing"),
        ("补上 detail 指出的请求头", "Send the header that detail names"),
    ),
    entry(
        "bad_header",
        ("请求头无法读取", "A header cannot be read"),
        ("更正 detail 指出的请求头", "Mend the header that detail names"),
    ),
    entry(
        "invalid_query",
        ("查询参数不正确", "A query parameter is wrong"),
        ("按 detail 列出的取值更正", "Use a value that detail allows"),
    ),
    entry(
        "signature_mismatch",
        ("没有密钥与签名相符", "No secret matches the signature"),
        (
            "核对发送方与 webhook.secrets 的密钥，并对原始请求体签名",
            "Use one of webhook.secrets, over the raw bytes of the body",
        ),
    ),
    entry(
        "timestamp_out_of_tolerance",
        ("签名时间与本机相差过大", "The signature's time is too far off"),
        ("校准双方时钟；重发时重新签名", "Put the clocks right, and sign every resend anew"),
    ),
    entry(
        "token_missing",
        ("没有令牌", "There is no token"),
        ("以 Authorization: Bearer 发送 api.tokens 中的令牌", "Send a token of api.tokens as Authorization: Bearer"),
    ),
    entry(
        "token_unknown",
        ("令牌无效", "The token is not known"),
        ("核对 api.tokens；更换过的令牌请向管理员索取", "Look at api.tokens, or ask for the one that replaced it"),
    ),
    entry(
        "token_expired",
        ("令牌已过期", "The token has expired"),
        ("换用新令牌，或由管理员延长 expires_at", "Use a new one, or have expires_at moved"),
    ),
    entry(
        "scope_too_small",
        ("令牌只能查看", "The token may only look"),
        ("换用 scope 为 operate 的令牌", "Use one with the scope operate"),
    ),
    entry(
        "route_not_found",
        ("地址不存在", "There is no such address"),
        ("对照 /openapi.yaml 检查地址", "See /openapi.yaml"),
    ),
    entry(
        "event_not_found",
        ("没有此事件", "There is no such event"),
        ("核对编号；过了保留期的事件已删除", "Look at the id; it may be past its retention"),
    ),
    entry(
        "message_not_found",
        ("没有此条未送达的消息", "There is no such dead message"),
        (
            "刷新“回写与告警”：可能已重发或放弃",
            "Look at the outbox anew: somebody may have sent it again or given it up",
        ),
    ),
    entry(
        "replay_not_found",
        ("没有此重放", "There is no such replay"),
        ("核对编号；过了保留期的重放已删除", "Look at the id; it may be past its retention"),
    ),
    entry(
        "contact_not_linked",
        ("联系人尚未关联客户", "The contact has no customer yet"),
        ("先同步或关联此联系人", "Sync or link it first"),
    ),
    entry(
        "contact_mismatch",
        ("请求体与地址中的联系人不同", "Body and path name different contacts"),
        ("使用同一个 contact.id，或省略请求体中的", "Use the path's contact.id, or leave it out of the body"),
    ),
    entry(
        "contact_unknown",
        ("没有该联系人的数据", "Nothing is stored of this contact"),
        ("核对联系人编号；数据可能已被清除", "Look at the id; its data may have been erased"),
    ),
    entry(
        "method_not_allowed",
        ("该地址不支持此方法", "The method is not possible here"),
        ("使用响应头 Allow 列出的方法", "Use one that the header Allow names"),
    ),
    entry(
        "body_timeout",
        ("请求体未在时限内到达", "The body did not arrive in time"),
        ("检查网络后重发", "Look at the network, and send it again"),
    ),
    entry(
        "id_reused",
        ("此标识已用于内容不同的请求", "The id was used for another body"),
        ("新事件请用新的 webhook-id", "Give a new event a new webhook-id"),
    ),
    entry(
        "wrong_state",
        ("事件现在的状态不允许这样做", "The event's state does not allow it"),
        ("查看事件的最新状态：可能有人刚刚处理过", "Look at how it stands now: somebody may have just decided"),
    ),
    entry(
        "changed",
        ("在你查看后有了变化", "It has changed since you saw it"),
        ("重新查看后再决定", "Look at it again, then decide"),
    ),
    entry(
        "step_open",
        ("有步骤已开始，结果还不知道", "The outcome of a step is not known yet"),
        ("先重试或决定该事件，再做此操作", "Try or decide the event first"),
    ),
    entry(
        "already_recorded",
        ("洽谈记录已写入 ERP，不能再改", "Its record stands in the ERP already"),
        (
            "signal 与 deal 保持不变，在 ERP 中更正该记录",
            "Leave signal and deal as they are, and correct the record in the ERP",
        ),
    ),
    entry(
        "wrong_replay_state",
        ("重放现在的状态不允许这样做", "The replay's state does not allow it"),
        ("查看重放的最新状态", "Look at how it stands now"),
    ),
    entry(
        "body_too_large",
        ("请求体过大", "The body is too large"),
        ("不超过 server.body_limit；长的附件不要放进事件", "Stay within server.body_limit"),
    ),
    entry(
        "unsupported_media_type",
        ("请求体没有标明是 JSON", "The body does not call itself JSON"),
        ("以 Content-Type: application/json 发送", "Send Content-Type: application/json"),
    ),
    entry(
        "unsupported_encoding",
        ("请求体被压缩", "The body is compressed"),
        ("去掉 Content-Encoding", "Send it without Content-Encoding"),
    ),
    entry(
        "invalid_body",
        ("内容不符合要求", "The body is not valid"),
        ("按 errors 中的每一处更正后重发", "Mend every place that errors names, and send it again"),
    ),
    entry(
        "rate_limited",
        ("请求过于频繁", "There are too many requests"),
        ("按 Retry-After 等待后再发", "Wait for Retry-After"),
    ),
    entry(
        "too_many_failures",
        ("认证失败次数过多", "Too many authentications have failed"),
        (
            "按 Retry-After 等待；核对令牌，检查是否有程序在用旧令牌",
            "Wait for Retry-After, and look for a program with an old token",
        ),
    ),
    entry(
        "too_many_streams",
        ("打开的事件流过多", "Too many streams are open"),
        ("关闭一些页面或程序", "Close some pages or programs"),
    ),
    entry(
        "too_many_replays",
        ("未结束的重放过多", "Too many replays stand open"),
        ("先开始或停止一些", "Start or stop some of them"),
    ),
    entry(
        "internal",
        ("程序内部错误", "A fault of the bridge"),
        ("按 request_id 查日志并报告", "Look into the log for request_id, and report it"),
    ),
    entry(
        "store_unavailable",
        ("数据库无法使用", "The database is away"),
        (
            "发送方会自动重发，不会丢失。请管理员检查数据库是否运行、磁盘是否可写、日志中的原因；恢复后自动继续",
            "Senders come again, so nothing is lost. Have looked whether the database runs and its disk can be written, and at the log; it goes on by itself",
        ),
    ),
    entry(
        "backlog_full",
        ("积压或磁盘已满", "The backlog or the disk is full"),
        (
            "发送方会自动重发，不会丢失。先看派发是否停顿，再看磁盘：旧备份最先清理，其次缩短 retention.succeeded；积压上限是 database.max_backlog，磁盘下限是 database.min_free_disk",
            "Senders come again, so nothing is lost. Does sending stand still? Is the disk full? Old backups are the first to go, then retention.succeeded; the limits are database.max_backlog and database.min_free_disk",
        ),
    ),
    entry(
        "overloaded",
        ("同时处理的请求过多", "Too much is under way"),
        ("稍后重发；经常出现时提高 server 的上限", "Send it again later; if it recurs, raise the limits of server"),
    ),
    entry("stopping", ("服务正在停止", "The bridge is stopping"), ("稍后重发", "Send it again later")),
    entry(
        "erp_unavailable",
        ("无法查询 ERP", "The ERP could not be asked"),
        ("稍后再试；“ERP 连接”页写着原因", "Try again later; the page of the ERP connection says why"),
    ),
    entry(
        "request_timeout",
        ("未能在时限内完成", "It took too long"),
        (
            "稍后再试；经常出现时检查数据库与 ERP 的速度",
            "Try again; if it recurs, look at how fast database and ERP are",
        ),
    ),
];
