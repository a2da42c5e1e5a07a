//! The one place that calls: with a session, once more only after one that expired; every call is judged and recorded.

use std::{
    sync::{Arc, RwLock, atomic::Ordering},
    time::Duration,
};

use super::{
    BuildError, CallLog, CallRecord, Detail, ErpError, Fault, FaultCause, Field, Installation, PLANNED, SessionStore,
    Shown, UNALLOCATED,
    cache::Caches,
    classify::{Reply, Verdict, doubtful, judge, refusal},
    envelope::{asp_body, v3_body},
    installation::is_another,
    interface::{CUSTOMER_LIST, Interface, Style},
    lease_guard::LeaseGuard,
    session::{Session, Sessions},
    summary,
    topics::speaks_of_a_breakdown,
    transport::{Sent, Transport},
};
use crate::{
    clock::{Clock, Millis},
    config::{Authorities, ErpConfig},
    telemetry::{metrics, traces::Span},
};

/// The fields that a survey edits.
const SURVEYED_EDITS: [&str; 1] = ["intro"];
/// How often one call gets another session: once for a session of another replica that turned out dead, once for a
/// login of its own.
const RENEWALS_MAX: usize = 2;

/// The ERP. Cheap to clone; clones share connections, session and caches.
#[derive(Clone)]
pub struct Erp {
    pub(super) shared: Arc<Shared>,
    pub(super) log: Option<CallLog>,
}

impl std::fmt::Debug for Erp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Erp").field("base_url", &self.shared.config.base_url).finish_non_exhaustive()
    }
}

/// What all clones share.
pub(super) struct Shared {
    transport: Transport,
    late_effect: Duration,
    /// Of the present account; another account has another one.
    pub(super) sessions: RwLock<Arc<Sessions>>,
    pub(super) session_store: Arc<dyn SessionStore>,
    caches: Caches,
    pub(super) config: ErpConfig,
    pub(super) clock: Clock,
}

impl Erp {
    /// Builds the client; sends nothing.
    ///
    /// # Errors
    ///
    /// TLS that cannot be set up.
    pub fn new(
        config: &ErpConfig,
        authorities: &Authorities,
        clock: Clock,
        sessions: Arc<dyn SessionStore>,
    ) -> Result<Self, BuildError> {
        let late_effect =
            if config.late_effect.is_zero() { config.timeout.saturating_mul(3) } else { config.late_effect };
        let shared = Shared {
            transport: Transport::new(config, authorities, clock.clone())?,
            late_effect,
            sessions: RwLock::new(Arc::new(Sessions::new(config, clock.clone(), Arc::clone(&sessions)))),
            session_store: sessions,
            caches: Caches::default(),
            config: config.clone(),
            clock,
        };
        Ok(Self { shared: Arc::new(shared), log: None })
    }

    /// A handle whose calls are collected in `log` and are not sent any more once its deadline has passed
    /// ([`ErpError::LeaseOver`]; checked before each call and once more as it is written).
    #[must_use]
    pub fn recording(&self, log: CallLog) -> Self {
        Self { shared: Arc::clone(&self.shared), log: Some(log) }
    }

    /// How long after an unanswered call its effect may still appear.
    pub fn late_effect(&self) -> Duration {
        self.shared.late_effect
    }

    /// Where it is, as it is configured.
    pub fn address(&self) -> &str {
        self.shared.config.base_url.as_str()
    }

    /// Remembers that the ERP showed an effect of this kind as it was made.
    pub fn note_shown(&self, effect: Shown) {
        self.caches().shown(effect).store(true, Ordering::Relaxed);
    }

    /// Whether the ERP showed any effect of this kind since the start: then one that it does not show was not made.
    pub fn shows(&self, effect: Shown) -> bool {
        self.caches().shown(effect).load(Ordering::Relaxed)
    }

    /// Remembers that the ERP showed these fields as 客户修改 filled them in.
    pub fn note_edits_shown<'a>(&self, fields: impl IntoIterator<Item = &'a str>) {
        self.caches().edits_shown().extend(fields.into_iter().map(str::to_owned));
    }

    /// Whether the ERP showed any of these fields as it was filled in, since the start or when it was surveyed.
    pub fn shows_edits<'a>(&self, fields: impl IntoIterator<Item = &'a str>) -> bool {
        let shown = self.caches().edits_shown();
        fields.into_iter().any(|field| shown.contains(field))
    }

    /// Whether the ERP showed any field as it was filled in.
    pub fn shows_any_edit(&self) -> bool {
        !self.caches().edits_shown().is_empty()
    }

    /// Believes what a survey saw, in place of what an earlier one did. A list of records that was closed is tried again
    /// after a while, as one that this client found closed itself.
    pub(crate) fn believe(&self, seen: Installation) {
        if let Some(how) = &seen.progress_closed {
            self.caches().set_progress_closed(self.now(), &format!("closed when surveyed ({how})"));
        }
        if seen.shows_edits == Some(true) {
            self.note_edits_shown(SURVEYED_EDITS);
        }
        self.caches().believe(seen);
    }

    /// What is known of the installation; nothing once the ERP says that it is of another version than then.
    pub(crate) fn installation(&self) -> Installation {
        let known = self.caches().installation();
        let version = self.sessions().app_version().unwrap_or_default();
        if is_another(&version, &known.app_version) { Installation::default() } else { (*known).clone() }
    }

    /// The installation has a value that the event's run needs.
    pub(super) fn note_value(&self, subject: String) {
        if let Some(log) = &self.log {
            log.note_value(subject);
        }
    }

    /// Reads choices, accounts and what is closed anew: somebody may have put them right.
    pub fn forget_installation(&self) {
        self.caches().forget_installation();
    }

    pub(super) fn caches(&self) -> &Caches {
        &self.shared.caches
    }

    pub(super) fn choices_max_age(&self) -> Duration {
        self.shared.config.choices_max_age
    }

    pub(super) fn now(&self) -> Millis {
        self.shared.clock.now()
    }

    /// One call of an interface: sent once, and again only after an expired session, which had no effect.
    pub(super) async fn call(&self, interface: &Interface, fields: &[Field]) -> Result<Reply, ErpError> {
        if let Some(log) = self.log.as_ref().filter(|log| interface.writes && log.is_rehearsal()) {
            log.push(self.planned_call(log, interface, fields));
            let bill = Detail::from_fields(Some(UNALLOCATED), []);
            return Ok(Reply { bill: Some(bill), ..Reply::default() });
        }
        if let Some(fault) = self.log.as_ref().and_then(|log| log.known_fault(interface)) {
            return Err(ErpError::Installation(fault));
        }
        let mut session = self.session(None).await?;
        for renewal in 0.. {
            match self.send(interface, fields, &session).await {
                Verdict::Done(reply) => return Ok(reply),
                Verdict::Refused { text, .. } => return Err(refusal(interface, text)),
                Verdict::Failed(error) => return Err(error),
                Verdict::Doubtful { said } => {
                    let breaks_down = interface.writes && speaks_of_a_breakdown(&said);
                    let is_lost = match breaks_down || renewal > 0 {
                        true => Ok(false),
                        false => self.is_session_lost(&session, &said).await,
                    };
                    match is_lost {
                        Ok(true) => {}
                        Ok(false) => return Err(doubtful(interface, said)),
                        // Of a read that is sent again nothing is to be feared; what was to be stored may be there.
                        Err(_) if interface.writes => return Err(ErpError::garbled(said)),
                        Err(error) => return Err(error),
                    }
                    session = self.session(Some(&session)).await?;
                }
                Verdict::Expired { said, by_page } => {
                    // A second renewal only if the first one brought another replica's session.
                    let renewed = if renewal == 0 || (renewal < RENEWALS_MAX && session.adopted) {
                        self.session(Some(&session)).await
                    } else {
                        Err(ErpError::SessionExpired)
                    };
                    session = renewed.map_err(|error| match error {
                        ErpError::SessionExpired if by_page => {
                            ErpError::Installation(Fault::of(FaultCause::WrongPath, interface, said))
                        }
                        error => error,
                    })?;
                }
            }
        }
        Err(ErpError::SessionExpired)
    }

    /// What a rehearsal writes down in place of sending.
    fn planned_call(&self, log: &CallLog, interface: &Interface, fields: &[Field]) -> CallRecord {
        CallRecord {
            step: log.step(),
            interface: interface.name,
            call: interface.call,
            started_at: self.now(),
            duration_ms: 0,
            outcome: PLANNED.to_owned(),
            request: summary::of_fields(fields),
            response: String::new(),
        }
    }

    /// Whether a plain read is answered with the same words as the call: then they are about the session. A read that
    /// fails leaves it open.
    async fn is_session_lost(&self, session: &Session, words: &str) -> Result<bool, ErpError> {
        match self.send(&CUSTOMER_LIST, &one_row(), session).await {
            Verdict::Expired { .. } => Ok(true),
            Verdict::Doubtful { said } => Ok(said == words),
            Verdict::Done(_) | Verdict::Refused { .. } => Ok(false),
            Verdict::Failed(_) => Err(ErpError::SessionExpired),
        }
    }

    async fn send(&self, interface: &Interface, fields: &[Field], session: &Session) -> Verdict {
        let body = match interface.style {
            Style::Asp => asp_body(Some(&session.token), interface.cmdkey, fields),
            Style::V3 => v3_body(fields),
        };
        let sent = self.post(interface, interface.path, body, Some(session), None).await;
        let verdict = match &sent.answer {
            Ok(answer) => judge(interface, answer, self.sessions().is_proven(session)).without(&session.token),
            Err(error) => Verdict::Failed(error.clone()),
        };
        if matches!(verdict, Verdict::Done(_) | Verdict::Refused { known_session: true, .. }) {
            self.sessions().proved_good(session);
        }
        let (outcome, said) = summary::of_call(&verdict, sent.answer.as_ref().ok(), &session.token);
        self.note(interface, &sent, outcome, summary::of_fields(fields), said);
        verdict
    }

    /// Sends one request within the lease that the log holds; a login only before its own ends.
    pub(super) async fn post(
        &self,
        interface: &Interface,
        path: &str,
        body: String,
        session: Option<&Session>,
        send_before: Option<Millis>,
    ) -> Sent {
        let guard = LeaseGuard::new(self.shared.clock.clone(), self.log.clone(), send_before);
        let token = session.map(|session| &*session.token);
        let span = self.log.as_ref().and_then(|log| log.call_span(interface.call));
        // What the ERP does is a part of our call, where that is traced; the sender's own context is none of its business.
        let trace_parent = span.as_ref().map(Span::trace_parent);
        let sent = self.shared.transport.post(interface.style, path, body, token, trace_parent, &guard).await;
        Sent { span: span.map(Box::new), ..sent }
    }

    /// How far the ERP's clock is ahead of ours, in milliseconds and within a second; `None` if no answer has said.
    pub(crate) fn clock_ahead(&self) -> Option<i64> {
        self.shared.transport.clock_ahead()
    }

    /// Writes a call down, for whoever counts and for whoever reads.
    pub(super) fn note(
        &self,
        interface: &Interface,
        sent: &Sent,
        outcome: &str,
        request: serde_json::Value,
        response: String,
    ) {
        let duration_ms = i64::try_from(sent.elapsed.as_millis()).unwrap_or(i64::MAX);
        tracing::debug!(
            erp.call = interface.call,
            erp.outcome = outcome,
            erp.elapsed_ms = duration_ms,
            "asked the ERP"
        );
        metrics::erp_call(interface.call, outcome.to_owned(), duration_ms);
        if let Some(span) = &sent.span {
            Span::clone(span).with("erp.outcome", outcome.to_owned()).end(outcome != "ok");
        }
        if let Some(log) = &self.log {
            log.push(CallRecord {
                step: log.step(),
                interface: interface.name,
                call: interface.call,
                started_at: sent.started_at,
                duration_ms,
                outcome: outcome.to_owned(),
                request,
                response,
            });
        }
    }
}

/// The fields of the cheapest question to 客户列表.
pub(super) fn one_row() -> [Field; 3] {
    [Field::new("stype", ""), Field::number("pagesize", 1), Field::number("pageindex", 1)]
}
