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

/// The decision on an event of a contact of whom the ledger knows nothing.
fn stranger(rules: &Rules, event: &Event) -> Decision {
    rules.decide(event, &Standing::default())
}

fn rules() -> Rules {
    Rules::new(&AdmissionConfig::default())
}

fn check(rule: Rule, change: impl FnOnce(&mut Value)) -> RuleCheck {
    let decision = rules().decide(&event("contact.promoted", change), &Standing::default());
    let found: Vec<RuleCheck> = decision.rules.iter().filter(|check| check.rule == rule).cloned().collect();
    assert_eq!(decision.admitted, decision.reasons().is_empty());
    let [check] = &found[..] else { panic!("{rule:?} is checked once, not {} times", found.len()) };
    check.clone()
}

#[test]
fn a_contact_that_meets_all_three_rules_is_admitted() {
    for kind in ["contact.promoted", "deal.closed", "sync.requested"] {
        let decision = stranger(&rules(), &event(kind, |_| {}));
        assert!(decision.admitted && decision.reasons().is_empty() && decision.alternatives.is_empty());
        assert_eq!(decision.rules.iter().map(|check| check.rule).collect::<Vec<_>>(), Rule::ALL[..3], "{kind}");
    }
}

#[test]
fn a_message_needs_no_admission() {
    let decision = stranger(&rules(), &event("message.logged", |data| data["contact"] = json!({"id": "c1"})));
    assert_eq!(decision, Decision { admitted: true, rules: vec![], alternatives: vec![] });
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
    let without = event("sync.requested", |data| drop(data.as_object_mut().unwrap().remove("thread")));
    assert_eq!(
        stranger(&rules(), &without).reasons(),
        [Reason { rule: Rule::Score, message: "没有评分，需要不低于 60".into() }]
    );
}

#[test]
fn every_rule_that_fails_gives_its_own_reason() {
    let refused = event("contact.promoted", |data| {
        data["contact"] = json!({"id": "c1", "name": "王"});
        data["thread"]["score"] = json!(55);
    });
    let decision = stranger(&rules(), &refused);
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
    config.rules.insert(EventKind::DealClosed, RuleSet::default());
    config.rules.insert(EventKind::MessageLogged, RuleSet::all_of(&[Rule::Score]));
    let rules = Rules::new(&config);
    let decide = |kind: &str, change: fn(&mut Value)| stranger(&rules, &event(kind, change));
    assert_eq!(decide("deal.closed", |data| data["contact"]["name"] = json!("x")).rules, []);
    assert_eq!(decide("message.logged", |_| {}).rules.len(), 1);
    assert!(!decide("message.logged", |data| data["thread"]["score"] = json!(79)).admitted);
    assert!(!decide("contact.promoted", |data| data["contact"]["name"] = json!("no body")).admitted);
    assert!(decide("contact.promoted", |data| data["contact"]["name"] = json!("先生")).admitted);
}

#[test]
fn an_event_without_a_score_is_judged_by_the_contact_s_last_one() {
    let without = event("contact.promoted", |data| data["thread"] = json!({"id": "t1"}));
    assert!(rules().assess(&without).is_open());
    for (last_score, admitted, message) in [
        (Some(60.0), true, "最近一次评分 60 不低于 60"),
        (Some(59.9), false, "最近一次评分 59.9 低于 60"),
        (None, false, "没有评分，需要不低于 60"),
    ] {
        let decision = rules().decide(&without, &Standing { last_score, ..Standing::default() });
        assert_eq!((decision.admitted, decision.rules[2].message.as_str()), (admitted, message));
    }
    // Its own score is what counts where it brings one.
    let own = event("contact.promoted", |data| data["thread"]["score"] = json!(12));
    assert!(!rules().assess(&own).is_open());
    assert!(!rules().decide(&own, &Standing { last_score: Some(90.0), ..Standing::default() }).admitted);
}

/// The rules of `contact.promoted`, `deal.closed` and `sync.requested`: a person with a number, a customer, or a buyer.
fn any_of_three() -> Rules {
    let lists = || {
        RuleSet::any_of([
            vec![Rule::PhoneVerified, Rule::NameComplete],
            vec![Rule::NameComplete, Rule::KnownCustomer],
            vec![Rule::Deal],
        ])
    };
    let kinds = [EventKind::ContactPromoted, EventKind::DealClosed, EventKind::SyncRequested];
    Rules::new(&AdmissionConfig { rules: kinds.map(|kind| (kind, lists())).into(), ..Default::default() })
}

#[test]
fn one_of_several_lists_is_enough_and_a_refusal_says_what_each_of_them_lacks() {
    use Rule::{Deal, KnownCustomer, NameComplete, PhoneVerified};
    let nobody = |data: &mut Value| data["contact"] = json!({"id": "c1", "name": "王小明"});
    let linked = Standing { linked: true, ..Standing::default() };
    let bought = Standing { has_deal: true, ..Standing::default() };
    for (kind, change, standing, admitted) in [
        ("contact.promoted", (|_: &mut Value| {}) as fn(&mut Value), Standing::default(), true),
        ("contact.promoted", nobody, Standing::default(), false),
        ("contact.promoted", nobody, linked, true),
        ("contact.promoted", nobody, bought, true),
        ("deal.closed", nobody, Standing::default(), true),
        ("sync.requested", nobody, Standing { last_score: Some(100.0), in_turn: true, ..Standing::default() }, false),
    ] {
        let decision = any_of_three().decide(&event(kind, change), &standing);
        assert_eq!((decision.admitted, decision.reasons().is_empty()), (admitted, admitted), "{kind} {standing:?}");
    }
    let hinted = event("sync.requested", |data| {
        data["contact"] = json!({"id": "c1", "name": "王小明", "erp": {"khid": "K-0042"}});
    });
    assert!(stranger(&any_of_three(), &hinted).admitted, "the platform names its customer");
    let decision = stranger(&any_of_three(), &event("contact.promoted", nobody));
    let lacking = |rules: &[Rule], lacks: &[Rule]| Alternative { rules: rules.to_vec(), lacks: lacks.to_vec() };
    assert_eq!(
        decision.alternatives,
        [
            lacking(&[PhoneVerified, NameComplete], &[PhoneVerified]),
            lacking(&[NameComplete, KnownCustomer], &[KnownCustomer]),
            lacking(&[Deal], &[Deal]),
        ]
    );
    let reasons = decision.reasons();
    assert_eq!(
        reasons.iter().map(|reason| (reason.rule, reason.message.as_str())).collect::<Vec<_>>(),
        [(PhoneVerified, "没有手机号"), (KnownCustomer, "还不是 ERP 客户"), (Deal, "客户还没有成交")]
    );
    let stored = serde_json::to_value(&decision).unwrap();
    assert_eq!(crate::json::from_value::<Decision>(&stored).unwrap(), decision);
}
