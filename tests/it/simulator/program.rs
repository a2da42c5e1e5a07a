//! `zhibang-sim` as a program: its flags, its first line, its end.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use super::*;

fn start_program(flags: &[&str]) -> (Child, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_zhibang-sim"));
    let mut child = program.args(["--listen", "127.0.0.1:0"]).args(flags).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, line.trim_end().to_owned())
}

#[tokio::test]
async fn the_first_line_says_where_it_listens_flags_hold_and_a_signal_ends_it_cleanly() {
    let flags = ["--quirk", "bom", "--fault", "progress.add:cut_after:p=0.05", "--latency", "1ms", "--single-session"];
    let (mut child, line) = start_program(&flags);
    let base_url = line.strip_prefix("listening on ").unwrap().to_owned();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = async |path: &str| {
        let answer = client.get(format!("{base_url}/__control{path}")).send().await.unwrap();
        serde_json::from_slice::<Value>(&answer.bytes().await.unwrap()).unwrap()
    };
    assert_eq!(get("/quirks").await, json!(["bom", "refused_status_0"]));
    assert_eq!(get("/faults").await[0]["kind"], "cut_after");
    let settings = get("/settings").await;
    assert_eq!((&settings["latency_ms"], &settings["single_session"]), (&json!(1), &json!(true)));
    assert_eq!(settings.get("password"), None);

    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert!(child.wait().unwrap().success());
}

#[tokio::test]
async fn a_profile_is_played_by_its_name_or_from_a_file_with_other_flags_on_top() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mine.json");
    std::fs::write(&file, r#"{"settings": {"page_cap": 7}, "population": {"customers": 3}}"#).unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for (profile, customers) in [("live-32", 239), (file.to_str().unwrap(), 3)] {
        let (mut child, line) = start_program(&["--profile", profile, "--single-session"]);
        let base_url = line.strip_prefix("listening on ").unwrap().to_owned();
        let get = async |path: &str| {
            let answer = client.get(format!("{base_url}/__control{path}")).send().await.unwrap();
            serde_json::from_slice::<Value>(&answer.bytes().await.unwrap()).unwrap()
        };
        assert_eq!(get("/state").await["customers"].as_array().unwrap().len(), customers, "{profile}");
        assert_eq!(get("/settings").await["single_session"], true, "{profile}");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn a_wrong_flag_or_an_address_in_use_ends_it_with_a_reason() {
    let (mut first, line) = start_program(&[]);
    let taken = line.strip_prefix("listening on http://").unwrap();
    for (flags, reason) in [
        (["--quirk", "nonsense"], "raw_control"),
        (["--fault", "nothing:away"], "customer.add"),
        (["--listen", taken], "--listen"),
        (["--profile", "nonsense"], "live-32"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_zhibang-sim")).args(flags).output().unwrap();
        assert!(!output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).contains(reason), "{flags:?}");
    }
    first.kill().unwrap();
    first.wait().unwrap();
}
