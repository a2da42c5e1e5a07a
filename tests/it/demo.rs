//! `make demo` shows what it promises.

use std::{path::Path, process::Stdio, time::Duration};

#[tokio::test]
async fn the_demonstration_runs_to_its_end_and_shows_each_case() {
    let program = Path::new(env!("CARGO_BIN_EXE_erp-bridge")).with_file_name("examples/demo");
    let mut demo = tokio::process::Command::new(&program);
    // It reads the environment of its own programs only: no key of whoever runs the tests gets in.
    demo.env("DEMO_ONCE", "1").env("ERP_BRIDGE__WORKER__POLL", "never").stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(120), demo.output()).await.unwrap();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}; cargo build --examples", program.display()));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{shown}\n{}", String::from_utf8_lossy(&output.stderr));
    for (wanted, count) in [
        ("  202 held  ", 1),
        ("  200 duplicate  ", 1),
        ("  401 urn:erp-bridge:problem:signature_mismatch", 1),
        ("  200 not_admitted  ", 3),
        ("  200 ignored  ", 1),
        ("  422 urn:erp-bridge:problem:invalid_body", 1),
        ("  succeeded     ", 9),
        // The ERP's own customer was found by its number, linked and filled in, not doubled.
        ("客户编号 khid: KH00017", 1),
        ("微信 weixinAcc: wx_zhaozhiyuan", 1),
        ("khid: WX", 3),
        // Two contacts of one company are one customer.
        ("杭州示例茶业有限公司  [单位客户 company", 1),
        ("联系人 contact person: 周敏", 1),
        // The message from before the promotion is the first of five records.
        ("洽谈进展 1: 2026-11-20 09:12:38 客户：", 1),
        ("洽谈进展 5: 2026-11-23 15:58:00 我方：成交", 1),
    ] {
        assert_eq!(shown.matches(wanted).count(), count, "{wanted:?} in\n{shown}");
    }
}
