use secrecy::ExposeSecret;

use super::*;
use crate::event::{EventKind, Rule, RuleSet};

#[test]
fn the_environment_means_what_the_key_says() {
    let config = with_env(&[
        ("ERP_BRIDGE__SERVER__BODY_LIMIT", "128KiB"),
        ("ERP_BRIDGE__ERP__SERIAL", "007"),
        ("ERP_BRIDGE__ERP__PASSWORD", "true"),
        ("ERP_BRIDGE__ERP__BASE_URL", "http://erp.example/"),
        ("ERP_BRIDGE__API__TOKENS", "ops:operate:007456789012345678901234,view:read:a:b456789012345678901234"),
        ("ERP_BRIDGE__ADMISSION__MIN_SCORE", "59.5"),
        ("ERP_BRIDGE__ADMISSION__PLACEHOLDERS", "先生, 女士"),
        ("ERP_BRIDGE__ADMISSION__RULES", "deal.closed:phone_verified+score|deal,message.logged:"),
        ("ERP_BRIDGE__MAPPING__LEVELS", "90:175:很高,0:290:很低"),
        ("ERP_BRIDGE__ASSIGNMENT__RULES", "80:63+71,60:public"),
        ("ERP_BRIDGE__RETRY__SCHEDULE", "5s,1m 30s"),
        ("ERP_BRIDGE__ERP__QUIET_HOURS", "02:00-03:30"),
    ])
    .unwrap();
    assert_eq!(config.server.body_limit, 128 * 1024);
    assert_eq!(config.erp.serial, "007");
    assert_eq!(config.erp.password.expose_secret(), "true");
    assert_eq!(config.erp.base_url.as_str(), "http://erp.example");
    let operator = ApiToken::new("ops", Scope::Operate, "007456789012345678901234");
    assert_eq!(config.api.tokens, [operator, ApiToken::new("view", Scope::Read, "a:b456789012345678901234")]);
    assert!((config.admission.min_score - 59.5).abs() < f64::EPSILON);
    assert_eq!(config.admission.placeholders, ["先生", "女士"].map(|name| name.parse().unwrap()));
    let rules = RuleSet::any_of([vec![Rule::PhoneVerified, Rule::Score], vec![Rule::Deal]]);
    assert_eq!(config.admission.rules[&EventKind::DealClosed], rules);
    assert_eq!(config.admission.rules[&EventKind::MessageLogged], RuleSet::all_of(&[]));
    assert_eq!(config.mapping.levels[1], Level { min: 0.0, id: 290, text: "很低".into() });
    let users = AssignmentRule { min_score: 80.0, users: vec!["63".into(), "71".into()], public: false };
    let public = AssignmentRule { min_score: 60.0, users: Vec::new(), public: true };
    assert_eq!(config.assignment.rules, [users, public]);
    assert_eq!(config.retry.schedule, [Duration::from_secs(5), Duration::from_secs(90)]);
    assert_eq!(config.erp.quiet_hours, ["02:00-03:30".parse().unwrap()]);
}

#[test]
fn the_file_has_tables_where_the_environment_has_colons() {
    let config = with_file(
        r#"
        [server]
        body_limit = 65536
        [api]
        tokens = [{ name = "ops", scope = "operate", token = "tttttttttttttttttttttttt" }]
        [admission]
        min_score = 61
        rules = { "deal.closed" = ["score"], "sync.requested" = [["name_complete", "score"], ["known_customer"]] }
        [mapping]
        levels = [{ min = 90, id = 175, text = "很高" }, { min = 0.5, id = 290, text = "很低" }]
        [[assignment.rules]]
        min_score = 80
        users = ["63", "71"]
        [[assignment.rules]]
        min_score = 60
        public = true
        "#,
    )
    .unwrap();
    let environment = with_env(&[
        ("ERP_BRIDGE__SERVER__BODY_LIMIT", "64KiB"),
        ("ERP_BRIDGE__API__TOKENS", "ops:operate:tttttttttttttttttttttttt"),
        ("ERP_BRIDGE__ADMISSION__MIN_SCORE", "61"),
        ("ERP_BRIDGE__ADMISSION__RULES", "deal.closed:score,sync.requested:name_complete+score|known_customer"),
        ("ERP_BRIDGE__MAPPING__LEVELS", "90:175:很高,0.5:290:很低"),
        ("ERP_BRIDGE__ASSIGNMENT__RULES", "80:63+71,60:public"),
    ])
    .unwrap();
    assert_eq!(format!("{config:?}"), format!("{environment:?}"));
    assert_eq!(config.assignment.rules.len(), 2);
}

#[test]
fn the_environment_goes_over_the_file() {
    let file = "[erp]\nmax_in_flight = 2\ntimeout = \"3s\"\n";
    let config =
        Config::from_sources(Some(("f", file)), variables(&[("ERP_BRIDGE__ERP__MAX_IN_FLIGHT", "9")])).unwrap();
    assert_eq!((config.erp.max_in_flight, config.erp.timeout), (9, Duration::from_secs(3)));
}

#[test]
fn a_problem_in_a_file_names_its_line() {
    for (text, expected) in [
        (
            "[erp]\n\ntimeout = \"20\"\n",
            "erp.timeout (bridge.toml, line 3): \"20\" is not possible; write a time with its unit in quotes",
        ),
        ("[erp]\nserial = 7\n", "erp.serial"),
        (
            "[server]\nmax_connections = \"9\"\n",
            "server.max_connections (bridge.toml, line 2): \"9\" is not possible; write a whole number from 1 to 100000, without quotes",
        ),
        (
            "[erp]\ntimeot = \"20s\"\n",
            "erp.timeot (bridge.toml, line 2): there is no such key; [erp] has base_url, username",
        ),
        ("\n[erpp]\na = 1\n", "erpp (bridge.toml, line 2): there is no such section; there are server, database"),
        ("erp = 5\n", "erp (bridge.toml, line 1): is a section: write [erp] on a line of its own"),
        ("top = 5\n", "top (bridge.toml, line 1): there is no such section"),
        (
            "[erp.values]\nsorte = \"x\"\n",
            "erp.values.sorte (bridge.toml, line 2): there is no such key; [erp.values] has sort1, sort",
        ),
        (
            "[retry]\nschedule = [\"5s\", 30]\n",
            "retry.schedule (bridge.toml, line 2): this list is not possible; item 2: write a time",
        ),
        (
            "[api]\ntokens = [{ name = \"a\", scope = \"read\" }]\n",
            "api.tokens (bridge.toml, line 2): item 1: token is missing",
        ),
        (
            "[api]\ntokens = [{ nam = \"a\" }]\n",
            "api.tokens (bridge.toml, line 2): item 1: there is no member nam; write { name =",
        ),
        (
            "[assignment]\nrules = [{ min_score = 1, users = [\"63\"], public = true }]\n",
            "assignment.rules (bridge.toml, line 2): this list is not possible; item 1: a rule names users or is public",
        ),
        (
            "[assignment]\nrules = [{ min_score = 1 }]\n",
            "assignment.rules (bridge.toml, line 2): this list is not possible; item 1: a rule names users or is public",
        ),
        (
            "[log]\nformat = 1979-05-27\n",
            "log.format (bridge.toml, line 2): 1979-05-27 is not possible; write \"text\" or \"json\"",
        ),
        (
            "[server]\nmax_connections = 99999999999999999999\n",
            "server.max_connections (bridge.toml, line 2): 99999999999999999999 is not possible; write a whole",
        ),
        ("[erp]\npassword = \"swordfish\n", "the file (bridge.toml, line 2): this is no TOML"),
    ] {
        let mut text = text.to_owned();
        if expected.starts_with("erp.serial") {
            // The environment would hide it.
            let env = variables(&[]).filter(|(name, _)| !name.ends_with("SERIAL"));
            let problem = only_problem(Config::from_sources(Some(("bridge.toml", &text)), env));
            assert!(problem.to_string().starts_with("erp.serial (bridge.toml, line 2): write 1 to 40"), "{problem}");
            continue;
        }
        text.push('\n');
        let problem = only_problem(with_file(&text)).to_string();
        assert!(problem.starts_with(expected), "{problem}\nmust begin with\n{expected}");
        assert!(!problem.contains("swordfish"), "{problem}");
    }
}

#[test]
fn an_unknown_variable_is_refused_and_others_are_none_of_ours() {
    for (name, expected) in [
        ("ERP_BRIDGE__ERP__TIMEOT", "there is no such key; [erp] has"),
        ("ERP_BRIDGE__TIMEOUT", "there is no such section"),
        ("ERP_BRIDGE__ERP__TIMEOUT_FILE", "only secrets may be given by a file"),
        ("ERP_BRIDGE__ERP__SECRET_FILE", "there is no such key"),
    ] {
        let problem = only_problem(with_env(&[(name, "1")]));
        assert!(problem.message.starts_with(expected), "{problem}");
        assert!(problem.origin.ends_with(name), "{problem}");
    }
    assert!(with_env(&[("ERP_BRIDGE_CONFIG", "x"), ("PATH", "y")]).is_ok());
}
