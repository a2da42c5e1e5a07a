//! What an answer means: done, session expired, refused, or nobody knows. The one place that decides it.

use secrecy::SecretString;

use super::{
    Choice, Detail, ErpError, Fault, FaultCause, TreeNode,
    envelope::{AspAnswer, Table, V3Answer, Words, parse, parse_v3},
    interface::{Interface, Shape, Style},
    phrases::{Meaning, meaning, meaning_of_failure, speaks_of_one_record},
    topics::{
        speaks_of_a_breakdown, speaks_of_an_ended_licence, speaks_of_credentials, speaks_of_licence, speaks_of_no_rows,
        speaks_of_restriction, speaks_of_rights, speaks_of_trouble,
    },
};

/// A complete HTTP answer.
#[derive(Debug, Clone, Default)]
pub(super) struct HttpAnswer {
    pub(super) status: u16,
    /// Where a redirect points.
    pub(super) location: Option<String>,
    pub(super) body: Vec<u8>,
}

/// A good answer, of either family.
#[derive(Debug, Clone, Default)]
pub(super) struct Reply {
    /// What it says, entities decoded.
    pub(super) words: String,
    pub(super) bill: Option<Detail>,
    pub(super) table: Option<Table>,
    pub(super) choices: Option<Vec<Choice>>,
    pub(super) trees: Option<Vec<TreeNode>>,
}

/// What an answer means for the call.
#[derive(Debug)]
pub(super) enum Verdict {
    Done(Reply),
    /// The session is gone; the call had no effect.
    Expired {
        /// The ERP's words, possibly none.
        said: String,
        /// A page for people to log in came, or the way to one: if a fresh session brings it too, something else stands
        /// where the interface should be.
        by_page: bool,
    },
    /// Refused in the ERP's words. `known_session`: it could not have said so without knowing the session.
    Refused {
        text: String,
        known_session: bool,
    },
    /// Words beside a status that a lost session has, too. Whether they are a refusal shows by what a plain read says.
    Doubtful {
        said: String,
    },
    Failed(ErpError),
}

/// What a login came to.
#[derive(Debug)]
pub(super) enum LoginOutcome {
    In {
        token: SecretString,
        app_version: Option<String>,
    },
    /// The ERP refuses the account; its words.
    Refused(String),
    /// The ERP could not be asked, which says nothing about the account.
    Failed(ErpError),
}

/// Decides what a complete answer means. `proven`: the session was good within the last minute, so a status that is
/// not 0 beside words about something else is a refusal, not an expiry. Of a write nothing but plain words about the session
/// prove that it had no effect, and lets it be sent again.
pub(super) fn judge(interface: &Interface, answer: &HttpAnswer, proven: bool) -> Verdict {
    if let Some(verdict) = judge_http(interface, answer) {
        return verdict;
    }
    if is_login_page(&answer.body) {
        let said = format!("a login page for {} ({})", interface.path, interface.name);
        return Verdict::Expired { said, by_page: true };
    }
    let judged = match interface.style {
        Style::Asp => parse(&answer.body).map(|asp| judge_asp(interface, asp, proven)),
        Style::V3 => parse_v3(&answer.body).map(|v3| judge_v3(interface, v3)).or_else(|error| {
            // Pages that stand in front of the v3 interfaces can answer in the older envelope.
            parse(&answer.body).map(|asp| judge_asp(interface, asp, proven)).map_err(|_| error)
        }),
    };
    judged.unwrap_or_else(Verdict::Failed)
}

/// What the HTTP status alone decides; `None` if the body has to be read.
fn judge_http(interface: &Interface, answer: &HttpAnswer) -> Option<Verdict> {
    let status = answer.status;
    let place = format!("HTTP {status} for {} ({})", interface.path, interface.name);
    let verdict = match status {
        200..=299 => return None,
        300..=399 => {
            let location = answer.location.clone().unwrap_or_default();
            let said = format!("{place}, sent on to {location:?}; check erp.base_url");
            if location.to_ascii_lowercase().contains("login") {
                Verdict::Expired { said, by_page: true }
            } else {
                // A page may send on whoever has just saved something.
                let fault = Fault { is_certain: false, ..Fault::of(FaultCause::WrongPath, interface, said) };
                Verdict::Failed(ErpError::Installation(fault))
            }
        }
        401 => Verdict::Expired { said: place, by_page: false },
        408 | 429 => Verdict::Failed(ErpError::garbled(place)),
        // A v3 interface may put its code into the status line as well.
        400..=499 if interface.style == Style::V3 && parse_v3(&answer.body).is_ok() => return None,
        _ if is_wrong_path(status) => {
            Verdict::Failed(ErpError::Installation(Fault::of(FaultCause::WrongPath, interface, place)))
        }
        // A page of a front that has been changed, such as IIS' 400 for a name that it does not know any more.
        400..=499 if parse(&answer.body).is_err() && parse_v3(&answer.body).is_err() => {
            Verdict::Failed(ErpError::Installation(Fault::of(FaultCause::WrongPath, interface, place)))
        }
        400..=499 => Verdict::Refused { text: place, known_session: false },
        // A gateway gave up waiting; the ERP behind it may still be at work.
        502 | 504 | 520..=529 => Verdict::Failed(ErpError::cut(place)),
        _ => Verdict::Failed(ErpError::garbled(place)),
    };
    Some(verdict)
}

/// Answers of something that stands where the interface should be, or before it: they say nothing about what was sent.
const fn is_wrong_path(status: u16) -> bool {
    matches!(status, 403..=405 | 407 | 410 | 415 | 421 | 426 | 451)
}

/// How much of a page is looked at.
const PAGE_HEAD_BYTES: usize = 64 << 10;

/// Whether a page asks a person to log in.
fn is_login_page(body: &[u8]) -> bool {
    let head = &body[..body.len().min(PAGE_HEAD_BYTES)];
    if !head.trim_ascii_start().strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head.trim_ascii_start()).starts_with(b"<") {
        return false;
    }
    let head = String::from_utf8_lossy(head).to_ascii_lowercase().replace(['"', '\'', ' '], "");
    head.contains("type=password")
}

/// What a refusal in words means: a right that the account lacks, a licence that is over, a limit that is reached is no fault
/// of what was sent; and where nobody's record was named, it cannot be.
pub(super) fn refusal(interface: &Interface, text: String) -> ErpError {
    let cause = match &text {
        text if speaks_of_rights(text) => FaultCause::RightMissing,
        text if speaks_of_an_ended_licence(text) => FaultCause::LicenceRefused,
        text if interface.is_general || interface.writes && speaks_of_restriction(text) => FaultCause::Restricted,
        _ => return ErpError::Refused(text),
    };
    ErpError::Installation(Fault::of(cause, interface, text))
}

/// What words beside a failure mean that are not about the session: a refusal, if they are one. A page that broke down on
/// the way (缺少对象) may have stored what it was sent before.
pub(super) fn doubtful(interface: &Interface, said: String) -> ErpError {
    let broke_down = interface.writes && speaks_of_a_breakdown(&said);
    if broke_down { ErpError::garbled(said) } else { refusal(interface, said) }
}

fn judge_asp(interface: &Interface, asp: AspAnswer, proven: bool) -> Verdict {
    let said = asp.words.spoken();
    if asp.status != 0 {
        return match meaning_of_failure(&said) {
            // Trouble before the session: a call that ran into it may have had its effect and must not be sent again.
            Meaning::Busy => Verdict::Failed(ErpError::garbled(said)),
            Meaning::NoSession if !is_of_more(interface, &said) => expired(said),
            _ if proven || interface.writes => Verdict::Doubtful { said },
            _ => expired(said),
        };
    }
    let reply = Reply { words: said, bill: asp.bill, table: asp.table, choices: asp.choices, trees: asp.trees };
    match interface.shape {
        Shape::Words => judge_words(reply, &asp.words),
        shape if holds(&reply, shape) => Verdict::Done(reply),
        Shape::List if speaks_of_no_rows(&reply.words) => {
            Verdict::Done(Reply { table: Some(Table::default()), ..reply })
        }
        _ => judge_missing(interface, reply, &asp.words),
    }
}

/// Whether words that may be about the session speak of something else: a right of the account (当前登录用户没有权限), a field
/// (身份证号不能为空); where something was sent to be stored, a page that broke down over it, or silence.
fn is_of_more(interface: &Interface, said: &str) -> bool {
    let is_of_a_write = said.trim().is_empty() || speaks_of_a_breakdown(said);
    speaks_of_rights(said) || speaks_of_restriction(said) || interface.writes && is_of_a_write
}

fn judge_v3(interface: &Interface, v3: V3Answer) -> Verdict {
    let said = v3.message.trim().to_owned();
    match v3.code {
        200 => {
            let reply = Reply { words: said, table: v3.table, ..Reply::default() };
            if interface.shape == Shape::Words || holds(&reply, interface.shape) {
                Verdict::Done(reply)
            } else {
                Verdict::Failed(ErpError::garbled(format!("{} answered no list", interface.name)))
            }
        }
        300 if meaning(&said) == Meaning::NoSession => expired(said),
        300 if meaning(&said) == Meaning::Busy => Verdict::Failed(ErpError::garbled(said)),
        300 => Verdict::Refused { text: said, known_session: true },
        400 => expired(said),
        401 => expired(said),
        403 => Verdict::Failed(ErpError::Installation(Fault::of(FaultCause::RightMissing, interface, said))),
        // 该客户不存在 is about a record, and can be this event's own.
        404 | 405 | 410 | 501 if !speaks_of_one_record(&said) => {
            let said = format!("Code {}: {said}", v3.code);
            Verdict::Failed(ErpError::Installation(Fault::of(FaultCause::WrongPath, interface, said)))
        }
        500..=599 => Verdict::Failed(ErpError::garbled(format!("Code {}: {said}", v3.code))),
        code => Verdict::Refused { text: format!("Code {code}: {said}"), known_session: false },
    }
}

const fn expired(said: String) -> Verdict {
    Verdict::Expired { said, by_page: false }
}

fn holds(reply: &Reply, shape: Shape) -> bool {
    match shape {
        Shape::Words => true,
        Shape::Bill => reply.bill.is_some(),
        Shape::List => reply.table.is_some(),
        Shape::Choices => reply.choices.is_some(),
        Shape::Trees => reply.trees.is_some(),
    }
}

/// A save with status 0: its words decide. Words that say nothing count as done; whoever writes reads back anyway.
fn judge_words(reply: Reply, words: &Words) -> Verdict {
    let spoken = match meaning(&reply.words) {
        Meaning::Unclear => meaning(&words.header),
        clear => clear,
    };
    match spoken {
        Meaning::Done | Meaning::Unclear => Verdict::Done(reply),
        Meaning::Refused => Verdict::Refused { text: reply.words, known_session: true },
        Meaning::Busy => Verdict::Failed(ErpError::garbled(reply.words)),
        Meaning::NoSession => expired(reply.words),
    }
}

/// A read with status 0 that lacks what was asked: the body's words are a refusal, or nobody knows what happened.
fn judge_missing(interface: &Interface, reply: Reply, words: &Words) -> Verdict {
    let from_body = !words.title.trim().is_empty() || !words.text.trim().is_empty();
    match meaning(&reply.words) {
        Meaning::NoSession => expired(reply.words),
        Meaning::Refused => Verdict::Refused { text: reply.words, known_session: true },
        Meaning::Unclear if from_body => Verdict::Refused { text: reply.words, known_session: true },
        _ => Verdict::Failed(ErpError::garbled(format!("{} answered nothing that it should", interface.name))),
    }
}

/// Decides what a login came to (`erp-wire.md §2`): status 0 and a session is a login, anything else that can be read
/// is a refusal, with HTTP 4xx as well. So is 401, whatever stands in it: asked again and again, an account
/// is locked. A page that demands the picture code `rndcode` is a refusal, too. Where nothing of the ERP's own answers (403,
/// 404, 405, a redirect, a login page) the path or a proxy is wrong; a licence or serial that is refused is no fault of the
/// credentials either.
pub(super) fn judge_login(interface: &Interface, path: &str, answer: &HttpAnswer) -> LoginOutcome {
    let place = format!("HTTP {} for {path} (登录); check erp.base_url and erp.login_path", answer.status);
    let undelivered = |reason: String| LoginOutcome::Failed(ErpError::NotDelivered(reason));
    let fault = |cause, words: String| LoginOutcome::Failed(ErpError::Installation(Fault::of(cause, interface, words)));
    let ok = match answer.status {
        200..=299 => true,
        300..=399 => return fault(FaultCause::WrongPath, place),
        408 | 429 => return undelivered(place),
        400..=499 => false,
        _ => return undelivered(place),
    };
    let said = match (parse(&answer.body), parse_v3(&answer.body)) {
        (Ok(AspAnswer { status: 0, session: Some(token), app_version, .. }), _) if ok => {
            return LoginOutcome::In { token, app_version };
        }
        // An installation without token验证 gives no session, and asks for none (`erp-wire.md §2`).
        (Ok(AspAnswer { status: 0, session: None, app_version, words, .. }), _) if ok && are_of_success(&words) => {
            return LoginOutcome::In { token: String::new().into(), app_version };
        }
        (Ok(asp), _) if asp.words.header.trim().is_empty() => asp.words.spoken(),
        (Ok(asp), _) => asp.words.header.trim().to_owned(),
        (Err(_), Ok(v3)) if (500..=599).contains(&v3.code) => {
            return undelivered(format!("the login answered Code {}: {}", v3.code, v3.message));
        }
        (Err(_), Ok(v3)) => v3.message,
        (Err(_), Err(_)) if answer.status == 401 => {
            format!("HTTP {} for {path} (登录); check erp.username and erp.password", answer.status)
        }
        (Err(_), Err(_)) if (400..=499).contains(&answer.status) || is_login_page(&answer.body) => {
            return fault(FaultCause::WrongPath, place);
        }
        (Err(error), Err(_)) if ok => return undelivered(format!("the login: {error}")),
        (Err(_), Err(_)) => return undelivered(place),
    };
    if speaks_of_trouble(&said) && !speaks_of_credentials(&said) {
        return undelivered(format!("the login answered: {said}"));
    }
    if speaks_of_licence(&said) {
        return fault(FaultCause::LicenceRefused, said);
    }
    LoginOutcome::Refused(match meaning(&said) {
        _ if said.is_empty() => "the ERP gave no reason".into(),
        _ => said,
    })
}

/// Whether a login that gave no session says that it let the account in, or nothing at all.
fn are_of_success(words: &Words) -> bool {
    let (header, spoken) = (words.header.trim(), words.spoken());
    [header, &spoken].into_iter().all(|said| said.is_empty() || meaning(said) == Meaning::Done)
}

/// What a failed exchange means: nothing was sent, or nobody knows.
pub(super) fn transport(error: &reqwest::Error) -> ErpError {
    let reason = causes(error);
    if error.is_connect() || error.is_builder() {
        ErpError::NotDelivered(reason)
    } else if error.is_timeout() {
        ErpError::cut(format!("no answer in time: {reason}"))
    } else {
        ErpError::cut(format!("the line was cut: {reason}"))
    }
}

/// The error's causes in one line; reqwest's own text stops at the first. The address is left out: it is configuration.
fn causes(error: &reqwest::Error) -> String {
    let mut parts = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        parts.push(next.to_string());
        cause = next.source();
    }
    if parts.is_empty() { "the request failed".into() } else { parts.join(": ") }
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
