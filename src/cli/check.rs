//! `erp-bridge check`

use std::env;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{ConfigFile, Outcome};
use crate::{
    app,
    config::Problem,
    event::Bilingual,
    http::{CheckRow, CheckStatus},
    telemetry::printable::one_line,
};

/// Prints a table of what holds and what does not, with what to do about it.
#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    file: ConfigFile,
    /// The language of the table; else that of the terminal (LC_ALL, LC_MESSAGES, LANG), Chinese where it names none
    #[arg(long, value_enum)]
    lang: Option<Lang>,
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
}

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Lang {
    /// 中文
    Zh,
    /// English
    En,
}

impl Check {
    pub(super) async fn run(self) -> Outcome {
        let place = self.file.place();
        let rows = match place.load() {
            Ok(config) => app::check(&config, place.warnings()).await,
            Err(error) => error.problems.iter().map(wrong_key).collect(),
        };
        let ok = rows.iter().all(|row| row.status != CheckStatus::Fails);
        if self.json {
            println!("{:#}", json!({ "ok": ok, "rows": rows }));
        } else {
            print!("{}", table(&rows, self.lang.unwrap_or_else(|| Lang::of_terminal(|name| env::var(name).ok()))));
        }
        Ok(ok)
    }
}

/// What is wrong with a key. Nothing else can be tried then.
fn wrong_key(problem: &Problem) -> CheckRow {
    CheckRow::of("configuration", "配置", "configuration").fails(problem.to_string(), None)
}

impl Lang {
    /// As a terminal names it: the first of three variables that says anything.
    pub(super) fn of_terminal(variable: impl Fn(&str) -> Option<String>) -> Self {
        let named = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(variable).find(|name| !name.is_empty());
        let name = named.unwrap_or_default();
        if name.is_empty() || name.starts_with("zh") || name.starts_with('C') || name == "POSIX" {
            Self::Zh
        } else {
            Self::En
        }
    }

    fn text(self, words: &Bilingual) -> &str {
        match self {
            Self::Zh => &words.zh,
            Self::En => &words.en,
        }
    }
}

fn table(rows: &[CheckRow], lang: Lang) -> String {
    let width = |text: &str| text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum::<usize>();
    let widest = rows.iter().map(|row| width(lang.text(&row.what))).max().unwrap_or_default();
    let mut table = String::new();
    for row in rows {
        let mark = match row.status {
            CheckStatus::Holds => "✓",
            CheckStatus::Noted => "!",
            CheckStatus::Unseen => "?",
            CheckStatus::Fails => "✗",
        };
        let what = lang.text(&row.what);
        let gap = " ".repeat(widest - width(what));
        let detail = if row.detail == "✓" { "" } else { &row.detail };
        table.push_str(format!("{mark} {what}{gap}  {}", one_line(detail)).trim_end());
        table.push('\n');
        if let Some(advice) = &row.advice {
            table.push_str(&format!("    → {}\n", one_line(lang.text(advice))));
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(zh: &str, status: CheckStatus) -> CheckRow {
        let words = |zh: &str| Bilingual::new(zh.to_owned(), "login");
        let advice = (status == CheckStatus::Fails).then(|| words("改正"));
        CheckRow { code: "x", what: words(zh), status, detail: "x".into(), advice }
    }

    #[test]
    fn the_table_lines_up_chinese_and_latin_and_says_what_to_do() {
        let rows = [row("台账", CheckStatus::Holds), row("ERP 登录", CheckStatus::Fails)];
        assert_eq!(table(&rows, Lang::Zh), "✓ 台账      x\n✗ ERP 登录  x\n    → 改正\n");
        assert_eq!(table(&rows, Lang::En), "✓ login  x\n✗ login  x\n    → login\n");
    }

    #[test]
    fn the_terminal_says_which_language() {
        for (set, lang) in [
            (&[][..], Lang::Zh),
            (&[("LANG", "zh_CN.UTF-8")], Lang::Zh),
            (&[("LANG", "en_US.UTF-8")], Lang::En),
            (&[("LANG", "en_US.UTF-8"), ("LC_ALL", "zh_TW")], Lang::Zh),
            (&[("LC_ALL", ""), ("LANG", "de_DE")], Lang::En),
            (&[("LC_ALL", "C.UTF-8")], Lang::Zh),
        ] {
            let variable = |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(Lang::of_terminal(variable), lang, "{set:?}");
        }
    }
}
