//! What the documents show of `erp-bridge send` and of the simulator is run as it stands there.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use super::{
    DOCUMENTS, root,
    runbook::{path, shell},
    shown, simulator_flags,
};
use crate::{
    cli::program::{command, run, settings},
    support::{SECRET, World},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_events_of_the_examples_are_sent_by_the_command_of_the_readmes() {
    let world = World::start().await;
    let count = fs::read_dir(root().join("examples/events")).unwrap().count();
    for document in ["README.md", "README.zh-CN.md"] {
        let commands =
            shown(document).into_iter().filter(|shown| shown.words.get(1).is_some_and(|word| word == "send"));
        let commands: Vec<String> = commands.map(|shown| shown.words.join(" ")).collect();
        assert_eq!(commands.len(), 1, "{document}: {commands:?}");
        let filled_in = commands[0].replace("http://127.0.0.1:8080", &world.url("")).replace("whsec_…", SECRET);
        let (is_done, told) = shell(&filled_in, root(), &path()).await;
        let lines: Vec<&str> = told.lines().filter(|line| line.starts_with("examples/events/")).collect();
        assert_eq!((is_done, lines.len()), (false, count), "one of them is refused, each has its line: {told}");
        for line in lines {
            let answers = if line.contains("not-valid") { &[" 422 "][..] } else { &[" 200 ", " 202 "] };
            assert!(answers.iter().any(|answer| line.contains(answer)), "{line}");
        }
    }
}

#[test]
fn every_simulator_of_the_documents_listens_and_takes_the_account_that_they_name() {
    for shown in DOCUMENTS.into_iter().flat_map(shown) {
        if shown.words[0] != "zhibang-sim" || !shown.in_block {
            continue;
        }
        let mut program = Command::new(env!("CARGO_BIN_EXE_zhibang-sim"));
        program.args(simulator_flags(&shown)).args(["--listen", "127.0.0.1:0"]);
        let mut child = program.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let erp = line.trim_end().strip_prefix("listening on ").unwrap_or_else(|| panic!("{:?}: {line}", shown.words));
        let checked = run(command(dir.path(), &settings(erp)).args(["check", "--json"]));
        child.kill().unwrap();
        child.wait().unwrap();
        let told: serde_json::Value = serde_json::from_str(&checked.stdout).unwrap();
        let mut rows = told["rows"].as_array().unwrap().iter();
        let logged_in = rows.any(|row| row["code"] == "erp.login" && row["status"] == "holds");
        assert!(logged_in, "{:?}: {told:#}", shown.words);
    }
}
