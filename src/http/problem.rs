//! Every way in which a request can fail, as RFC 9457 `application/problem+json` with a stable `type` (`contract.md` §1).

use std::time::Duration;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{request_id, signed_body::SignatureError};
use crate::{
    event::{Bilingual, FieldError, Status},
    store::{ReplayState, StoreError, Unfinished},
};

/// What stands before a problem's name in its `type`.
pub const TYPE_PREFIX: &str = "urn:erp-bridge:problem:";

/// Media type of every problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq)]
pub enum Problem {
    /// The body is not JSON; the text says where it breaks off.
    InvalidJson(String),
    /// A header of the signature is missing.
    MissingHeader(String),
    /// A header of the signature, or the idempotency key, cannot be read.
    BadHeader(String),
    /// A query parameter cannot be read: its name, and what is allowed.
    InvalidQuery(String, Bilingual),
    /// No secret matches the signature.
    SignatureMismatch,
    /// The signature's timestamp is too far from the bridge's clock.
    TimestampOutOfTolerance,
    /// No bearer token came.
    TokenMissing,
    /// The bearer token is not known.
    TokenUnknown,
    /// The bearer token was good until it expired.
    TokenExpired,
    /// The token may look, and this changes something.
    ScopeTooSmall,
    /// Nothing lives at this address.
    RouteNotFound,
    /// No event has this id.
    EventNotFound,
    /// No dead message has this id.
    MessageNotFound,
    /// No replay has this id.
    ReplayNotFound,
    /// The contact has no customer in the ERP yet.
    ContactNotLinked,
    /// The body speaks of another contact than the path.
    ContactMismatch,
    /// Nothing is stored of this contact.
    ContactUnknown,
    /// The address exists, the method does not.
    MethodNotAllowed,
    /// The body did not arrive in time.
    BodyTimeout,
    /// The `webhook-id` or idempotency key was used before for another body; carries the first event's id.
    IdReused(String),
    /// The event's state does not allow this.
    WrongState(Status),
    /// The review of the event offers other decisions: these. To a program it is a state that does not allow this.
    NotOffered(Vec<String>),
    /// The event, contact or pause has changed since the caller saw it.
    Changed,
    /// This step of the event was begun, and its outcome is not known yet.
    StepOpen(String),
    /// A record of the event stands in the ERP, and would say something else.
    Recorded,
    /// The replay's state does not allow this.
    WrongReplayState(ReplayState),
    /// The body is larger than so many bytes.
    BodyTooLarge(u64),
    /// The body does not call itself JSON.
    UnsupportedMediaType,
    /// The body is compressed.
    UnsupportedEncoding,
    /// Well-formed and not valid: every fault with its JSON pointer.
    Invalid(Vec<FieldError>),
    /// Too many requests; when to come back.
    RateLimited(Duration),
    /// Too many failed authentications from this address; when to come back.
    TooManyFailures(Duration),
    /// As many event streams are open as may be.
    TooManyStreams,
    /// So many replays stand open already.
    TooManyReplays(i64),
    /// A fault of the bridge itself.
    Internal,
    /// The database is away.
    StoreUnavailable,
    /// It went away after so many of many events were dealt with. To a program it is the same.
    Unfinished(i64),
    /// More events wait than the configuration allows.
    BacklogFull,
    /// As many connections or bodies are under way as there is room for.
    Overloaded,
    /// The bridge is shutting down.
    Stopping,
    /// The ERP could not be asked; in words without personal data.
    ErpUnavailable(String),
    /// The bridge did not finish in time.
    RequestTimeout,
}

/// A problem as it is sent (RFC 9457).
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// Stable identifier of the kind of problem.
    #[serde(rename = "type")]
    #[schema(pattern = "^urn:erp-bridge:problem:[a-z_]+$", examples("urn:erp-bridge:problem:invalid_event"))]
    pub kind: String,
    /// The same in a few words.
    pub title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What was wrong, where, and what to do; Chinese, then English.
    pub detail: String,
    /// Every fault of a body, with its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldError>,
    /// The request's id: the log lines of this request carry it too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub request_id: Option<String>,
}

impl Problem {
    /// Stable name, status and title.
    pub const fn facts(&self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::InvalidJson(_) => ("invalid_json", StatusCode::BAD_REQUEST, "The body is not JSON"),
            Self::MissingHeader(_) => ("missing_header", StatusCode::BAD_REQUEST, "A header is missing"),
            Self::BadHeader(_) => ("bad_header", StatusCode::BAD_REQUEST, "A header cannot be read"),
            Self::InvalidQuery(..) => ("invalid_query", StatusCode::BAD_REQUEST, "A query parameter cannot be read"),
            Self::SignatureMismatch => ("signature_mismatch", StatusCode::UNAUTHORIZED, "No secret matches"),
            Self::TimestampOutOfTolerance => {
                ("timestamp_out_of_tolerance", StatusCode::UNAUTHORIZED, "The timestamp is out of tolerance")
            }
            Self::TokenMissing => ("token_missing", StatusCode::UNAUTHORIZED, "A bearer token is needed"),
            Self::TokenUnknown => ("token_unknown", StatusCode::UNAUTHORIZED, "The bearer token is not known"),
            Self::TokenExpired => ("token_expired", StatusCode::UNAUTHORIZED, "The bearer token has expired"),
            Self::ScopeTooSmall => ("scope_too_small", StatusCode::FORBIDDEN, "The token may not do this"),
            Self::RouteNotFound => ("route_not_found", StatusCode::NOT_FOUND, "Nothing lives here"),
            Self::EventNotFound => ("event_not_found", StatusCode::NOT_FOUND, "No such event"),
            Self::MessageNotFound => ("message_not_found", StatusCode::NOT_FOUND, "No such dead message"),
            Self::ReplayNotFound => ("replay_not_found", StatusCode::NOT_FOUND, "No such replay"),
            Self::ContactNotLinked => ("contact_not_linked", StatusCode::NOT_FOUND, "The contact is not linked"),
            Self::ContactMismatch => ("contact_mismatch", StatusCode::CONFLICT, "Two different contacts"),
            Self::ContactUnknown => ("contact_unknown", StatusCode::NOT_FOUND, "Nothing is stored of this contact"),
            Self::MethodNotAllowed => {
                ("method_not_allowed", StatusCode::METHOD_NOT_ALLOWED, "The method is not allowed here")
            }
            Self::BodyTimeout => ("body_timeout", StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time"),
            Self::IdReused(_) => ("id_reused", StatusCode::CONFLICT, "The id was used for another body"),
            Self::WrongState(_) | Self::NotOffered(_) => {
                ("wrong_state", StatusCode::CONFLICT, "The event's state does not allow this")
            }
            Self::Changed => ("changed", StatusCode::CONFLICT, "It has changed meanwhile"),
            Self::StepOpen(_) => ("step_open", StatusCode::CONFLICT, "The outcome of a step is not known yet"),
            Self::Recorded => ("already_recorded", StatusCode::CONFLICT, "Its record stands in the ERP"),
            Self::WrongReplayState(_) => {
                ("wrong_replay_state", StatusCode::CONFLICT, "The replay's state does not allow this")
            }
            Self::BodyTooLarge(_) => ("body_too_large", StatusCode::PAYLOAD_TOO_LARGE, "The body is too large"),
            Self::UnsupportedMediaType => {
                ("unsupported_media_type", StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body must be JSON")
            }
            Self::UnsupportedEncoding => {
                ("unsupported_encoding", StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body must not be compressed")
            }
            Self::Invalid(_) => ("invalid_body", StatusCode::UNPROCESSABLE_ENTITY, "The body is not valid"),
            Self::RateLimited(_) => ("rate_limited", StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
            Self::TooManyFailures(_) => {
                ("too_many_failures", StatusCode::TOO_MANY_REQUESTS, "Too many failed authentications")
            }
            Self::TooManyStreams => ("too_many_streams", StatusCode::TOO_MANY_REQUESTS, "Too many open streams"),
            Self::TooManyReplays(_) => ("too_many_replays", StatusCode::CONFLICT, "Too many open replays"),
            Self::Internal => ("internal", StatusCode::INTERNAL_SERVER_ERROR, "A fault of the bridge"),
            Self::StoreUnavailable | Self::Unfinished(_) => {
                ("store_unavailable", StatusCode::SERVICE_UNAVAILABLE, "The database is unavailable")
            }
            Self::BacklogFull => ("backlog_full", StatusCode::SERVICE_UNAVAILABLE, "The backlog is full"),
            Self::Overloaded => ("overloaded", StatusCode::SERVICE_UNAVAILABLE, "Too much is under way"),
            Self::Stopping => ("stopping", StatusCode::SERVICE_UNAVAILABLE, "The bridge is shutting down"),
            Self::ErpUnavailable(_) => {
                ("erp_unavailable", StatusCode::SERVICE_UNAVAILABLE, "The ERP could not be asked")
            }
            Self::RequestTimeout => {
                ("request_timeout", StatusCode::SERVICE_UNAVAILABLE, "The bridge did not finish in time")
            }
        }
    }

    /// The HTTP status.
    pub const fn status(&self) -> StatusCode {
        self.facts().1
    }

    /// What was wrong, where, and what to do: Chinese, then English.
    #[expect(clippy::too_many_lines, reason = "a sentence for each problem, one below the other")]
    fn detail(&self) -> String {
        match self {
            Self::InvalidJson(fault) => format!("请求体不是有效的 JSON：{fault}。The body is not valid JSON: {fault}."),
            Self::MissingHeader(name) => format!("缺少请求头 {name}。Send the header {name}."),
            Self::BadHeader(what) => format!("请求头无法读取：{what}。A header cannot be read: {what}."),
            Self::InvalidQuery(name, Bilingual { zh, en }) => {
                format!("查询参数 {name} 不正确：{zh}。The query parameter {name} is wrong: {en}.")
            }
            Self::SignatureMismatch => {
                "签名不匹配：请检查密钥，并对原始请求体签名。No configured secret matches: check \
                the secret, and sign the raw body as \"{id}.{timestamp}.{body}\"."
                    .into()
            }
            Self::TimestampOutOfTolerance => {
                "webhook-timestamp 超出允许的时间差：请校准发送方时钟，重发时重新签名。The \
                timestamp is too far from the bridge's clock: set the sender's clock, and sign every resend anew."
                    .into()
            }
            Self::TokenMissing => "需要令牌：Authorization: Bearer <token>。Send Authorization: Bearer <token>.".into(),
            Self::TokenUnknown => "令牌无效：请核对 [api].tokens。The token is not among [api].tokens.".into(),
            Self::TokenExpired => {
                "令牌已过期：请换用新令牌。The token has expired: use a new one, or set another expires_at.".into()
            }
            Self::ScopeTooSmall => {
                "该令牌为只读：请使用 operate 令牌。This needs a token with the scope operate.".into()
            }
            Self::RouteNotFound => "地址不存在：参见 /openapi.yaml。No such address: see /openapi.yaml.".into(),
            Self::EventNotFound => "没有此事件，或已过保留期。No event has this id, or it was pruned.".into(),
            Self::MessageNotFound => "没有此条未送达的消息。No dead message has this id.".into(),
            Self::ReplayNotFound => "没有此重放，或已过保留期。No replay has this id, or it was pruned.".into(),
            Self::ContactNotLinked => {
                "该联系人尚未关联 ERP 客户：请先同步。The contact has no customer in the ERP yet: sync it first.".into()
            }
            Self::ContactMismatch => "contact.id 与路径不一致。contact.id must be the path's, or be left out.".into(),
            Self::ContactUnknown => "没有该联系人的数据。Nothing is stored of this contact.".into(),
            Self::MethodNotAllowed => "该地址不支持此方法：见 Allow。See the header Allow for what is possible.".into(),
            Self::BodyTimeout => "请求体未在时限内到达：请重发。The body did not arrive in time: send it again.".into(),
            Self::IdReused(first) => format!(
                "此标识已用于内容不同的请求（事件 {first}）：新事件请用新标识。This id was used before for another body \
                 (event {first}): give a new event a new id."
            ),
            Self::WrongState(status) => {
                format!("事件处于 {status} 状态，无法执行。Not possible while the event is {status}.")
            }
            Self::NotOffered(decisions) => {
                let decisions = decisions.join(", ");
                format!("该事件不能这样处理，可选：{decisions}。The review of this event offers other decisions: {decisions}.")
            }
            Self::Changed => {
                "在你查看后已有变化：请重新查看后再决定。It has changed since you saw it: look at it again, then decide.".into()
            }
            Self::StepOpen(step) => format!(
                "步骤 {step} 已开始但结果未知：请先重放或决定该事件。Step {step} was begun and its outcome is not known: \
                 replay or decide the event first."
            ),
            Self::Recorded => {
                "该事件的洽谈记录已写入 ERP：signal 与 deal 不能再改，请在 ERP 中更正。Its record stands in \
                the ERP: leave signal and deal as they are, and correct the record there."
                    .into()
            }
            Self::WrongReplayState(state) => {
                let state = state.as_str();
                format!("重放处于 {state} 状态，无法执行。Not possible while the replay is {state}.")
            }
            Self::BodyTooLarge(limit) => {
                format!("请求体超过 {limit} 字节。The body may have {limit} bytes at most.")
            }
            Self::UnsupportedMediaType => {
                "请以 Content-Type: application/json 发送。Send Content-Type: application/json.".into()
            }
            Self::UnsupportedEncoding => {
                "请勿压缩请求体：去掉 Content-Encoding。Send the body as it is, without Content-Encoding.".into()
            }
            Self::Invalid(errors) => {
                format!("有 {} 处内容不符合要求，见 errors。{} fault(s), see errors.", errors.len(), errors.len())
            }
            Self::RateLimited(wait) => retry_detail("请求过于频繁", "Too many requests", *wait),
            Self::TooManyFailures(wait) => {
                retry_detail("认证失败次数过多", "Too many failed authentications from this address", *wait)
            }
            Self::TooManyStreams => "打开的事件流过多：请关闭一些。Close an event stream first.".into(),
            Self::TooManyReplays(max) => format!(
                "已有 {max} 个重放未结束：请先开始或停止一些。{max} replays stand open already: start or stop some."
            ),
            Self::Internal => "程序内部错误，已记录：请按 request_id 查日志。A fault of the bridge; the log has it \
                under request_id."
                .into(),
            Self::StoreUnavailable => "数据库暂不可用：请稍后重发。The database is away: send it again later.".into(),
            Self::Unfinished(done) => format!(
                "中途出错：已处理 {done} 条，其余未变，请稍后再试。It broke off after {done} were done: the others are as they \
                 were, try again later."
            ),
            Self::BacklogFull => "积压已满：请稍后重发。The backlog is full: send it again later.".into(),
            Self::Overloaded => "连接或请求过多：请稍后重发。Too much is under way: send it again later.".into(),
            Self::Stopping => "服务正在停止：请稍后重发。The bridge is stopping: send it again later.".into(),
            Self::ErpUnavailable(why) => format!("无法查询 ERP：{why}。The ERP could not be asked: {why}."),
            Self::RequestTimeout => "未能在时限内完成：请重试。It took too long: try again.".into(),
        }
    }

    /// The same, where so many of many events were dealt with before: what ended for want of the ledger says how many.
    pub(crate) fn after(self, done: i64) -> Self {
        match self {
            Self::Unfinished(more) => Self::Unfinished(done + more),
            Self::StoreUnavailable | Self::BacklogFull if done > 0 => Self::Unfinished(done),
            problem => problem,
        }
    }

    /// When to come back, for answers that carry `Retry-After`.
    const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited(wait) | Self::TooManyFailures(wait) => Some(*wait),
            Self::StoreUnavailable
            | Self::Unfinished(_)
            | Self::Overloaded
            | Self::Stopping
            | Self::RequestTimeout
            | Self::TooManyStreams => Some(Duration::from_secs(5)),
            Self::BacklogFull | Self::ErpUnavailable(_) => Some(Duration::from_secs(30)),
            _ => None,
        }
    }

    /// The problem as it is sent.
    pub fn document(&self) -> ProblemDocument {
        let (name, status, title) = self.facts();
        let errors = if let Self::Invalid(errors) = self { errors.clone() } else { Vec::new() };
        ProblemDocument {
            kind: format!("{TYPE_PREFIX}{name}"),
            title,
            status: status.as_u16(),
            detail: self.detail(),
            errors,
            request_id: request_id::current(),
        }
    }
}

fn retry_detail(chinese: &str, english: &str, wait: Duration) -> String {
    let seconds = whole_seconds(wait);
    format!("{chinese}：请 {seconds} 秒后再试。{english}: come back in {seconds} s.")
}

/// `Retry-After` counts whole seconds: rounded up, at least one.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0 || wait.is_zero())
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(self.document())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(wait) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
        }
        if self.status() == StatusCode::UNAUTHORIZED {
            let challenge = match self {
                Self::TokenMissing => "Bearer realm=\"erp-bridge\"",
                Self::TokenUnknown | Self::TokenExpired => "Bearer realm=\"erp-bridge\", error=\"invalid_token\"",
                _ => "Signature realm=\"erp-bridge\"",
            };
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(why) => {
                tracing::error!(error = %why, "the store is unavailable");
                Self::StoreUnavailable
            }
            error @ StoreError::Data(_) => {
                tracing::error!(%error, "the store refuses what was sent");
                let message = format!("数据库拒绝保存此内容 ({error})");
                Self::Invalid(vec![FieldError { pointer: String::new(), message }])
            }
            StoreError::Full(why) => {
                tracing::warn!(error = %why, "the ledger is full");
                Self::BacklogFull
            }
            StoreError::NotFound => Self::EventNotFound,
            StoreError::WrongState(status) => Self::WrongState(status),
            StoreError::NotOffered(decisions) => Self::NotOffered(decisions),
            StoreError::Changed => Self::Changed,
            StoreError::LeaseLost => {
                tracing::error!("the store spoke of a lease to the state, which holds none");
                Self::Internal
            }
        }
    }
}

impl From<Unfinished> for Problem {
    fn from(Unfinished { done, error }: Unfinished) -> Self {
        // Which says it in the log.
        let problem = Self::from(error);
        if done > 0 { Self::Unfinished(done) } else { problem }
    }
}

impl From<SignatureError> for Problem {
    fn from(error: SignatureError) -> Self {
        match error {
            SignatureError::MissingHeader(name) => Self::MissingHeader(name.to_owned()),
            SignatureError::BadHeader(name) => Self::BadHeader(name.to_owned()),
            SignatureError::TooOld | SignatureError::TooNew => Self::TimestampOutOfTolerance,
            SignatureError::NoMatch => Self::SignatureMismatch,
        }
    }
}

#[cfg(test)]
#[path = "problem_tests.rs"]
mod tests;
