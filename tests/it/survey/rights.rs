//! What a refusal, an empty list, or a customer in two of them, tells of an installation, and what it does not.

use std::time::{Duration, Instant};

use erp_bridge::{
    app::survey_erp,
    simulator::{self, Population, Quirks, Settings, SimConfig},
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

/// Does something to an installation between the survey's first look at the ordinary list and its look at the others.
async fn survey_while(settings: Settings, act: impl Fn(&simulator::Handle)) -> Outcome {
    let sim = simulator::start(populated(Quirks::default(), settings)).await.unwrap();
    let pooled = serde_json::from_str(r#"{"customers": [{"ord": 9001, "name": "展会客户", "stype": 1}]}"#).unwrap();
    sim.handle.seed(&pooled).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = config(&sim.base_url(), &format!("sqlite://{}/ledger.db", dir.path().display()));
    let acting = async {
        while sim.handle.calls_of("customer.detail").is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        act(&sim.handle);
    };
    let (surveyed, ()) = tokio::join!(survey_erp(&config, Duration::from_millis(4), false), acting);
    surveyed.unwrap().report.fact("customers.filter.stype").unwrap().outcome
}

#[tokio::test]
async fn a_customer_that_is_moved_while_the_lists_are_read_does_not_make_them_one() {
    let to_pool = survey_while(Settings::default(), |erp| {
        let ordinary = erp.customers().into_iter().find(|customer| customer.ord != 9001).unwrap();
        assert!(erp.take_back(ordinary.ord));
    });
    assert_eq!(to_pool.await, Outcome::Holds, "asked once more, they share nobody");
    assert_eq!(survey_while(Settings::default(), |erp| assert!(erp.assign(9001, 63))).await, Outcome::Holds);
    let ignored = Settings { ignores_stype: true, ..Settings::default() };
    let added = survey_while(ignored, |erp| {
        erp.seed_customer_fields(&[("name", "新客户")]).unwrap();
    });
    assert_eq!(added.await, Outcome::DoesNot, "asked once more, they are the same");
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
