//! What an answer means: done, session expired, refused, or nobody knows. The one place that decides it.

use secrecy::SecretString;

use super::{
    Choice, Detail, ErpError, TreeNode,
    envelope::{AspAnswer, Table, V3Answer, Words, parse, parse_v3},
    interface::{Interface, Shape, Style},
    phrases::{Meaning, meaning, meaning_of_failure, speaks_of_trouble},
};

/// A complete HTTP answer.
#[derive(Debug, Clone, Default)]
pub(super) struct HttpAnswer {
    pub(super) status: u16,
    /// Where a redirect points.
    pub(super) location: Option<String>,
    /// The header `Date`: the time by the ERP's clock.
    pub(super) date: Option<String>,
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
/// not 0 beside words about something else is a refusal, not an expiry.
pub(super) fn judge(interface: &Interface, answer: &HttpAnswer, proven: bool) -> Verdict {
    if let Some(verdict) = judge_http(interface, answer) {
        return verdict;
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
            if location.to_ascii_lowercase().contains("login") {
                Verdict::Expired { said: format!("{place}, sent on to {location}") }
            } else {
                Verdict::Failed(ErpError::garbled(format!("{place}, sent on to {location:?}; check erp.base_url")))
            }
        }
        401 => Verdict::Expired { said: place },
        408 | 429 => Verdict::Failed(ErpError::garbled(place)),
        // A v3 interface may put its code into the status line as well.
        400..=499 if interface.style == Style::V3 && parse_v3(&answer.body).is_ok() => return None,
        400..=499 => Verdict::Refused { text: place, known_session: false },
        // A gateway gave up waiting; the ERP behind it may still be at work.
        502 | 504 | 520..=529 => Verdict::Failed(ErpError::cut(place)),
        _ => Verdict::Failed(ErpError::garbled(place)),
    };
    Some(verdict)
}

fn judge_asp(interface: &Interface, asp: AspAnswer, proven: bool) -> Verdict {
    let said = asp.words.spoken();
    if asp.status != 0 {
        return match meaning_of_failure(&said) {
            // Trouble before the session: a call that ran into it may have had its effect and must not be sent again.
            Meaning::Busy => Verdict::Failed(ErpError::garbled(said)),
            Meaning::NoSession => Verdict::Expired { said },
            _ if proven => Verdict::Doubtful { said },
            _ => Verdict::Expired { said },
        };
    }
    let reply = Reply { words: said, bill: asp.bill, table: asp.table, choices: asp.choices, trees: asp.trees };
    match interface.shape {
        Shape::Words => judge_words(reply, &asp.words),
        shape if holds(&reply, shape) => Verdict::Done(reply),
        _ => judge_missing(interface, reply, &asp.words),
    }
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
        300 if meaning(&said) == Meaning::NoSession => Verdict::Expired { said },
        300 if meaning(&said) == Meaning::Busy => Verdict::Failed(ErpError::garbled(said)),
        300 => Verdict::Refused { text: said, known_session: true },
        400 => Verdict::Expired { said },
        500..=599 => Verdict::Failed(ErpError::garbled(format!("Code {}: {said}", v3.code))),
        code => Verdict::Refused { text: format!("Code {code}: {said}"), known_session: false },
    }
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
        Meaning::NoSession => Verdict::Expired { said: reply.words },
    }
}

/// A read with status 0 that lacks what was asked: the body's words are a refusal, or nobody knows what happened.
fn judge_missing(interface: &Interface, reply: Reply, words: &Words) -> Verdict {
    let from_body = !words.title.trim().is_empty() || !words.text.trim().is_empty();
    match meaning(&reply.words) {
        Meaning::NoSession => Verdict::Expired { said: reply.words },
        Meaning::Refused => Verdict::Refused { text: reply.words, known_session: true },
        Meaning::Unclear if from_body => Verdict::Refused { text: reply.words, known_session: true },
        _ => Verdict::Failed(ErpError::garbled(format!("{} answered nothing that it should", interface.name))),
    }
}

/// Decides what a login came to (`erp-wire.md §2`): status 0 and a session is a login, anything else that can be read
/// is a refusal, with HTTP 4xx as well. So are 401 and 403, whatever stands in them: asked again and again, an account
/// is locked. A page that demands the picture code `rndcode` is a refusal, too.
pub(super) fn judge_login(path: &str, answer: &HttpAnswer) -> LoginOutcome {
    let place = format!("HTTP {} for {path} (登录); check erp.base_url and erp.login_path", answer.status);
    let undelivered = |reason: String| LoginOutcome::Failed(ErpError::NotDelivered(reason));
    let ok = match answer.status {
        200..=299 => true,
        408 | 429 => return undelivered(place),
        400..=499 => false,
        _ => return undelivered(place),
    };
    let said = match (parse(&answer.body), parse_v3(&answer.body)) {
        (Ok(AspAnswer { status: 0, session: Some(token), app_version, .. }), _) if ok => {
            return LoginOutcome::In { token, app_version };
        }
        (Ok(asp), _) if asp.words.header.trim().is_empty() => asp.words.spoken(),
        (Ok(asp), _) => asp.words.header.trim().to_owned(),
        (Err(_), Ok(v3)) if (500..=599).contains(&v3.code) => {
            return undelivered(format!("the login answered Code {}: {}", v3.code, v3.message));
        }
        (Err(_), Ok(v3)) => v3.message,
        (Err(_), Err(_)) if matches!(answer.status, 401 | 403) => {
            format!("HTTP {} for {path} (登录); check erp.username and erp.password", answer.status)
        }
        (Err(error), Err(_)) if ok => return undelivered(format!("the login: {error}")),
        (Err(_), Err(_)) => return undelivered(place),
    };
    if speaks_of_trouble(&said) {
        return undelivered(format!("the login answered: {said}"));
    }
    LoginOutcome::Refused(if said.is_empty() { "the ERP gave no reason".into() } else { said })
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
mod tests {
    use super::*;

    const SAVE: Interface = Interface::command("保存", "save", "/save.asp", None);
    const BILL: Interface = Interface::bill("详情", "bill", "/bill.asp");
    const LIST: Interface = Interface::list("列表", "list", "/list.asp");
    const CHOICES: Interface = Interface::choices("选项", "choices", "/source.asp");
    const EDIT: Interface = Interface::v3("修改", "edit", "/edit", Shape::Words);
    const ROWS: Interface = Interface::v3("账号", "rows", "/rows", Shape::List);

    fn word(verdict: &Verdict) -> &'static str {
        match verdict {
            Verdict::Done(_) => "done",
            Verdict::Expired { .. } => "expired",
            Verdict::Refused { known_session: true, .. } => "refused",
            Verdict::Refused { known_session: false, .. } => "refused, session unproven",
            Verdict::Doubtful { .. } => "refused or expired",
            Verdict::Failed(ErpError::OutcomeUnknown { answered: true, .. }) => "unknown",
            Verdict::Failed(ErpError::OutcomeUnknown { answered: false, .. }) => "unknown, may come late",
            Verdict::Failed(_) => "other",
        }
    }

    fn answer(status: u16, location: Option<&str>, body: &str) -> HttpAnswer {
        HttpAnswer {
            status,
            location: location.map(str::to_owned),
            body: body.as_bytes().to_vec(),
            ..HttpAnswer::default()
        }
    }

    #[test]
    fn every_body_has_its_meaning() {
        let table: &[(&Interface, bool, &str, &str)] = &[
            (&SAVE, true, r#"{"header":{"status":0},"body":{"message":{"text":"保存成功"}}}"#, "done"),
            (&SAVE, true, r#"{"header":{"status":0},"body":{"message":{"text":""}}}"#, "done"),
            (&SAVE, true, r#"{"header":{"status":"0","message":"ok"}}"#, "done"),
            (
                &SAVE,
                true,
                r#"{"header":{"status":0},"body":{"message":{"title":"提示","text":"编号已被使用，不能保存"}}}"#,
                "refused",
            ),
            (
                &SAVE,
                true,
                r#"{"header":{"status":0,"message":"保存失败"},"body":{"message":{"title":"提示","text":""}}}"#,
                "refused",
            ),
            (&SAVE, true, r#"{"header":{"status":0},"body":{"message":{"text":"系统繁忙"}}}"#, "unknown"),
            (&SAVE, true, r#"{"header":{"status":0},"body":{"message":{"text":"登录超时，请重新登录"}}}"#, "expired"),
            (&SAVE, true, r#"{"header":{"status":1,"message":"编号已被使用"}}"#, "refused or expired"),
            (&SAVE, false, r#"{"header":{"status":1,"message":"编号已被使用"}}"#, "expired"),
            (&SAVE, true, r#"{"header":{"status":1,"message":""}}"#, "expired"),
            (&SAVE, true, r#"{"header":{"status":"-1","message":"Session expired"}}"#, "expired"),
            (&SAVE, true, r#"{"header":{"status":1,"message":"系统繁忙，请稍后再试"}}"#, "unknown"),
            (&SAVE, false, r#"{"header":{"status":1,"message":"操作超时"}}"#, "unknown"),
            (&SAVE, true, r#"{"header":{"status":1,"message":"数据库超时，请重新登录"}}"#, "unknown"),
            (&SAVE, false, r#"{"header":{"status":1},"body":{"message":{"text":"超时时间已到"}}}"#, "unknown"),
            (&SAVE, true, r#"{"header":{"status":0},"body":{"message":{"text":"数据库执行超时"}}}"#, "unknown"),
            (&SAVE, true, r#"{"header":{"status":1,"message":"登录超时"}}"#, "expired"),
            (&SAVE, true, r#"{"header":{"status":1,"message":"报价已过期"}}"#, "refused or expired"),
            (&SAVE, true, r#"{"header":{}}"#, "unknown"),
            (&SAVE, true, "", "unknown"),
            (&SAVE, true, "<html>", "unknown"),
            (&SAVE, true, "{", "unknown"),
            (&BILL, true, r#"{"header":{"status":0},"body":{"bill":{"value":"1"}}}"#, "done"),
            (&BILL, true, r#"{"header":{"status":0},"body":{"message":{"text":"客户不存在"}}}"#, "refused"),
            (&BILL, true, r#"{"header":{"status":0},"body":{"message":{"text":"该客户属于他人"}}}"#, "refused"),
            (&BILL, true, r#"{"header":{"status":0,"message":"ok"},"body":{}}"#, "unknown"),
            (&BILL, true, r#"{"header":{"status":0},"body":{"message":{"text":"成功"}}}"#, "unknown"),
            (&BILL, true, r#"{"header":{"status":0},"body":{"message":{"text":"请重新登录"}}}"#, "expired"),
            (
                &LIST,
                true,
                r#"{"header":{"status":0},"body":{"source":{"table":{"cols":[{"id":"ord"}],"rows":[]}}}}"#,
                "done",
            ),
            (&LIST, true, r#"{"header":{"status":0},"body":{"source":{"table":{"cols":[{"id":"ord"}]}}}}"#, "unknown"),
            (&LIST, true, r#"{"header":{"status":0},"body":{"bill":{"value":"1"}}}"#, "unknown"),
            (&LIST, true, r#"{"header":{"status":0},"body":{"message":{"text":"没有权限"}}}"#, "refused"),
            (&CHOICES, true, r#"{"header":{"status":0},"body":{"source":{"options":[{"id":1,"text":"a"}]}}}"#, "done"),
            (&CHOICES, true, r#"{"header":{"status":0},"body":{"source":{}}}"#, "unknown"),
            (&EDIT, true, r#"{"Code":200,"Msg":"ok"}"#, "done"),
            (&EDIT, true, r#"{"Code":300,"Msg":"手机重复"}"#, "refused"),
            (&EDIT, true, r#"{"Code":300,"Msg":"系统繁忙"}"#, "unknown"),
            (&EDIT, true, r#"{"Code":300,"Msg":"登录已失效，请重新登录"}"#, "expired"),
            (&EDIT, true, r#"{"Code":"400","Msg":"token"}"#, "expired"),
            (&EDIT, true, r#"{"Code":500,"Msg":"error"}"#, "unknown"),
            (&EDIT, true, r#"{"Code":999,"Msg":"?"}"#, "refused, session unproven"),
            (&EDIT, true, r#"{"header":{"status":1,"message":"session"}}"#, "expired"),
            (&EDIT, true, r#"{"Msg":"ok"}"#, "unknown"),
            (&ROWS, true, r#"{"Code":200,"Rows":[],"Cols":[]}"#, "done"),
            (&ROWS, true, r#"{"Code":200,"Msg":"ok"}"#, "unknown"),
        ];
        for (interface, proven, body, expected) in table {
            let verdict = judge(interface, &answer(200, None, body), *proven);
            assert_eq!(word(&verdict), *expected, "{body}, proven: {proven}");
        }
    }

    #[test]
    fn every_http_status_has_its_meaning() {
        let table = [
            (200, None, "unknown"),
            (204, None, "unknown"),
            (302, Some("/sysa/Login.asp?x=1"), "expired"),
            (302, Some("https://erp.test/"), "unknown"),
            (301, None, "unknown"),
            (400, None, "refused, session unproven"),
            (401, None, "expired"),
            (403, None, "refused, session unproven"),
            (404, None, "refused, session unproven"),
            (405, None, "refused, session unproven"),
            (408, None, "unknown"),
            (429, None, "unknown"),
            (500, None, "unknown"),
            (502, None, "unknown, may come late"),
            (503, None, "unknown"),
            (504, None, "unknown, may come late"),
            (524, None, "unknown, may come late"),
        ];
        for (status, location, expected) in table {
            for interface in [&SAVE, &EDIT] {
                assert_eq!(word(&judge(interface, &answer(status, location, ""), true)), expected, "HTTP {status}");
            }
        }
        let doubled = answer(400, None, r#"{"Code":400,"Msg":"token invalid"}"#);
        assert_eq!(word(&judge(&EDIT, &doubled, true)), "expired");
    }

    #[test]
    fn every_answer_to_a_login_has_its_meaning() {
        let good = r#"{"header":{"status":0,"session":"s1"}}"#;
        let wrong = r#"{"header":{"status":1,"message":"密码错误"}}"#;
        let busy = r#"{"header":{"status":1,"message":"数据库超时"}}"#;
        let table = [
            (200, good, "in"),
            (200, wrong, "refused: 密码错误"),
            (200, busy, "failed"),
            (200, "<html>", "failed"),
            (302, wrong, "failed"),
            (400, wrong, "refused: 密码错误"),
            (400, r#"{"Code":400,"Msg":"密码错误"}"#, "refused: 密码错误"),
            (400, "<html>", "failed"),
            (401, wrong, "refused: 密码错误"),
            (401, "", "refused: HTTP 401"),
            (401, busy, "failed"),
            (403, "<html>", "refused: HTTP 403"),
            (404, "<html>", "failed"),
            (408, wrong, "failed"),
            (422, r#"{"Code":500,"Msg":"error"}"#, "failed"),
            (429, wrong, "failed"),
            (500, wrong, "failed"),
        ];
        for (status, body, expected) in table {
            let outcome = match judge_login("/login", &answer(status, None, body)) {
                LoginOutcome::In { .. } => "in".to_owned(),
                LoginOutcome::Refused(text) => format!("refused: {text}"),
                LoginOutcome::Failed(_) => "failed".to_owned(),
            };
            assert!(outcome.starts_with(expected), "HTTP {status} {body}: {outcome}");
        }
    }
}
