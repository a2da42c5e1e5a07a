//! Everything the simulator knows, behind one lock: data, sessions, settings, quirks, faults, call log, dice. A call is
//! performed in one go, so that two calls never interleave.

use std::borrow::Cow;

use rand::{SeedableRng, rngs::StdRng};

use super::{
    accounts, alterations,
    answer::Answer,
    assignment,
    call::{Call, Interface},
    call_log::CallLog,
    contacts,
    context::{Context, Decision},
    customer_list, customers,
    data::{Data, Effect},
    edit,
    faults::{Break, Faults, Front, Plan, When},
    fields::Fields,
    load::Meter,
    population, progress,
    quirks::{DrawnQuirks, Quirk, Quirks},
    session::Sessions,
    settings::{ReplyList, Settings, SimConfig},
    trees, users,
};
use crate::clock::{Clock, Millis};

/// Rows of a list page under the quirk `page_cap`, unless the settings say otherwise.
const QUIRKY_PAGE_CAP: usize = 10;

/// The account of calls without a session, where none is demanded.
const ANYBODY: i64 = 1;

/// How a call ends.
#[derive(Debug)]
pub(super) enum Outcome {
    /// With this answer, with these quirks.
    Answered(Answer, DrawnQuirks),
    /// By what stands before the ERP.
    Fronted(Front),
    /// With this answer, broken.
    Broken(Break, Answer, DrawnQuirks),
}

/// The whole state of a simulator.
#[derive(Debug)]
pub(super) struct World {
    pub(super) config: SimConfig,
    pub(super) clock: Clock,
    pub(super) data: Data,
    pub(super) sessions: Sessions,
    pub(super) settings: Settings,
    pub(super) quirks: Quirks,
    pub(super) faults: Faults,
    pub(super) call_log: CallLog,
    pub(super) meter: Meter,
    rng: StdRng,
}

impl World {
    pub(super) fn new(config: SimConfig) -> Self {
        let mut faults = Faults::default();
        faults.set(config.faults.clone());
        let mut data = Data::new(users::samples(&config.username));
        let first_contact = !config.quirks.has(Quirk::NoFirstContact);
        population::settle(&mut data, &config.population, &config.settings.choices, first_contact, config.clock.now());
        Self {
            clock: config.clock.clone(),
            data,
            sessions: Sessions::default(),
            settings: config.settings.clone(),
            quirks: config.quirks.clone(),
            faults,
            call_log: CallLog::default(),
            meter: Meter::default(),
            rng: StdRng::seed_from_u64(config.seed),
            config,
        }
    }

    /// Writes the call into the call log and asks the faults about it.
    pub(super) fn receive(&mut self, call: &Call) -> (u64, Plan) {
        let time = self.clock.now().rfc3339();
        let n = self.call_log.open(time, call.interface.name(), &call.fields, &call.session);
        if let Some(customer) = call.written_customer() {
            self.call_log.begin_write(n, customer);
        }
        let plan = self.faults.plan(call, &mut self.rng);
        if !plan.faults.is_empty() {
            self.call_log.note(n, |record| record.faults.clone_from(&plan.faults));
        }
        (n, plan)
    }

    /// Performs a call under its plan.
    pub(super) fn perform(&mut self, n: u64, call: &Call, plan: &Plan) -> Outcome {
        let outcome = self.perform_planned(n, call, plan);
        self.call_log.end_write(n);
        outcome
    }

    fn perform_planned(&mut self, n: u64, call: &Call, plan: &Plan) -> Outcome {
        if let Some(front) = plan.front {
            self.call_log.note(n, |record| record.outcome = "answered by something else".to_owned());
            return Outcome::Fronted(front);
        }
        let quirks = self.quirks.draw(&mut self.rng, self.config.seed);
        if plan.session_lost {
            self.sessions.end(&call.session);
        }
        if plan.login_locked && call.interface == Interface::Login {
            self.sessions.locked = true;
        }
        let broken = if plan.away { Some((Break::Cut, When::Before)) } else { plan.broken };
        let answer = match (&broken, &plan.refuse) {
            // Its words are never read: what is cut off in its middle must still look like an answer that began well.
            (Some((_, When::Before)), _) => Answer::done("操作成功！"),
            (_, Some(text)) => refusal(call.interface, text),
            _ => self.handle(n, call, !plan.not_stored),
        };
        if plan.session_lost_after {
            self.sessions.end(if let Answer::Login { session } = &answer { session } else { &call.session });
        }
        self.call_log.note(n, |record| {
            record.outcome = match broken {
                Some((_, When::Before)) => "broken before the effect".to_owned(),
                Some((_, When::After)) => format!("{}, the answer broken", answer.outcome()),
                None => answer.outcome(),
            };
        });
        match broken {
            Some((broken, _)) => Outcome::Broken(broken, answer, quirks),
            None => Outcome::Answered(answer, quirks),
        }
    }

    fn handle(&mut self, n: u64, call: &Call, store: bool) -> Answer {
        let now = self.clock.now();
        let closed = self.settings.closed.get(call.interface.name()).copied().unwrap_or(ReplyList::Open);
        match closed {
            ReplyList::Html => return Answer::Html { status: 200, text: "系统提示：页面不存在" },
            ReplyList::NotFound => return Answer::Html { status: 404, text: "404 - 找不到文件或目录。" },
            ReplyList::Open | ReplyList::Refused => {}
        }
        if call.interface == Interface::Login {
            return self.sessions.login(call, &self.settings, &self.data.users, now);
        }
        let anybody = (!self.settings.demands_session).then_some(ANYBODY);
        let Some(user) = self.sessions.user(&call.session, now).or(anybody) else {
            let text = "登录已超时，请重新登录".to_owned();
            let v3 = call.interface.is_v3();
            return if v3 { Answer::V3 { code: 400, text } } else { Answer::Failed { status: 2, text } };
        };
        if let Err(text) = call.check_envelope() {
            return Answer::failed(text);
        }
        if closed == ReplyList::Refused {
            return refusal_of_right(call.interface);
        }
        if call.interface == Interface::Logout {
            self.sessions.end(&call.session);
            return Answer::done("退出成功");
        }
        let understood = without_ignored(call, &self.settings.ignored_filters);
        let Decision { answer, effect } = decide(&self.context(user, now), &understood);
        if let Some(mut effect) = effect.filter(|_| store) {
            let fields = effect.fields_mut().into_iter().flat_map(Fields::values_mut);
            fields.for_each(|value| *value = alterations::stored(value, &self.quirks));
            let counts = !matches!(effect, Effect::Allocate { .. });
            let ord = self.data.apply(effect, now);
            self.call_log.stored += u64::from(counts);
            self.call_log.note(n, |record| (record.stored, record.ord) = (counts, Some(ord)));
        }
        answer
    }

    fn context(&self, user: i64, now: Millis) -> Context<'_> {
        let quirky_cap = self.quirks.has(Quirk::PageCap).then_some(QUIRKY_PAGE_CAP);
        Context {
            data: &self.data,
            settings: &self.settings,
            quirks: &self.quirks,
            now,
            user,
            page_cap: self.settings.page_cap.or(quirky_cap),
            first_contact: !self.quirks.has(Quirk::NoFirstContact),
        }
    }
}

/// The table of contents: which interface is answered where.
fn decide(context: &Context<'_>, call: &Call) -> Decision {
    match call.interface {
        Interface::Allocate => customers::allocate(context, call),
        Interface::CustomerAdd => customers::add(context, call),
        Interface::CustomerDetail => customers::detail(context, call).into(),
        Interface::CustomerList => customer_list::list(context, call).into(),
        Interface::CustomerEdit => edit::edit(context, call),
        Interface::ContactAdd => contacts::add(context, call),
        Interface::ContactDetail => contacts::detail(context, call).into(),
        Interface::ContactList => contacts::list(context, call).into(),
        Interface::ProgressAdd => progress::add(context, call),
        Interface::ProgressList => progress::list(context, call).into(),
        Interface::Assign => assignment::assign(context, call),
        Interface::Apply => assignment::apply(context, call),
        Interface::Approve => assignment::approve(context, call),
        Interface::Takeback => assignment::takeback(context, call),
        Interface::Accounts => accounts::list(context, call).into(),
        Interface::Choices => enumeration(context, call).into(),
        Interface::CategoryTree => trees::categories(context).into(),
        Interface::AccountTree => trees::accounts(context).into(),
        Interface::AreaTree => trees::areas(context).into(),
        // Both change sessions, not data, and are done before anything is decided here.
        Interface::Login | Interface::Logout => Answer::failed("会话接口").into(),
    }
}

/// The choices of a field (`source.asp?enumid=13`).
fn enumeration(context: &Context<'_>, call: &Call) -> Answer {
    let enumid = call.query.get("enumid").map_or("", String::as_str);
    match context.settings.choices.by_enumid(enumid) {
        Some(choices) => Answer::Options(choices.to_vec()),
        None => Answer::failed(format!("枚举{enumid}不存在（enumid）")),
    }
}

/// The call without the filters that this installation does not know.
fn without_ignored<'a>(call: &'a Call, ignored: &'a [String]) -> Cow<'a, Call> {
    let name = call.interface.name();
    let of_interface = |filter: &'a String| filter.split_once(':').filter(|(list, _)| *list == name).map(|(_, id)| id);
    let mut call = Cow::Borrowed(call);
    for id in ignored.iter().filter_map(of_interface) {
        call.to_mut().fields.remove(id);
    }
    call
}

/// How an interface answers an account that may not use it.
fn refusal_of_right(interface: Interface) -> Answer {
    let text = "您没有使用该功能的权限";
    if interface.is_v3() { Answer::v3_refused(text) } else { Answer::failed(text) }
}

/// How this interface refuses.
fn refusal(interface: Interface, text: &str) -> Answer {
    match interface {
        Interface::Login | Interface::Logout => Answer::failed(text),
        interface if interface.is_v3() => Answer::v3_refused(text),
        _ => Answer::refused(text),
    }
}
