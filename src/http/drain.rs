//! An answer that comes before the body was read: the rest of the body is read and dropped first (`contract.md` §1).
//! Otherwise the connection is reset while the sender still writes, and many a client never sees the answer.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};
use http_body_util::BodyExt;

use super::state::HttpState;

/// So much of a body is read and dropped; behind it the connection is closed.
const BYTES_MAX: u64 = 16 * 1_024 * 1_024;
/// What a body that is dropped takes of the common memory: the buffer that it passes through.
const BUFFER_BYTES: u32 = 16 * 1_024;

/// Lends the body to the handler, and reads what it left of it before the answer goes out.
pub(super) async fn before_the_answer(State(state): State<HttpState>, request: Request, next: Next) -> Response {
    if !is_on_its_way(request.headers(), request.body()) {
        return next.run(request).await;
    }
    let home = Home::default();
    let lend = |body| Body::new(Lent { body: Some(body), home: Arc::clone(&home) });
    let response = next.run(request.map(lend)).await;
    let rest = home.lock().unwrap_or_else(PoisonError::into_inner).take();
    match rest {
        Some(mut rest) => read_rest(&state, &mut rest, response).await,
        None => response,
    }
}

/// Whether there is a body that is being sent: whoever asks first (`Expect: 100-continue`) has not sent anything yet.
pub(super) fn is_on_its_way(headers: &HeaderMap, body: &impl HttpBody) -> bool {
    !body.is_end_stream() && !headers.contains_key(header::EXPECT)
}

/// Reads what an answered request left of its body; where that does not end within the limits, the connection does.
pub(super) async fn read_rest<B>(state: &HttpState, rest: &mut B, mut response: Response) -> Response
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    // A body that did not come in time does not come now.
    let late = response.status() == StatusCode::REQUEST_TIMEOUT;
    if !rest.is_end_stream() && (late || !drop_all_of(state, rest).await) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Whether the body came to its end within the limits.
async fn drop_all_of<B: HttpBody<Data = Bytes> + Unpin>(state: &HttpState, body: &mut B) -> bool {
    if body.size_hint().lower() > BYTES_MAX {
        return false;
    }
    let Some(_buffer) = state.memory().try_share(BUFFER_BYTES) else { return false };
    let mut left = BYTES_MAX;
    let to_the_end = async {
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return false };
            let bytes = frame.data_ref().map_or(0, |chunk| chunk.len() as u64);
            let Some(rest) = left.checked_sub(bytes) else { return false };
            left = rest;
        }
        true
    };
    tokio::time::timeout(state.read_timeout, to_the_end).await.unwrap_or(false)
}

/// Where a body comes back to.
type Home = Arc<Mutex<Option<Body>>>;

/// A body that goes home when the handler drops it.
struct Lent {
    body: Option<Body>,
    home: Home,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, axum::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.as_ref().map_or_else(Default::default, HttpBody::size_hint)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        *self.home.lock().unwrap_or_else(PoisonError::into_inner) = self.body.take();
    }
}
