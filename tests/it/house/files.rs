//! What every file must be, and what the program may be built from.

use std::collections::BTreeSet;

use clap::CommandFactory;
use erp_bridge::{cli::Cli, config::DEFAULT_FILE};
use toml::de::{DeTable, DeValue};

use super::{program, read, rust, sources};

/// Longer files are two files.
const LINES_MAX: usize = 450;
/// Tables of cases may be longer.
const TEST_LINES_MAX: usize = 600;

/// Where people and programs read; `target` and the like are not part of the repository.
const EVERYWHERE: &[&str] = &[
    "src",
    "tests",
    "examples",
    "benches",
    "clients",
    "docs",
    "scripts",
    "deploy",
    ".ci",
    ".config",
    "Makefile",
    "Dockerfile",
    "Cargo.toml",
    "README.md",
    "README.zh-CN.md",
    "deny.toml",
    "clippy.toml",
    "erp-bridge.example.toml",
    "openapi.yaml",
];

fn there(places: &[&'static str]) -> Vec<&'static str> {
    places.iter().copied().filter(|place| super::root().join(place).exists()).collect()
}

/// `store/transitions.rs` asks the one function that knows which state may follow which, and tells everybody.
#[test]
fn an_event_s_state_is_changed_in_one_place() {
    let changes = |source: &super::Source| {
        let text = program(source).to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
        text.contains("update events set status") || text.contains(", status = $")
    };
    let places: Vec<_> = rust(&["src/store", "src/worker", "src/http", "src/app"])
        .iter()
        .filter(|source| changes(source))
        .map(|source| source.path.clone())
        .collect();
    assert_eq!(places, ["src/store/transitions.rs"]);
}

#[test]
fn no_file_is_too_long_to_be_read_in_one_go() {
    let mut too_long = Vec::new();
    for source in rust(&there(&["src", "tests", "examples", "benches"])) {
        let lines = source.text.lines().count();
        let max = if source.path.starts_with("tests/") { TEST_LINES_MAX } else { LINES_MAX };
        if lines > max {
            too_long.push(format!("{} has {lines} lines, {max} are allowed", source.path));
        }
    }
    assert!(too_long.is_empty(), "{too_long:#?}");
}

#[test]
fn lints_are_expected_with_a_reason_and_never_allowed() {
    for source in rust(&there(&["src", "tests", "examples", "benches"])) {
        for (index, line) in source.text.lines().enumerate() {
            let place = format!("{}, line {}", source.path, index + 1);
            let code = line.trim_start();
            assert!(!code.starts_with("#[allow(") && !code.starts_with("#![allow("), "{place}: #[expect(…, reason)]");
            let unfinished = ["todo!(", "unimplemented!(", "dbg!("].iter().find(|word| code.starts_with(*word));
            assert!(unfinished.is_none(), "{place}: {unfinished:?}");
        }
        let expected = source.text.matches("#[expect(").count() + source.text.matches("#![expect(").count();
        let reasons = source.text.matches("reason = ").count();
        assert!(
            source.path.contains("house") || reasons >= expected,
            "{}: an expected lint has no reason",
            source.path
        );
    }
}

#[test]
fn whoever_expects_says_on_the_same_line_why_it_cannot_fail() {
    let mut bare = Vec::new();
    for source in rust(&["src"]) {
        let lines = program(&source);
        let lines = lines.lines().filter(|line| line.contains(".expect(") && !line.contains("//"));
        bare.extend(lines.map(|line| format!("{}: {}", source.path, line.trim())));
    }
    assert!(bare.is_empty(), "{bare:#?}");
}

#[test]
fn only_the_clock_asks_the_system_for_the_time() {
    for source in rust(&["src"]) {
        let text = program(&source);
        let asks = ["SystemTime::now", "Timestamp::now", "Zoned::now"].iter().find(|call| text.contains(*call));
        assert!(asks.is_none() || source.path == "src/clock.rs", "{} calls {asks:?}; ask a Clock", source.path);
    }
}

#[test]
fn no_file_names_a_place_of_one_machine() {
    for source in sources(&there(EVERYWHERE)) {
        // Spelled in parts, so that this file does not name them either.
        for place in ["/wo|rk/", "/tm|p/w/", "/ro|ot/", "/ho|me/"] {
            let place = place.replace('|', "");
            assert!(!source.text.contains(&place), "{} names {place}", source.path);
        }
    }
}

/// Whether a name fits a pattern, in which a `*` stands for anything.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == name };
    let rest = name.strip_prefix(before);
    rest.is_some_and(|rest| (0..=rest.len()).filter_map(|start| rest.get(start..)).any(|end| fits(after, end)))
}

/// Whether lines as of git and of images leave out a file of this name in the repository's root.
fn ignores(lines: &str, name: &str) -> bool {
    lines.lines().any(|line| fits(line.trim_start_matches("**/").trim_start_matches('/'), name))
}

#[test]
fn what_init_writes_and_a_ledger_leaves_gets_into_no_commit_and_no_image() {
    let program = Cli::command();
    let init = program.find_subcommand("init").unwrap();
    let files =
        init.get_arguments().filter(|argument| argument.get_value_names().is_some_and(|names| names == ["FILE"]));
    let defaults = files.flat_map(|argument| argument.get_default_values());
    let mut names: Vec<&str> = defaults.map(|name| name.to_str().unwrap()).collect();
    assert!(names.len() == 3 && names.contains(&DEFAULT_FILE), "{names:?}");
    let ledger = ["", "-shm", "-wal", ".lock", ".schema-13.20261126-193300"].map(|end| format!("erp-bridge.db{end}"));
    names.extend(ledger.iter().map(String::as_str));
    for list in [".gitignore", ".dockerignore"] {
        let lines = read(list);
        for name in &names {
            assert!(ignores(&lines, name), "{list} lets {name} in");
        }
        assert!(!ignores(&lines, "erp-bridge.example.toml") && !ignores(&lines, "Cargo.toml"), "{list} is read");
    }
}

/// The names that `sync/step.rs` gives its steps.
fn step_names() -> Vec<String> {
    let steps = read("src/sync/step.rs");
    let named = steps.lines().filter_map(|line| line.split_once("=> \"")?.1.split_once("\".into()"));
    named.map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn only_sync_knows_the_names_of_steps() {
    let names = step_names();
    assert!(names.len() > 8 && names.iter().any(|name| name == "save_customer"), "they are read: {names:?}");
    for source in rust(&["src/app", "src/cli", "src/http", "src/store", "src/telemetry", "src/worker"]) {
        let text = program(&source);
        // To link is also what an operator can decide, and `approve` a member of an order (`contract.md` §5).
        let is_decision = |name: &str| matches!(name, "link" | "approve") && source.path.starts_with("src/http/");
        let is_spelled = |name: &&String| {
            !is_decision(name) && (text.contains(&format!("\"{name}\"")) || text.contains(&format!("'{name}'")))
        };
        let known = names.iter().find(is_spelled);
        assert!(known.is_none() && !text.contains("\"progress:"), "{} spells the step {known:?}", source.path);
    }
}

/// The packages of `Cargo.lock` with their versions.
fn locked() -> Vec<(String, Vec<u64>)> {
    let text = read("Cargo.lock");
    let lock = DeTable::parse(&text).unwrap().into_inner();
    let packages = lock.get("package").unwrap().get_ref().as_array().unwrap().iter();
    let text = |package: &DeTable<'_>, key: &str| package.get(key).unwrap().get_ref().as_str().unwrap().to_owned();
    packages
        .map(|package| {
            let package = package.get_ref().as_table().unwrap();
            let version = text(package, "version");
            let numbers = version.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect();
            (text(package, "name"), numbers)
        })
        .collect()
}

#[test]
fn nothing_that_deny_toml_bans_is_in_the_lock_file() {
    let rules = read("deny.toml");
    let rules = DeTable::parse(&rules).unwrap().into_inner();
    let bans = rules.get("bans").unwrap().get_ref().as_table().unwrap();
    let bans = bans.get("deny").unwrap().get_ref().as_array().unwrap();
    let locked = locked();
    assert!(locked.len() > 100 && bans.iter().count() >= 5, "the files are read");
    for ban in bans.iter() {
        let ban = ban.get_ref().as_table().unwrap().get("crate").unwrap().get_ref().as_str().unwrap();
        let (name, below) = ban.split_once(":<").unwrap_or((ban, ""));
        let below: Vec<u64> = below.split('.').filter_map(|part| part.parse().ok()).collect();
        for (_, version) in locked.iter().filter(|(locked, _)| locked == name) {
            assert!(!below.is_empty() && *version >= below, "{name} {version:?} is banned by deny.toml: {ban}");
        }
    }
}

#[test]
fn the_ledger_has_one_sqlite_and_one_driver() {
    for name in ["libsqlite3-sys", "sqlx-core", "sqlx-sqlite", "sqlx-postgres", "tokio", "rustls"] {
        let versions: Vec<_> = locked().into_iter().filter(|(locked, _)| locked == name).collect();
        assert_eq!(versions.len(), 1, "{name}: {versions:?}");
    }
}

#[test]
fn the_fuzz_targets_are_locked_to_what_the_program_depends_on() {
    let (manifest, lock) = (read("Cargo.toml"), read("fuzz/Cargo.lock"));
    let manifest = DeTable::parse(&manifest).unwrap().into_inner();
    let lock = DeTable::parse(&lock).unwrap().into_inner();
    let packages = lock.get("package").unwrap().get_ref().as_array().unwrap();
    let mut packages = packages.iter().map(|package| package.get_ref().as_table().unwrap());
    let program =
        packages.find(|package| package.get("name").unwrap().get_ref().as_str() == Some("erp-bridge")).unwrap();
    let known = program.get("dependencies").unwrap().get_ref().as_array().unwrap();
    let known: Vec<_> = known.iter().filter_map(|name| name.get_ref().as_str()?.split(' ').next()).collect();
    // The targets do not ask for what is left out unless a feature asks for it.
    let is_optional = |value: &DeValue<'_>| value.as_table().is_some_and(|table| table.contains_key("optional"));
    for (name, value) in manifest.get("dependencies").unwrap().get_ref().as_table().unwrap() {
        if is_optional(value.get_ref()) {
            continue;
        }
        let name = name.get_ref().as_ref();
        assert!(known.contains(&name), "fuzz/Cargo.lock does not know {name}: run `cargo metadata` in fuzz/");
    }
}

#[test]
fn every_dependency_is_used() {
    let text =
        |places: &[&'static str]| -> String { rust(&there(places)).iter().map(|source| &*source.text).collect() };
    let (program, everything) = (text(&["src"]), text(&["src", "tests", "examples", "benches"]));
    let manifest = read("Cargo.toml");
    let manifest = DeTable::parse(&manifest).unwrap().into_inner();
    // It is there to say which SQLite sqlx takes.
    let only_pins = ["libsqlite3-sys"];
    for (section, code) in [("dependencies", &program), ("dev-dependencies", &everything)] {
        for (name, _) in manifest.get(section).unwrap().get_ref().as_table().unwrap() {
            let name = name.get_ref().as_ref();
            let is_used = code.contains(&format!("{}::", name.replace('-', "_")));
            assert!(is_used || only_pins.contains(&name), "[{section}] {name}: nothing uses it");
        }
    }
}

fn table<'i>(value: &DeValue<'i>, path: &[&str]) -> DeTable<'i> {
    let table = value.as_table().unwrap();
    match path.split_first() {
        None => table.clone(),
        Some((name, below)) => self::table(table.get(*name).unwrap_or_else(|| panic!("{name}")).get_ref(), below),
    }
}

/// As `cargo machete` looks: what nobody names builds for nothing, and is one more to be trusted.
#[test]
fn every_dependency_is_named_by_somebody() {
    let text = read("Cargo.toml");
    let manifest = DeValue::Table(DeTable::parse(&text).unwrap().into_inner());
    let mut tables = ["dependencies", "dev-dependencies"].map(|name| table(&manifest, &[name])).to_vec();
    for (_, target) in table(&manifest, &["target"]) {
        tables.push(table(target.get_ref(), &["dependencies"]));
    }
    let names = tables.iter().flat_map(|table| table.keys());
    let names: Vec<String> = names.map(|name| name.get_ref().to_string()).collect();
    assert!(names.len() > 60, "the file is read");
    let excepted = table(&manifest, &["package", "metadata", "cargo-machete"]);
    let excepted = excepted.get("ignored").unwrap().get_ref().as_array().unwrap();
    let excepted: Vec<&str> = excepted.iter().filter_map(|name| name.get_ref().as_str()).collect();
    let code = rust(&["src", "tests", "examples", "benches"]);
    let words = code.iter().flat_map(|source| source.text.split(|c: char| !c.is_alphanumeric() && c != '_'));
    let words: BTreeSet<&str> = words.collect();
    let unused = names.iter().map(String::as_str).filter(|name| !words.contains(&*name.replace('-', "_")));
    assert_eq!(unused.collect::<Vec<_>>(), excepted, "nobody names them; whoever is excepted is named by nobody");
}
