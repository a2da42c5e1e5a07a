use std::io::Write;

use secrecy::ExposeSecret;

use super::*;

#[test]
fn a_secret_can_stand_in_a_file_of_its_own() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all("pass word \n".as_bytes()).unwrap();
    let path = file.path().to_str().unwrap();
    let without_password = || variables(&[]).filter(|(name, _)| !name.ends_with("PASSWORD"));
    let named = |path: &str| Some(("ERP_BRIDGE__ERP__PASSWORD_FILE".to_owned(), path.to_owned()));
    let config = Config::from_sources(None, without_password().chain(named(path))).unwrap();
    assert_eq!(config.erp.password.expose_secret(), "pass word");

    let both = only_problem(with_env(&[("ERP_BRIDGE__ERP__PASSWORD_FILE", path)]));
    assert!(both.message.contains("set only one of the two"), "{both}");

    let gone = Config::from_sources(None, without_password().chain(named("/nowhere/x"))).unwrap_err();
    assert!(gone.to_string().contains("cannot read the file /nowhere/x"), "{gone}");
}

#[test]
fn a_file_of_secrets_has_one_a_line() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    write!(file, "{SECRET}\n whsec_MQ==\n").unwrap();
    let env = variables(&[])
        .filter(|(name, _)| !name.ends_with("SECRETS"))
        .chain(Some(("ERP_BRIDGE__WEBHOOK__SECRETS_FILE".to_owned(), file.path().to_str().unwrap().to_owned())));
    assert_eq!(Config::from_sources(None, env).unwrap().webhook.secrets.len(), 2);
}

#[test]
fn no_secret_is_ever_shown() {
    let secrets = ["swordfish", SECRET, "s3cr3t-token", "dbpass"];
    let config = with_env(&[
        ("ERP_BRIDGE__API__TOKENS", "ops:operate:s3cr3t-token"),
        ("ERP_BRIDGE__DATABASE__URL", "postgres://u:dbpass@h/d"),
    ])
    .unwrap();
    let shown = format!("{config:?}");
    let refused = with_env(&[
        ("ERP_BRIDGE__API__TOKENS", "ops:admin:s3cr3t-token"),
        ("ERP_BRIDGE__DATABASE__URL", "mysql://u:dbpass@h/d"),
        ("ERP_BRIDGE__WEBHOOK__SECRETS", &format!("{SECRET}!")),
    ])
    .unwrap_err();
    assert_eq!(refused.problems.len(), 3);
    for secret in secrets {
        assert!(!shown.contains(secret), "{secret} in {shown}");
        assert!(!format!("{refused} {refused:?}").contains(secret), "{secret} in {refused}");
    }
}

#[test]
fn a_password_inside_an_address_is_refused_and_not_shown() {
    for (key, value) in [
        ("ERP__BASE_URL", "http://admin:sesame@erp.example:8080"),
        ("ERP__BASE_URL", "http://admin:open/sesame@erp.example"),
        ("ERP__BASE_URL", "admin:sesame@erp.example"),
        ("ERP__BASE_URL", "http://erp.example/?password=sesame"),
        ("SERVER__LISTEN", "http://admin:sesame@0.0.0.0:8080"),
        ("DATABASE__URL", "mysql://u:sesame@h/d"),
    ] {
        let problem = only_problem(with_env(&[(&format!("ERP_BRIDGE__{key}"), value)])).to_string();
        assert!(!problem.contains("sesame"), "{problem}");
    }
    let problem =
        only_problem(with_env(&[("ERP_BRIDGE__ERP__BASE_URL", "http://a:b@erp.example:8080/zb")])).to_string();
    assert!(problem.contains("http://***@erp.example:8080/zb") && problem.contains("erp.password"), "{problem}");
}

#[test]
fn a_text_that_is_no_utf_8_is_refused() {
    let problem = only_problem(with_env(&[("ERP_BRIDGE__ERP__PASSWORD", "pass\u{fffd}word")]));
    assert_eq!((problem.key.as_str(), problem.message.as_str()), ("erp.password", "is no UTF-8 text"));
}

#[test]
fn weak_secrets_and_missing_tokens_are_warned_of() {
    let warnings = |tokens: &str, secrets: &str| {
        let env = [("ERP_BRIDGE__API__TOKENS", tokens), ("ERP_BRIDGE__WEBHOOK__SECRETS", secrets)];
        with_env(&env).unwrap().warnings()
    };
    let strong = format!("whsec_{}", "A".repeat(32));
    assert_eq!(warnings("ops:read:1234567890123456", &strong), [""; 0]);
    assert_eq!(warnings("ops:read:12345678901234567", &strong), [""; 0]);
    let short = warnings("ops:read:123456789012345", &format!("{strong},whsec_MQ=="));
    assert_eq!(short.len(), 2, "{short:?}");
    assert!(short[0].contains("the token of ops is shorter than 16"), "{short:?}");
    assert!(short[1].contains("secret 2 has fewer than 24"), "{short:?}");
    assert!(warnings("", &strong)[0].contains("nobody can call /v1"));
}
