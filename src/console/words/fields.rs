//! Names of the members of an event's body, of the fields of the ERP's calls, and of the admission rules.

use super::Lang;
use crate::event::Rule;

/// Members of an event's body by their section (`contract.md` §1).
const MEMBERS: &[(&str, &str, &str)] = &[
    ("contact.id", "联系人编号", "Contact id"),
    ("contact.name", "姓名", "Name"),
    ("contact.phone", "手机", "Phone"),
    ("contact.phone_verified", "手机已验证", "Phone verified"),
    ("contact.wechat_id", "微信号", "WeChat id"),
    ("contact.company", "公司", "Company"),
    ("contact.source", "来源", "Source"),
    ("contact.notes", "备注", "Notes"),
    ("contact.address", "地址", "Address"),
    ("contact.email", "邮箱", "E-mail"),
    ("contact.job", "职务", "Job"),
    ("contact.erp", "ERP 客户", "ERP customer"),
    ("thread.id", "会话", "Thread"),
    ("thread.score", "评分", "Score"),
    ("thread.bucket", "名单", "Bucket"),
    ("thread.previous_bucket", "原名单", "Previous bucket"),
    ("signal.id", "消息编号", "Message id"),
    ("signal.content", "内容", "Content"),
    ("signal.direction", "方向", "Direction"),
    ("signal.channel", "渠道", "Channel"),
    ("signal.sent_at", "发送时间", "Sent at"),
    ("deal.id", "交易编号", "Deal id"),
    ("deal.title", "标题", "Title"),
    ("deal.amount", "金额", "Amount"),
    ("deal.currency", "币种", "Currency"),
    ("deal.closed_at", "成交时间", "Closed at"),
];

/// Values of members that have few (`contract.md` §1).
const VALUES: &[(&str, &str, &str)] = &[
    ("contact.phone_verified=true", "是", "yes"),
    ("contact.phone_verified=false", "否", "no"),
    ("contact.phone_verified=1", "是", "yes"),
    ("contact.phone_verified=0", "否", "no"),
    ("thread.bucket=WHITE", "白名单", "white"),
    ("thread.bucket=GRAY", "灰名单", "gray"),
    ("thread.bucket=BLACK", "黑名单", "black"),
    ("signal.direction=inbound", "客户", "from the customer"),
    ("signal.direction=outbound", "我方", "from us"),
    ("signal.channel=wechat", "微信", "WeChat"),
    ("signal.channel=phone", "电话", "phone"),
    ("signal.channel=email", "邮件", "e-mail"),
    ("signal.channel=visit", "拜访", "visit"),
];

/// Fields of the ERP's interfaces (`erp-wire.md` §3 and §4).
const FIELDS: &[(&str, &str, &str)] = &[
    ("ord", "客户 ID", "Customer id"),
    ("khid", "客户编号", "Customer number"),
    ("name", "客户名称", "Customer name"),
    ("person_name", "联系人", "Contact person"),
    ("mobile", "手机", "Mobile"),
    ("phone", "办公电话", "Office phone"),
    ("phone2", "家庭电话", "Home phone"),
    ("weixinAcc", "微信号", "WeChat id"),
    ("qq", "QQ", "QQ"),
    ("email", "邮箱", "E-mail"),
    ("address", "地址", "Address"),
    ("job", "职务", "Job"),
    ("sort", "客户分类", "Category"),
    ("sort1", "跟进程度", "Stage"),
    ("ly", "客户来源", "Source"),
    ("jz", "价值评估", "Level"),
    ("intro", "备注", "Notes"),
    ("product", "客户简介", "Profile"),
    ("member1", "指派方式", "Assign to"),
    ("member2", "指派用户", "Users"),
    ("blset", "审批结果", "Approval"),
    ("cateid", "销售人员", "Salesperson"),
    ("catename", "归属", "Whose it is"),
    ("date1", "建档时间", "Added"),
    ("searchKey", "关键字", "Key word"),
    ("telord", "客户 ID", "Customer id"),
    ("pagesize", "每页条数", "Page size"),
    ("pageindex", "页码", "Page"),
];

/// Fields that mean something else in one interface: a customer is added with the tree of 客户分类 and 跟进程度 in `sort1`, and a
/// progress record says in `sort` how the contact was reached.
const FIELDS_OF: &[(&str, &str, &str, &str)] = &[
    ("单位客户添加", "sort1", "客户分类", "Category"),
    ("个人客户添加", "sort1", "客户分类", "Category"),
    ("洽谈进展", "sort", "跟进方式", "Way of contact"),
];

/// What each rule means, and what to do where it does not hold.
const RULES: [(Rule, [&str; 2], [&str; 2]); 5] = [
    (
        Rule::PhoneVerified,
        [
            "手机号已由平台验证，并且是大陆手机号",
            "The platform has verified the number, and it is a mainland mobile number",
        ],
        [
            "在微信中台验证手机号，或更正号码后重新推送",
            "Have the number verified or corrected on the platform, and sent again",
        ],
    ),
    (
        Rule::NameComplete,
        [
            "去掉空格和表情后，姓名至少 2 个字、公司至少 4 个字，且不是“先生”“微信用户”之类的称呼",
            "Without blanks and emoji a name has two characters, a company four, and neither is a placeholder such as 先生",
        ],
        ["在微信中台补全真实姓名或公司名称后重新推送", "Have the real name written on the platform, and sent again"],
    ),
    (
        Rule::Score,
        ["评分不低于配置的最低分（admission.min_score）", "The score is not below admission.min_score"],
        [
            "评分提高后平台会再次推送；门槛过高时请管理员调整 admission.min_score",
            "The platform sends it again once the score is higher; if the threshold is too high, change admission.min_score",
        ],
    ),
    (
        Rule::KnownCustomer,
        [
            "平台给出了它的 ERP 客户，或联系人已经关联",
            "The platform names its customer in the ERP, or the contact is linked",
        ],
        [
            "在平台填写 contact.erp，或先关联此联系人",
            "Have contact.erp filled in on the platform, or link the contact first",
        ],
    ),
    (
        Rule::Deal,
        ["本事件就是成交，或此联系人成交过", "The event is a closed deal, or the contact has closed one"],
        ["成交后平台会推送成交事件", "The platform sends the deal once it is closed"],
    ),
];

/// What a rule means, and what to do where it does not hold; nothing of a rule that nobody knows.
pub(in crate::console) fn rule_help(lang: Lang, name: &str) -> (&'static str, &'static str) {
    let known = RULES.iter().find(|(rule, ..)| rule.as_str() == name);
    known.map_or(("", ""), |(_, [zh, en], [zh_next, en_next])| (lang.pick(zh, en), lang.pick(zh_next, en_next)))
}

/// What a member of an event's body is called.
pub(in crate::console) fn member(lang: Lang, path: &str) -> &str {
    known_member(lang, path).unwrap_or_else(|| path.rsplit('.').next().unwrap_or(path))
}

/// The same, of one that has a name.
pub(in crate::console) fn known_member(lang: Lang, path: &str) -> Option<&'static str> {
    named(MEMBERS, lang, path)
}

/// A member's value in words, where it has few.
pub(in crate::console) fn value<'a>(lang: Lang, path: &str, value: &'a str) -> &'a str {
    let path = path.replace("previous_bucket", "bucket");
    named(VALUES, lang, &format!("{path}={value}")).unwrap_or(value)
}

/// What a field of the ERP's records is called; one that nobody knows is called as the ERP does.
pub(in crate::console) fn field(lang: Lang, id: &str) -> &str {
    named(FIELDS, lang, id).unwrap_or(id)
}

/// What a field of a call to this interface is called.
pub(in crate::console) fn field_of<'a>(lang: Lang, interface: &str, id: &'a str) -> &'a str {
    let own = FIELDS_OF.iter().find(|row| (row.0, row.1) == (interface, id));
    own.map_or_else(|| field(lang, id), |(_, _, zh, en)| lang.pick(zh, en))
}

/// What an admission rule is called.
pub(in crate::console) fn rule(lang: Lang, name: &str) -> &str {
    name.parse::<Rule>().map_or(name, |rule| lang.part(rule.title()))
}

fn named(table: &'static [(&str, &str, &str)], lang: Lang, name: &str) -> Option<&'static str> {
    table.iter().find(|row| row.0 == name).map(|(_, zh, en)| lang.pick(zh, en))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_name_and_what_nobody_knows_keeps_its_own() {
        for known in Rule::ALL {
            assert_ne!(rule(Lang::Zh, known.as_str()), known.as_str());
            let (meaning, next) = rule_help(Lang::En, known.as_str());
            assert!(!meaning.is_empty() && !next.is_empty() && rule_help(Lang::Zh, known.as_str()).0 != meaning);
        }
        assert_eq!((member(Lang::Zh, "contact.name"), member(Lang::Zh, "contact.x")), ("姓名", "x"));
        assert_eq!(value(Lang::Zh, "thread.previous_bucket", "GRAY"), "灰名单");
        assert_eq!(
            (value(Lang::En, "contact.name", "GRAY"), value(Lang::Zh, "contact.phone_verified", "1")),
            ("GRAY", "是")
        );
        assert_eq!((field(Lang::Zh, "khid"), field(Lang::En, "c9")), ("客户编号", "c9"));
        for (interface, id, expected) in [
            ("个人客户添加", "sort1", "客户分类"),
            ("单位客户添加", "sort1", "客户分类"),
            ("客户修改", "sort1", "跟进程度"),
            ("客户修改", "sort", "客户分类"),
            ("洽谈进展", "sort", "跟进方式"),
            ("洽谈进展", "c9", "c9"),
        ] {
            assert_eq!(field_of(Lang::Zh, interface, id), expected, "{interface} {id}");
        }
    }
}
