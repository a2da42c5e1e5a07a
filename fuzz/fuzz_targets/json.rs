//! JSON of others: whatever comes, it is refused or read, read twice in the same, and what was read can be written and read again.
#![no_main]

use erp_bridge::json::{self, DEPTH_MAX, Plain};
use serde_json::Value;

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    let Ok(value) = json::parse(body) else { return };
    assert!(depth(&value) <= DEPTH_MAX);
    assert_eq!(json::from_value::<Plain>(&value).map(|Plain(read)| read).ok().as_ref(), Some(&value));
    assert_eq!(json::parse_text(&value.to_string()), Ok(value));
});

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}
