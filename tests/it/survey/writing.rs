//! `--write-one` that does not come to its end.

use std::time::Duration;

use erp_bridge::{
    app::survey_erp,
    simulator::{self, Holding, Quirks, Settings},
    survey::table,
};

use super::populated;
use crate::support::world::config;

#[tokio::test]
async fn a_writing_that_stops_halfway_says_so_and_takes_its_customer_back() {
    for (faults, stopped_by, leaves) in [
        (&["allocate:no_right"][..], "right_missing", None),
        (&["customer.add:refuse"], "refused", None),
        (&["customer.detail:refuse"], "refused", Some(true)),
        (&["customer.add:error_500_after"], "outcome_unknown", Some(true)),
        (&["customer.detail:refuse", "takeback:refuse"], "refused", Some(false)),
    ] {
        let sim = simulator::start(populated(Quirks::default(), Settings::default())).await.unwrap();
        for fault in faults {
            sim.handle.fault(fault).unwrap();
        }
        let dir = tempfile::tempdir().unwrap();
        let config = config(&sim.base_url(), &format!("sqlite://{}/ledger.db", dir.path().display()));
        let report = survey_erp(&config, Duration::ZERO, true).await.unwrap().report;
        assert_eq!(report.measured.writing_stopped.as_deref(), Some(stopped_by), "{faults:?}");
        let written = report.measured.written_customer.and_then(|ord| sim.handle.customer(ord));
        assert_eq!(written.map(|customer| customer.holding == Holding::Pool), leaves, "{faults:?}");
        assert_eq!(sim.handle.customers().len(), if leaves.is_some() { 31 } else { 30 }, "{faults:?}");
        let shown = table(&report);
        let says = |words: &str| shown.contains(words);
        assert!(says("the writing stopped halfway"), "{shown}");
        assert_eq!(says("已收回到客户池"), leaves == Some(true), "{faults:?}: {shown}");
        assert_eq!(says("未能收回"), leaves == Some(false), "{faults:?}: {shown}");
    }
}
