//! `/console/erp`: how the connection to the ERP stands, what is wrong with the installation, what is paused, and a check.

use std::time::Duration;

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};

use super::{
    fault::Fault,
    form::Fields,
    format::{Moment, moment, moment_of, number},
    frame::{Frame, Nav, page},
    visit::{Change, Sent, Visit},
    why::Why,
    words::{Lang, Words, fill, kind, kinds},
};
use crate::{
    clock::Millis,
    event::{Bilingual, FieldError, Status},
    http::{
        CheckRow, CheckStatus, Dispatch, HttpState,
        api::{
            blocks::BlockView,
            check,
            pauses::{self, PauseBody, PauseView, ResumeBody, ScopeWord},
            stats,
        },
        auth::Operator,
        health,
        problem::Problem,
    },
};

/// Where it is.
pub(super) const PATH: &str = "/console/erp";
/// How long a pause may be chosen to last, in minutes.
const PAUSE_MINUTES: [u64; 5] = [30, 60, 240, 720, 1_440];

/// Something that is wrong with the installation.
struct Block {
    message: Why,
    hint: String,
    code: String,
    waiting: String,
    since: Moment,
    next: Moment,
}

/// Something that is paused.
struct Pause {
    what: String,
    scope: &'static str,
    value: String,
    reason: String,
    actor: String,
    since: Moment,
    until: Option<Moment>,
    waiting: String,
    /// Which pause of its scope it is.
    print: String,
    /// The list of the events that it keeps back.
    list: String,
}

/// One line of a check.
struct Checked {
    mark: &'static str,
    tone: &'static str,
    what: String,
    detail: String,
    advice: String,
}

#[derive(Template)]
#[template(path = "erp.html")]
struct ErpPage {
    frame: Frame,
    tone: &'static str,
    verdict: &'static str,
    verdict_what: &'static str,
    /// Where the help says what to do; empty where nothing is wrong.
    help: &'static str,
    /// Why nothing is sent, with the ERP's words, for who may see them.
    words: Why,
    /// Whether there is something that a word of an operator would have tried again.
    may_resume: bool,
    session: Option<Moment>,
    circuit: &'static str,
    in_hand: String,
    blocks: Vec<Block>,
    pauses: Vec<Pause>,
    kinds: Vec<(&'static str, &'static str)>,
    lasts: Vec<(u64, String)>,
    /// What the last check found, and when; `None` before the first, and for whoever may not check.
    checked: Option<Vec<Checked>>,
    checked_at: Option<Moment>,
    checked_verdict: String,
}

/// `GET /console/erp`
pub(super) async fn show(State(state): State<HttpState>, visit: Visit) -> Result<Response, Fault> {
    page(&erp_page(&state, &visit).await?)
}

/// `POST /console/erp/check`: answers with the page itself, so that it does not matter which replica is asked next.
pub(super) async fn check(State(state): State<HttpState>, Sent { visit, .. }: Sent) -> Result<Response, Fault> {
    let operator = Operator::of(visit.caller.clone())?;
    check::check(&state, &operator).await?;
    page(&erp_page(&state, &visit).await?)
}

/// `POST /console/erp/resume`: the login is tried once more, and whatever is wrong with the installation.
pub(super) async fn resume(
    State(state): State<HttpState>,
    Change { operator, form }: Change,
) -> Result<Response, Fault> {
    health::resume(&state, &operator, form.text("reason")).await?;
    Ok(back("resumed"))
}

/// `POST /console/erp/pause`
pub(super) async fn pause(
    State(state): State<HttpState>,
    Change { operator, form }: Change,
) -> Result<Response, Fault> {
    let (scope, value) = scope(&form)?;
    let reason = form.text("reason").ok_or_else(|| invalid("/reason", "请写明原因 (say why)"))?;
    let minutes = form.get("minutes").map(str::parse::<u64>).transpose();
    let minutes = minutes.ok().filter(|minutes| minutes.is_none_or(|minutes| PAUSE_MINUTES.contains(&minutes)));
    let minutes = minutes.ok_or_else(|| invalid("/minutes", "请选择结束时间 (choose when it ends)"))?;
    let until = minutes.map(|minutes| state.clock.now().plus(Duration::from_secs(minutes * 60)));
    let body = PauseBody { scope, value, reason, until: until.map(Millis::rfc3339) };
    pauses::pause_dispatch(&state, &operator, body).await?;
    Ok(back("paused"))
}

/// `POST /console/erp/unpause`
pub(super) async fn unpause(
    State(state): State<HttpState>,
    Change { operator, form }: Change,
) -> Result<Response, Fault> {
    let (scope, value) = scope(&form)?;
    let body = ResumeBody { scope, value, reason: form.text("reason") };
    pauses::resume_dispatch(&state, &operator, body, form.text("seen")).await?;
    Ok(back("unpaused"))
}

/// What is meant: `all`, `type:deal.closed`, or `contact` with the contact in a field of its own.
fn scope(form: &Fields) -> Result<(ScopeWord, Option<String>), Fault> {
    match form.get("scope").map(|scope| scope.split_once(':').unwrap_or((scope, ""))) {
        Some(("all", _)) => Ok((ScopeWord::All, None)),
        Some(("type", kind)) => Ok((ScopeWord::Type, Some(kind.to_owned()))),
        Some(("contact", _)) => match form.text("contact") {
            Some(contact) => Ok((ScopeWord::Contact, Some(contact))),
            None => Err(invalid("/contact", "请填写联系人编号 (write the contact's id)").into()),
        },
        _ => Err(invalid("/scope", "请选择范围 (choose what to pause)").into()),
    }
}

fn invalid(pointer: &str, message: &str) -> Problem {
    Problem::Invalid(vec![FieldError::new(pointer, message)])
}

fn back(done: &str) -> Response {
    Redirect::to(&Fields::default().address(PATH, &[("done", done)])).into_response()
}

async fn erp_page(state: &HttpState, visit: &Visit) -> Result<ErpPage, Fault> {
    let stats = stats::standing(state, &visit.caller).await?;
    let frame = Frame::of(state, visit, Nav::Erp);
    let (w, lang, now) = (frame.w, frame.lang, frame.now);
    let (tone, verdict, verdict_what) = verdict(&stats.dispatch, w);
    let paused = stats.dispatch.paused.unwrap_or_default();
    let session = state.dispatch.logged_in_since().map(|since| moment_of(since, now, lang));
    let last = Operator::of(visit.caller.clone()).ok().and_then(|operator| check::last(state, &operator));
    let (checked_at, checked) = last.unzip();
    let fails = checked.iter().flatten().filter(|row| row.status == CheckStatus::Fails).count();
    let checked_verdict = if fails == 0 { w.erp.check_holds.to_owned() } else { fill(w.erp.check_fails, &[&fails]) };
    Ok(ErpPage {
        tone,
        verdict,
        verdict_what,
        may_resume: visit.is_operator() && (paused == "login_refused" || !stats.blocks.is_empty()),
        help: paused,
        words: Why::of_pause(paused, stats.dispatch.words.as_deref().unwrap_or_default(), lang),
        session,
        circuit: if stats.dispatch.circuit == "closed" { w.erp.circuit_closed } else { w.erp.circuit_open },
        in_hand: fill(w.overview.in_flight_of, &[&stats.dispatch.in_flight, &stats.dispatch.limit]),
        blocks: stats.blocks.iter().map(|block| shown_block(block, now, lang)).collect(),
        pauses: stats.pauses.into_iter().map(|pause| shown_pause(pause, now, lang)).collect(),
        kinds: kinds(lang).collect(),
        lasts: PAUSE_MINUTES.iter().map(|minutes| (*minutes, lasts(*minutes, lang))).collect(),
        checked: checked.map(|rows| rows.iter().map(|row| shown_row(row, lang)).collect()),
        checked_at: checked_at.map(|at| moment_of(at, now, lang)),
        checked_verdict,
        frame,
    })
}

/// Whether it is all right: colour, words, and what they mean.
fn verdict(dispatch: &Dispatch, w: &'static Words) -> (&'static str, &'static str, &'static str) {
    match dispatch.paused {
        Some("login_refused") => ("bad", w.frame.banner_login, w.frame.banner_login_next),
        Some("circuit_open") => ("bad", w.frame.banner_circuit, ""),
        Some("quiet_hours") => ("warn", w.frame.banner_quiet, ""),
        Some(_) => ("warn", w.frame.banner_paused, w.overview.stopped_what),
        None if !dispatch.blocks.is_empty() => ("warn", w.frame.banner_block, ""),
        None => ("good", w.erp.at_work, w.erp.at_work_what),
    }
}

fn shown_block(block: &BlockView, now: Millis, lang: Lang) -> Block {
    Block {
        message: Why::of(&block.by.code, &block.by.message, lang),
        hint: lang.part(&block.by.hint).to_owned(),
        code: block.by.code.clone(),
        waiting: fill(lang.words().erp.waiting, &[&number(block.waiting)]),
        since: moment(&block.since, now, lang),
        next: moment(&block.next_try_at, now, lang),
    }
}

fn shown_pause(pause: PauseView, now: Millis, lang: Lang) -> Pause {
    let w = &lang.words().erp;
    let value = pause.value.unwrap_or_default();
    let what = match pause.scope {
        "type" => fill(w.scope_type, &[&kind(lang, &value)]),
        "contact" => fill(w.scope_contact, &[&value]),
        _ => w.scope_all.to_owned(),
    };
    let kept_back = match pause.scope {
        "type" => vec![("type", value.as_str()), ("status", Status::Queued.as_str())],
        "contact" => vec![("contact_id", value.as_str()), ("status", Status::Queued.as_str())],
        _ => vec![("status", Status::Queued.as_str())],
    };
    Pause {
        list: Fields::default().address(super::events::PATH, &kept_back),
        what,
        scope: pause.scope,
        print: pause.print,
        value,
        reason: pause.reason.unwrap_or_default(),
        actor: pause.actor,
        since: moment(&pause.since, now, lang),
        until: pause.until.map(|until| moment(&until, now, lang)),
        waiting: fill(w.contacts_waiting, &[&number(pause.contacts_waiting)]),
    }
}

fn shown_row(row: &CheckRow, lang: Lang) -> Checked {
    let text = |words: &Bilingual| if lang.is_english() { words.en.to_string() } else { words.zh.to_string() };
    let w = &lang.words().erp;
    let (mark, tone) = match row.status {
        CheckStatus::Holds => (w.holds, "good"),
        CheckStatus::Noted => (w.noted, "warn"),
        CheckStatus::Unseen => (w.unseen, "mute"),
        CheckStatus::Fails => (w.fails, "bad"),
    };
    let detail = if row.detail == "✓" { String::new() } else { row.detail.clone() };
    Checked { mark, tone, what: text(&row.what), detail, advice: row.advice.as_ref().map(text).unwrap_or_default() }
}

/// `30 分钟`, `4 小时`
fn lasts(minutes: u64, lang: Lang) -> String {
    super::format::span(Duration::from_secs(minutes * 60), lang)
}
