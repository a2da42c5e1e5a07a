//! What a source file names of the others: `use` groups taken apart, re-exports followed to where the thing is defined.

use std::collections::{BTreeMap, BTreeSet};

use super::{Source, program, rust};

/// A path by its names: `crate::store::Store` in any file, or `super::Store` in `store/turns.rs`, is `["store", "Store"]`.
pub(super) type Path = Vec<String>;

/// The paths behind `roots` (`crate`, `super`, `self`, or the name of a module) that a text names, groups taken apart:
/// `super::{a::B, c}` is `super::a::B` and `super::c`.
pub(super) fn named(text: &str, roots: &[&str]) -> Vec<Path> {
    let mut found = Vec::new();
    for root in roots {
        for (start, _) in text.match_indices(&format!("{root}::")) {
            let before = text[..start].chars().next_back();
            if before.is_none_or(|c| !is_name(c) && c != ':' && c != '.') {
                tree(&text[start..], &mut Vec::new(), &mut found);
            }
        }
    }
    found
}

/// Reads one path or group at the beginning of `text` and answers what stands behind it.
fn tree<'a>(text: &'a str, above: &mut Path, found: &mut Vec<Path>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = rest.trim_start().trim_start_matches(',').trim_start();
            if rest.is_empty() || rest.starts_with('}') {
                return rest.strip_prefix('}').unwrap_or(rest);
            }
            let before = rest.len();
            rest = tree(rest, above, found);
            if rest.len() == before {
                return rest;
            }
        }
    }
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        found.push(above.clone());
        return rest;
    }
    above.push(name.to_owned());
    let rest = match rest.strip_prefix("::") {
        Some(behind) if behind.trim_start().starts_with(|c| is_name(c) || c == '{') => tree(behind, above, found),
        _ => {
            found.push(above.clone());
            rest
        }
    };
    above.pop();
    rest.strip_prefix(" as ").map_or(rest, |alias| alias.trim_start_matches(is_name))
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// One file of the program.
pub(super) struct Module {
    pub(super) file: String,
    /// `src/http/api/query.rs` is `["http", "api", "query"]`, a folder's `mod.rs` the folder.
    path: Path,
    /// The modules that it declares.
    children: Vec<String>,
    /// Names that it passes on, and where they come from.
    passed_on: BTreeMap<String, Path>,
    names: Vec<Path>,
}

impl Module {
    fn read(source: &Source) -> Self {
        let text = program(source);
        let path = module_path(&source.path);
        let declares = |line: &str| line.split("mod ").nth(1)?.split_once(';').map(|(name, _)| name.to_owned());
        let is_declaration =
            |line: &&str| line.starts_with("mod ") || (line.starts_with("pub") && line.contains(" mod "));
        let children: Vec<String> = text.lines().filter(is_declaration).filter_map(declares).collect();
        let mut roots = vec!["crate", "super", "self"];
        roots.extend(children.iter().map(String::as_str));
        let (passing_on, rest) = split_re_exports(&text);
        let absolute = |found: Vec<Path>| found.into_iter().map(|name| absolute(&path, name));
        let passed_on = absolute(named(&passing_on, &roots)).filter_map(|name| Some((name.last()?.clone(), name)));
        let passed_on = passed_on.collect();
        let names = absolute(named(&rest, &roots)).collect();
        Self { file: source.path.clone(), path, children, passed_on, names }
    }

    fn is_front(&self) -> bool {
        !self.children.is_empty() || self.file.ends_with("/mod.rs")
    }
}

fn module_path(file: &str) -> Path {
    let inside = file.strip_prefix("src/").unwrap_or(file).trim_end_matches(".rs");
    let inside = inside.strip_suffix("/mod").unwrap_or(inside);
    inside.split('/').filter(|part| *part != "lib").map(str::to_owned).collect()
}

/// Parts `pub use …;` from everything else.
fn split_re_exports(text: &str) -> (String, String) {
    let (mut passing_on, mut rest) = (String::new(), String::new());
    let mut inside = false;
    for line in text.lines() {
        inside |= line.starts_with("pub use ") || (line.starts_with("pub(") && line.contains(") use "));
        let part = if inside { &mut passing_on } else { &mut rest };
        part.push_str(line);
        part.push('\n');
        inside &= !line.contains(';');
    }
    (passing_on, rest)
}

/// A path from the root of the program, as `module` writes it.
fn absolute(module: &Path, name: Path) -> Path {
    let mut base = module.clone();
    let mut rest = name.into_iter().peekable();
    match rest.peek().map(String::as_str) {
        Some("crate") => base.clear(),
        Some("super") => base.truncate(base.len().saturating_sub(1)),
        Some("self") => {}
        _ => return base.into_iter().chain(rest).collect(),
    }
    rest.next();
    while rest.next_if(|part| part == "super").is_some() {
        base.pop();
    }
    base.into_iter().chain(rest).collect()
}

/// Which file names something of which other file: pairs of indices into the answer's first part.
///
/// What the front of a folder (`mod.rs`) defines itself belongs to all its files, so an arrow to it counts for nothing;
/// what it passes on is followed to the file that defines it.
pub(super) fn arrows() -> (Vec<Module>, BTreeSet<(usize, usize)>) {
    let modules: Vec<Module> = rust(&["src"]).iter().map(Module::read).collect();
    let at: BTreeMap<&Path, usize> = modules.iter().enumerate().map(|(index, module)| (&module.path, index)).collect();
    let mut arrows = BTreeSet::new();
    for (from, module) in modules.iter().enumerate() {
        for name in &module.names {
            if let Some(to) = defining(name, &modules, &at, 0)
                && to != from
                && !modules[to].is_front()
                && !module.is_front()
            {
                arrows.insert((from, to));
            }
        }
    }
    (modules, arrows)
}

fn defining(name: &Path, modules: &[Module], at: &BTreeMap<&Path, usize>, depth: usize) -> Option<usize> {
    let found = (0..=name.len()).rev().find_map(|length| Some((length, *at.get(&name[..length].to_vec())?)));
    let (length, index) = found?;
    match name.get(length).and_then(|next| modules[index].passed_on.get(next)) {
        // A chain of fronts is short; what passes itself on would have no end.
        Some(origin) if depth < 8 => {
            let whole: Path = origin.iter().chain(&name[length + 1..]).cloned().collect();
            defining(&whole, modules, at, depth + 1)
        }
        _ => Some(index),
    }
}

#[test]
fn every_way_of_naming_a_path_is_read() {
    let read = |text: &str| {
        let mut names: Vec<String> =
            named(text, &["crate", "super", "self"]).into_iter().map(|path| path.join("::")).collect();
        names.sort();
        names
    };
    for (text, expected) in [
        ("use crate::store::Store;", vec!["crate::store::Store"]),
        ("use super::{a::B, c::{D, self}};", vec!["super::a::B", "super::c::D", "super::c::self"]),
        ("use crate::{\n    clock::Clock,\n    erp,\n};", vec!["crate::clock::Clock", "crate::erp"]),
        ("use super::{a::B as C, d};", vec!["super::a::B", "super::d"]),
        ("let x = super::super::call::text(&y);", vec!["super::super::call::text"]),
        ("pub(in crate::app) fn x() {}", vec!["crate::app"]),
        ("use mycrate::store::Store; not::super_::x", vec![]),
        ("Self::new(crate::erp::<u8>::x)", vec!["crate::erp"]),
    ] {
        let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn a_path_is_read_from_where_it_is_written() {
    let path = |text: &str| text.split("::").map(str::to_owned).collect::<Path>();
    for (module, name, expected) in [
        ("store::turns", "super::Store", "store::Store"),
        ("http::api::query", "super::super::problem", "http::problem"),
        ("store", "self::turns::claim", "store::turns::claim"),
        ("store", "turns::claim", "store::turns::claim"),
        ("store::turns", "crate::event::Event", "event::Event"),
    ] {
        assert_eq!(absolute(&path(module), path(name)), path(expected), "{module}: {name}");
    }
}
