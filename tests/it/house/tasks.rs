//! The ledger's own tasks are watched: without its writer a ledger takes nothing, and nobody would be told why.

use super::{program, rust};

/// Where else a task begins: the watch itself, one whose beginner waits for its end, and one that gives a connection back,
/// without which the pool makes another.
const UNWATCHED: [(&str, &str); 3] = [
    ("src/store/background.rs", "tokio::spawn(async move {"),
    ("src/store/checkpoint.rs", "tokio::spawn(finish_on(writer, pragma)).await"),
    ("src/store/conn.rs", "runtime.spawn(timeout(RETURN_LIMIT, "),
];

#[test]
fn the_ledgers_tasks_are_begun_where_their_crash_is_seen() {
    let mut watched = String::new();
    for source in rust(&["src/store"]) {
        let program = program(&source);
        for line in program.lines().filter(|line| ["spawn(", "spawn_"].iter().any(|call| line.contains(call))) {
            let is_watched = line.contains("background.spawn(");
            let is_listed = UNWATCHED.iter().any(|(path, begun)| source.path == *path && line.contains(begun));
            assert!(
                is_watched || is_listed || line.contains("fn spawn("),
                "{}: {line}; Background::spawn",
                source.path
            );
            watched.push_str(line);
        }
    }
    for task in ["the ledger's writer", "the ledger's checkpointer", "the journal's writer"] {
        assert!(watched.contains(&format!("background.spawn(\"{task}\"")), "{task} is watched by nobody");
    }
}
