//! Logins that the ERP calls good, and after which no call is.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::*;
use crate::erp::{
    CustomerFilter, ErpError,
    fake::{list, status},
};

/// What a call is answered whose session the ERP does not know.
const LOST: &str = "登录已过期";

async fn call(erp: &Erp) -> Result<(), ErpError> {
    erp.list_customers(&CustomerFilter::default()).await.map(drop)
}

#[tokio::test]
async fn an_operator_who_resumes_allows_two_more_logins_where_their_sessions_are_lost_at_once() {
    let fake = Fake::with_login(|_| status(1, LOST)).await;
    let erp = erp(&fake);
    for logins in [2, 4] {
        for _ in 0..3 {
            assert_eq!(call(&erp).await, Err(ErpError::SessionExpired));
        }
        assert_eq!(fake.logins(), logins);
        erp.resume_login().await;
    }
}

/// An installation that validates no sessions takes calls without one.
#[tokio::test]
async fn a_login_that_gives_no_session_is_a_refused_one_only_where_no_call_was_ever_good_without() {
    for was_good in [false, true] {
        let takes_calls = Arc::new(AtomicBool::new(was_good));
        let takes = Arc::clone(&takes_calls);
        let fake = Fake::start(move |seen| match seen.is_login() {
            true => status(0, ""),
            false if takes.load(Ordering::SeqCst) => list(&["ord"], json!([]), json!({"recordcount": 0})),
            false => status(1, LOST),
        })
        .await;
        let erp = erp(&fake);
        assert_eq!(call(&erp).await.is_ok(), was_good);
        takes_calls.store(false, Ordering::SeqCst);
        for _ in 0..4 {
            assert!(call(&erp).await.is_err());
        }
        assert_eq!(erp.login_refusal().is_some(), !was_good, "was good: {was_good}");
    }
}
