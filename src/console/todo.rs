//! `/console/todo`: what waits for a person, by cause; deciding one opens the next.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};

use super::{
    events::Row,
    fault::Fault,
    form::Fields,
    format::{Moment, moment, number},
    frame::{Frame, Nav, page},
    visit::Visit,
    why::Why,
    words::fill,
};
use crate::http::{
    HttpState,
    api::{
        events,
        failures::{self, FailureGroup},
        names,
        query::DEFAULT_LIMIT,
    },
    problem::Problem,
};

/// Where the list is.
pub(super) const PATH: &str = "/console/todo";
/// In how many ways a card says what the ERP said.
const WORDS_SHOWN: usize = 2;
/// Of the failed events of a cause so many are counted: the page is made anew every other second.
const FAILED_COUNTED: i64 = 10_000;

/// Events that wait for the same reason.
struct Group {
    address: String,
    message: Why,
    /// How the ERP put it, where it put one cause in several ways: the most frequent ones.
    words: Vec<String>,
    hint: String,
    code: String,
    count: String,
    oldest: Moment,
    is_blocked: bool,
    is_here: bool,
}

#[derive(Template)]
#[template(path = "todo.html")]
struct TodoPage {
    frame: Frame,
    groups: Vec<Group>,
    /// The cause that was chosen.
    cause: Option<String>,
    /// Its oldest events.
    rows: Vec<Row>,
    /// Where all of them are, if there may be more.
    all: Option<String>,
    /// What trying all of the cause again would do; empty if none of them is dead.
    replay_all: String,
}

/// `GET /console/todo`
pub(super) async fn list(State(state): State<HttpState>, visit: Visit) -> Result<Response, Fault> {
    let causes = failures::causes_of_failures(&state, &visit.caller).await?;
    let frame = Frame::of(&state, &visit, Nav::Todo);
    let cause = visit.query.text("cause");
    let rows = match &cause {
        Some(cause) => events::of_cause(&state, &visit.caller, cause).await?,
        None => Vec::new(),
    };
    let names = names::of_events(&state, &visit.caller, &rows).await?;
    let replay_all = match &cause {
        Some(cause) if visit.is_operator() && !rows.is_empty() => replay_all(&state, &visit, cause).await?,
        _ => String::new(),
    };
    let is_full = i64::try_from(rows.len()).is_ok_and(|count| count >= DEFAULT_LIMIT);
    page(&TodoPage {
        groups: by_code(&causes).iter().map(|causes| group(causes, &visit, &frame)).collect(),
        all: cause.as_deref().filter(|_| is_full).map(all_of),
        rows: Row::named(&rows, &names, &frame),
        cause,
        replay_all,
        frame,
    })
}

/// What the form that tries all of a cause again would put back: the dead ones. Those that need a decision stay.
async fn replay_all(state: &HttpState, visit: &Visit, cause: &str) -> Result<String, Fault> {
    let dead = state.store.replayable_of_cause(cause, FAILED_COUNTED + 1).await.map_err(Problem::from)?;
    let told = match dead {
        0 => return Ok(String::new()),
        dead if dead > FAILED_COUNTED => format!("{}+", number(FAILED_COUNTED)),
        dead => number(dead),
    };
    Ok(fill(visit.lang.words().todo.replay_all_what, &[&told]))
}

/// The causes of one code together, the most frequent first, as they come: what is replayed and decided together is one card,
/// also where the ERP names another customer each time.
fn by_code(causes: &[FailureGroup]) -> Vec<Vec<&FailureGroup>> {
    let mut groups: Vec<Vec<&FailureGroup>> = Vec::new();
    for cause in causes {
        let alike = |group: &&mut Vec<&FailureGroup>| {
            group.first().is_some_and(|first| !cause.blocked && !first.blocked && first.code == cause.code)
        };
        match groups.iter_mut().find(alike) {
            Some(group) => group.push(cause),
            None => groups.push(vec![cause]),
        }
    }
    groups
}

fn group(causes: &[&FailureGroup], visit: &Visit, frame: &Frame) -> Group {
    let (lang, cause) = (visit.lang, causes[0]);
    let count: i64 = causes.iter().map(|cause| cause.count).sum();
    let oldest = causes.iter().map(|cause| &cause.oldest).min().unwrap_or(&cause.oldest);
    let why = |cause: &FailureGroup| Why::of(&cause.code, &cause.message, lang);
    let said = |cause: &&FailureGroup| format!("{} × {}", why(cause).said(lang), number(cause.count));
    let (message, words) = match causes {
        [_] => (why(cause), Vec::new()),
        _ => {
            let of_all = Why::plain(lang.part(crate::event::cause(&cause.code).message));
            (of_all, causes.iter().take(WORDS_SHOWN).map(said).collect())
        }
    };
    let address = if cause.blocked {
        Fields::default().address("/console/events", &[("blocked", "true"), ("code", &cause.code)])
    } else {
        Fields::default().address(PATH, &[("cause", &cause.code)])
    };
    Group {
        address,
        message,
        words,
        hint: lang.part(&cause.hint).to_owned(),
        code: cause.code.clone(),
        count: fill(lang.words().todo.alike, &[&number(count)]),
        oldest: moment(oldest, frame.now, lang),
        is_blocked: cause.blocked,
        is_here: !cause.blocked && visit.query.get("cause") == Some(cause.code.as_str()),
    }
}

/// The list of all events that need somebody for this cause.
fn all_of(cause: &str) -> String {
    Fields::default().address(super::events::PATH, &[("status", super::events::TROUBLE), ("code", cause)])
}

/// `GET /console/todo/next`: the event of a cause that was accepted next after the one just seen, the oldest after the newest,
/// or the list if there is none left.
pub(super) async fn next(State(state): State<HttpState>, visit: Visit) -> Result<Response, Fault> {
    let cause = visit.query.get("cause").unwrap_or_default();
    let done = visit.query.get("done").unwrap_or_default();
    let after = visit.query.get("after");
    let next = events::next_of_cause(&state, cause, after).await?;
    // What was done was done to the event before, not to the one that opens.
    let of = after.filter(|_| !done.is_empty()).unwrap_or_default();
    let address = match next {
        Some(id) => {
            let said = [("todo", cause), ("done", done), ("of", of)];
            Fields::default().address(&format!("/console/events/{id}"), &said)
        }
        None => Fields::default().address(PATH, &[("done", done), ("of", of)]),
    };
    Ok(Redirect::to(&address).into_response())
}
