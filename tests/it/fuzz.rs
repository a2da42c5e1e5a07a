//! The fuzz targets in short, with the stable toolchain: the kept corpora (`fuzz/corpus`) and seeded mutations of them.
//! For longer runs see `fuzz/README.md`.

use std::{fs, path::Path};

use erp_bridge::{
    erp,
    event::{Event, ParseError, Parsed, Reading},
    json::{self, Plain},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};

/// Mutations of each corpus; a few seconds in a debug build.
const MUTATIONS: usize = 20_000;
/// Longest mutated body, in bytes.
const BYTES_MAX: usize = 16_384;
/// Pieces that mean something to one of the parsers.
const WORDS: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b":",
    b",",
    b"\\",
    b"\\u",
    b"\\ud83d",
    b"\\ude00",
    b"\"$serde_json::private::RawValue\":",
    b"\"\\u0024serde_json::private::Number\":",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"null",
    b"true",
    b"-1",
    b"1e400",
    b"007",
    b"9223372036854775808",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"&#x",
    b"&amp;",
    b"&#55357;",
    b"<html>",
    b"\xe5\xbc\xa0",
    b"\"header\":{\"status\":0}",
    b"\"rows\":",
    b"\"cols\":",
    b"\"data\":",
    b"\"contact\":",
    b"\"type\":\"deal.closed\"",
    b"\"id\":",
];

fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut bodies: Vec<_> = files
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .collect();
    bodies.sort();
    assert!(bodies.len() >= 10, "the corpus {name} is kept");
    bodies
}

/// Replays a corpus, then mutations of it; a failure names the file or the number of the mutation.
fn fuzz(name: &str, check: impl Fn(&[u8])) {
    let corpus = corpus(name);
    for (file, body) in &corpus {
        attempt(&format!("{name}/{file}"), body, &check);
    }
    for number in 0..MUTATIONS {
        let mut random = StdRng::seed_from_u64(u64::try_from(number).unwrap());
        let mut body = corpus[random.random_range(0..corpus.len())].1.clone();
        for _ in 0..random.random_range(1..=6) {
            mutate(&mut body, &corpus[random.random_range(0..corpus.len())].1, &mut random);
        }
        body.truncate(BYTES_MAX);
        attempt(&format!("{name}, mutation {number}"), &body, &check);
    }
}

fn attempt(what: &str, body: &[u8], check: &impl Fn(&[u8])) {
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(body)));
    assert!(unwound.is_ok(), "{what}: {:?}", String::from_utf8_lossy(body));
}

fn mutate(body: &mut Vec<u8>, other: &[u8], random: &mut StdRng) {
    let from = random.random_range(0..=body.len());
    let to = (from + random.random_range(0..=32)).min(body.len());
    match random.random_range(0..6) {
        0 => drop(body.drain(from..to)),
        1 => drop(body.splice(from..to, WORDS[random.random_range(0..WORDS.len())].iter().copied())),
        2 => {
            let piece = body[from..to].repeat(random.random_range(1..=40));
            body.splice(from..from, piece);
        }
        3 => {
            let (start, end) = (random.random_range(0..=other.len()), random.random_range(0..=other.len()));
            body.splice(from..to, other[start.min(end)..start.max(end)].iter().copied());
        }
        4 if from < body.len() => body[from] ^= 1 << random.random_range(0..8),
        _ => body.insert(from, random.random()),
    }
}

#[test]
fn whatever_the_erp_answers_reading_it_ends_and_ends_twice_in_the_same() {
    fuzz("envelope", |body| {
        let read = format!("{:?}", erp::parse(body));
        assert_eq!(read, format!("{:?}", erp::parse(body)));
    });
}

#[test]
fn whatever_a_sender_posts_it_is_an_event_or_its_faults_are_named() {
    fuzz("event", |body| {
        let read = Event::parse(body, &Reading::default());
        match &read {
            Ok(Parsed::Event(event)) => assert!((1..=48).contains(&event.contact().id().len())),
            Ok(Parsed::Unknown { kind, .. }) => assert!((1..=100).contains(&kind.chars().count())),
            Err(ParseError::Invalid { errors, .. }) => assert!(!errors.is_empty()),
            Err(ParseError::NotJson(_)) => assert!(json::parse(body).is_err()),
        }
        assert_eq!(read, Event::parse(body, &Reading::default()));
    });
}

#[test]
fn whatever_json_comes_it_is_refused_or_read_and_can_be_written_and_read_again() {
    fuzz("json", |body| {
        let Ok(value) = json::parse(body) else { return };
        assert_eq!(json::from_value::<Plain>(&value).unwrap().0, value);
        assert_eq!(json::parse_text(&value.to_string()), Ok(value));
    });
}
