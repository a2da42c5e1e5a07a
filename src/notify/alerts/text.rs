//! What people read: a title and a few lines, Chinese first, cut to what a robot takes. Pure.

use serde_json::Value;

use crate::clock::Millis;

/// The ERP's words in an alert, at most, in characters.
const WORDS_CHARS_MAX: usize = 200;

/// A message as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    /// One line.
    pub(super) title: String,
    /// What stands below it.
    pub(super) lines: Vec<String>,
    /// Whether it says nothing bad.
    pub(super) is_good: bool,
}

impl Text {
    /// Of a message in the outbox.
    pub(super) fn of(kind: &str, data: &Value, written: Millis) -> Self {
        let text = |member: &str| data[member].as_str().map(plain).filter(|text| !text.is_empty());
        let mark = match kind {
            "alert.cleared" => "恢复",
            "alert.summary" => "日报",
            "alert.test" => "测试",
            _ => "告警",
        };
        let mut lines = Vec::new();
        if let Some(count) = data["count"].as_i64().filter(|count| *count > 1) {
            lines.push(format!("数量 (count)：{}", grouped(count)));
        }
        let further = data["lines"].as_array().into_iter().flatten().filter_map(Value::as_str);
        lines.extend(further.map(plain));
        if let Some(since) = text("since") {
            lines.push(format!("开始 (since)：{}", since.get(..19).unwrap_or(&since).replace('T', " ")));
        }
        lines.push(format!("时间 (at)：{}", written.erp_local()));
        if let Some(words) = text("words") {
            lines.push(format!("ERP 原话：{}", words.chars().take(WORDS_CHARS_MAX).collect::<String>()));
        }
        if let Some(advice) = text("advice") {
            lines.push(format!("处理 (to do)：{advice}"));
        }
        if let Some(link) = data["link"].as_str() {
            lines.push(format!("查看 (see)：{link}"));
        }
        let is_good = !matches!(mark, "告警");
        Self { title: format!("【{mark}】{}", text("title").unwrap_or_default()), lines, is_good }
    }

    /// As one text.
    pub(super) fn whole(&self) -> String {
        format!("{}\n{}", self.title, self.lines.join("\n"))
    }
}

/// Without what a robot's markup would read: mentions of people, links, colours.
fn plain(text: &str) -> String {
    let fold = |c: char| match c {
        '<' => '＜',
        '>' => '＞',
        '[' => '［',
        ']' => '］',
        '*' => '＊',
        '`' => '＇',
        '@' => '＠',
        c if c.is_control() => ' ',
        c => c,
    };
    text.chars().map(fold).collect()
}

/// `12,345`; a count is never negative.
pub(super) fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut groups: Vec<&str> = Vec::new();
    if first > 0 {
        groups.push(&digits[..first]);
    }
    groups.extend((first..digits.len()).step_by(3).map(|at| &digits[at..at + 3]));
    groups.join(",")
}

/// The text, or as much of it as fits into so many bytes, with an ellipsis at the end.
pub(super) fn cut(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let mut end = bytes_max.saturating_sub('…'.len_utf8());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

/// As [`cut`], for a text whose JSON, without its quotes, may have so many bytes.
pub(super) fn cut_for_json(text: &str, bytes_max: usize) -> String {
    let escaped = |c: char| match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        c if c < ' ' => 6,
        c => c.len_utf8(),
    };
    if text.chars().map(escaped).sum::<usize>() <= bytes_max {
        return text.to_owned();
    }
    let mut room = bytes_max.saturating_sub('…'.len_utf8());
    let fits = |c: &char| {
        let left = room.checked_sub(escaped(*c));
        room = left.unwrap_or(room);
        left.is_some()
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const AT: Millis = Millis(1_795_417_445_000);

    #[test]
    fn a_text_is_cut_at_its_limit_and_never_within_a_character() {
        for (text, max, expected) in [
            ("abcdef", 7, "abcdef"),
            ("abcdef", 6, "abcdef"),
            ("abcdef", 5, "ab…"),
            ("客户客户", 13, "客户客户"),
            ("客户客户", 12, "客户客户"),
            ("客户客户", 11, "客户…"),
            ("客户客户", 9, "客户…"),
            ("客户客户", 8, "客…"),
        ] {
            let cut = cut(text, max);
            assert_eq!(cut, expected);
            assert!(cut.len() <= max);
        }
    }

    #[test]
    fn a_text_is_cut_by_what_its_json_takes() {
        for (text, max) in [("客户客户", 11), ("\"\"\"\"\"", 9), ("\u{1}\u{1}\n\n", 13), ("ab", 2), ("", 0)] {
            let cut = cut_for_json(text, max);
            let written = serde_json::to_string(&cut).unwrap().len() - 2;
            let whole = serde_json::to_string(text).unwrap().len() - 2;
            assert!(written <= max, "{cut:?}: {written} of {max}");
            assert_eq!(cut == text, whole <= max, "{cut:?}");
        }
        assert_eq!(cut_for_json("\"\"\"\"", 8), "\"\"\"\"");
        assert_eq!(cut_for_json("\"\"\"\"", 7), "\"\"…");
    }

    #[test]
    fn an_alert_says_what_since_when_how_many_and_where() {
        let link = "https://b.example/console/events?status=dead";
        let data = json!({"title": "同步失败：ERP 拒绝了请求", "count": 1234, "since": "2026-11-23T14:08:00.000+08:00",
            "link": link, "words": null, "advice": "消除原因后重放 (replay it)"});
        let text = Text::of("alert.raised", &data, AT);
        assert_eq!(text.title, "【告警】同步失败：ERP 拒绝了请求");
        let expected = ["数量 (count)：1,234", "开始 (since)：2026-11-23 14:08:00", "时间 (at)：2026-11-23 15:04:05"];
        assert_eq!(text.lines[..3], expected);
        assert_eq!(text.lines[3..], ["处理 (to do)：消除原因后重放 (replay it)", &format!("查看 (see)：{link}")]);
        assert!(Text::of("alert.cleared", &data, AT).title.starts_with("【恢复】"));
    }

    #[test]
    fn nobody_is_mentioned_and_nothing_is_marked_up_by_what_the_erp_said() {
        let data = json!({"title": "x", "words": "<at user_id=\"all\"></at> <@all> [链接](http://x)\n@all"});
        let text = Text::of("alert.raised", &data, AT).whole();
        assert!(!text.contains('<') && !text.contains('[') && !text.contains('@'), "{text}");
    }

    #[test]
    fn numbers_are_grouped() {
        let shown = [0, 999, 1_000, 12_345, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "12,345", "1,234,567"]);
    }
}
