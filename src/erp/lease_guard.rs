//! Whether a call may still be sent: asked before it is, and once more in the moment in which it is written.
//!
//! Between the two lies the way to a connection, which may have to be made first, and all that can hold a process up: a
//! machine that is busy, a process that is stopped and goes on later. Meanwhile the lease may have ended, and another
//! worker may have sent the same.

use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::{CallLog, ErpError};
use crate::clock::{Clock, Millis};

/// The moments after which a call is not sent.
#[derive(Debug, Clone)]
pub(super) struct LeaseGuard {
    clock: Clock,
    /// Holds the end of the lease.
    log: Option<CallLog>,
    /// Of a login: the end of the time in which it is this process's.
    send_before: Option<Millis>,
    /// Why it was stopped while it was written.
    stopped: Arc<OnceLock<ErpError>>,
}

impl LeaseGuard {
    pub(super) fn new(clock: Clock, log: Option<CallLog>, send_before: Option<Millis>) -> Self {
        Self { clock, log, send_before, stopped: Arc::default() }
    }

    /// # Errors
    ///
    /// [`ErpError::LeaseOver`], or that a login waited too long.
    pub(super) fn check(&self) -> Result<(), ErpError> {
        let now = self.clock.now();
        if self.log.as_ref().and_then(CallLog::deadline).is_some_and(|deadline| deadline <= now) {
            return Err(ErpError::LeaseOver);
        }
        if self.send_before.is_some_and(|moment| moment <= now) {
            let reason = "the login waited too long for one of erp.max_in_flight places".to_owned();
            return Err(ErpError::NotDelivered(reason));
        }
        Ok(())
    }

    /// A body that is only written while the guard is open. hyper asks for it after it has put the head into its buffer
    /// and before it writes either, so that of a request that comes too late nothing is sent.
    pub(super) fn body(&self, text: String) -> reqwest::Body {
        reqwest::Body::wrap(Guarded { guard: self.clone(), rest: text.into() })
    }

    /// Why nothing was sent, if the guard was closed by the time of writing.
    pub(super) fn stopped(&self) -> Option<ErpError> {
        self.stopped.get().cloned()
    }
}

struct Guarded {
    guard: LeaseGuard,
    rest: Bytes,
}

impl Body for Guarded {
    type Data = Bytes;
    type Error = ErpError;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ErpError>>> {
        let this = self.get_mut();
        if this.rest.is_empty() {
            return Poll::Ready(None);
        }
        if let Err(error) = this.guard.check() {
            let _ = this.guard.stopped.set(error.clone()); // the first reason stands
            return Poll::Ready(Some(Err(error)));
        }
        Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut this.rest)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
