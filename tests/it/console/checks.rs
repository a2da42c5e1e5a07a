//! The last check of the ERP connection, and whoever comes back to it.

use super::visitor::{MINUTE, Visitor};
use crate::front::{Front, NOW, OPERATE, READ};

#[tokio::test]
async fn what_a_check_found_is_still_there_after_a_reload_and_in_the_other_language_with_its_time() {
    let front = Front::open().await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    assert!(!visitor.get("/console/erp").await.html.contains("检查于"), "nobody has checked yet");
    visitor.change("/console/erp", "/console/erp/check", &[]).await;
    front.clock.advance(5 * MINUTE);
    for address in ["/console/erp", "/console/erp/check"] {
        let html = visitor.get(address).await.html;
        for told in ["1 项未通过", "客户来源 微信", "检查于", &*NOW.erp_local(), "5 分钟前", "再检查一次"]
        {
            assert!(html.contains(told), "{told} is not in {html}");
        }
    }
    visitor.get("/console/language?to=en&back=/console/erp/check").await;
    let html = visitor.get("/console/erp/check").await.html;
    assert!(html.contains("1 do not hold") && html.contains("source 微信"), "{html}");
    let reader = Visitor::signed_in(&front, READ).await.get("/console/erp").await.html;
    assert!(!reader.contains("客户来源 微信"), "a check is for operators: {reader}");
    let checks = front.store.audit_log(None, 9).await.unwrap();
    assert_eq!(checks.iter().filter(|row| row.action == "erp.check").count(), 1, "nothing was checked again");
}
