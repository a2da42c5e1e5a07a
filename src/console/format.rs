//! How times, spans and numbers are written for people (24 hours, the ERP's zone).

use std::time::Duration;

use super::words::{Lang, fill};
use crate::clock::Millis;

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

/// A moment as a list shows it, with the exact one for whoever wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    /// `3 分钟前`, `11-23 14:08`.
    pub(super) short: String,
    /// `2026-11-23 14:08:00`.
    pub(super) exact: String,
    /// For machines, RFC 3339.
    pub(super) machine: String,
}

/// A moment of a view (RFC 3339), seen at `now`.
pub(super) fn moment(text: &str, now: Millis, lang: Lang) -> Moment {
    match millis(text) {
        Some(at) => moment_of(at, now, lang),
        None => Moment { short: text.to_owned(), exact: text.to_owned(), machine: text.to_owned() },
    }
}

/// A moment seen at `now`.
pub(super) fn moment_of(at: Millis, now: Millis, lang: Lang) -> Moment {
    let exact = at.erp_local();
    Moment { short: short(at, now, &exact, lang), exact, machine: at.rfc3339() }
}

fn short(at: Millis, now: Millis, exact: &str, lang: Lang) -> String {
    let w = &lang.words().frame;
    let (past, ahead) = (now.since(at).as_secs(), at.since(now).as_secs());
    if ahead > 0 && ahead < MINUTE {
        return fill(w.in_seconds, &[&ahead]);
    }
    match ahead {
        0 => {}
        ahead if ahead < HOUR => return fill(w.in_minutes, &[&ahead.div_ceil(MINUTE)]),
        ahead if ahead >= 365 * DAY => return exact.get(..10).unwrap_or(exact).to_owned(),
        _ => return exact.get(5..16).unwrap_or(exact).to_owned(),
    }
    match past {
        past if past < MINUTE => w.just_now.to_owned(),
        past if past < HOUR => fill(w.minutes_ago, &[&(past / MINUTE)]),
        past if past < DAY => fill(w.hours_ago, &[&(past / HOUR)]),
        past if past < 365 * DAY => exact.get(5..16).unwrap_or(exact).to_owned(),
        _ => exact.get(..10).unwrap_or(exact).to_owned(),
    }
}

/// A moment of a view as people write it, `2026-11-23 14:08:00`, which a spreadsheet reads as a time.
pub(super) fn exact(text: &str) -> String {
    millis(text).map_or_else(|| text.to_owned(), Millis::erp_local)
}

/// When something will be, by the clock: `14:05` of the same day, `11-23 14:05` of another one.
pub(super) fn clock(text: &str, now: Millis) -> String {
    let (at, today) = (exact(text), now.erp_local());
    let is_today = at.get(..10) == today.get(..10);
    at.get(if is_today { 11..16 } else { 5..16 }).unwrap_or(&at).to_owned()
}

/// The moment that a view writes.
pub(super) fn millis(text: &str) -> Option<Millis> {
    text.parse::<jiff::Timestamp>().ok().map(Millis::from)
}

/// How long something took: `320 毫秒`, `1.2 秒`, `3 分钟 20 秒`.
pub(super) fn span(span: Duration, lang: Lang) -> String {
    let w = &lang.words().frame;
    let (millis, seconds) = (span.as_millis(), span.as_secs());
    let two = |large: &str, count: u64, small: &str, rest: u64| match rest {
        0 => fill(large, &[&count]),
        rest => format!("{} {}", fill(large, &[&count]), fill(small, &[&rest])),
    };
    match seconds {
        0 => fill(w.milliseconds, &[&millis]),
        1..10 => fill(w.seconds, &[&format!("{:.1}", span.as_secs_f64())]),
        10..MINUTE => fill(w.seconds, &[&seconds]),
        MINUTE..HOUR => two(w.minutes, seconds / MINUTE, w.seconds, seconds % MINUTE),
        HOUR..DAY => two(w.hours, seconds / HOUR, w.minutes, seconds % HOUR / MINUTE),
        _ => two(w.days, seconds / DAY, w.hours, seconds % DAY / HOUR),
    }
}

/// `12,345`
pub(super) fn number(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut grouped = if number < 0 { "-".to_owned() } else { String::new() };
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The first so many characters, and a sign that there are more.
pub(super) fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Bytes that a text takes on a page, where what means something to HTML is written out.
pub(super) fn bytes_on_page(text: &str) -> usize {
    text.len() + 4 * text.matches(['<', '>', '&', '"', '\'']).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_by_how_long_ago_it_is() {
        let now = millis("2026-11-23T14:08:00+08:00").unwrap();
        let table = [
            (Duration::from_secs(59), "刚刚"),
            (Duration::from_secs(60), "1 分钟前"),
            (Duration::from_secs(3_599), "59 分钟前"),
            (Duration::from_secs(3_600), "1 小时前"),
            (Duration::from_secs(86_399), "23 小时前"),
            (Duration::from_secs(86_400), "11-22 14:08"),
            (Duration::from_secs(365 * 86_400), "2025-11-23"),
        ];
        for (ago, expected) in table {
            assert_eq!(moment_of(now.minus(ago), now, Lang::Zh).short, expected);
        }
        for (ahead, expected) in [(30, "30 秒后"), (61, "2 分钟后"), (7_200, "11-23 16:08"), (365 * DAY, "2027-11-23")]
        {
            assert_eq!(moment_of(now.plus(Duration::from_secs(ahead)), now, Lang::Zh).short, expected);
        }
        assert_eq!(moment_of(now, now, Lang::En).exact, "2026-11-23 14:08:00");
        assert_eq!(moment("nonsense", now, Lang::En).short, "nonsense");
    }

    #[test]
    fn what_will_be_is_told_by_the_clock() {
        let now = millis("2026-11-23T14:08:00+08:00").unwrap();
        for (at, expected) in [
            ("2026-11-23T14:08:30+08:00", "14:08"),
            ("2026-11-23T15:59:59Z", "23:59"),
            ("2026-11-23T16:00:00Z", "11-24 00:00"),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(clock(at, now), expected);
        }
    }

    #[test]
    fn a_text_is_cut_behind_its_last_character_that_fits() {
        for (length, shown) in [(0, 0), (4, 4), (5, 5), (6, 6), (7, 6), (20_000, 6)] {
            assert_eq!(cut(&"很".repeat(length), 5).chars().count(), shown, "{length}");
        }
    }

    #[test]
    fn spans_and_numbers_are_written_for_people() {
        let table = [
            (320, "320 毫秒"),
            (1_240, "1.2 秒"),
            (59_000, "59 秒"),
            (200_000, "3 分钟 20 秒"),
            (7_200_000, "2 小时"),
            (90_000_000, "1 天 1 小时"),
        ];
        for (millis, expected) in table {
            assert_eq!(span(Duration::from_millis(millis), Lang::Zh), expected);
        }
        for (value, expected) in [(0, "0"), (999, "999"), (1_000, "1,000"), (-1_234_567, "-1,234,567")] {
            assert_eq!(number(value), expected);
        }
    }
}
