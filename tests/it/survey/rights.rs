//! What a refusal tells of an interface, and what only of one record.

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
