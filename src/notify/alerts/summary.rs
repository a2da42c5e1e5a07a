//! The day's summary (日报): what was synchronised, what was not admitted and by which rule, what is open. Pure.

use serde_json::{Value, json};

use super::{rules::Told, text::grouped};
use crate::{
    clock::{Millis, erp_zone},
    config::DayMinute,
    store::DaySummary,
};

const DAY_MS: i64 = 86_400_000;
/// Titles of what is wrong now that a summary names, and characters of each: what stands behind them is to be read, too.
const STANDING_MAX: usize = 10;
const TITLE_CHARS_MAX: usize = 60;

/// Whether the summary is due, of which it is noted that it was made. A bridge that begins after its time sends the first one
/// the next day.
pub(super) fn is_due(told: &mut Told, at: DayMinute, now: Millis) -> bool {
    let offset = i64::from(now.timestamp().to_zoned_datetime(erp_zone()).offset().seconds()) * 1_000;
    let local = now.0 + offset;
    let (day, minute) = (local.div_euclid(DAY_MS), local.rem_euclid(DAY_MS) / 60_000);
    let latest = if minute >= i64::from(at.0) { day } else { day - 1 };
    match told.summarised.replace(latest) {
        Some(before) => before < latest,
        None => false,
    }
}

/// The summary as the outbox keeps it; `standing` are the titles of what is wrong now.
pub(super) fn data(day: &DaySummary, standing: &[&str], now: Millis, link: Option<String>) -> Value {
    let mut lines = vec![
        format!("已同步 (synchronised)：{}", grouped(day.succeeded)),
        format!("未准入 (not admitted)：{}", grouped(day.not_admitted)),
    ];
    let rules = day.by_rule.iter().map(|(rule, count)| format!("{} {}", rule.title(), grouped(*count)));
    let rules = rules.collect::<Vec<_>>().join("，");
    if !rules.is_empty() {
        lines.push(format!("　按规则 (by rule)：{rules}"));
    }
    lines.push(format!("同步失败 (dead)：{}", grouped(day.dead)));
    lines.push(format!("未完成 (open)：{}，其中待处理 (in review) {}", grouped(day.open), grouped(day.in_review)));
    if standing.is_empty() {
        lines.push("没有未解除的告警 (nothing is wrong)".to_owned());
    } else {
        lines.push(format!("未解除的告警 (still wrong)：{}", shortened(standing)));
    }
    let title = format!("过去 24 小时同步情况 {}", now.erp_local().get(..10).unwrap_or_default());
    json!({ "title": title, "lines": lines, "link": link })
}

/// Some of the titles, each cut where it is long, and how many more there are.
fn shortened(titles: &[&str]) -> String {
    let short = |title: &&str| {
        let (kept, rest) = title.split_at(title.char_indices().nth(TITLE_CHARS_MAX).map_or(title.len(), |(at, _)| at));
        if rest.is_empty() { kept.to_owned() } else { format!("{kept}…") }
    };
    let mut shown: Vec<String> = titles.iter().take(STANDING_MAX).map(short).collect();
    if let Some(more @ 1..) = titles.len().checked_sub(STANDING_MAX) {
        shown.push(format!("另有 {more} 项 ({more} more)"));
    }
    shown.join("；")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Rule;

    fn at(text: &str) -> Millis {
        text.parse::<jiff::Timestamp>().unwrap().into()
    }

    #[test]
    fn a_summary_is_due_once_a_day_at_its_minute() {
        let (mut told, nine) = (Told::default(), DayMinute(540));
        let mut due = |text| is_due(&mut told, nine, at(text));
        assert!(!due("2026-11-23T10:00:00+08:00"), "it begins after today's");
        assert!(!due("2026-11-24T08:59:59+08:00"));
        assert!(due("2026-11-24T09:00:00+08:00"));
        assert!(!due("2026-11-24T09:00:10+08:00") && !due("2026-11-25T08:59:00+08:00"));
        assert!(due("2026-11-25T12:00:00+08:00"), "late is better than never");
        let mut told = Told::default();
        assert!(!is_due(&mut told, nine, at("2026-11-23T08:00:00+08:00")));
        assert!(is_due(&mut told, nine, at("2026-11-23T09:00:00+08:00")), "it begins before today's");
    }

    #[test]
    fn a_summary_names_the_rules_and_what_is_still_wrong() {
        let by_rule = vec![(Rule::Score, 8), (Rule::PhoneVerified, 1_005)];
        let day = DaySummary { succeeded: 1_234, not_admitted: 12, by_rule, dead: 2, open: 45, in_review: 1 };
        let data = data(&day, &["ERP 拒绝登录"], at("2026-11-23T09:00:00+08:00"), None);
        let text = data["lines"].to_string();
        for part in [
            "1,234",
            "评分达标 (Score) 8，手机号已验证 (Phone verified) 1,005",
            "：45",
            "待处理 (in review) 1",
            "ERP 拒绝登录",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(data["title"], "过去 24 小时同步情况 2026-11-23");
    }

    #[test]
    fn a_summary_of_much_that_is_wrong_still_fits_into_the_smallest_message() {
        let day = DaySummary { succeeded: 0, not_admitted: 0, by_rule: Vec::new(), dead: 0, open: 0, in_review: 0 };
        let line = |standing: &[&str]| {
            let data = data(&day, standing, at("2026-11-23T09:00:00+08:00"), None);
            data["lines"].as_array().unwrap().last().unwrap().as_str().unwrap().to_owned()
        };
        let title = "警".repeat(TITLE_CHARS_MAX);
        assert_eq!(line(&[&title]), format!("未解除的告警 (still wrong)：{title}"));
        assert!(line(&[&format!("{title}警")]).ends_with("警…"));
        assert!(!line(&[&*title; STANDING_MAX]).contains("另有"));
        assert!(line(&[&*title; STANDING_MAX + 1]).ends_with("；另有 1 项 (1 more)"));
        assert!(line(&[&*format!("{title}警"); 500]).len() < 2_048, "half of what 企业微信 takes");
    }
}
