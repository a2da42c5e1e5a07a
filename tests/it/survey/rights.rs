//! What a refusal, or an empty list, tells of an installation, and what it does not.

use erp_bridge::{
    simulator::{Population, Quirks, Settings, SimConfig},
    survey::Outcome,
};

use super::{populated, survey};

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
