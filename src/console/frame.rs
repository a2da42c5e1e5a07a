//! What stands around every page: navigation, banners, language, who is signed in.

use askama::Template;
use axum::{
    http::header,
    response::{IntoResponse, Response},
};

use super::{
    assets,
    done::Done,
    fault::Fault,
    format::number,
    visit::Visit,
    words::{Lang, Words},
};
use crate::{
    clock::Millis,
    event::Status,
    http::{HttpState, problem::Problem},
};

/// The pages of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nav {
    /// 总览
    Overview,
    /// 待处理
    Todo,
    /// 事件
    Events,
    /// 客户
    Contacts,
    /// 未准入
    NotAdmitted,
    /// 重放
    Replays,
    /// ERP 连接
    Erp,
    /// 回写与告警
    Outbox,
    /// 审计
    Audit,
    /// 配置
    Settings,
    /// A page that is not in it.
    None,
}

/// Something that stops everything, or much of it.
#[derive(Debug, Clone)]
pub(super) struct Banner {
    /// `bad` or `warn`.
    pub(super) tone: &'static str,
    /// What it is.
    pub(super) text: String,
    /// What to do, if anything.
    pub(super) next: &'static str,
    /// Where to see more.
    pub(super) link: Option<&'static str>,
    /// Where the help tells of it.
    pub(super) help: String,
}

/// Who is signed in.
#[derive(Debug, Clone)]
pub(super) struct Who {
    /// The token's name.
    pub(super) name: String,
    /// Whether it may change things.
    pub(super) operates: bool,
    /// What every form carries.
    pub(super) secret: String,
}

/// The frame of a page.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// The texts.
    pub(super) w: &'static Words,
    /// The language.
    pub(super) lang: Lang,
    /// The page in the navigation.
    pub(super) nav: Nav,
    /// The same in the other language.
    pub(super) other_language: String,
    /// Nobody on the page where one signs in.
    pub(super) who: Option<Who>,
    /// What stops everything.
    pub(super) banners: Vec<Banner>,
    /// Events that wait for a person; empty if none does.
    pub(super) todo: String,
    /// What was just done.
    pub(super) done: Option<Done>,
    /// When the page is made.
    pub(super) now: Millis,
    /// Where the stream of changes was before that.
    pub(super) position: String,
}

impl Frame {
    /// The frame for somebody who is signed in.
    pub(super) fn of(state: &HttpState, visit: &Visit, nav: Nav) -> Self {
        let w = visit.lang.words();
        let who = Who {
            name: visit.caller.name.to_string(),
            operates: visit.is_operator(),
            secret: visit.form_secret.to_string(),
        };
        Self {
            who: Some(who),
            banners: banners(state, w),
            todo: todo(state),
            done: Done::by(&visit.query, visit.lang),
            position: visit.position.clone(),
            ..Self::plain(visit.lang, &visit.query.address(&visit.path, &[]), nav, state.clock.now())
        }
    }

    /// A frame that shows nothing that only somebody who is signed in may see.
    pub(super) fn plain(lang: Lang, here: &str, nav: Nav, now: Millis) -> Self {
        let other = lang.pick(Lang::En.tag(), Lang::Zh.tag());
        let back = [("to", other), ("back", here)];
        let other_language = super::form::Fields::default().address("/console/language", &back);
        Self {
            w: lang.words(),
            lang,
            nav,
            other_language,
            who: None,
            banners: Vec::new(),
            todo: String::new(),
            done: None,
            now,
            position: String::new(),
        }
    }

    /// The style's address.
    pub(super) fn style(&self) -> String {
        assets::style()
    }

    /// The script's address.
    pub(super) fn script(&self) -> String {
        assets::script()
    }

    /// The icon's address.
    pub(super) fn icon(&self) -> String {
        assets::icon()
    }

    /// Whether this is the page in the navigation.
    pub(super) fn at(&self, nav: Nav) -> bool {
        self.nav == nav
    }
}

/// How many events wait for a person, by the figures that were made last.
fn todo(state: &HttpState) -> String {
    let figures = state.store.latest_figures();
    let waits = |status: &Status| matches!(status, Status::Dead | Status::NeedsReview);
    let counts = figures.iter().flat_map(|figures| &figures.by_status).filter(|(status, _)| waits(status));
    match counts.map(|(_, count)| count).sum() {
        0 => String::new(),
        count => number(count),
    }
}

/// What stops everything, by what is known without asking the ledger.
fn banners(state: &HttpState, w: &Words) -> Vec<Banner> {
    let banner = |tone, text: &str, next, link, help: &str| Banner {
        tone,
        text: text.to_owned(),
        next,
        link,
        help: format!("/console/help{help}"),
    };
    let dispatch = state.dispatch.facts();
    let erp = Some("/console/erp");
    let mut banners = Vec::new();
    if !state.store.is_healthy() {
        banners.push(banner("bad", w.frame.banner_store, "", None, "#store_unavailable"));
    }
    if state.store.is_full() {
        banners.push(banner("bad", w.frame.banner_full, "", None, "#backlog_full"));
    }
    match dispatch.paused {
        Some("login_refused") => {
            banners.push(banner("bad", w.frame.banner_login, w.frame.banner_login_next, erp, "#login_refused"));
        }
        Some("circuit_open") => {
            banners.push(banner("bad", w.frame.banner_circuit, "", erp, "#circuit_open"));
        }
        Some("quiet_hours") => banners.push(banner("warn", w.frame.banner_quiet, "", None, "#quiet_hours")),
        Some(_) => banners.push(banner("warn", w.frame.banner_paused, "", erp, "#paused")),
        None => {}
    }
    if dispatch.paused.is_none() && dispatch.circuit == "open" {
        banners.push(banner("warn", w.frame.banner_circuit, "", erp, "#circuit_open"));
    }
    if state.store.latest_figures().is_some_and(|figures| figures.untold.since.is_some()) {
        let (outbox, help) = (Some("/console/outbox"), "#alerts");
        banners.push(banner("bad", w.frame.banner_untold, w.frame.banner_untold_next, outbox, help));
    }
    if let Some(code) = dispatch.blocks.first() {
        banners.push(banner("warn", w.frame.banner_block, "", erp, &format!("#{code}")));
    }
    banners
}

/// A page as it is sent.
///
/// # Errors
/// [`Problem::Internal`] if the template cannot be rendered, which only a fault of the program can cause.
pub(super) fn page(template: &impl Template) -> Result<Response, Fault> {
    let html = template.render().map_err(|error| {
        tracing::error!(%error, "a page could not be rendered");
        Problem::Internal
    })?;
    Ok(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response())
}
