//! Tests of `problem.rs`.

use std::collections::BTreeSet;

use super::*;

fn every_problem() -> Vec<Problem> {
    let wait = Duration::from_millis(1_500);
    vec![
        Problem::InvalidJson("line 1".into()),
        Problem::MissingHeader("webhook-id".into()),
        Problem::BadHeader("webhook-timestamp".into()),
        Problem::InvalidQuery("limit".into(), Bilingual::new("1 到 200", "1 to 200")),
        Problem::SignatureMismatch,
        Problem::TimestampOutOfTolerance,
        Problem::TokenMissing,
        Problem::TokenUnknown,
        Problem::TokenExpired,
        Problem::ScopeTooSmall,
        Problem::RouteNotFound,
        Problem::EventNotFound,
        Problem::MessageNotFound,
        Problem::ContactNotLinked,
        Problem::ContactMismatch,
        Problem::ContactUnknown,
        Problem::MethodNotAllowed,
        Problem::BodyTimeout,
        Problem::IdReused("one".into()),
        Problem::WrongState(Status::Running),
        Problem::Changed,
        Problem::BodyTooLarge(10),
        Problem::UnsupportedMediaType,
        Problem::UnsupportedEncoding,
        Problem::Invalid(Vec::new()),
        Problem::RateLimited(wait),
        Problem::TooManyFailures(wait),
        Problem::TooManyStreams,
        Problem::TooManyReplays(50),
        Problem::Internal,
        Problem::StoreUnavailable,
        Problem::BacklogFull,
        Problem::Overloaded,
        Problem::Stopping,
        Problem::ErpUnavailable("timeout".into()),
        Problem::RequestTimeout,
    ]
}

#[test]
fn every_problem_has_a_type_of_its_own_and_says_something() {
    let names: BTreeSet<&str> = every_problem().iter().map(|problem| problem.facts().0).collect();
    assert_eq!(names.len(), every_problem().len());
    for problem in every_problem() {
        let document = problem.document();
        assert!(document.kind.starts_with(TYPE_PREFIX) && !document.detail.is_empty(), "{document:?}");
        assert!(document.status >= 400 && document.status == problem.status().as_u16());
    }
}

#[test]
fn answers_that_pass_say_when_to_come_back_and_only_those() {
    for problem in every_problem() {
        let response = problem.clone().into_response();
        let passes = matches!(response.status().as_u16(), 429 | 503);
        assert_eq!(response.headers().contains_key(header::RETRY_AFTER), passes, "{problem:?}");
        assert_eq!(response.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
        let challenged = response.headers().contains_key(header::WWW_AUTHENTICATE);
        assert_eq!(challenged, response.status() == StatusCode::UNAUTHORIZED, "{problem:?}");
    }
}

#[test]
fn retry_after_is_rounded_up_to_at_least_a_second() {
    let table = [(0, 1), (1, 1), (999, 1), (1_000, 1), (1_001, 2), (60_000, 60)];
    for (millis, seconds) in table {
        assert_eq!(whole_seconds(Duration::from_millis(millis)), seconds, "{millis}");
    }
}

#[test]
fn only_what_ends_for_want_of_the_ledger_is_called_unfinished() {
    for problem in every_problem() {
        let is_the_ledger_s = matches!(problem, Problem::StoreUnavailable | Problem::BacklogFull);
        let expected = if is_the_ledger_s { Problem::Unfinished(7) } else { problem.clone() };
        assert_eq!(problem.clone().after(7), expected);
        assert_eq!(problem.clone().after(0), problem, "nothing was done before");
    }
    assert_eq!(Problem::Unfinished(2).after(7), Problem::Unfinished(9));
}
