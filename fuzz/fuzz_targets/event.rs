//! The bodies of webhooks: whatever comes, reading ends in an event or in faults that are named, and twice in the same.
#![no_main]

use erp_bridge::event::{Event, ParseError, Parsed, Reading};

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    let read = Event::parse(body, &Reading::default());
    match &read {
        Ok(Parsed::Event(event)) => assert!((1..=48).contains(&event.contact().id().len())),
        Ok(Parsed::Unknown { kind, .. }) => assert!((1..=100).contains(&kind.chars().count())),
        Err(ParseError::Invalid { errors, .. }) => assert!(!errors.is_empty()),
        Err(ParseError::NotJson(_)) => assert!(serde_json_refuses(body)),
    }
    assert_eq!(read, Event::parse(body, &Reading::default()));
});

fn serde_json_refuses(body: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(body).is_err()
}
