//! Who called, in the log's line of the request (`trace.rs` opens its span with places for both).

/// Notes which token called.
pub(super) fn note_token(name: &str) {
    tracing::Span::current().record("caller.name", name);
}

/// Notes which secret signed, by its fingerprint.
pub(super) fn note_secret(fingerprint: &str) {
    tracing::Span::current().record("webhook.secret", fingerprint);
}
