use rand::SeedableRng;

use super::{super::call::Received, *};

fn call(body: &str) -> Call {
    let path = "/sysa/mobilephone/systemmanage/reply.asp";
    let received = Received {
        is_post: true,
        path,
        query: "datatype=tel",
        content_type: "application/json",
        token: "",
        body: body.as_bytes(),
    };
    Call::read(&received, false).unwrap()
}

fn hits(rule: FaultRule, calls: usize) -> Vec<bool> {
    let mut faults = Faults::default();
    faults.add(rule);
    let mut rng = StdRng::seed_from_u64(5);
    (0..calls).map(|_| !faults.plan(&call("{}"), &mut rng).faults.is_empty()).collect()
}

#[test]
fn every_kind_is_read_back_from_its_name() {
    for (name, _) in PLAIN {
        assert_eq!(name.parse::<FaultKind>().unwrap().to_string(), name);
    }
    for (stem, _) in BREAKS {
        for when in ["before", "after"] {
            let name = format!("{stem}_{when}");
            assert_eq!(name.parse::<FaultKind>().unwrap().to_string(), name);
        }
    }
    assert_eq!("garbled".parse(), Ok(FaultKind::Broken(Break::Garbled, When::After)));
    assert!("cut_sideways".parse::<FaultKind>().is_err());
}

#[test]
fn a_rule_skips_hits_its_times_and_rests() {
    let mut rule = FaultRule::new("progress.add", FaultKind::NotStored).times(2);
    rule.skip = 1;
    assert_eq!(hits(rule, 5), [false, true, true, false, false]);
}

#[test]
fn a_chance_of_half_hits_some_and_the_same_ones_again() {
    let mut rule = FaultRule::new("*", FaultKind::Away);
    rule.probability = 0.5;
    let first = hits(rule.clone(), 40);
    assert!(first.contains(&true) && first.contains(&false));
    assert_eq!(first, hits(rule.clone(), 40));
    rule.probability = 0.0;
    assert!(!hits(rule, 40).contains(&true));
}

#[test]
fn a_rule_for_fields_leaves_other_calls_alone() {
    let mut faults = Faults::default();
    let mut rule = FaultRule::new("*", FaultKind::Away);
    rule.only.insert("ord".into(), "7".into());
    faults.add(rule);
    let mut rng = StdRng::seed_from_u64(5);
    assert!(faults.plan(&call(r#"{"datas":[{"id":"ord","val":7}]}"#), &mut rng).away);
    assert!(!faults.plan(&call(r#"{"datas":[{"id":"ord","val":8}]}"#), &mut rng).away);
}

#[test]
fn a_flag_spells_a_whole_rule() {
    let text = "progress.add:late_effect:p=0.05,times=3,skip=1,delay=2s,effect_delay=50ms,text=a, b";
    let rule: FaultRule = text.parse().unwrap();
    assert_eq!((rule.interface.as_str(), rule.kind, rule.probability), ("progress.add", FaultKind::LateEffect, 0.05));
    assert_eq!((rule.times, rule.skip, rule.delay_ms, rule.effect_delay_ms), (Some(3), 1, Some(2000), 50));
    assert_eq!(rule.text.as_deref(), Some("a, b"));
    for wrong in [
        "progress.add",
        "nothing:away",
        "login:away:p=2",
        "login:away:often=1",
        "login:away:p",
        "login:late_effect:delay=x",
    ] {
        assert!(wrong.parse::<FaultRule>().is_err(), "{wrong}");
    }
}
