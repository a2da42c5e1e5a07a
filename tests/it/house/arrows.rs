//! Who may import whom (`docs/architecture.md`, the arrows).

use std::collections::BTreeSet;

use super::{imports, rust, sources};

/// A room and the rooms that it may name. Everybody may use the furniture.
const ARROWS: &[(&str, &[&str])] = &[
    ("http", &["event", "store"]),
    ("event", &[]),
    ("store", &["event"]),
    ("worker", &["store", "sync", "event"]),
    ("sync", &["event", "erp"]),
    ("erp", &[]),
    ("survey", &["erp"]),
    // Written from the wire description alone, so that a misreading on one side cannot cancel out on the other.
    ("simulator", &[]),
    ("notify", &["store", "event"]),
    ("console", &["store", "event", "http"]),
    ("clock", &[]),
    ("config", &[]),
    ("json", &[]),
    ("os", &[]),
    ("outbound", &[]),
    ("telemetry", &[]),
    ("lifecycle", &[]),
];
const FURNITURE: [&str; 6] = ["clock", "config", "json", "os", "outbound", "telemetry"];
/// What the configuration is parsed into, so that nobody parses it again: types that know no other file, in the room that
/// uses them.
const LEAVES_FOR_CONFIG: [&str; 4] = ["event::EventKind", "event::Placeholder", "event::Rule", "event::RuleSet"];
/// These see everything, and nobody imports them.
const TOP: [&str; 4] = ["app", "cli", "lib", "main"];

/// `src/http/problem.rs` → `http`, `src/clock.rs` → `clock`.
fn room_of(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs")
}

/// The rooms that a text names and may not name.
fn forbidden(room: &str, text: &str) -> BTreeSet<String> {
    let allowed = ARROWS.iter().find(|(name, _)| *name == room).map_or(&[][..], |(_, allowed)| allowed);
    let is_room = |name: &str| ARROWS.iter().any(|(room, _)| *room == name) || TOP.contains(&name);
    let is_allowed = |name: &str| name == room || FURNITURE.contains(&name) || allowed.contains(&name);
    let is_leaf = |path: &str| room == "config" && LEAVES_FOR_CONFIG.contains(&path);
    let paths = imports::named(text, &["crate"]).into_iter();
    paths
        .filter(|path| !is_leaf(&path[1..].join("::")))
        .filter_map(|path| path.into_iter().nth(1))
        .filter(|name| is_room(name) && !is_allowed(name))
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
        ("config", "use crate::event::{EventKind, Rule};", vec![]),
        ("config", "use crate::event::{EventKind, Event};", vec!["event"]),
    ] {
        assert_eq!(forbidden(room, text), expected.into_iter().map(str::to_owned).collect(), "{text}");
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
