//! What differs between Unix and Windows stands in `src/os/` and nowhere else, and both sides of it offer the same.

use super::{program, read, rust};

/// What only code for one of them says.
const OF_ONE_SYSTEM: &[&str] = &[
    "os::unix",
    "os::windows",
    "signal::unix",
    "signal::windows",
    "rustix",
    "windows_service",
    "libc::",
    "(unix",
    "(windows",
    "target_os",
    "target_family",
];

#[test]
fn only_the_room_for_it_names_one_system() {
    let mut named = Vec::new();
    for source in rust(&["src"]).iter().filter(|source| !source.path.starts_with("src/os/")) {
        let text = program(source);
        let found = OF_ONE_SYSTEM.iter().filter(|name| text.contains(**name));
        named.extend(found.map(|name| format!("{}: {name}", source.path)));
    }
    assert!(named.is_empty(), "only src/os may: {named:#?}");
}

/// Heads of public functions and types, without the names of what they do not use.
fn offers(path: &str) -> Vec<String> {
    let text = read(path);
    let head = |line: &str| {
        let line = line.trim();
        let is_public = ["pub fn ", "pub async fn ", "pub struct "].iter().any(|start| line.starts_with(start));
        // A private field is no offer.
        let line = line.split(if line.starts_with("pub struct") { [';', '(', '{'] } else { ['{'; 3] }).next()?;
        is_public.then(|| line.replace("(_", "(").replace(", _", ", ").trim().to_owned())
    };
    let mut heads: Vec<String> = text.lines().filter_map(head).collect();
    heads.sort();
    heads
}

#[test]
fn both_systems_have_the_same_functions() {
    let (unix, windows) = (offers("src/os/unix.rs"), offers("src/os/windows.rs"));
    assert!(unix.len() > 8, "{unix:?}");
    assert_eq!(unix, windows);
}
