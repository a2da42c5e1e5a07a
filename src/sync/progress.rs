//! The texts of progress records (洽谈进展): a head with time and speaker, long messages in numbered parts.

use super::text::{clean, pieces, utf16_len};
use crate::{
    clock::Millis,
    config::Markup,
    erp::ContactWay,
    event::{Channel, Deal, Direction, Signal},
};

/// Longest text of one progress record, in UTF-16 code units (`erp-wire.md §5`).
pub const INTRO_LIMIT: usize = 1_000;

/// The records that a chat message becomes: `2026-11-23 15:04:05 客户：…`, or with `（1/3）` behind the colon in each part.
pub(super) fn message_records(signal: &Signal, fallback: Millis, markup: Markup) -> Vec<String> {
    let speaker = match signal.direction() {
        Direction::Inbound => "客户",
        Direction::Outbound => "我方",
    };
    let moment = signal.sent_at().unwrap_or(fallback);
    in_parts(&format!("{} {speaker}：", moment.erp_local()), &clean(signal.content(), markup))
}

/// The records that a closed deal becomes; `signal` is the message that came with it and has no other place.
pub(super) fn deal_records(deal: &Deal, signal: Option<&Signal>, fallback: Millis, markup: Markup) -> Vec<String> {
    let mut text = "成交".to_owned();
    if let Some(title) = deal.title() {
        text.push_str(&format!("《{title}》"));
    }
    if let Some(amount) = deal.amount() {
        text.push_str(&format!("，金额 {} {amount}", deal.currency()));
    }
    text.push_str(&format!("（成交编号 {}）", deal.id()));
    if let Some(signal) = signal {
        text.push_str(&format!("\n沟通记录：{}", signal.content()));
    }
    let moment = deal.closed_at().unwrap_or(fallback);
    in_parts(&format!("{} 我方：", moment.erp_local()), &clean(&text, markup))
}

/// The ERP's way of contact (跟进方式) for a channel; WeChat is none of the ERP's own, so it is 其他.
pub(super) const fn way(channel: Channel) -> ContactWay {
    match channel {
        Channel::Phone => ContactWay::Phone,
        Channel::Email => ContactWay::Email,
        Channel::Visit => ContactWay::Visit,
        Channel::Wechat => ContactWay::Other,
    }
}

fn in_parts(head: &str, text: &str) -> Vec<String> {
    if utf16_len(head) + utf16_len(text) <= INTRO_LIMIT {
        return vec![format!("{head}{text}")];
    }
    // The mark's length depends on how many parts there are; a few rounds settle it.
    let mut of = 2;
    loop {
        let mark = utf16_len(&format!("（{of}/{of}）"));
        let parts = pieces(text, INTRO_LIMIT - utf16_len(head) - mark);
        if parts.len() <= of {
            let of = parts.len();
            return (1..).zip(parts).map(|(part, piece)| format!("{head}（{part}/{of}）{piece}")).collect();
        }
        of = parts.len();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEAD: &str = "2026-11-23 15:04:05 客户：";

    #[test]
    fn a_text_that_fits_is_one_record_and_one_unit_more_makes_two() {
        let room = INTRO_LIMIT - utf16_len(HEAD);
        for (length, records) in [(room - 1, 1), (room, 1), (room + 1, 2)] {
            let parts = in_parts(HEAD, &"字".repeat(length));
            assert_eq!(parts.len(), records, "{length} characters");
            assert!(parts.iter().all(|part| utf16_len(part) <= INTRO_LIMIT && part.starts_with(HEAD)));
        }
        assert!(in_parts(HEAD, &"字".repeat(room + 1))[1].starts_with(&format!("{HEAD}（2/2）")));
    }

    #[test]
    fn the_longest_message_is_split_into_numbered_parts() {
        let parts = in_parts(HEAD, &"😀".repeat(20_000));
        assert!(parts.len() > 40);
        assert!(parts[0].starts_with(&format!("{HEAD}（1/{}）", parts.len())));
    }

    proptest! {
        #[test]
        fn parts_keep_the_limit_and_lose_nothing(text in "(\\PC|😀|👨‍👩‍👧|字){0,3000}") {
            let parts = in_parts(HEAD, &text);
            let of = parts.len();
            let mut joined = String::new();
            for (number, part) in (1..).zip(&parts) {
                prop_assert!(utf16_len(part) <= INTRO_LIMIT);
                let mark = if of == 1 { HEAD.to_owned() } else { format!("{HEAD}（{number}/{of}）") };
                joined.push_str(part.strip_prefix(&mark).unwrap());
            }
            prop_assert_eq!(joined, text);
        }
    }
}
