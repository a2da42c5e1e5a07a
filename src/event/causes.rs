//! Why events fail, wait or end, in the bridge's own words: a sentence and what to do, for each stable code. The sentences
//! quote nobody, so everybody may read them; the ERP's own words are for operators.

use std::{borrow::Cow, fmt};

use serde::Serialize;

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bilingual {
    /// 中文.
    pub zh: Cow<'static, str>,
    /// English.
    pub en: Cow<'static, str>,
}

impl Bilingual {
    /// These words.
    pub fn new(zh: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }
}

/// Chinese first, English behind it in brackets.
impl fmt::Display for Bilingual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.zh, self.en)
    }
}

/// What a code means.
pub(crate) struct Cause {
    /// The code itself; empty of a code that nobody knows.
    pub(crate) code: &'static str,
    /// In words, Chinese first.
    pub(crate) message: &'static str,
    hint: (&'static str, &'static str),
}

impl Cause {
    /// What a person can do about it.
    pub(crate) fn hint(&self) -> Bilingual {
        Bilingual::new(self.hint.0, self.hint.1)
    }
}

/// Of a code that no row below has.
const OTHER: Cause = Cause {
    code: "",
    message: "失败，原因见 ERP 原话 (failed; operators see the ERP's words)",
    hint: ("以 operate 令牌查看事件详情", "look at the event with an operate token"),
};

/// Every code that an event can carry, in the order in which they are met.
const CAUSES: &[Cause] = &[
    Cause {
        code: "data_refused",
        message: "数据库拒绝保存此内容 (the database refuses what is to be stored)",
        hint: (
            "更正内容后重跑；同一内容反复出现时请报告",
            "correct it and run it again; if it comes again and again, report it",
        ),
    },
    Cause {
        code: "not_delivered",
        message: "未能送达 ERP (not delivered to the ERP)",
        hint: ("检查网络与 ERP 服务器；恢复后自动继续", "check the network and the ERP's server; it goes on by itself"),
    },
    Cause {
        code: "lease_over",
        message: "处理超时，已交还 (the lease ended before the call was sent)",
        hint: ("自动重试，无需处理", "tried again by itself"),
    },
    Cause {
        code: "outcome_unknown",
        message: "已发送，结果不明 (sent; nobody knows what it did)",
        hint: (
            "在 ERP 中查看是否已生效：已生效则继续，未生效则重新发送",
            "look in the ERP: done if it is there, resend if not",
        ),
    },
    Cause {
        code: "session_expired",
        message: "ERP 不接受会话 (the ERP does not accept the session)",
        hint: ("检查账号是否在别处登录、授权是否到期", "is the account used elsewhere, has the licence expired?"),
    },
    Cause {
        code: "login_refused",
        message: "ERP 拒绝登录 (the ERP refuses the login)",
        hint: (
            "手工登录一次，改正 erp.username、erp.password 或 erp.serial，再 SIGHUP 或恢复派发；没有给出会话时改正 erp.login_path，重启并恢复派发；勿反复尝试，三次错误后 ERP 要求验证码",
            "log in by hand, correct erp.username, erp.password or erp.serial, then SIGHUP or resume; where it gives no session correct erp.login_path, restart and resume; after three wrong tries the ERP wants a picture code",
        ),
    },
    Cause {
        code: "refused",
        message: "ERP 拒绝了请求 (refused by the ERP)",
        hint: ("按 ERP 原话排除原因后重试", "remove the cause that the ERP names, then replay"),
    },
    Cause {
        code: "choice_missing",
        message: "ERP 中没有所配置的选项 (the ERP lacks a configured choice)",
        hint: (
            "请管理员在 ERP 中补上该选项（系统设置中的自定义选项），或改配置 erp.values、mapping.levels；之后自动继续",
            "have an administrator add the choice in the ERP (system settings, custom options), or change erp.values or mapping.levels; it goes on by itself",
        ),
    },
    Cause {
        code: "salesperson_unknown",
        message: "ERP 没有该指派用户或已停用 (the ERP has no such salesperson, or a closed one)",
        hint: (
            "请管理员在 ERP 的用户设置中启用该账号，或改配置 assignment.rules；之后自动继续",
            "have an administrator open the account in the ERP's user settings, or change assignment.rules; it goes on by itself",
        ),
    },
    Cause {
        code: "right_missing",
        message: "ERP 账号没有接口权限 (the account may not use an interface of the ERP)",
        hint: (
            "请管理员在 ERP 的权限设置中给 erp.username 的账号授权，之后自动继续",
            "have an administrator grant the right to the account of erp.username in the ERP's permission settings; it goes on by itself",
        ),
    },
    Cause {
        code: "wrong_path",
        message: "ERP 接口地址不对或被代理拦下 (an interface is not where it is looked for, or a proxy answers instead)",
        hint: (
            "请运维检查 erp.base_url、反向代理与防火墙，之后自动继续",
            "have whoever runs the servers check erp.base_url, the proxy and the firewall; it goes on by itself",
        ),
    },
    Cause {
        code: "licence_refused",
        message: "ERP 以授权或机器码为由拒绝登录 (the login is refused for the licence or the serial)",
        hint: (
            "请管理员续期 ERP 授权，或在 ERP 的接口设置中登记 erp.serial；之后自动继续",
            "have an administrator renew the ERP's licence, or register erp.serial in the ERP's interface settings; it goes on by itself",
        ),
    },
    Cause {
        code: "restricted",
        message: "ERP 对所有数据都拒绝此接口：上限、新的必填项等 (the ERP refuses an interface whatever is sent: a limit, a field made required)",
        hint: (
            "请管理员按 ERP 原话在 ERP 的系统设置中处理：提高账号上限、取消新的必填项或放开接口；之后自动继续",
            "have an administrator do as the ERP's words say, in the ERP's system settings: raise the account's limit, make the field optional, open the interface; it goes on by itself",
        ),
    },
    Cause {
        code: "too_many",
        message: "相符的记录过多 (more records match than are read)",
        hint: ("在 ERP 中合并或补全资料，然后决定", "merge or complete the records in the ERP, then decide"),
    },
    Cause {
        code: "invalid",
        message: "超出接口限制，未发送 (breaks a limit of the interface; not sent)",
        hint: ("修改来源数据后重发", "correct the data at its source and send it again"),
    },
    Cause {
        code: "unreadable",
        message: "账本中的内容无法读取 (what the ledger holds cannot be read)",
        hint: ("放弃此事件并由平台重发", "discard it and let the platform send it again"),
    },
    Cause {
        code: "candidates",
        message: "有多个客户相符，或其号码被遮盖 (several customers match, or one whose number is masked)",
        hint: ("确认是哪一个再关联；重复的在 ERP 中合并", "link the right one; merge the others in the ERP"),
    },
    Cause {
        code: "same_name",
        message: "有同名客户没有手机号码 (customers of this name have no number)",
        hint: ("确认是否同一人：是则关联，不是则新建客户", "link if one is the contact, else recreate"),
    },
    Cause {
        code: "duplicate",
        message: "ERP 查重，拒绝保存 (the ERP refuses the save as a duplicate)",
        hint: (
            "关联相似的客户，或在 ERP 中处理后重试",
            "link the one that is alike, or put it right in the ERP and replay",
        ),
    },
    Cause {
        code: "not_linked",
        message: "联系人尚未关联 ERP 客户 (the contact is not linked)",
        hint: ("待其晋升后自动继续，或手动触发同步", "goes on once the contact is promoted, or sync it by hand"),
    },
    Cause {
        code: "looking",
        message: "正在核实上一次写入 (the last write is being looked up)",
        hint: ("自动继续，无需处理", "goes on by itself"),
    },
    Cause {
        code: "not_stored",
        message: "ERP 称已完成，但查不到结果 (the ERP says it is done, and it is not there)",
        hint: (
            "在 ERP 中核对：已生效则继续，未生效则重新发送；检查必填项与权限",
            "look in the ERP, then done or resend; check required fields and rights",
        ),
    },
    Cause {
        code: "ord_taken",
        message: "新客户 ID 已被他人使用 (the allocated id became another's)",
        hint: (
            "自动换用新 ID；若因此失败，该 ID 的原客户已在 ERP 中删除：解除所述联系人的关联，然后重试",
            "a new id is taken by itself; if it fails, the ERP has the customer with this id no more: unlink the contact that is named, then replay",
        ),
    },
    Cause {
        code: "customer_gone",
        message: "已关联的客户在 ERP 中不存在 (the linked customer is gone from the ERP)",
        hint: ("关联合并后的客户，或新建客户", "link the customer that it was merged into, or recreate it"),
    },
    Cause {
        code: "run_cut_short",
        message: "处理多次中断 (its runs ended without a result)",
        hint: ("查看日志与服务器资源，然后重试", "look at the log and the machine, then replay"),
    },
    Cause {
        code: "run_panicked",
        message: "处理时程序出错 (a fault of the program)",
        hint: ("报告此问题并附日志中的源码位置", "report it with the place in the log"),
    },
    Cause {
        code: "hold_expired",
        message: "等待超时 (it waited for too long)",
        hint: ("联系人晋升后手动触发同步", "sync the contact by hand once it is promoted"),
    },
];

/// What a person can do about one thing that is wrong with the installation: `subject` says which (`客户来源 (ly) = 微信`).
pub(crate) fn hint_on(code: &str, subject: &str) -> Bilingual {
    let (of, named) = subject.rsplit_once(" = ").unwrap_or((subject, ""));
    match code {
        "choice_missing" => {
            let key = key_of(of);
            Bilingual::new(
                format!("ERP 的{of}里没有“{named}”：请管理员在 ERP 的系统设置（自定义选项）中添加，或改配置 {key}"),
                format!(
                    "the ERP's {of} does not have {named}: have an administrator add it in the ERP's system settings (custom options), or change {key}"
                ),
            )
        }
        "salesperson_unknown" => Bilingual::new(
            format!("ERP 没有账号 {named} 或已停用：请管理员在 ERP 的用户设置中启用，或改配置 assignment.rules"),
            format!(
                "the ERP has no account {named}, or a closed one: have an administrator open it in the ERP's user settings, or change assignment.rules"
            ),
        ),
        "right_missing" => Bilingual::new(
            format!("ERP 账号没有“{of}”的权限：请管理员在 ERP 的权限设置中授予 erp.username 的账号"),
            format!(
                "the account has no right to {of}: have an administrator grant it to the account of erp.username in the ERP's permission settings"
            ),
        ),
        "wrong_path" => Bilingual::new(
            format!("“{of}”的地址未由 ERP 应答：请运维检查 erp.base_url、反向代理与防火墙"),
            format!(
                "something else answers in place of {of}: have whoever runs the servers check erp.base_url, the proxy and the firewall"
            ),
        ),
        code => cause(code).hint(),
    }
}

/// Whether all that is wrong under this code is one thing to put right, at however many interfaces it is met: what answers in
/// the ERP's place does so at one after the other.
pub(crate) fn is_one_cause(code: &str) -> bool {
    code == "wrong_path"
}

/// The configuration key behind a field's choice.
fn key_of(field: &str) -> &'static str {
    match field.rsplit_once(" (") {
        Some((_, "ly)")) => "erp.values.source",
        Some((_, "jz)")) => "mapping.levels",
        Some((_, "sort)")) => "erp.values.sort",
        Some(("跟进程度", _)) => "erp.values.stage, erp.values.stage_after_deal",
        _ => "erp.values.sort1",
    }
}

/// Every cause, in the order in which they are met.
pub(crate) fn causes() -> impl Iterator<Item = &'static Cause> {
    CAUSES.iter()
}

/// What a code means.
pub(crate) fn cause(code: &str) -> &'static Cause {
    CAUSES.iter().find(|cause| cause.code == code).unwrap_or(&OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_one_code_and_speaks_both_languages() {
        for (index, cause) in CAUSES.iter().enumerate() {
            assert!(CAUSES[..index].iter().all(|earlier| earlier.code != cause.code), "{}", cause.code);
            for text in [cause.message.to_owned(), cause.hint().to_string()] {
                assert!(!text.is_ascii() && text.contains('(') && text.ends_with(')'), "{text}");
            }
        }
        for (code, subject, expected) in [
            ("choice_missing", "客户来源 (ly) = 微信", "ERP 的客户来源 (ly)里没有“微信”"),
            ("choice_missing", "价值评估 (jz) = 较高", "改配置 mapping.levels"),
            ("choice_missing", "跟进程度 (sort1) = 成交客户", "erp.values.stage_after_deal"),
            ("choice_missing", "客户分类 (sort1) = 3,99", "改配置 erp.values.sort1"),
            ("salesperson_unknown", "指派用户 (member2) = 95", "ERP 没有账号 95"),
            ("right_missing", "客户列表 (customer.list)", "没有“客户列表 (customer.list)”的权限"),
            ("wrong_path", "登录 (session.login)", "“登录 (session.login)”的地址"),
            ("licence_refused", "登录 (session.login)", "续期 ERP 授权"),
            ("restricted", "个人客户添加 (customer.add)", "按 ERP 原话"),
        ] {
            let hint = hint_on(code, subject).to_string();
            assert!(hint.contains(expected) && hint.contains('(') && hint.ends_with(')'), "{hint}");
        }
        assert_eq!(cause("refused").code, "refused");
        assert_eq!(cause("what nobody knows").code, "");
    }

    /// No document of ours gives the ERP's menus, so none is named.
    #[test]
    fn what_to_do_about_each_block_says_in_both_languages_who_does_it_and_where() {
        for (code, subject, place) in [
            ("choice_missing", "客户来源 (ly) = 微信", ["系统设置（自定义选项）", "system settings (custom options)"]),
            ("salesperson_unknown", "指派用户 (member2) = 95", ["用户设置", "user settings"]),
            ("right_missing", "客户列表 (customer.list)", ["权限设置", "permission settings"]),
            ("wrong_path", "客户列表 (customer.list)", ["erp.base_url", "erp.base_url"]),
            ("licence_refused", "登录 (session.login)", ["接口设置", "interface settings"]),
            ("restricted", "个人客户添加 (customer.add)", ["系统设置", "system settings"]),
        ] {
            for hint in [hint_on(code, subject), cause(code).hint()] {
                assert!(hint.zh.contains("请管理员") || hint.zh.contains("请运维"), "{code}: {}", hint.zh);
                assert!(hint.en.contains("have an administrator") || hint.en.contains("have whoever"), "{}", hint.en);
            }
            let hint = hint_on(code, subject);
            assert!(hint.zh.contains(place[0]) && hint.en.contains(place[1]), "{code}: {hint}");
        }
    }

    #[test]
    fn both_languages_name_the_interface_that_is_closed() {
        for code in ["right_missing", "wrong_path"] {
            let hint = hint_on(code, "客户列表 (customer.list)");
            for text in [hint.zh, hint.en] {
                assert!(text.contains("客户列表 (customer.list)"), "{code}: {text}");
            }
        }
    }

    /// SIGHUP takes over the account, and never the login's address.
    #[test]
    fn whoever_corrects_where_the_login_is_looked_for_is_told_to_restart() {
        let hint = cause("login_refused").hint();
        for (text, path) in
            [(hint.zh, "改正 erp.login_path，重启并恢复派发"), (hint.en, "correct erp.login_path, restart and resume")]
        {
            assert!(text.contains(path) && text.contains("SIGHUP"), "{text}");
        }
    }
}
