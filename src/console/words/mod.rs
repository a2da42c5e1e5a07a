//! Every text of the console in both languages, side by side: a file a page, a line a text.

mod audit;
mod contacts;
mod erp;
mod event;
mod events;
mod fields;
mod frame;
mod help;
mod kinds;
mod not_admitted;
mod outbox;
mod overview;
mod rejections;
mod replays;
mod settings;
mod statuses;
mod todo;

pub(super) use self::{
    audit::{AuditWords, action, actions},
    contacts::ContactsWords,
    erp::ErpWords,
    event::EventWords,
    events::EventsWords,
    fields::{field, field_of, known_member, member, rule, rule_help, value},
    frame::FrameWords,
    help::{Entry, PROBLEMS, TOPICS},
    kinds::{kind, kinds, step},
    not_admitted::NotAdmittedWords,
    outbox::{OutboxWords, addressee, robot, told},
    overview::OverviewWords,
    rejections::RejectionsWords,
    replays::ReplaysWords,
    settings::SettingsWords,
    statuses::StatusWords,
    todo::TodoWords,
};

/// Declares the texts of a page. A text that lacks a language does not compile.
macro_rules! texts {
    ($(#[$doc:meta])* $table:ident { $($name:ident: $zh:literal, $en:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(in crate::console) struct $table { $(pub(in crate::console) $name: &'static str),* }

        impl $table {
            pub(in crate::console) const ZH: Self = Self { $($name: $zh),* };
            pub(in crate::console) const EN: Self = Self { $($name: $en),* };
            #[cfg(test)]
            pub(in crate::console) const ALL: &'static [(&'static str, &'static str, &'static str)] =
                &[$((stringify!($name), $zh, $en)),*];
        }
    };
}
use texts;

/// So many plain English words make a sentence, whatever else stands among them.
const SENTENCE_WORDS: usize = 3;

/// The language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lang {
    /// 中文
    Zh,
    /// English
    En,
}

/// The texts of one language.
#[derive(Debug)]
pub(super) struct Words {
    /// What stands around every page.
    pub(super) frame: FrameWords,
    /// The states of an event.
    pub(super) status: StatusWords,
    /// The list of events.
    pub(super) events: EventsWords,
    /// One event.
    pub(super) event: EventWords,
    /// What waits for a person.
    pub(super) todo: TodoWords,
    /// Contacts and their customers.
    pub(super) contacts: ContactsWords,
    /// Whether everything is all right.
    pub(super) overview: OverviewWords,
    /// Whom the rules kept out.
    pub(super) not_admitted: NotAdmittedWords,
    /// What was signed and not valid.
    pub(super) rejections: RejectionsWords,
    /// Many events put back as one thing.
    pub(super) replays: ReplaysWords,
    /// The connection to the ERP.
    pub(super) erp: ErpWords,
    /// What others are told.
    pub(super) outbox: OutboxWords,
    /// Who did what.
    pub(super) audit: AuditWords,
    /// How the bridge is configured.
    pub(super) settings: SettingsWords,
}

static ZH: Words = Words {
    frame: FrameWords::ZH,
    status: StatusWords::ZH,
    events: EventsWords::ZH,
    event: EventWords::ZH,
    todo: TodoWords::ZH,
    overview: OverviewWords::ZH,
    not_admitted: NotAdmittedWords::ZH,
    rejections: RejectionsWords::ZH,
    replays: ReplaysWords::ZH,
    erp: ErpWords::ZH,
    outbox: OutboxWords::ZH,
    audit: AuditWords::ZH,
    settings: SettingsWords::ZH,
    contacts: ContactsWords::ZH,
};
static EN: Words = Words {
    frame: FrameWords::EN,
    status: StatusWords::EN,
    events: EventsWords::EN,
    event: EventWords::EN,
    todo: TodoWords::EN,
    overview: OverviewWords::EN,
    not_admitted: NotAdmittedWords::EN,
    rejections: RejectionsWords::EN,
    replays: ReplaysWords::EN,
    erp: ErpWords::EN,
    outbox: OutboxWords::EN,
    audit: AuditWords::EN,
    settings: SettingsWords::EN,
    contacts: ContactsWords::EN,
};

impl Lang {
    /// Its texts.
    pub(super) const fn words(self) -> &'static Words {
        match self {
            Self::Zh => &ZH,
            Self::En => &EN,
        }
    }

    /// As HTML and the cookie name it.
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh-CN",
            Self::En => "en",
        }
    }

    /// Whether this is English.
    pub(super) fn is_english(self) -> bool {
        self == Self::En
    }

    /// One of two texts.
    pub(super) const fn pick(self, chinese: &'static str, english: &'static str) -> &'static str {
        match self {
            Self::Zh => chinese,
            Self::En => english,
        }
    }

    /// A text behind what it is about.
    pub(super) fn labelled(self, label: &str, text: &str) -> String {
        format!("{label}{}{text}", self.pick("：", ": "))
    }

    /// This language's part of `中文 (English)`, as causes and hints are written; a text of another form is answered whole, such as
    /// words of the ERP's own that end in brackets.
    pub(super) fn part(self, both: &str) -> &str {
        match pair(both) {
            Some((_, english)) if self.is_english() => english,
            Some((chinese, _)) => chinese,
            None => both,
        }
    }

    /// This language's part of `中文。English.`, as problems are written.
    pub(super) fn sentence(self, both: &str) -> &str {
        match both.rfind('。').map(|at| at + '。'.len_utf8()) {
            Some(end) if self.is_english() && !both[end..].trim().is_empty() => both[end..].trim(),
            Some(end) if !self.is_english() => &both[..end],
            _ => both,
        }
    }
}

/// The parts of `中文 (English)`; nothing of a text of another form.
fn pair(both: &str) -> Option<(&str, &str)> {
    let inside = both.strip_suffix(')')?;
    let mut depth = 1;
    let (at, _) = inside.char_indices().rev().find(|(_, c)| {
        depth += match c {
            ')' => 1,
            '(' => -1,
            _ => 0,
        };
        depth == 0
    })?;
    let (chinese, english) = (inside[..at].strip_suffix(' ')?, &inside[at + 1..]);
    (chinese.contains(is_han) && is_english(english)).then_some((chinese, english))
}

/// Whether a text is English; it may name a choice of the ERP as it is called there.
fn is_english(text: &str) -> bool {
    let words = text.split(' ').filter(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()));
    let is_sentence = words.count() >= SENTENCE_WORDS;
    text.contains(|letter: char| letter.is_ascii_alphabetic()) && (is_sentence || !text.contains(is_han))
}

/// Whether this is a Chinese character.
pub(super) fn is_han(letter: char) -> bool {
    matches!(letter, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{323af}')
}

/// Puts values into the `{}` of a text, in their order.
pub(super) fn fill(text: &str, values: &[&dyn std::fmt::Display]) -> String {
    let mut parts = text.split("{}");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for (part, value) in parts.zip(values) {
        filled.push_str(&value.to_string());
        filled.push_str(part);
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_speaks_both_languages_with_the_same_places_for_values() {
        let tables = [
            FrameWords::ALL,
            StatusWords::ALL,
            EventsWords::ALL,
            EventWords::ALL,
            TodoWords::ALL,
            OverviewWords::ALL,
            NotAdmittedWords::ALL,
            RejectionsWords::ALL,
            ReplaysWords::ALL,
            ErpWords::ALL,
            OutboxWords::ALL,
            AuditWords::ALL,
            SettingsWords::ALL,
            ContactsWords::ALL,
        ];
        for (name, chinese, english) in tables.into_iter().flatten() {
            assert!(!chinese.trim().is_empty() && !english.trim().is_empty(), "{name}");
            // Who reads English finds the other language by its own name.
            assert!(!english.replace("中文", "").contains(is_han), "{name}: {english}");
            assert_eq!(chinese.matches("{}").count(), english.matches("{}").count(), "{name}");
        }
    }

    #[test]
    fn a_text_in_both_languages_is_taken_apart() {
        for (both, chinese, english) in [
            ("自动继续 (goes on by itself)", "自动继续", "goes on by itself"),
            (
                "ERP 的客户来源 (ly)里没有“微信” (have it (or more) added)",
                "ERP 的客户来源 (ly)里没有“微信”",
                "have it (or more) added",
            ),
            ("客户来源 (ly) = 微信", "客户来源 (ly) = 微信", "客户来源 (ly) = 微信"),
            ("plain (words)", "plain (words)", "plain (words)"),
            (
                "ERP 的客户来源 (ly)中没有“微信”，现有：无 (the ERP's 客户来源 (ly) does not have it)",
                "ERP 的客户来源 (ly)中没有“微信”，现有：无",
                "the ERP's 客户来源 (ly) does not have it",
            ),
            (")", ")", ")"),
        ] {
            assert_eq!((Lang::Zh.part(both), Lang::En.part(both)), (chinese, english), "{both}");
        }
        // The ERP's own words, whole.
        for own in [
            "该名称已存在(编号 KH001)",
            "该名称已存在 (编号 KH001)",
            "保存失败 (错误 E12：Server busy)",
            "余额不足 (3)",
            "备注太长(max 50)",
        ] {
            assert_eq!((Lang::Zh.part(own), Lang::En.part(own)), (own, own));
        }
        let hint = crate::event::hint_on("choice_missing", "客户来源 (ly) = 微信");
        let both = hint.to_string();
        assert_eq!((Lang::Zh.part(&both), Lang::En.part(&both)), (&*hint.zh, &*hint.en));
        let both = "没有此事件，或已过保留期。No event has this id.";
        assert_eq!(Lang::Zh.sentence(both), "没有此事件，或已过保留期。");
        assert_eq!(Lang::En.sentence(both), "No event has this id.");
        assert_eq!(Lang::En.sentence("只有中文。"), "只有中文。");
    }

    #[test]
    fn values_go_where_their_places_are() {
        assert_eq!(fill("第 {} 次，{}", &[&3, &"14:05"]), "第 3 次，14:05");
        assert_eq!(fill("无", &[&3]), "无");
    }
}
