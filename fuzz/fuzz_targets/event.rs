//! The bodies of webhooks: whatever comes, reading ends in an event or in faults that are named, and twice in the same.
#![no_main]

use erp_bridge::event::{Event, ParseError, Parsed, Reading};

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    let read = Event::parse(body, &Reading::default());
    match &read {
        Ok(Parsed::Event(event)) => assert!((1..=48).contains(&event.contact().id().len())),
        Ok(Parsed::Unknown { kind, .. }) => assert!((1..=64).contains(&kind.len())),
        Err(ParseError::Invalid { errors, .. }) => assert!(!errors.is_empty()),
        Err(ParseError::NotJson(_)) => assert!(erp_bridge::json::parse(body).is_err()),
    }
    assert_eq!(read, Event::parse(body, &Reading::default()));
});
