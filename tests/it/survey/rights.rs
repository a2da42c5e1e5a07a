//! What a refusal, an empty list, or a customer in two of them, tells of an installation, and what it does not.

use std::time::{Duration, Instant};

use erp_bridge::{
    app::survey_erp,
    simulator::{self, CallRecord, Population, Quirks, Settings, SimConfig},
    survey::{Outcome, table},
};

use super::{populated, survey};
use crate::support::world::config;

#[tokio::test]
async fn one_record_that_is_refused_closes_no_interface_and_three_do() {
    for (interface, refusals, outcome) in [
        ("customer.detail", 2, Outcome::Holds),
        ("customer.detail", 100, Outcome::DoesNot),
        ("contact.detail", 1, Outcome::Holds),
        ("contact.detail", 100, Outcome::DoesNot),
        ("progress.list", 2, Outcome::Holds),
        ("progress.list", 100, Outcome::DoesNot),
    ] {
        let faults = vec![format!("{interface}:refuse:times={refusals}").parse().unwrap()];
        let sim = SimConfig { faults, ..populated(Quirks::default(), Settings::default()) };
        let report = survey(sim, false).await;
        let fact = report.fact(&format!("right.{interface}")).unwrap();
        assert_eq!(fact.outcome, outcome, "{interface} refused {refusals} times");
        let how = if outcome == Outcome::Holds { "" } else { "refused" };
        assert_eq!(fact.how, how, "{interface} refused {refusals} times");
    }
}

#[tokio::test]
async fn details_of_companies_are_read_where_the_right_kind_is_demanded() {
    let settings = Settings { detail_demands_kind: true, ..Settings::default() };
    let sim = populated(Quirks::default(), settings);
    let companies = Population { companies: 30, ..sim.population.clone() };
    let report = survey(SimConfig { population: companies, ..sim }, false).await;
    assert!(report.holds("right.customer.detail") && report.holds("details.demand_the_kind"));
    assert!(report.holds("right.progress.list"), "whose records are listed is told by their details");
}

#[tokio::test]
async fn an_erp_without_customers_does_not_show_whether_it_tells_its_lists_apart() {
    let report = survey(SimConfig::default(), false).await;
    assert_eq!(report.fact("customers.filter.stype").unwrap().outcome, Outcome::Unseen);
}

/// Whether a call asks for 客户池.
fn is_of_pool(call: &CallRecord) -> bool {
    call.interface == "customer.list" && call.fields.get("stype").is_some_and(|stype| stype == "1")
}

/// Does something to an installation once the survey had an answer to such a call; answers what it says of `stype`, and how
/// often it asked for 客户池.
async fn survey_while(
    settings: Settings,
    is_time: impl Fn(&CallRecord) -> bool,
    act: impl Fn(&simulator::Handle),
) -> (Outcome, usize) {
    let sim = simulator::start(populated(Quirks::default(), settings)).await.unwrap();
    let pooled = serde_json::from_str(r#"{"customers": [{"ord": 9001, "name": "展会客户", "stype": 1}]}"#).unwrap();
    sim.handle.seed(&pooled).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = config(&sim.base_url(), &format!("sqlite://{}/ledger.db", dir.path().display()));
    let acting = async {
        while !sim.handle.calls(0).iter().any(|call| call.outcome == "done" && is_time(call)) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        act(&sim.handle);
    };
    let (surveyed, ()) = tokio::join!(survey_erp(&config, Duration::from_millis(4), false), acting);
    let outcome = surveyed.unwrap().report.fact("customers.filter.stype").unwrap().outcome;
    (outcome, sim.handle.calls(0).iter().filter(|call| is_of_pool(call)).count())
}

#[tokio::test]
async fn a_customer_that_is_moved_while_the_lists_are_read_does_not_make_them_one() {
    let is_detail = |call: &CallRecord| call.interface == "customer.detail";
    let to_pool = survey_while(Settings::default(), is_detail, |erp| {
        let ordinary = erp.customers().into_iter().find(|customer| customer.ord != 9001).unwrap();
        assert!(erp.take_back(ordinary.ord));
    });
    assert_eq!(to_pool.await, (Outcome::Holds, 2), "it stood in 客户 and 客户池");
    let to_pending = survey_while(Settings::default(), is_of_pool, |erp| assert!(erp.apply_for(9001, 63)));
    assert_eq!(to_pending.await, (Outcome::Holds, 2), "it stood in 客户池 and 待审核");
    let ignored = Settings { ignores_stype: true, ..Settings::default() };
    let added = survey_while(ignored, is_detail, |erp| {
        erp.seed_customer_fields(&[("name", "新客户")]).unwrap();
    });
    assert_eq!(added.await, (Outcome::DoesNot, 2), "asked once more, they are the same");
}

#[tokio::test]
async fn a_survey_measures_the_erps_clock_and_delay_and_pauses_between_calls() {
    let settings = Settings { latency_ms: 5, date_ahead_s: 90, ..Settings::default() };
    let sim = simulator::start(populated(Quirks::default(), settings)).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = config(&sim.base_url(), &format!("sqlite://{}/ledger.db", dir.path().display()));
    let (pause, begun) = (Duration::from_millis(4), Instant::now());
    let report = survey_erp(&config, pause, false).await.unwrap().report;
    let (measured, took) = (&report.measured, begun.elapsed());
    assert!((88..=92).contains(&measured.clock_skew_s.unwrap()), "{measured:?}");
    assert!(measured.latency_ms[0] >= 4 && measured.latency_ms[2] >= measured.latency_ms[0], "{measured:?}");
    let calls = u32::try_from(measured.calls).unwrap();
    assert!(took >= calls * (pause + Duration::from_millis(4)), "{calls} calls in {took:?}");
    assert!(table(&report).contains("the ERP's clock is ahead by"));
}
