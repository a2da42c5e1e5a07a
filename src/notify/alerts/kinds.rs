//! The kinds of alerts, and what people are to do about each; `docs/operations.md`, *Telling people*, has an entry for each, and so
//! has `docs/operations.zh-CN.md`.

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Events are dead, by their code.
    Dead,
    /// Events wait for a person, by their code.
    NeedsReview,
    /// Something is wrong with the ERP's installation.
    Block,
    /// The ERP refuses the login.
    LoginRefused,
    /// The ERP has been away for long.
    CircuitOpen,
    /// The oldest event waits for too long.
    BacklogAge,
    /// The platform sends nothing.
    Silence,
    /// Dispatch is paused, and nobody ends it.
    Paused,
    /// The door takes nothing for want of room.
    Full,
    /// The disk is nearly full.
    Disk,
    /// A secret that was replaced is in use still.
    OldSecret,
    /// The platform is not told in time.
    OutboxAge,
    /// The platform was not told at all.
    OutboxDead,
}

impl Kind {
    /// The first word of the cause by which an alert is recognised.
    pub(super) const fn as_str(self) -> &'static str {
        self.row().0
    }

    /// What to do, Chinese first; empty where the event's code or the block says it.
    pub(super) const fn advice(self) -> &'static str {
        self.row().1
    }

    /// Whether nothing is taken or dispatched meanwhile: of that an all-clear must never be the last word.
    pub(super) const fn stops_all(self) -> bool {
        matches!(self, Self::LoginRefused | Self::CircuitOpen | Self::Full)
    }

    const fn row(self) -> (&'static str, &'static str) {
        match self {
            Self::Dead => ("dead", ""),
            Self::NeedsReview => ("needs_review", ""),
            Self::Block => ("block", ""),
            Self::LoginRefused => (
                "login_refused",
                "在 ERP 手工登录一次，按 ERP 的原话改正（账号密码后重新加载，erp.login_path 后重启），再恢复派发 (log in by hand once, put right what the ERP's words name: the credentials, and reload, or erp.login_path, and restart; then resume)",
            ),
            Self::CircuitOpen => (
                "circuit_open",
                "检查 ERP 服务器与网络，恢复后自动继续 (look after the ERP's server and the network; it goes on by itself)",
            ),
            Self::BacklogAge => (
                "backlog_age",
                "检查 ERP 是否变慢，必要时调大 erp.max_in_flight (is the ERP slow? it may need more erp.max_in_flight)",
            ),
            Self::Silence => (
                "silence",
                "检查微信中台的发件箱、密钥与网络 (look at the platform's outbox, its secret and its way to the bridge)",
            ),
            Self::Paused => (
                "paused",
                "确认是否仍需暂停，不需要则恢复派发 (ask who paused it and whether it is still needed, else resume)",
            ),
            Self::Full => (
                "full",
                "恢复派发或清理磁盘，有空间后自动继续接收 (have events dispatched or make room on the disk; it goes on by itself)",
            ),
            Self::Disk => (
                "disk",
                "清理磁盘：旧的账本副本与备份可移走 (make room: old copies of the ledger and backups can be moved away)",
            ),
            Self::OldSecret => (
                "old_secret",
                "让仍在使用的发送方换用新密钥，再移除旧密钥 (change the senders that still use it, then remove it)",
            ),
            Self::OutboxAge => (
                "outbox_age",
                "检查微信中台的接收地址 writeback.url 是否可用 (is the platform there, at writeback.url?)",
            ),
            Self::OutboxDead => {
                ("outbox_dead", "在“回写与告警”中查看原因，改正后重发 (see why under 回写与告警, put it right, replay)")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Kind; 13] = [
        Kind::Dead,
        Kind::NeedsReview,
        Kind::Block,
        Kind::LoginRefused,
        Kind::CircuitOpen,
        Kind::BacklogAge,
        Kind::Silence,
        Kind::Paused,
        Kind::Full,
        Kind::Disk,
        Kind::OldSecret,
        Kind::OutboxAge,
        Kind::OutboxDead,
    ];

    #[test]
    fn each_kind_of_alert_says_what_to_do_and_the_manual_has_an_entry_for_it() {
        let (english, chinese) =
            (include_str!("../../../docs/operations.md"), include_str!("../../../docs/operations.zh-CN.md"));
        has_an_entry_for_each_kind(english, "\n## Telling people");
        has_an_entry_for_each_kind(chinese, "\n## 告警");
        for kind in ALL {
            let (name, advice) = kind.row();
            let said_by_code = matches!(kind, Kind::Dead | Kind::NeedsReview | Kind::Block);
            assert_eq!(advice.is_empty(), said_by_code, "{name}");
            assert!(said_by_code || (!advice.is_ascii() && advice.ends_with(')')), "{advice}");
        }
    }

    fn has_an_entry_for_each_kind(manual: &str, heading: &str) {
        let entries = manual.split(heading).nth(1).and_then(|text| text.split("\n## ").next()).unwrap();
        // A kind that is missing in the list above has a row in the manual all the same.
        let rows = entries.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(rows, ALL.len());
        for kind in ALL {
            let (name, _) = kind.row();
            let row = entries
                .lines()
                .find(|line| line.strip_prefix("| `").and_then(|line| line.split(['`', ' ']).next()) == Some(name));
            assert!(row.is_some(), "{heading} has no entry for {name}");
        }
    }
}
