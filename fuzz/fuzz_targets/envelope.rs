//! The answers of the ERP: whatever comes, reading ends in an answer or in an error, and twice in the same.
#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    let first = format!("{:?}", erp_bridge::erp::parse(body));
    assert_eq!(first, format!("{:?}", erp_bridge::erp::parse(body)));
});
