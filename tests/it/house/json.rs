//! Nothing that came from outside is read by `serde_json` itself: `clippy.toml` forbids its functions; what has no function
//! to forbid is looked for here.

use super::{program, rust};

/// Ways round `erp_bridge::json`, as they are written.
const WAYS_ROUND: [&str; 4] = [".parse::<Value>", "Value::deserialize(", "): Json<", "Value as FromStr"];

#[test]
fn no_json_of_others_is_read_by_a_way_round() {
    for source in rust(&["src"]) {
        if source.path.starts_with("src/simulator/") {
            continue;
        }
        let program = program(&source);
        let found = WAYS_ROUND.iter().find(|way| program.contains(*way));
        assert!(found.is_none(), "{}: {found:?}; read it with crate::json", source.path);
    }
}

#[test]
fn a_type_that_is_read_has_no_member_that_believes_magic_names() {
    let mut seen = 0;
    for source in rust(&["src"]) {
        for item in deserialized(&program(&source)) {
            seen += 1;
            let believes =
                item.lines().find(|line| line.contains(": ") && ["Value", "Map<"].iter().any(|name| names(line, name)));
            assert!(believes.is_none(), "{}: {believes:?}; json::Plain", source.path);
        }
    }
    assert!(seen > 20, "{seen}");
}

/// The items that derive `Deserialize`, up to their closing brace.
fn deserialized(program: &str) -> Vec<String> {
    let mut items = Vec::new();
    for (at, _) in program.match_indices("#[derive(") {
        let item = &program[at..];
        let derived = item.split(")]").next().unwrap_or_default();
        if derived.contains("Deserialize") {
            items.push(item.split("\n}").next().unwrap_or_default().to_owned());
        }
    }
    items
}

/// Whether a member's type is, or holds, the type of this name.
fn names(line: &str, name: &str) -> bool {
    let kind = line.split(": ").nth(1).unwrap_or_default();
    kind.match_indices(name).any(|(at, _)| {
        !kind[..at].ends_with(char::is_alphanumeric) && !kind[at + name.len()..].starts_with(char::is_alphanumeric)
    })
}

#[test]
fn the_look_for_such_members_finds_them() {
    let item = |member: &str| format!("#[derive(Debug, serde::Deserialize)]\nstruct A {{\n    {member},\n}}\n");
    for (member, found) in [
        ("a: Value", true),
        ("pub(crate) a: Option<Value>", true),
        ("a: serde_json::Map<String, Value>", true),
        ("a: BTreeMap<String, Value>", true),
        ("a: Option<Plain>", false),
        ("a: FieldValue", false),
        ("a: ValueKind", false),
    ] {
        let items = deserialized(&item(member));
        let hit = items[0].lines().any(|line| ["Value", "Map<"].iter().any(|name| names(line, name)));
        assert_eq!(hit, found, "{member}");
    }
}
