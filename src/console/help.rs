//! `/console/help`: what keys, states and codes mean, and the manual (`docs/operations.zh-CN.md`, `docs/operations.md`) as it was
//! built with the program, so that it reads without a way to the internet.

use std::{collections::HashSet, sync::LazyLock};

use askama::Template;
use axum::{extract::State, response::Response};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};

use super::{
    fault::Fault,
    frame::{Frame, Nav, page},
    status::{self, Shown},
    visit::Visit,
    words::{Entry, PROBLEMS, TOPICS, rule_help},
};
use crate::{
    event::{Cause, Rule, Status, causes},
    http::HttpState,
};

/// Where it is.
pub(super) const PATH: &str = "/console/help";
/// Where the manual is.
pub(super) const MANUAL_PATH: &str = "/console/help/operations";

const MANUAL: &str = include_str!("../../docs/operations.md");
const MANUAL_ZH: &str = include_str!("../../docs/operations.zh-CN.md");
/// Each is written when it is first asked for. The headings of both are the same places, in the same order.
static MANUAL_HTML: LazyLock<String> = LazyLock::new(|| rendered(MANUAL, headings(MANUAL)));
static MANUAL_ZH_HTML: LazyLock<String> = LazyLock::new(|| rendered(MANUAL_ZH, headings(MANUAL)));

/// A code and what to do about it.
struct Code {
    code: &'static str,
    message: &'static str,
    hint: String,
}

/// An admission rule: what it means, and what to do where it does not hold.
struct RuleHelp {
    code: &'static str,
    name: &'static str,
    meaning: &'static str,
    what: &'static str,
}

#[derive(Template)]
#[template(path = "help.html")]
struct HelpPage {
    frame: Frame,
    states: Vec<Shown>,
    topics: Vec<Code>,
    rules: Vec<RuleHelp>,
    codes: Vec<Code>,
    problems: Vec<Code>,
}

#[derive(Template)]
#[template(path = "manual.html")]
struct ManualPage {
    frame: Frame,
    manual: &'static str,
}

/// `GET /console/help`
pub(super) async fn show(State(state): State<HttpState>, visit: Visit) -> Result<Response, Fault> {
    let lang = visit.lang;
    let code = |cause: &'static Cause| Code {
        code: cause.code,
        message: lang.part(cause.message),
        hint: lang.part(&cause.hint().to_string()).to_owned(),
    };
    let told = |entry: &Entry| Code { code: entry.code, message: entry.what(lang), hint: entry.next(lang).to_owned() };
    let rules = Rule::ALL.into_iter().map(|known| {
        let (meaning, what) = rule_help(lang, known.as_str());
        RuleHelp { code: known.as_str(), name: lang.part(known.title()), meaning, what }
    });
    page(&HelpPage {
        frame: Frame::of(&state, &visit, Nav::None),
        rules: rules.collect(),
        states: (Status::ALL.into_iter().map(|status| status::of(status, lang)))
            .chain(status::of_waits(lang))
            .chain([status::paused(lang)])
            .collect(),
        codes: causes().map(code).collect(),
        topics: TOPICS.iter().map(told).collect(),
        problems: PROBLEMS.iter().map(told).collect(),
    })
}

/// `GET /console/help/operations`
pub(super) async fn manual(State(state): State<HttpState>, visit: Visit) -> Result<Response, Fault> {
    let manual = visit.lang.pick(&MANUAL_ZH_HTML, &MANUAL_HTML);
    page(&ManualPage { frame: Frame::of(&state, &visit, Nav::None), manual })
}

/// The places of the headings, in their order.
fn headings(markdown: &str) -> Vec<String> {
    let parts = Parser::new_ext(markdown, Options::ENABLE_TABLES).into_offset_iter();
    let headings = parts.filter(|(part, _)| matches!(part, Event::Start(Tag::Heading { .. })));
    headings.map(|(_, range)| slug(&markdown[range])).collect()
}

/// The manual for a browser: headings, which are these places, and the codes and alerts that begin the rows of its tables are
/// places to go to. Where it leads to other documents it does not, as they are not served.
fn rendered(markdown: &str, headings: Vec<String>) -> String {
    let (mut cell, mut places, mut headings) = (None, HashSet::new(), headings.into_iter());
    let parts = Parser::new_ext(markdown, Options::ENABLE_TABLES).filter_map(|part| {
        match &part {
            Event::Start(Tag::Heading { level, .. }) => {
                let (level, id) = (*level, headings.next().map(Into::into));
                return Some(Event::Start(Tag::Heading { level, id, classes: Vec::new(), attrs: Vec::new() }));
            }
            Event::Start(Tag::Link { .. }) | Event::End(TagEnd::Link) => return None,
            Event::Start(Tag::TableRow) => cell = Some(0),
            Event::End(TagEnd::TableCell) => cell = cell.map(|cell| cell + 1),
            Event::Code(name) if cell == Some(0) && is_name(name) && places.insert(name.to_string()) => {
                return Some(Event::InlineHtml(format!("<code id=\"{name}\">{name}</code>").into()));
            }
            _ => {}
        }
        Some(part)
    });
    let mut written = String::new();
    html::push_html(&mut written, parts);
    written
}

/// A code or the name of an alert.
fn is_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// `## Dead events (失败)` → `dead-events`.
fn slug(heading: &str) -> String {
    let words = heading.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::words::Lang;

    /// Every name that a problem is sent by, as its source has them.
    fn problems() -> HashSet<&'static str> {
        let source = include_str!("../http/problem.rs");
        let before = source.split("\", StatusCode::").filter_map(|part| part.rsplit_once("(\""));
        before.map(|(_, name)| name).filter(|name| is_name(name)).collect()
    }

    #[test]
    fn every_problem_has_an_entry_in_both_languages_and_every_entry_a_place_of_its_own() {
        let known: HashSet<_> = PROBLEMS.iter().map(|entry| entry.code).collect();
        assert_eq!(known, problems());
        assert!(known.contains("already_recorded") && known.len() == PROBLEMS.len());
        for entry in PROBLEMS.iter().chain(&TOPICS) {
            for text in [Entry::what, Entry::next] {
                let (chinese, english) = (text(entry, Lang::Zh), text(entry, Lang::En));
                assert!(chinese.contains(crate::console::words::is_han), "{chinese}");
                assert!(!english.is_empty() && !english.contains(crate::console::words::is_han), "{english}");
            }
        }
        let codes = causes().map(|cause| cause.code).chain(Rule::ALL.into_iter().map(Rule::as_str));
        let codes: Vec<_> = codes.chain(PROBLEMS.iter().chain(&TOPICS).map(|entry| entry.code)).collect();
        assert_eq!(codes.iter().collect::<HashSet<_>>().len(), codes.len(), "{codes:?}");
    }

    #[test]
    fn the_manual_has_an_entry_for_every_code_and_every_place_once() {
        for (cause, manual) in causes().flat_map(|cause| [(cause, &*MANUAL_HTML), (cause, &*MANUAL_ZH_HTML)]) {
            assert!(manual.contains(&format!("<code id=\"{}\">", cause.code)), "{}", cause.code);
        }
        for place in [
            "store_unavailable",
            "backlog_full",
            "circuit_open",
            "pausing-on-purpose",
            "outbox_age",
            "disk",
            "rate_limited",
            "dead-events",
            "telling-people",
            "erpbridgedown",
        ] {
            assert!(MANUAL_HTML.contains(&format!(" id=\"{place}\"")), "{place}");
        }
        let ids = ids(&MANUAL_HTML);
        let once: HashSet<_> = ids.iter().collect();
        assert_eq!(ids.len(), once.len(), "{ids:?}");
    }

    /// The places of a page, in their order.
    fn ids(html: &str) -> Vec<&str> {
        html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
    }

    /// The commands of the blocks, without what is said of them.
    fn commands(markdown: &str) -> Vec<&str> {
        let blocks = markdown.split("```").skip(1).step_by(2).flat_map(str::lines);
        blocks.map(|line| line.split("  #").next().unwrap_or_default().trim_end()).collect()
    }

    /// What stands in backticks under each heading: keys, codes, measures, paths, commands. A long one may go over two lines.
    fn named(markdown: &str) -> Vec<HashSet<String>> {
        let mut under: Vec<HashSet<String>> = Vec::new();
        for part in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
            if matches!(part, Event::Start(Tag::Heading { .. })) {
                under.push(HashSet::new());
            } else if let (Event::Code(name), Some(names)) = (part, under.last_mut()) {
                names.insert(name.split_whitespace().collect::<Vec<_>>().join(" "));
            }
        }
        under
    }

    /// The headings under which one of two texts names what the other does not, with what it is.
    fn named_once(markdown: &str, other: &str) -> Vec<(String, Vec<String>)> {
        let both = named(markdown).into_iter().zip(named(other));
        let once = both.map(|(names, others)| names.symmetric_difference(&others).cloned().collect::<Vec<_>>());
        headings(markdown).into_iter().zip(once).filter(|(_, names)| !names.is_empty()).collect()
    }

    /// What leads to a place leads there in the language of the reader.
    #[test]
    fn the_manual_has_the_same_places_and_commands_in_both_languages_heading_by_heading() {
        let levels = |text: &'static str| -> Vec<usize> {
            let headings = text.lines().filter(|line| line.starts_with('#'));
            headings.map(|line| line.bytes().take_while(|byte| *byte == b'#').count()).collect()
        };
        assert_eq!(levels(MANUAL_ZH), levels(MANUAL));
        assert_eq!(ids(&MANUAL_ZH_HTML), ids(&MANUAL_HTML), "a place stands under the same heading");
        assert_eq!(commands(MANUAL_ZH), commands(MANUAL));
        let once = named_once(MANUAL, MANUAL_ZH);
        assert!(once.is_empty(), "a key, a code or a command is named in both, under the same heading: {once:?}");
        for heading in MANUAL_ZH.lines().filter(|line| line.starts_with("## ")) {
            assert!(heading.contains(crate::console::words::is_han), "{heading}");
        }
    }

    #[test]
    fn a_key_that_one_language_names_under_another_heading_or_not_at_all_is_found() {
        let english = "# A\n\n`a.b`, `GET\n/c`\n\n## B\n\n- `d` `e\n  f`\n\n| `g` |\n| --- |\n| `h` |\n";
        let chinese = "# 甲\n\n`GET /c`，`a.b`\n\n## 乙\n\n`h`、`g`、`e f`、`d`\n";
        assert!(named_once(english, chinese).is_empty());
        let found = |place: &str, name: &str| (place.to_owned(), vec![name.to_owned()]);
        let less = chinese.replace("`d`", "d");
        assert_eq!(named_once(english, &less), [found("b", "d")]);
        let elsewhere = less.replace("# 甲\n", "# 甲\n`d`\n");
        assert_eq!(named_once(english, &elsewhere), [found("a", "d"), found("b", "d")]);
    }

    #[test]
    fn every_alert_of_the_manual_has_an_entry_in_both_languages_under_its_name_or_its_code() {
        let names = |manual: &'static str, heading: &str| -> HashSet<&'static str> {
            let alerts = manual.split(heading).nth(1).and_then(|text| text.split("\n## ").next()).unwrap();
            alerts.lines().filter_map(|line| line.strip_prefix("| `")?.split(['`', ' ']).next()).collect()
        };
        let (names, chinese) = (names(MANUAL, "\n## Telling people"), names(MANUAL_ZH, "\n## 告警"));
        assert_eq!(names, chinese);
        // Of these it is the code behind the name that says what to do.
        let by_code = HashSet::from(["dead", "needs_review", "block"]);
        let known: HashSet<_> = causes().map(|cause| cause.code).chain(TOPICS.iter().map(|entry| entry.code)).collect();
        assert_eq!(names.difference(&known).copied().collect::<HashSet<_>>(), by_code);
    }

    #[test]
    fn a_manual_is_rendered_with_places_and_without_ways_out() {
        let markdown =
            "# A (甲)\n\n| code | b |\n| --- | --- |\n| `a_b`, `dead X` | `c` [d](https://e.example) |\n\n`<i>`\n";
        let html = rendered(markdown, headings(markdown));
        for part in
            ["<h1 id=\"a\">", "<code id=\"a_b\">a_b</code>", "<code>dead X</code>", "<code>c</code> d<", "&lt;i&gt;"]
        {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert!(!html.contains("example"), "{html}");
    }
}
