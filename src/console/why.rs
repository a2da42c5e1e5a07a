//! Why an event failed, waits or was kept out, so that people can read it: in the words that were said, or, where these are not in
//! the language of the page, in the bridge's own sentence with the words behind it.

use super::{
    format,
    words::{Lang, fill, is_han, rule_help},
};
use crate::event::cause;

/// Why, in the language of the page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Why {
    /// What people read.
    pub(super) words: String,
    /// What was said, if that is not what they read.
    pub(super) raw: String,
}

impl Why {
    /// Of what has this code, in these words.
    pub(super) fn of(code: &str, said: &str, lang: Lang) -> Self {
        // Before what an interface answered may stand how it is called: `客户列表 (customer.list): HTTP 404`.
        let answer = said.split_once("): ").map_or(said, |(_, answer)| answer);
        // Or behind it: `HTTP 500 for /a.asp (客户列表)`.
        let answer = answer.rsplit_once(" (").map_or(answer, |(answer, _)| answer);
        if lang == Lang::Zh && !answer.contains(is_han) {
            return Self { words: lang.part(cause(code).message).to_owned(), raw: said.to_owned() };
        }
        Self::quoting(said, lang)
    }

    /// What an admission rule found, which it says in Chinese: who reads English reads what the rule asks for, and that behind it.
    pub(super) fn of_rule(rule: &str, found: &str, lang: Lang) -> Self {
        match rule_help(lang, rule) {
            (asks, _) if lang.is_english() && !asks.is_empty() && !found.is_empty() => {
                Self { words: fill(lang.words().event.rule_asks, &[&asks]), raw: found.to_owned() }
            }
            _ => Self::plain(found),
        }
    }

    /// Of why nothing is dispatched. What an operator wrote may end in brackets as a sentence in both languages does.
    pub(super) fn of_pause(code: &str, words: &str, lang: Lang) -> Self {
        if code == "paused" { Self::plain(words) } else { Self::quoting(words, lang) }
    }

    /// Of a sentence in both languages, of which the Chinese one alone may quote the ERP: then who reads English sees that
    /// behind it.
    fn quoting(both: &str, lang: Lang) -> Self {
        let (words, chinese) = (lang.part(both), Lang::Zh.part(both));
        let is_lost = words != chinese && chinese.contains(['：', '“']);
        Self { words: words.to_owned(), raw: if is_lost { chinese.to_owned() } else { String::new() } }
    }

    /// In the bridge's own words.
    pub(super) fn plain(words: &str) -> Self {
        Self { words: words.to_owned(), raw: String::new() }
    }

    /// Whether there is nothing to say.
    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty() && self.raw.is_empty()
    }

    /// With something else before it.
    pub(super) fn behind(self, before: String) -> Self {
        let words = if self.words.is_empty() { before } else { format!("{before} · {}", self.words) };
        Self { words, ..self }
    }

    /// With something else behind what people read.
    pub(super) fn then(self, next: &str) -> Self {
        Self { words: format!("{} · {next}", self.words), ..self }
    }

    /// Both, where they cannot be told apart by their looks.
    pub(super) fn whole(self) -> String {
        if self.raw.is_empty() { self.words } else { format!("{} ({})", self.words, self.raw) }
    }

    /// What was said, in the language of the page where it was said in both.
    pub(super) fn said(self, lang: Lang) -> String {
        if self.raw.is_empty() || lang.is_english() { self.whole() } else { self.raw }
    }

    /// The first so many characters of both.
    pub(super) fn cut(&self, chars: usize) -> Self {
        Self { words: format::cut(&self.words, chars), raw: format::cut(&self.raw, chars) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWERED: &str = "outcome unknown: HTTP 500 for /a.asp (客户列表)";
    const CALLED: &str = "客户列表 (customer.list): HTTP 404";

    #[test]
    fn who_reads_chinese_reads_chinese_and_sees_what_was_said_behind_it() {
        let said = "not delivered to the ERP: connection refused";
        for (lang, code, said, words, raw) in [
            (Lang::Zh, "not_delivered", said, "未能送达 ERP", said),
            (Lang::En, "not_delivered", said, said, ""),
            (Lang::Zh, "refused", "E12", "ERP 拒绝了请求", "E12"),
            (Lang::Zh, "refused", "客户名称已存在", "客户名称已存在", ""),
            (Lang::En, "refused", "客户名称已存在", "客户名称已存在", ""),
            (Lang::Zh, "not_linked", "联系人尚未关联 (the contact is not linked)", "联系人尚未关联", ""),
            (Lang::En, "not_linked", "联系人尚未关联 (the contact is not linked)", "the contact is not linked", ""),
            (Lang::Zh, "wrong_path", CALLED, "ERP 接口地址不对或被代理拦下", CALLED),
            (Lang::Zh, "outcome_unknown", ANSWERED, "已发送，结果不明", ANSWERED),
            (Lang::Zh, "nobody_knows", "x", "失败，原因见 ERP 原话", "x"),
        ] {
            let why = Why::of(code, said, lang);
            assert_eq!((why.words.as_str(), why.raw.as_str()), (words, raw), "{lang:?} {said}");
        }
        let why = Why::of("refused", "E12", Lang::Zh);
        assert_eq!(why.clone().whole(), "ERP 拒绝了请求 (E12)");
        assert_eq!(why.clone().behind("第 3 次".into()).words, "第 3 次 · ERP 拒绝了请求");
        assert_eq!(Why::default().behind("第 3 次".into()).words, "第 3 次");
        assert_eq!((why.cut(3).words, why.cut(2).raw, why.said(Lang::Zh)), ("ERP…".into(), "E1…".into(), "E12".into()));
    }

    #[test]
    fn what_the_erp_said_within_a_sentence_is_lost_in_no_language() {
        let chinese = "ERP 的客户来源 (ly)中没有“微信”，现有：展会";
        let english = "the ERP's 客户来源 (ly) does not have it";
        let both = format!("{chinese} ({english})");
        let why = Why::of("choice_missing", &both, Lang::En);
        assert_eq!((why.words.as_str(), why.raw.as_str()), (english, chinese));
        assert_eq!(why.said(Lang::En), format!("{english} ({chinese})"));
        assert_eq!(Why::of("choice_missing", &both, Lang::Zh), Why::plain(chinese));
        let told = "the ERP refuses the login; nothing is tried again until it is put right";
        for refusal in
            ["密码错误", "登录没有给出会话，而接口要求会话 (the login gives no session, and calls demand one)"]
        {
            let chinese = format!("ERP 拒绝登录：{refusal}");
            let both = format!("{chinese} ({told})");
            for (lang, words, raw) in [(Lang::Zh, chinese.as_str(), ""), (Lang::En, told, chinese.as_str())] {
                let why = Why::of_pause("login_refused", &both, lang);
                assert_eq!((why.words.as_str(), why.raw.as_str()), (words, raw), "{lang:?} {both}");
            }
        }
    }

    #[test]
    fn what_an_operator_wrote_about_a_pause_is_shown_whole_in_both_languages() {
        for reason in ["对账", "盘点 (stock)"] {
            let words = format!("运维人员 ops 已暂停派发 (paused): {reason}");
            for lang in [Lang::Zh, Lang::En] {
                assert_eq!(Why::of_pause("paused", &words, lang), Why::plain(&words), "{lang:?}");
            }
        }
    }

    #[test]
    fn who_reads_english_reads_what_a_rule_asks_for_and_sees_what_it_found_behind_it() {
        let found = "评分 55 低于 60";
        for (lang, rule, found, words, raw) in [
            (Lang::Zh, "score", found, found, ""),
            (Lang::En, "score", found, "Required: The score is not below admission.min_score", found),
            (Lang::En, "nobody_knows", found, found, ""),
            (Lang::En, "score", "", "", ""),
        ] {
            let why = Why::of_rule(rule, found, lang);
            assert_eq!((why.words.as_str(), why.raw.as_str()), (words, raw), "{lang:?} {rule}");
        }
    }
}
