//! The house rules that no compiler checks: who may import whom, how long a file may be, what may be depended on, and that
//! the documents speak of what exists.

mod arrows;
mod circles;
mod documents;
mod files;
mod imports;
mod json;
mod portable;
mod tasks;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A file of the repository: its path from the root, with slashes, and its text.
struct Source {
    path: String,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every text file under these folders or files, in order; what is no UTF-8 (a picture) is left out.
fn sources(places: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    let mut waiting: Vec<PathBuf> = places.iter().map(|place| root().join(place)).collect();
    while let Some(place) = waiting.pop() {
        if place.is_dir() {
            let entries = fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().path());
            waiting.extend(entries);
        } else if let Ok(text) = fs::read_to_string(&place) {
            let path = place.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            found.push(Source { path, text });
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn rust(places: &[&str]) -> Vec<Source> {
    sources(places).into_iter().filter(|source| source.path.ends_with(".rs")).collect()
}

/// The part of a source file that the program consists of: without tests and comments.
fn program(source: &Source) -> String {
    let of_tests = ["_tests.rs", "/tests.rs", "/fake.rs"].iter().any(|end| source.path.ends_with(end));
    if of_tests || source.path.contains("/tests/") {
        return String::new();
    }
    // Tests inside a file are its last part; tests in a file of their own are declared anywhere.
    let text = source.text.replace("\n#[cfg(test)]\nmod tests;", "").replace("\n#[cfg(test)]\nmod fake;", "");
    let text = text.split("\n#[cfg(test)]\n").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}
