//! `erp-bridge init`: by flags, and by answers from a pipe.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use erp_bridge::simulator::{self, Settings, SimConfig};

use super::program::{Answer, PASSWORD, command, run};

fn init(dir: &Path, flags: &[&str]) -> Command {
    let mut command = command(dir, &[]);
    command.arg("init").args(flags);
    command
}

fn answering(mut command: Command, answers: &str) -> Answer {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(answers.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Answer { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_from_a_pipe_make_a_configuration_that_passes_check_and_is_never_written_over() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    // Address, account, password, serial (default), source by number, category by text, stage by number, the one after a deal
    // by number, salespeople.
    let answers = format!("{}\nadmin\n{PASSWORD}\n\n1\n重点客户\n2\n3\n63, 71\n", sim.base_url());
    let made = answering(init(dir.path(), &[]), &answers);
    assert_eq!(made.code, 0, "{}{}", made.stdout, made.stderr);
    assert_eq!(sim.handle.calls_of("login").len(), 1);
    let text = fs::read_to_string(dir.path().join("erp-bridge.toml")).unwrap();
    for line in [
        "source = \"陌生开发\"",
        "sort1 = \"4,11\"",
        "sort = \"重点客户\"",
        "stage = \"方案报价\"",
        "stage_after_deal = \"长期合作\"",
        "users = [\"63\",\"71\"]",
        "# public_url = ",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    for file in ["erp-bridge.toml", "erp-bridge-platform.env", "erp-bridge-token.txt"] {
        let mode = fs::metadata(dir.path().join(file)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{file}");
    }
    let platform = fs::read_to_string(dir.path().join("erp-bridge-platform.env")).unwrap();
    let secret = platform.lines().find_map(|line| line.strip_prefix("ERP_BRIDGE_SECRET=")).unwrap();
    assert!(text.contains(secret) && platform.contains("http://127.0.0.1:8080/webhooks/events"), "{platform}");
    let shown = format!("{}{}", made.stdout, made.stderr);
    assert!(!shown.contains(secret) && !shown.contains(PASSWORD), "{shown}");
    let check = run(command(dir.path(), &[]).arg("check"));
    assert_eq!(check.code, 0, "{}{}", check.stdout, check.stderr);
    let again = answering(init(dir.path(), &[]), &answers);
    assert!(again.code == 2 && again.stderr.contains("erp-bridge.toml"), "{}", again.stderr);
    assert_eq!(fs::read_to_string(dir.path().join("erp-bridge.toml")).unwrap(), text);
}

#[tokio::test(flavor = "multi_thread")]
async fn levels_that_the_erp_calls_otherwise_are_asked_for_or_left_out_aloud() {
    let mut settings = Settings::default();
    settings.choices.levels =
        [("175", "A类"), ("289", "B类"), ("176", "一般")].map(|(id, text)| (id.to_owned(), text.to_owned())).to_vec();
    let sim = simulator::start(SimConfig { settings, ..SimConfig::default() }).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let url = sim.base_url();
    let flags =
        ["--base-url", &url, "--username", "admin", "--password", PASSWORD, "--serial", "b1", "--source", "微信"];
    let more = ["--category", "重点客户", "--stage", "初步接触", "--stage-after-deal", "-", "--users", "-"];
    let mapped = answering(init(dir.path(), &[&flags[..], &more].concat()), "1\nB类\n\n-\n");
    assert_eq!(mapped.code, 0, "{}{}", mapped.stdout, mapped.stderr);
    let text = fs::read_to_string(dir.path().join("erp-bridge.toml")).unwrap();
    for level in ["min = 90, id = 175, text = \"A类\"", "min = 75, id = 289, text = \"B类\"", "min = 60, id = 176"] {
        assert!(text.contains(level), "{level}: {text}");
    }
    assert!(!text.contains("min = 45") && !text.contains("min = 0"), "{text}");
    for words in ["评分 45 起没有价值评估", "评分 0 起没有价值评估", "A类、B类、一般"] {
        assert!(mapped.stderr.contains(words), "{words}: {}", mapped.stderr);
    }
    let check = run(command(dir.path(), &[]).arg("check"));
    assert_eq!(check.code, 0, "{}{}", check.stdout, check.stderr);

    let unasked = tempfile::tempdir().unwrap();
    let made = run(init(unasked.path(), &flags).arg("--yes"));
    assert_eq!(made.code, 0, "{}{}", made.stdout, made.stderr);
    for words in ["评分 90 起记为“一般”", "评分 75 起记为“一般”", "评分 45 起没有价值评估"]
    {
        assert!(made.stderr.contains(words), "the next lower one, where there is one: {}", made.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_tried_once_and_leaves_nothing_behind() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let url = sim.base_url();
    let flags = ["--yes", "--base-url", &url, "--username", "admin", "--password", "wrong"];
    let refused = run(&mut init(dir.path(), &flags));
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    assert_eq!(sim.handle.calls_of("login").len(), 1);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn without_the_erp_the_flags_suffice_and_each_run_has_secrets_of_its_own() {
    let texts = [0, 1].map(|_| {
        let dir = tempfile::tempdir().unwrap();
        let flags =
            ["--yes", "--no-erp", "--base-url", "http://127.0.0.1:9", "--username", "a", "--password", "\"=\\p"];
        let made = run(init(dir.path(), &flags).args(["--public-url", "https://bridge.example/"]));
        assert_eq!(made.code, 0, "{}", made.stderr);
        let platform = fs::read_to_string(dir.path().join("erp-bridge-platform.env")).unwrap();
        assert!(platform.contains("https://bridge.example/webhooks/events"), "{platform}");
        let config = fs::read_to_string(dir.path().join("erp-bridge.toml")).unwrap();
        assert!(config.contains("\npublic_url = \"https://bridge.example/\"\n"), "alerts link there: {config}");
        (platform, fs::read_to_string(dir.path().join("erp-bridge-token.txt")).unwrap())
    });
    assert!(texts[0].0 != texts[1].0 && texts[0].1 != texts[1].1);
    let dir = tempfile::tempdir().unwrap();
    let missing = run(&mut init(dir.path(), &["--yes", "--no-erp"]));
    assert!(missing.code == 2 && missing.stderr.contains("--base-url"), "{}", missing.stderr);
    let ended = answering(init(dir.path(), &["--no-erp"]), "http://127.0.0.1:9\n");
    assert!(ended.code == 2 && ended.stderr.contains("the input ended"), "{}", ended.stderr);
    let wrong = run(&mut init(
        dir.path(),
        &["--yes", "--no-erp", "--base-url", "ftp://x", "--username", "a", "--password", "p"],
    ));
    assert!(wrong.code == 2 && wrong.stderr.contains("erp.base_url"), "{}", wrong.stderr);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
