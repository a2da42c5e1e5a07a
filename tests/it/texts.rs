//! What people write, through the whole bridge: no text breaks the envelope, exceeds a limit or loses a character.

use std::time::Duration;

use erp_bridge::sync::{INTRO_LIMIT, utf16_len};
use futures::future::join_all;
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::support::{World, contact, deal, message, promoted};

const LIMIT: Duration = Duration::from_secs(120);
/// Contacts that write at the same time, and what each of them writes.
const CONTACTS: u32 = 8;
const TEXTS: usize = 40;
const HEAD: &str = "2026-11-23 15:04:05 客户：";

/// Any Unicode content, and above all what envelopes, pages and databases stumble over.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        any::<char>().prop_map(String::from),
        "\\PC{0,40}",
        prop::sample::select(vec![
            "\"",
            "\\",
            "\\u0000",
            "</script>",
            "&#24352;",
            "&amp;",
            "]]>",
            "';--",
            "\u{0}\u{1}\u{1f}\u{7f}",
            "\r\n",
            "\u{2028}",
            "\u{feff}",
            "\u{fffe}",
            "\u{ffff}",
            "\u{202e}",
            "👨‍👩‍👧",
            "🇨🇳",
            "e\u{301}",
            "𠮷",
            "（1/2）",
            "…",
            "<br>",
            "\t",
            "%00",
        ])
        .prop_map(str::to_owned),
    ];
    // Some fill several records.
    let length = prop_oneof![9 => 0..12_usize, 1 => 150..200_usize];
    length
        .prop_flat_map(move |length| prop::collection::vec(piece.clone(), length))
        .prop_map(|pieces| format!("始{}末", pieces.concat()))
}

/// The characters that must come through, in order: all but control characters, which go, and white space, which may change.
fn kept(text: &str) -> String {
    let stays = |character: &char| {
        !character.is_control() && !character.is_whitespace() && !matches!(character, '\u{fffe}' | '\u{ffff}')
    };
    let harmless = |character| match character {
        '<' => '＜',
        '>' => '＞',
        '&' => '＆',
        other => other,
    };
    text.chars().filter(stays).map(harmless).collect()
}

#[tokio::test]
async fn no_text_breaks_the_envelope_exceeds_a_limit_or_loses_a_character() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut texts = || text().new_tree(&mut runner).unwrap().current().chars().take(20_000).collect::<String>();
    let texts: Vec<Vec<String>> = (0..CONTACTS).map(|_| (0..TEXTS).map(|_| texts()).collect()).collect();
    let world = World::start().await;
    let write = async |number: u32| {
        let id = format!("c{number}");
        world.accept(&format!("p{number}"), &promoted(&contact(&id, number), 70.0)).await;
        for (said, text) in texts[number as usize].iter().enumerate() {
            world.accept(&format!("m{number}-{said}"), &message(&id, said, text)).await;
        }
    };
    join_all((0..CONTACTS).map(write)).await;
    world.idle(LIMIT).await;
    for number in 0..CONTACTS {
        let ord = world.ord_of(&format!("c{number}")).await;
        let mut records = world.sim.handle.progress_of(ord).into_iter();
        for text in &texts[number as usize] {
            let told = whole(&mut records);
            assert_eq!(kept(&told), kept(text), "of {text:?}");
        }
        assert_eq!(records.next(), None, "nothing is stored twice");
    }
}

/// Its own time is left out where it cannot be, and of an event that has no time at all that of its reception is the nearest.
#[tokio::test]
async fn no_record_is_dated_by_a_clock_that_was_never_set() {
    let world = World::start().await;
    world.handle("p", &promoted(&contact("c1", 1), 70.0)).await;
    let mut expected = Vec::new();
    for (number, never) in (1..).zip(["0001-01-01T00:00:00Z", "1999-12-31T15:59:59Z", "9999-12-31T23:59:59Z"]) {
        let mut said = message("c1", number, &format!("第{number}句"));
        said["data"]["signal"]["sent_at"] = never.into();
        world.handle(&format!("said{number}"), &said).await;
        expected.push(format!("2026-11-23 15:00:00 客户：第{number}句"));

        let mut closed = deal(&contact("c1", 1), 70.0);
        closed["data"]["deal"]["id"] = format!("D{number}").into();
        closed["data"]["deal"]["closed_at"] = never.into();
        world.handle(&format!("closed{number}"), &closed).await;
        expected.push(format!("2026-11-23 15:00:00 我方：成交《年度框架》，金额 CNY 12800.50（成交编号 D{number}）"));

        said["timestamp"] = never.into();
        said["data"]["signal"]["content"] = format!("再说第{number}句").into();
        let received = world.handle(&format!("again{number}"), &said).await.received_at;
        expected.push(format!("{} 客户：再说第{number}句", received.erp_local()));
    }
    assert_eq!(world.sim.handle.progress_of(world.ord_of("c1").await), expected);
}

/// One message out of its one or several records.
fn whole(records: &mut impl Iterator<Item = String>) -> String {
    let mut text = String::new();
    for number in 1.. {
        let record = records.next().unwrap();
        assert!(utf16_len(&record) <= INTRO_LIMIT, "{record:?}");
        let piece = record.strip_prefix(HEAD).unwrap();
        // Each message begins with a character of its own, so a number in front of it is the bridge's.
        let Some((of, piece)) = piece.strip_prefix(&format!("（{number}/")).and_then(|rest| rest.split_once('）'))
        else {
            assert_eq!(number, 1, "{record:?}");
            return piece.to_owned();
        };
        text.push_str(piece);
        if of.parse() == Ok(number) {
            break;
        }
    }
    text
}
