//! What a handle does with its calls: rehearsals, traces.

use serde_json::{Value, json};

use super::*;
use crate::{
    clock::Clock,
    erp::{
        CallLog, CustomerFilter, CustomerKind, Field, PLANNED, UNALLOCATED,
        fake::{list, words},
    },
    telemetry::traces::{SpanKind, Traces},
};

#[tokio::test]
async fn a_rehearsal_reads_and_sends_nothing_that_writes() {
    let fake = Fake::with_login(|_| list(&["ord"], json!([[7]]), Value::Null)).await;
    let log = CallLog::new("survey", None).rehearsing();
    let erp = erp(&fake).recording(log.clone());
    let rows = erp.list_customers(&CustomerFilter { khid: Some("WX1".into()), ..CustomerFilter::default() }).await;
    assert_eq!(rows.unwrap()[0].ord, 7);
    assert_eq!(erp.allocate_customer(CustomerKind::Person).await.unwrap().ord, UNALLOCATED);
    log.set_step("save");
    erp.add_customer(CustomerKind::Person, 9, &[Field::new("name", "张三")]).await.unwrap();
    erp.edit_customer(9, &[Field::new("jz", "很高")]).await.unwrap();
    erp.take_back(9).await.unwrap();
    assert_eq!(fake.calls().len(), 1, "the list alone was asked");
    let planned: Vec<_> = log.drain().into_iter().filter(|record| record.outcome == PLANNED).collect();
    let calls: Vec<_> = planned.iter().map(|record| record.call).collect();
    assert_eq!(calls, ["customer.allocate", "customer.add_person", "customer.edit", "customer.take_back"]);
    assert_eq!((planned[1].step.as_str(), &planned[1].request), ("save", &json!({"ord": "9", "name": "张三"})));
}

#[tokio::test]
async fn a_traced_call_tells_the_erp_of_itself_and_not_of_the_sender() {
    const EVENT: &str = "0199e0c4-1111-7222-8333-444455556666";
    const SENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let fake = Fake::with_login(|_| words("ok")).await;
    let erp = erp(&fake);
    let collector = "http://127.0.0.1:1".parse().unwrap();
    let traces = Traces::start(Some(&collector), &Authorities::default(), &Clock::system()).unwrap();
    let run = traces.of_event(EVENT, Some(SENT)).unwrap().span("run", SpanKind::Consumer, START);
    let log = CallLog::new("survey", None);
    log.trace(run);
    let handle = erp.recording(log);
    handle.take_back(9).await.unwrap();
    handle.take_back(9).await.unwrap();
    let parents: Vec<String> = fake
        .calls()
        .iter()
        .filter_map(|call| {
            let (_, rest) = call.headers.split_once("traceparent: ")?;
            rest.lines().next().map(str::to_owned)
        })
        .collect();
    assert_eq!(parents.len(), 2, "both calls, and not the login, which is for all events: {parents:?}");
    for parent in &parents {
        assert!(parent.starts_with(&SENT[..36]) && parent.ends_with("-01") && parent != SENT, "{parent}");
    }
    assert!(parents[0] != parents[1], "each call is one of its own");
}

#[tokio::test]
async fn a_call_that_is_not_traced_names_no_trace() {
    let fake = Fake::with_login(|_| words("ok")).await;
    erp(&fake).recording(CallLog::new("survey", None)).take_back(9).await.unwrap();
    assert!(fake.calls().iter().all(|call| !call.headers.contains("traceparent")));
}
