//! `GET /v1/stream`: server-sent events of state changes.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{Stream, StreamExt, stream};
use serde_json::json;
use tokio::sync::broadcast::{Receiver, error::RecvError};
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
    store::Change,
};

/// How often a quiet stream shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How often a stream looks whether its token has expired.
const TOKEN_LOOK: Duration = Duration::from_secs(1);

/// Longest life that a caller may ask for, in seconds.
const MAX_SECONDS: u64 = 3_600;

/// What a caller may ask of a stream.
#[derive(Debug, serde::Deserialize)]
pub(in crate::http) struct StreamParams {
    seconds: Option<String>,
}

/// Follow state changes
///
/// Server-sent events named `state`, each with `{"id", "type", "contact_id", "status", "at"}`. A reader that is too slow
/// gets `lagged` with `{"missed": n}`: it should read the list again. Comments are heartbeats. The stream begins now and
/// cannot be resumed; it ends when its token expires, is taken away or may do less. A token may have 64 streams open.
#[utoipa::path(
    get, path = "/v1/stream", tag = "observation", security(("token" = ["read"])),
    params(("seconds" = Option<u16>, Query, minimum = 1, maximum = 3_600, nullable = false,
        description = "The stream ends by itself after so many seconds; without it, when either side closes it")),
    responses(
        (status = 200, description = "The stream", body = String, content_type = "text/event-stream"),
        (status = 429, description = "Too many streams are open", body = ProblemDocument),
    ),
)]
pub(in crate::http) async fn stream_changes(
    State(state): State<HttpState>,
    Reader(caller): Reader,
    Params(params): Params<StreamParams>,
) -> Result<Response, Problem> {
    let end = query::seconds(params.seconds.as_deref(), MAX_SECONDS)?;
    let place = state.streams().take(&caller.name).ok_or(Problem::TooManyStreams)?;
    let changes = follow(state.store.changes(), state.stop.clone(), place);
    let changes = changes.take_until(revoked(state, caller));
    let changes = changes.take_until(async move {
        match end {
            Some(end) => tokio::time::sleep(end).await,
            None => std::future::pending().await,
        }
    });
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

/// The changes until the bridge stops: an open stream must not hold up a graceful stop.
fn follow(
    changes: Receiver<Change>,
    stop: CancellationToken,
    place: StreamPlace,
) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold((changes, stop, place), |(mut changes, stop, place)| async move {
        let received = stop.run_until_cancelled(changes.recv()).await?;
        let event = match received {
            Ok(change) => state(&change),
            Err(RecvError::Lagged(missed)) => {
                Event::default().event("lagged").data(json!({ "missed": missed }).to_string())
            }
            Err(RecvError::Closed) => return None,
        };
        Some((Ok(event), (changes, stop, place)))
    })
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
    use tokio::sync::broadcast;

    use super::*;
    use crate::{clock::Millis, event::Status, http::stream_places::StreamPlaces};

    fn change() -> Change {
        Change { id: "e".into(), kind: "deal.closed".into(), contact_id: None, status: Status::Queued, at: Millis(0) }
    }

    #[tokio::test]
    async fn a_stream_tells_changes_and_losses_and_ends_when_the_bridge_stops() {
        let places = StreamPlaces::default();
        let (sender, receiver) = broadcast::channel(1);
        let stop = CancellationToken::new();
        let place = places.take(&"view".into()).unwrap();
        let mut told = Box::pin(follow(receiver, stop.clone(), place));
        for _ in 0..3 {
            sender.send(change()).unwrap();
        }
        let lagged = format!("{:?}", told.next().await.unwrap().unwrap());
        assert!(lagged.contains("lagged") && lagged.contains("missed"), "{lagged}");
        let state = format!("{:?}", told.next().await.unwrap().unwrap());
        assert!(state.contains("deal.closed") && state.contains("queued"), "{state}");
        stop.cancel();
        assert!(told.next().await.is_none());
    }
}
