//! Names of what events are about, and of the steps that they take.

use super::Lang;

/// Event types, as the ledger names them.
const KINDS: &[(&str, &str, &str)] = &[
    ("contact.promoted", "转为客户", "Promoted"),
    ("deal.closed", "成交", "Deal closed"),
    ("message.logged", "聊天记录", "Message"),
    ("sync.requested", "手动同步", "Manual sync"),
    ("contact.assign", "客户指派", "Assign"),
    ("contact.apply", "客户申请", "Apply"),
    ("contact.approval", "客户审批", "Approve"),
    ("contact.takeback", "客户收回", "Take back"),
];

/// Steps of a plan, as the ledger names them.
const STEPS: &[(&str, &str, &str)] = &[
    ("survey", "查找客户", "Look the customer up"),
    ("allocate", "分配客户 ID", "Allocate an id"),
    ("save_customer", "新建客户", "Create the customer"),
    ("fill_missing", "补全资料", "Fill in what is missing"),
    ("add_contact_person", "添加联系人", "Add the contact person"),
    ("link", "关联客户", "Link"),
    ("progress", "写洽谈进展", "Write the progress record"),
    ("set_stage", "更新跟进程度", "Set the stage"),
    ("assign", "客户指派", "Assign"),
    ("apply", "客户申请", "Apply"),
    ("approve", "客户审批", "Approve"),
    ("take_back", "客户收回", "Take back"),
];

/// What a type of events is called; one that nobody knows is called as it calls itself.
pub(in crate::console) fn kind(lang: Lang, name: &str) -> &str {
    named(KINDS, lang, name).unwrap_or(name)
}

/// The types that a person may choose from.
pub(in crate::console) fn kinds(lang: Lang) -> impl Iterator<Item = (&'static str, &'static str)> {
    KINDS.iter().map(move |(name, zh, en)| (*name, lang.pick(zh, en)))
}

/// What a step is called: `progress:2/3` is the second of three records.
pub(in crate::console) fn step(lang: Lang, name: &str) -> String {
    let (base, part) = name.split_once(':').map_or((name, None), |(base, part)| (base, Some(part)));
    let words = named(STEPS, lang, base).unwrap_or(base);
    match part {
        Some(part) if part != "1" && part != "1/1" => format!("{words} {part}"),
        _ => words.to_owned(),
    }
}

fn named(table: &'static [(&str, &str, &str)], lang: Lang, name: &str) -> Option<&'static str> {
    table.iter().find(|row| row.0 == name).map(|(_, zh, en)| lang.pick(zh, en))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventKind;

    #[test]
    fn every_type_of_events_has_a_name() {
        for known in EventKind::ALL {
            assert_ne!(kind(Lang::Zh, known.as_str()), known.as_str());
        }
        assert_eq!(kind(Lang::Zh, "x.y"), "x.y");
        assert_eq!(
            (step(Lang::Zh, "progress:2/3"), step(Lang::En, "progress:1")),
            ("写洽谈进展 2/3".into(), "Write the progress record".into())
        );
    }
}
