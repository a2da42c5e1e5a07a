//! The one place that sends.
use std::{sync::Arc, time::Duration};

use super::{BuildError, CallLog, ErpError, LoginInfo, SessionStore};
use crate::{clock::Clock, config::ErpConfig};

/// The ERP. Cheap to clone; clones share connections, session and caches.
#[derive(Clone)]
pub struct Erp {}

#[expect(clippy::todo, clippy::unused_async, unused_variables, reason = "skeleton")]
impl Erp {
    /// Builds the client; sends nothing.
    pub fn new(config: &ErpConfig, clock: Clock, sessions: Arc<dyn SessionStore>) -> Result<Self, BuildError> {
        todo!()
    }
    /// A handle whose calls are collected in `log` and are not sent any more once its deadline has passed
    /// (`NotDelivered`; checked right before each send).
    pub fn recording(&self, log: CallLog) -> Self {
        todo!()
    }
    /// How long after an unanswered call its effect may still appear.
    pub fn late_effect(&self) -> Duration {
        todo!()
    }
    /// The ERP's words, while dispatch must stop because it refuses the login.
    pub fn login_refusal(&self) -> Option<String> {
        todo!()
    }
    /// Logs in if there is no valid session, else asks one cheap question.
    pub async fn check_login(&self) -> Result<LoginInfo, ErpError> {
        todo!()
    }
    /// Ends the session.
    pub async fn log_out(&self) -> Result<(), ErpError> {
        todo!()
    }
    /// An operator says that the credentials are right again: forget the refusal.
    pub async fn resume_login(&self) {
        todo!()
    }
}
