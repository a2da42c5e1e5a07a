use serde_json::{Value, json};

use super::{super::Parsed, *};

fn event(kind: &str, change: impl FnOnce(&mut Value)) -> Event {
    let mut body = json!({"type": kind, "timestamp": "2026-11-23T15:04:05+08:00", "data": {
        "contact": {"id": "c1", "name": "王小明", "phone": "13800001234", "phone_verified": true},
        "thread": {"id": "t1", "score": 86}, "signal": {"id": "s1", "content": "你好"}, "deal": {"id": "d1"}}});
    change(&mut body["data"]);
    match Event::parse(body.to_string().as_bytes(), &super::super::Reading::default()) {
        Ok(Parsed::Event(event)) => *event,
        other => panic!("no event: {other:?}"),
    }
}

fn rules() -> Rules {
    Rules::new(&AdmissionConfig::default())
}

fn check(rule: Rule, change: impl FnOnce(&mut Value)) -> RuleCheck {
    let decision = rules().decide(&event("contact.promoted", change));
    let found: Vec<RuleCheck> = decision.rules.iter().filter(|check| check.rule == rule).cloned().collect();
    assert_eq!(decision.admitted, decision.reasons().is_empty());
    let [check] = &found[..] else { panic!("{rule:?} is checked once, not {} times", found.len()) };
    check.clone()
}

#[test]
fn a_contact_that_meets_all_three_rules_is_admitted() {
    for kind in ["contact.promoted", "deal.closed", "sync.requested"] {
        let decision = rules().decide(&event(kind, |_| {}));
        assert!(decision.admitted && decision.reasons().is_empty());
        assert_eq!(decision.rules.iter().map(|check| check.rule).collect::<Vec<_>>(), Rule::ALL, "{kind}");
    }
}

#[test]
fn a_message_needs_no_admission() {
    let decision = rules().decide(&event("message.logged", |data| data["contact"] = json!({"id": "c1"})));
    assert_eq!(decision, Decision { admitted: true, rules: vec![] });
}

#[test]
fn the_phone_must_be_verified_and_a_mainland_mobile() {
    for (phone, verified, passed, message) in [
        (json!("13800001234"), json!(true), true, "手机号 138****1234 已验证"),
        (json!("+86 138-0000-1234"), json!(true), true, "手机号 138****1234 已验证"),
        (json!("13800001234"), json!(false), false, "手机号 138****1234 未验证"),
        (json!("13800001234"), json!(null), false, "手机号 138****1234 未验证"),
        (json!("010-12345678"), json!(true), false, "010-******78 不是中国大陆手机号"),
        (json!("12345"), json!(false), false, "1***5 未验证，也不是中国大陆手机号"),
        (json!(null), json!(true), false, "没有手机号"),
        (json!(" "), json!(true), false, "没有手机号"),
    ] {
        let check = check(Rule::PhoneVerified, |data| {
            data["contact"]["phone"] = phone.clone();
            data["contact"]["phone_verified"] = verified;
        });
        assert_eq!((check.passed, check.message.as_str()), (passed, message), "{phone}");
        assert!(!check.value.contains("0000"), "{phone}");
    }
}

#[test]
fn a_persons_name_has_two_characters_and_is_no_placeholder() {
    for (name, passed) in [
        ("王", false),
        ("王明", true),
        ("王小明", true),
        ("王 ", false),
        ("王\u{3000}明", true),
        ("王😀", false),
        ("😀😀😀", false),
        ("王😀明", true),
        ("👨‍👩‍👧", false),
        ("e\u{301}", false),
        ("先生", false),
        (" 先 生 ", false),
        ("先生😀", false),
        ("女士", false),
        ("老板", false),
        ("微信用户", false),
        ("王先生", true),
        ("TEST", false),
        ("Test1", true),
        ("Li", true),
    ] {
        let check = check(Rule::NameComplete, |data| data["contact"]["name"] = json!(name));
        assert_eq!(check.passed, passed, "{name:?}: {}", check.message);
    }
}

#[test]
fn a_company_has_four_characters_and_its_contact_still_a_name() {
    for (company, name, message) in [
        ("示例公司", "王小明", None),
        ("示例 公司", "王小明", None),
        ("示例厂", "王小明", Some("公司名称去掉空格和表情后只有 3 个字，至少需要 4 个字")),
        ("示例厂 😀", "王小明", Some("公司名称去掉空格和表情后只有 3 个字，至少需要 4 个字")),
        ("微信用户", "王小明", Some("公司名称“微信用户”是占位称呼，不是真实名称")),
        ("示例公司", "老板", Some("客户姓名“老板”是占位称呼，不是真实名称")),
        (
            "公司",
            "王",
            Some(
                "公司名称去掉空格和表情后只有 2 个字，至少需要 4 个字；客户姓名去掉空格和表情后只有 1 个字，至少需要 2 个字",
            ),
        ),
    ] {
        let check = check(Rule::NameComplete, |data| {
            data["contact"]["company"] = json!(company);
            data["contact"]["name"] = json!(name);
        });
        assert_eq!((!check.passed).then_some(check.message.as_str()), message, "{company} {name}");
        assert_eq!(check.value, format!("{company} / {name}"));
    }
}

#[test]
fn the_score_is_at_or_above_the_threshold() {
    for (score, passed, message) in [
        (json!(59), false, "评分 59 低于 60"),
        (json!(59.99), false, "评分 59.99 低于 60"),
        (json!(60), true, "评分 60 不低于 60"),
        (json!(60.5), true, "评分 60.5 不低于 60"),
        (json!(0), false, "评分 0 低于 60"),
        (json!(100), true, "评分 100 不低于 60"),
        (json!(null), false, "没有评分，需要不低于 60"),
    ] {
        let check = check(Rule::Score, |data| data["thread"]["score"] = score);
        assert_eq!((check.passed, check.message.as_str()), (passed, message));
    }
    let without = rules().decide(&event("sync.requested", |data| drop(data.as_object_mut().unwrap().remove("thread"))));
    assert_eq!(without.reasons(), [Reason { rule: Rule::Score, message: "没有评分，需要不低于 60".into() }]);
}

#[test]
fn every_rule_that_fails_gives_its_own_reason() {
    let decision = rules().decide(&event("contact.promoted", |data| {
        data["contact"] = json!({"id": "c1", "name": "王"});
        data["thread"]["score"] = json!(55);
    }));
    assert!(!decision.admitted);
    let reasons = json!(decision.reasons());
    assert_eq!(reasons[0], json!({"rule": "phone_verified", "message": "没有手机号"}));
    assert_eq!(reasons[1]["rule"], "name_complete");
    assert_eq!(reasons[2], json!({"rule": "score", "message": "评分 55 低于 60"}));
    let stored = serde_json::to_value(&decision).unwrap();
    assert_eq!(crate::json::from_value::<Decision>(&stored).unwrap(), decision);
}

#[test]
fn which_rules_apply_is_configured_per_type() {
    let mut config =
        AdmissionConfig { min_score: 80.0, placeholders: vec!["Nobody".parse().unwrap()], ..Default::default() };
    config.rules.insert(EventKind::DealClosed, vec![]);
    config.rules.insert(EventKind::MessageLogged, vec![Rule::Score]);
    let rules = Rules::new(&config);
    assert_eq!(rules.decide(&event("deal.closed", |data| data["contact"]["name"] = json!("x"))).rules, []);
    assert_eq!(rules.decide(&event("message.logged", |_| {})).rules.len(), 1);
    assert!(!rules.decide(&event("message.logged", |data| data["thread"]["score"] = json!(79))).admitted);
    assert!(!rules.decide(&event("contact.promoted", |data| data["contact"]["name"] = json!("no body"))).admitted);
    assert!(rules.decide(&event("contact.promoted", |data| data["contact"]["name"] = json!("先生"))).admitted);
}
