//! The documents speak of what exists, and what exists is documented.

use std::collections::BTreeSet;

use erp_bridge::{
    config::Config,
    event::{EventKind, Rule},
};
use toml::de::{DeTable, DeValue};

use super::{read, root, sources};

/// Documents for people, and files that set variables.
fn documents() -> Vec<super::Source> {
    let places = [
        "README.md",
        "README.zh-CN.md",
        "SECURITY.md",
        "docs",
        "Dockerfile",
        "Makefile",
        "scripts",
        "deploy",
        "CHANGELOG.md",
        "erp-bridge.example.toml",
    ];
    let there: Vec<&str> = places.into_iter().filter(|place| root().join(place).exists()).collect();
    sources(&there)
}

/// Every key of the example file, which another test holds against the program.
fn keys() -> BTreeSet<String> {
    let text: String = read("erp-bridge.example.toml")
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest)
                if rest.split(" = ").next().is_some_and(|key| key.chars().all(|c| c.is_alphanumeric() || c == '_')) =>
            {
                format!("{rest}\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    let table = DeTable::parse(&text).unwrap().into_inner();
    let mut keys = BTreeSet::new();
    collect("", &table, &mut keys);
    keys
}

fn collect(above: &str, table: &DeTable<'_>, keys: &mut BTreeSet<String>) {
    for (key, value) in table {
        let path = format!("{above}{}", key.get_ref());
        if let DeValue::Table(inner) = value.get_ref() {
            collect(&format!("{path}."), inner, keys);
        }
        keys.insert(path);
    }
}

#[test]
fn every_environment_variable_in_the_documents_is_a_key() {
    let keys = keys();
    assert!(keys.contains("erp.values.sort1") && keys.contains("webhook.secrets"), "{keys:?}");
    let mut seen = 0;
    for document in documents() {
        for (start, _) in document.text.match_indices("ERP_BRIDGE__") {
            let name: String =
                document.text[start..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            let key =
                name.trim_start_matches("ERP_BRIDGE__").trim_end_matches("_FILE").to_lowercase().replace("__", ".");
            if key.is_empty() || key == "section.key" {
                continue;
            }
            seen += 1;
            assert!(keys.contains(&key), "{} names {name}, and there is no key {key}", document.path);
        }
    }
    assert!(seen > 5, "the documents are read");
}

#[test]
fn every_link_inside_the_repository_leads_somewhere() {
    for document in documents().iter().filter(|document| document.path.ends_with(".md")) {
        for (start, _) in document.text.match_indices("](") {
            let target: String =
                document.text[start + 2..].chars().take_while(|c| !matches!(c, ')' | '#' | ' ')).collect();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let folder = root().join(&document.path).parent().unwrap().to_owned();
            assert!(folder.join(&target).exists(), "{} links to {target}, which is not there", document.path);
        }
    }
}

/// Root would leave files beside the ledger that the service cannot write.
#[test]
fn whoever_is_told_of_a_command_on_a_packaged_installation_runs_it_as_its_user() {
    const AS_USER: &str = "sudo -u erp-bridge erp-bridge";
    const CONFIG: &str = "--config /etc/erp-bridge/erp-bridge.toml";
    let postinst = read("deploy/debian/postinst").replace("$config", "/etc/erp-bridge/erp-bridge.toml");
    let places = ["README.md", "README.zh-CN.md", "docs", "deploy/package"];
    let texts = sources(&places).into_iter().map(|source| (source.path, source.text));
    let texts: Vec<(String, String)> = texts.chain([("deploy/debian/postinst".to_owned(), postinst)]).collect();
    for (path, text) in &texts {
        for (start, _) in text.match_indices(CONFIG) {
            let line = &text[text[..start].rfind(['\n', '`']).map_or(0, |end| end + 1)..start];
            let command = line.split_once(AS_USER).map(|(_, command)| command.trim());
            let is_one = |command: &str| !command.is_empty() && command.chars().all(|c| c.is_ascii_lowercase());
            assert!(command.is_some_and(is_one), "{path}: {line}{CONFIG}");
        }
    }
    let told = |path: &str, command: &str| {
        let text = &texts.iter().find(|(named, _)| named == path).unwrap().1;
        assert!(text.contains(&format!("{AS_USER} {command} {CONFIG}")), "{path} does not say how to {command}");
    };
    for path in ["README.md", "README.zh-CN.md", "deploy/debian/postinst", "deploy/package/erp-bridge.toml"] {
        told(path, "check");
    }
    for command in ["check", "adopt", "survey", "backup"] {
        told("docs/operations.md", command);
        told("docs/operations.zh-CN.md", command);
    }
}

#[test]
fn every_source_file_that_the_architecture_names_exists() {
    let text = read("docs/architecture.md");
    let names: BTreeSet<&str> = text.split('`').skip(1).step_by(2).filter(|name| name.ends_with(".rs")).collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        let there = root().join("src").join(name).exists() || root().join(name).exists();
        assert!(there, "docs/architecture.md names {name}, which is not there");
    }
}

#[test]
fn every_function_that_the_architecture_walks_through_exists() {
    let text = read("docs/architecture.md");
    let walked: BTreeSet<(&str, &str)> =
        text.split('`').skip(1).step_by(2).filter_map(|name| name.split_once(".rs::")).collect();
    assert!(walked.len() > 15, "{walked:?}");
    for (file, function) in walked {
        let there = read(&format!("src/{file}.rs")).contains(&format!("fn {function}("))
            || read(&format!("src/{file}.rs")).contains(&format!("fn {function}<"));
        assert!(there, "docs/architecture.md walks through {function} of {file}.rs, which is not there");
    }
}

#[test]
fn every_metric_that_the_operators_are_told_of_is_counted() {
    let program: String = super::rust(&["src"]).into_iter().map(|source| source.text).collect();
    let metrics = |text: &str| -> BTreeSet<String> {
        let names = text.split('`').filter(|word| word.starts_with("erp_bridge_"));
        names.filter_map(|word| word.split('{').next()).map(str::to_owned).collect()
    };
    let told = metrics(&read("docs/operations.md"));
    assert!(told.len() > 5, "{told:?}");
    assert_eq!(metrics(&read("docs/operations.zh-CN.md")), told, "in Chinese as well");
    for metric in told {
        assert!(program.contains(&format!("\"{metric}\"")), "docs/operations.md names {metric}, which nothing counts");
    }
}

/// The words of a text between backquotes, tables included.
fn quoted(text: &str) -> BTreeSet<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_code_that_a_caller_or_an_operator_can_meet_has_an_entry_for_those_who_run_it() {
    let manuals = ["docs/operations.md", "docs/operations.zh-CN.md"].map(|path| (path, read(path)));
    let codes = |path: &str, before: &str| -> BTreeSet<String> {
        let program = super::program(&super::Source { path: path.to_owned(), text: read(path) });
        let is_code = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        let literals =
            program.match_indices(before).filter_map(|(start, _)| program[start + before.len()..].split('"').next());
        literals.filter(is_code).map(str::to_owned).collect()
    };
    let (causes, problems) = (codes("src/event/causes.rs", "code: \""), codes("src/http/problem.rs", "(\""));
    assert!(causes.len() > 20 && problems.len() > 25, "{causes:?} {problems:?}");
    for code in causes.union(&problems).filter(|code| !code.is_empty()) {
        for (path, manual) in &manuals {
            assert!(quoted(manual).contains(code.as_str()), "{path} has no entry for {code}");
        }
    }
}

#[test]
fn every_make_target_in_the_documents_exists_and_every_target_explains_itself() {
    let makefile = read("Makefile");
    let targets: BTreeSet<&str> = makefile
        .lines()
        .filter(|line| !line.starts_with(['\t', '.', '#']))
        .filter_map(|line| line.split_once(':').map(|(target, _)| target))
        .collect();
    assert!(targets.contains("test") && targets.contains("run"), "{targets:?}");
    for target in &targets {
        let line = makefile.lines().find(|line| line.starts_with(&format!("{target}:"))).unwrap();
        assert!(line.contains("## "), "make {target} needs a line for `make help`");
    }
    for document in documents() {
        for (start, _) in document.text.match_indices("`make ") {
            let is_of_name = |c: &char| c.is_ascii_lowercase() || *c == '-';
            let target: String = document.text[start + 6..].chars().take_while(is_of_name).collect();
            assert!(target.is_empty() || targets.contains(target.as_str()), "{}: make {target}", document.path);
        }
    }
}

#[test]
fn every_script_that_the_makefile_or_ci_calls_can_be_run() {
    use std::os::unix::fs::PermissionsExt;
    let callers = ["Makefile", ".ci/run", "scripts/test.sh"].map(read).concat();
    let scripts: BTreeSet<&str> =
        callers.split_whitespace().filter(|word| word.starts_with("scripts/") && word.ends_with(".sh")).collect();
    assert!(scripts.contains("scripts/test.sh"));
    for script in scripts.into_iter().chain([".ci/run"]) {
        let mode =
            std::fs::metadata(root().join(script)).unwrap_or_else(|error| panic!("{script}: {error}")).permissions();
        assert_eq!(mode.mode() & 0o111, 0o111, "{script} is not executable");
        assert!(read(script).contains("set -euo pipefail"), "{script} must stop at its first failure");
    }
}

#[test]
fn no_script_looks_for_a_program_where_cargo_need_not_have_put_it() {
    for source in super::sources(&["Makefile", "scripts", ".ci"]) {
        let says_where =
            ["export CARGO_TARGET_DIR=", "unset CARGO_TARGET_DIR"].iter().any(|it| source.text.contains(it));
        let is_bare = |line: &&str| ["target/debug", "target/release", "target/$"].iter().any(|it| line.contains(it));
        let bare = source.text.lines().find(is_bare).filter(|_| !says_where);
        assert!(bare.is_none(), "{}: write ${{CARGO_TARGET_DIR:-target}}: {bare:?}", source.path);
    }
}

#[test]
fn the_configuration_knows_the_event_types_and_rules_of_admission() {
    let load = |rules: String| {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let set = [
            ("WEBHOOK__SECRETS", secret),
            ("ERP__BASE_URL", "http://erp.example"),
            ("ERP__USERNAME", "u"),
            ("ERP__PASSWORD", "p"),
            ("ERP__SERIAL", "1"),
            ("ADMISSION__RULES", &rules),
        ];
        Config::from_sources(None, set.into_iter().map(|(key, value)| (format!("ERP_BRIDGE__{key}"), value.to_owned())))
    };
    for kind in EventKind::ALL {
        for rule in Rule::ALL {
            let outcome = load(format!("{}:{}", kind.as_str(), rule.as_str()));
            assert_eq!(outcome.is_ok(), !kind.is_command(), "{} {}", kind.as_str(), rule.as_str());
        }
    }
}

#[test]
fn every_sentence_of_the_security_document_names_tests_that_exist() {
    let tests: String = super::rust(&["src", "tests"]).into_iter().map(|source| source.text).collect();
    let text = read("SECURITY.md");
    let mut named = BTreeSet::new();
    // Neither the head of a table nor the line below it.
    let is_row = |line: &str| line.starts_with("| ") && !line.starts_with("| |") && !line.starts_with("| -");
    assert!(text.lines().filter(|line| is_row(line)).count() > 5, "the table is read");
    for sentence in text.lines().filter(|line| line.starts_with("- ") || is_row(line)) {
        let names: Vec<&str> = sentence
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|word| word.contains('_') && word.chars().all(|c| c == '_' || c.is_ascii_lowercase()))
            .collect();
        let is_advice = sentence.contains("put nothing personal into them");
        assert!(is_advice || !names.is_empty(), "SECURITY.md promises without a test: {sentence}");
        named.extend(names.into_iter().map(str::to_owned));
    }
    assert!(named.len() > 15, "{named:?}");
    for name in named {
        assert!(tests.contains(&format!("fn {name}(")), "SECURITY.md names the test {name}, which is not there");
    }
}

#[test]
fn every_code_of_a_failure_has_a_cause_for_people() {
    let causes = read("src/event/causes.rs");
    let mut codes = BTreeSet::new();
    for (places, before) in [
        (&["src/worker", "src/store", "src/sync"][..], "code: \""),
        (&["src/worker", "src/store", "src/sync"], "because(\""),
        (&["src/store"], "error_code = '"),
        (&["src/erp/error.rs"], "=> \""),
    ] {
        let program: String = super::rust(places).iter().map(super::program).collect();
        let word =
            |place: usize| program[place..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
        codes.extend(program.match_indices(before).map(|(start, _)| -> String { word(start + before.len()) }));
    }
    assert!(codes.len() > 10, "{codes:?}");
    for code in codes.iter().filter(|code| !code.is_empty()) {
        assert!(causes.contains(&format!("code: \"{code}\"")), "src/event/causes.rs does not know the code {code}");
    }
}

#[test]
fn every_document_that_a_benchmark_writes_into_has_its_marks() {
    for (document, command) in [
        ("docs/performance.md", "make bench"),
        ("docs/performance.md", "make bench-peers"),
        ("docs/performance.md", "make bench-flat"),
        ("docs/scaling.md", "make bench-scaling"),
    ] {
        let text = read(document);
        for end in ["begin", "end"] {
            let mark = format!("<!-- written by {command}: {end} -->\n");
            assert_eq!(text.matches(&mark).count(), 1, "{document}: {mark}");
        }
    }
}

#[test]
fn the_change_log_has_a_section_of_this_version() {
    let changes = read("CHANGELOG.md");
    let mut versions = changes.lines().filter_map(|line| line.strip_prefix("## ")?.split(' ').next());
    assert!(versions.any(|version| version == env!("CARGO_PKG_VERSION")), "CHANGELOG.md has no such section");
}
