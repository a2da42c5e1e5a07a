//! Every command line that a document shows is one that the programs and the Makefile take.

mod programs;
mod runbook;

use std::{path::Path, process::Command};

use clap::{Parser, error::ErrorKind};
use erp_bridge::cli::Cli;

const DOCUMENTS: [&str; 14] = [
    "README.md",
    "README.zh-CN.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "docs/architecture.md",
    "docs/console.md",
    "docs/erp.md",
    "docs/mapping.md",
    "docs/operations.md",
    "docs/operations.zh-CN.md",
    "docs/performance.md",
    "docs/platform.md",
    "docs/scaling.md",
    "docs/simulator.md",
];
const PROGRAMS: [&str; 3] = ["erp-bridge", "zhibang-sim", "make"];
/// How a command of a packaged installation begins.
const AS_USER: &str = "sudo -u erp-bridge ";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A command as it is written, and whether it stands in a block of commands and not in a sentence.
struct Shown {
    document: &'static str,
    words: Vec<String>,
    in_block: bool,
}

/// The words of a command line up to its comment, or to where another command begins.
fn words(line: &str) -> Vec<String> {
    let line = line.strip_prefix(AS_USER).unwrap_or(line).split(" #").next().unwrap_or_default();
    let words = line.split_whitespace().take_while(|word| !matches!(*word, "|" | "&&" | ">" | ";"));
    words.map(|word| word.trim_matches(['\'', '"']).to_owned()).collect()
}

/// The commands of our programs that a document shows, in blocks and between backquotes.
fn shown(document: &'static str) -> Vec<Shown> {
    let text = std::fs::read_to_string(root().join(document)).unwrap_or_else(|error| panic!("{document}: {error}"));
    let mut found = Vec::new();
    for (number, part) in text.split("```").enumerate() {
        let in_block = number % 2 == 1;
        let commands: Vec<&str> =
            if in_block { part.lines().collect() } else { part.split('`').skip(1).step_by(2).collect() };
        let commands = commands.into_iter().map(words);
        let ours = commands.filter(|words| words.first().is_some_and(|word| PROGRAMS.contains(&word.as_str())));
        found.extend(ours.map(|words| Shown { document, words, in_block }));
    }
    found
}

/// What is wrong with a command line of the bridge. A sentence may name a command without what it needs.
fn fault(shown: &Shown) -> Option<String> {
    let error = Cli::try_parse_from(&shown.words).err()?;
    let is_fine = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => true,
        ErrorKind::MissingRequiredArgument | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => !shown.in_block,
        _ => false,
    };
    (!is_fine).then(|| error.to_string())
}

/// What stands behind the simulator's name. A profile is read as it is named; that of the document is one that a survey has
/// yet to write.
fn simulator_flags(shown: &Shown) -> impl Iterator<Item = &str> {
    let profile = concat!(env!("CARGO_MANIFEST_DIR"), "/src/simulator/profiles/live-32.json");
    shown.words[1..].iter().map(move |word| if word.ends_with(".json") { profile } else { word })
}

/// The same for the simulator, which reads its flags and, asked for its help, does nothing else.
fn simulator_fault(shown: &Shown) -> Option<String> {
    let flags = simulator_flags(shown);
    let output = Command::new(env!("CARGO_BIN_EXE_zhibang-sim")).args(flags).arg("--help").output().unwrap();
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

fn make_fault(shown: &Shown) -> Option<String> {
    let makefile = std::fs::read_to_string(root().join("Makefile")).unwrap();
    let is_target = |word: &&String| makefile.lines().any(|line| line.starts_with(&format!("{word}:")));
    shown.words[1..].iter().find(|word| !is_target(word)).map(|word| format!("there is no target {word}"))
}

#[test]
fn every_command_that_a_document_shows_is_one_that_its_program_takes() {
    let commands: Vec<Shown> = DOCUMENTS.into_iter().flat_map(shown).collect();
    for (program, count) in PROGRAMS.into_iter().zip([30, 3, 8]) {
        let found = commands.iter().filter(|shown| shown.words[0] == program).count();
        assert!(found >= count, "{found} commands of {program} were found");
    }
    for shown in &commands {
        let fault = match shown.words[0].as_str() {
            "erp-bridge" => fault(shown),
            "zhibang-sim" => simulator_fault(shown),
            _ => make_fault(shown),
        };
        assert_eq!(fault, None, "{} shows {:?}", shown.document, shown.words.join(" "));
    }
}

#[test]
fn commands_of_documents_that_harm_nothing_do_what_is_said_of_them() {
    let run = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).current_dir(root()).output().unwrap();
        assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let bridge = env!("CARGO_BIN_EXE_erp-bridge");
    assert_eq!(run(bridge, &["--version"]), format!("erp-bridge {}\n", env!("CARGO_PKG_VERSION")));
    let help = run(bridge, &["--help"]);
    for shown in DOCUMENTS.into_iter().flat_map(shown).filter(|shown| shown.words[0] == "erp-bridge") {
        let command = shown.words.get(1).filter(|word| !word.starts_with('-'));
        assert!(command.is_none_or(|command| help.contains(&format!("\n  {command}"))), "{:?}", shown.words);
    }
    assert!(run("make", &[]).contains("make demo"), "make alone lists the targets");
}
