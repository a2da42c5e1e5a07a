//! `GET /v1/stream`: server-sent events of state changes.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::HeaderMap,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{Stream, StreamExt, stream};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::query::{self, Params};
use crate::{
    http::{
        auth::Reader,
        keys::Caller,
        problem::{Problem, ProblemDocument},
        state::HttpState,
        stream_places::StreamPlace,
    },
    store::{Change, Follower, News},
};

/// How often a quiet stream shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How often a stream looks whether its token has expired.
const TOKEN_LOOK: Duration = Duration::from_secs(1);

/// Longest life that a caller may ask for, in seconds.
const MAX_SECONDS: u64 = 3_600;

/// What a caller may ask of a stream.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct StreamParams {
    seconds: Option<String>,
}

/// What one event of the stream is made of.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "it only describes for the document what the stream writes")]
pub(crate) struct StreamEvent {
    /// Where to go on behind it: send it as `Last-Event-ID`.
    id: String,
    /// `state`: an event has another state. `reset`: some were missed; read anew what you show.
    #[schema(required = false)]
    event: String,
    /// JSON: of `state` the event's `id`, `type`, `contact_id`, `status` and `at`; of `reset` an empty object.
    #[schema(required = false)]
    data: String,
}

/// Follow state changes
///
/// Server-sent events named `state`, each with `{"id", "type", "contact_id", "status", "at"}`; on PostgreSQL those of every
/// replica. The stream begins now, or behind the event that `Last-Event-ID` names. Where what was missed is not known any
/// more (a reader that is too slow or was away for long, another process) the event `reset` says so: read the list again.
/// Comments are heartbeats. The stream ends when its token expires, is taken away or may do less; a token may have 64 open.
#[utoipa::path(
    get, path = "/v1/stream", tag = "observation", security(("token" = ["read"])),
    params(("seconds" = Option<u16>, Query, minimum = 1, maximum = 3_600, nullable = false,
        description = "The stream ends by itself after so many seconds; without it, when either side closes it"),
        ("Last-Event-ID" = Option<String>, Header, nullable = false,
            description = "The `id` of the last event of an earlier stream; it goes on behind it")),
    responses(
        (status = 200, description = "The stream", body = StreamEvent, content_type = "text/event-stream"),
        (status = 429, description = "Too many streams are open", body = ProblemDocument),
    ),
)]
pub(crate) async fn stream_changes(
    State(state): State<HttpState>,
    Reader(caller): Reader,
    Params(params): Params<StreamParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let seconds = query::seconds(params.seconds.as_deref(), MAX_SECONDS)?;
    let end = async move {
        match seconds {
            Some(seconds) => tokio::time::sleep(seconds).await,
            None => std::future::pending().await,
        }
    };
    changes(&state, caller, last_event_id(&headers), end)
}

/// The id of the last event that the reader has heard.
pub(crate) fn last_event_id(headers: &HeaderMap) -> Option<&str> {
    // A name that cannot be read is one that nobody gave.
    headers.get("last-event-id").filter(|id| !id.is_empty()).map(|id| id.to_str().unwrap_or_default())
}

/// A stream of the changes from now on, or from behind the event of this id; it ends with the caller's token, or with `end`.
///
/// # Errors
/// [`Problem::TooManyStreams`]
pub(crate) fn changes(
    state: &HttpState,
    caller: Caller,
    last: Option<&str>,
    end: impl Future<Output = ()> + Send + 'static,
) -> Result<Response, Problem> {
    let place = state.streams().take(&caller.name).ok_or(Problem::TooManyStreams)?;
    let changes = follow(state.store.follow(last), state.stop.clone(), place);
    let changes = changes.take_until(revoked(state.clone(), caller));
    let changes = changes.take_until(end);
    let heartbeat = KeepAlive::new().interval(HEARTBEAT).text("heartbeat");
    Ok(([("x-accel-buffering", "no")], Sse::new(changes).keep_alive(heartbeat)).into_response())
}

/// Waits until the caller's token has expired, was taken away, or may do less than before.
async fn revoked(state: HttpState, caller: Caller) {
    let mut keys = state.keys.changes();
    while keys.borrow_and_update().tokens.still_allow(&caller, state.clock.now()) {
        // Other keys, or time for another look at the clock.
        let _ = tokio::time::timeout(TOKEN_LOOK, keys.changed()).await;
    }
}

/// The changes until the bridge stops: an open stream must not hold up a graceful stop. It begins with an id alone, by which
/// a reader can go on that heard nothing yet.
fn follow(
    changes: Follower,
    stop: CancellationToken,
    place: StreamPlace,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let begin = stream::iter([Ok(Event::default().id(changes.id()))]);
    begin.chain(stream::unfold((changes, stop, place), |(mut changes, stop, place)| async move {
        let event = match stop.run_until_cancelled(changes.next()).await? {
            News::Changed(change) => state(&change),
            News::Reset => Event::default().event("reset").data("{}"),
        };
        Some((Ok(event.id(changes.id())), (changes, stop, place)))
    }))
}

fn state(change: &Change) -> Event {
    let data = json!({
        "id": change.id,
        "type": change.kind,
        "contact_id": change.contact_id,
        "status": change.status.as_str(),
        "at": change.at.rfc3339(),
    });
    Event::default().event("state").data(data.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::{Clock, Millis},
        config::DatabaseConfig,
        http::stream_places::StreamPlaces,
        store::{Intake, NewEvent, Store},
    };

    fn event(id: &str) -> NewEvent {
        NewEvent {
            webhook_id: Some(id.into()),
            kind: "deal.closed".into(),
            contact_id: Some("c1".into()),
            occurred_at: None,
            payload: "{}".into(),
            deal_id: None,
            intake: Intake::Queue,
            warnings: None,
            actor: "webhook".into(),
            force: false,
            sequence: None,
            trace_parent: None,
            deed: None,
        }
    }

    #[tokio::test]
    async fn a_stream_tells_changes_and_losses_with_ids_and_ends_when_the_bridge_stops() {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/ledger.db", dir.path().display());
        let config = DatabaseConfig { url: url.parse().unwrap(), ..DatabaseConfig::default() };
        let store = Store::open(&config, Clock::manual(Millis(0)), true).await.unwrap();
        let stop = CancellationToken::new();
        let place = StreamPlaces::default().take(&"view".into()).unwrap();
        let mut told = Box::pin(follow(store.follow(Some("another-7")), stop.clone(), place));
        let mut next = async || format!("{:?}", told.next().await.map(Result::unwrap));
        next().await;
        let reset = next().await;
        assert!(reset.contains("event: reset") && reset.contains("id: "), "{reset}");
        store.accept(event("w1")).await.unwrap();
        let state = next().await;
        assert!(state.contains("deal.closed") && state.contains("queued") && state.contains("id: "), "{state}");
        stop.cancel();
        assert_eq!(next().await, "None");
    }
}
