use std::io::Write;

use secrecy::ExposeSecret;

use super::*;
use crate::clock::Millis;

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
    let secrets = ["swordfish", SECRET, "s3cr3t-token-0123456789-", "dbpass"];
    let config = with_env(&[
        ("ERP_BRIDGE__API__TOKENS", "ops:operate:s3cr3t-token-0123456789-"),
        ("ERP_BRIDGE__DATABASE__URL", "postgres://u:dbpass@h/d"),
    ])
    .unwrap();
    let shown = format!("{config:?}");
    let refused = with_env(&[
        ("ERP_BRIDGE__API__TOKENS", "ops:admin:s3cr3t-token-0123456789-"),
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
fn weak_secrets_missing_tokens_and_tokens_that_end_soon_are_warned_of() {
    const NOW: Millis = Millis(1_795_000_000_000);
    let warnings = |tokens: &str, secrets: &str| {
        let env = [("ERP_BRIDGE__API__TOKENS", tokens), ("ERP_BRIDGE__WEBHOOK__SECRETS", secrets)];
        with_env(&env).unwrap().warnings(NOW)
    };
    let (token, strong) = (format!("ops:read:{}", "1".repeat(24)), format!("whsec_{}", "A".repeat(32)));
    assert_eq!(warnings(&token, &strong), [""; 0]);
    let short = warnings(&token, &format!("{strong},whsec_MQ=="));
    assert_eq!(short.len(), 1, "{short:?}");
    assert!(short[0].contains("secret 2 has fewer than 24"), "{short:?}");
    assert!(warnings("", &strong)[0].contains("nobody can call /v1"));

    let days = |days: i64| NOW.plus(Duration::from_secs(86_400) * 14).0 + days;
    for (at, warned) in [(days(-1), true), (days(0), true), (days(1), false), (NOW.0 - 1, true)] {
        let mut config = with_env(&[("ERP_BRIDGE__API__TOKENS", &token)]).unwrap();
        config.api.tokens[0].expires_at = Some(Millis(at));
        let warnings = config.warnings(NOW);
        assert_eq!(warnings.iter().any(|warning| warning.contains("the token of ops expires at 20")), warned, "{at}");
    }
}

#[test]
fn a_token_can_be_given_as_its_hash_and_with_an_end() {
    let file = |rest: &str| with_file(&format!("[api]\ntokens = [{{ name = \"ops\", scope = \"read\", {rest} }}]\n"));
    let secret = "1".repeat(24);
    let hash = hex::encode(TokenHash::of(&secret).0);
    let plain = file(&format!("token = \"{secret}\"")).unwrap().api.tokens;
    assert_eq!(file(&format!("token = \"sha256:{hash}\"")).unwrap().api.tokens, plain);
    assert_eq!(file(&format!("token = \"sha256:{}\"", hash.to_uppercase())).unwrap().api.tokens, plain);
    let by_env = with_env(&[("ERP_BRIDGE__API__TOKENS", &format!("ops:read:sha256:{hash}"))]).unwrap();
    assert_eq!(by_env.api.tokens, plain);
    for moment in ["\"2027-01-31T18:00:00+08:00\"", "2027-01-31T18:00:00+08:00", "\"2027-01-31T10:00:00Z\""] {
        let tokens = file(&format!("token = \"{secret}\", expires_at = {moment}")).unwrap().api.tokens;
        assert_eq!(tokens[0].expires_at, Some(Millis(1_801_389_600_000)), "{moment}");
    }
    for (length, holds) in [(23, false), (24, true), (25, true), (499, true), (500, true), (501, false)] {
        assert_eq!(file(&format!("token = \"{}\"", "x".repeat(length))).is_ok(), holds, "{length} characters");
    }
    for wrong in [
        format!("token = \"sha256:{}\"", &hash[1..]),
        format!("token = \"{secret}\", expires_at = \"tomorrow\""),
        format!("token = \"{secret}\", expires_at = 2027-01-31"),
        format!("token = \"{secret}\", expires_at = 3"),
    ] {
        let problem = only_problem(file(&wrong));
        assert!(problem.message.contains("write"), "{wrong}: {problem}");
        assert!(!problem.message.contains(&secret) && !problem.message.contains(&hash[1..]), "{problem}");
    }
}
