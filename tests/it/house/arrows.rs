//! Who may import whom (`docs/architecture.md`, the arrows).

use std::collections::BTreeSet;

use super::{rust, sources};

/// A room and the rooms that it may name. Everybody may use the furniture.
const ARROWS: &[(&str, &[&str])] = &[
    ("http", &["event", "store"]),
    ("event", &[]),
    ("store", &["event"]),
    ("worker", &["store", "sync", "event"]),
    ("sync", &["event", "erp"]),
    ("erp", &[]),
    // Written from the wire description alone, so that a misreading on one side cannot cancel out on the other.
    ("simulator", &[]),
    ("console", &["store", "event", "http"]),
    ("clock", &[]),
    ("config", &[]),
    ("json", &[]),
    ("telemetry", &[]),
    ("lifecycle", &[]),
];
const FURNITURE: [&str; 4] = ["clock", "config", "json", "telemetry"];
/// These see everything, and nobody imports them.
const TOP: [&str; 4] = ["app", "cli", "lib", "main"];

/// `src/http/problem.rs` → `http`, `src/clock.rs` → `clock`.
fn room_of(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs")
}

/// The modules that a text names directly behind `crate::`, in groups too: `crate::{clock::Clock, erp}`.
fn named(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (start, _) in text.match_indices("crate::") {
        if text[..start].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &text[start + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => names.extend(group_members(group)),
            None => drop(names.insert(identifier(rest))),
        }
    }
    names
}

/// The first names of a group's members, up to its closing brace.
fn group_members(group: &str) -> Vec<String> {
    let mut members = Vec::new();
    let (mut depth, mut begin) = (0, true);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => begin = true,
            c if begin && !c.is_whitespace() => {
                members.push(identifier(&group[at..]));
                begin = false;
            }
            _ => {}
        }
    }
    members
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// What of `named` a room may not name.
fn forbidden(room: &str, text: &str) -> Vec<String> {
    let allowed = ARROWS.iter().find(|(name, _)| *name == room).map_or(&[][..], |(_, allowed)| allowed);
    let rooms = |name: &String| ARROWS.iter().any(|(room, _)| room == name) || TOP.contains(&name.as_str());
    let named = named(text).into_iter().filter(rooms);
    named
        .filter(|name| name != room && !FURNITURE.contains(&name.as_str()) && !allowed.contains(&name.as_str()))
        .collect()
}

#[test]
fn nobody_imports_a_room_that_the_arrows_do_not_lead_to() {
    let mut broken = Vec::new();
    let mut seen = BTreeSet::new();
    for source in rust(&["src"]) {
        let room = room_of(&source.path);
        if TOP.contains(&room) || room == "bin" {
            continue;
        }
        assert!(ARROWS.iter().any(|(name, _)| *name == room), "{}: the room {room} has no arrows yet", source.path);
        seen.insert(room.to_owned());
        let code: Vec<&str> = source.text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let names = forbidden(room, &code.join("\n"));
        broken.extend(names.into_iter().map(|name| format!("{} may not import {name}", source.path)));
    }
    assert!(broken.is_empty(), "{broken:#?}");
    // A folder that moved would make this test empty.
    assert!(["http", "event", "store", "worker", "sync", "erp", "simulator"].iter().all(|room| seen.contains(*room)));
}

#[test]
fn the_arrows_are_read_from_every_way_of_writing_an_import() {
    for (room, text, expected) in [
        ("event", "use crate::store::Store;", vec!["store"]),
        ("event", "use crate::{clock::Clock, store::{Store, Event}, erp};", vec!["erp", "store"]),
        (
            "event",
            "use crate::{\n    clock::Clock,\n    http::{\n        auth::Keys,\n        self,\n    },\n};",
            vec!["http"],
        ),
        ("event", "let x = crate::sync::Plan::new();", vec!["sync"]),
        ("event", "pub(in crate::app) fn x() {}", vec!["app"]),
        ("http", "use crate::{config::Config, event::Event, store::Store};", vec![]),
        ("http", "use crate::erp::Erp;", vec!["erp"]),
        ("event", "use mycrate::store::Store;", vec![]),
    ] {
        assert_eq!(forbidden(room, text), expected, "{text}");
    }
}

#[test]
fn both_databases_have_migrations_of_the_same_names() {
    let names = |database: &str| -> Vec<String> {
        let folder = format!("src/store/migrations/{database}");
        sources(&[&folder]).into_iter().map(|source| source.path[folder.len()..].to_owned()).collect()
    };
    assert!(!names("sqlite").is_empty());
    assert_eq!(names("sqlite"), names("postgres"));
}
