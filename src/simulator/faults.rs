//! Faults: rules that make chosen calls go wrong, and the plan that they make for one call.

use std::{collections::BTreeMap, fmt, str::FromStr, time::Duration};

use rand::{RngExt, rngs::StdRng};
use serde::{Deserialize, Serialize};

use super::{
    call::{Call, Interface},
    fields::get,
};

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum FaultKind {
    /// `latency_ms`: it is handled `delay_ms` later.
    Latency,
    /// A wrong answer, before or after the effect: `error_500_after` and so on.
    Broken(Break, When),
    /// `not_stored`: it answers "saved" and stores nothing (`erp-wire.md` §1.7).
    NotStored,
    /// `session_lost`: the session ends just before the call is handled.
    SessionLost,
    /// `session_lost_after`: the session ends just after.
    SessionLostAfter,
    /// `late_effect`: the effect comes after `effect_delay_ms`, the answer only after `delay_ms` (60 s unless given).
    LateEffect,
    /// `login_locked`: the login demands `rndcode` from now on, until control unlocks it.
    LoginLocked,
    /// `refuse`: a refusal with `text`, as this interface refuses.
    Refuse,
    /// `no_right`: a refusal for want of a right, as this interface refuses; `text` has other words.
    NoRight,
    /// `page_400`, `page_403`, `page_404`, `page_405`, `redirect`, `login_page`: something that is not the ERP answers in its place
    /// (`erp-wire.md` §1.16).
    Front(Front),
    /// `away`: the connection is closed without an answer, whatever was asked.
    Away,
}

/// What stands before the ERP, or where it should be, answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// An HTML page with this HTTP status.
    Page(u16),
    /// HTTP status 302 to another place.
    Redirect,
    /// A page that asks a person to log in, with HTTP status 200.
    LoginPage,
}

const FRONTS: [(&str, Front); 6] = [
    ("page_403", Front::Page(403)),
    ("page_400", Front::Page(400)),
    ("page_404", Front::Page(404)),
    ("page_405", Front::Page(405)),
    ("redirect", Front::Redirect),
    ("login_page", Front::LoginPage),
];

/// What a broken answer looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// `error_500`: an HTML page with HTTP status 500.
    Error500,
    /// `html_200`: an HTML page with HTTP status 200.
    Html200,
    /// `empty_200`: nothing, with HTTP status 200.
    Empty200,
    /// `garbled`: the answer, cut off in its middle.
    Garbled,
    /// `cut`: the connection is closed without an answer.
    Cut,
    /// `failed`: status 1 with words of the server’s own, about nothing that was sent.
    Failed,
}

/// Whether the effect still takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// It does not.
    Before,
    /// It does.
    After,
}

const BREAKS: [(&str, Break); 6] = [
    ("error_500", Break::Error500),
    ("html_200", Break::Html200),
    ("empty_200", Break::Empty200),
    ("garbled", Break::Garbled),
    ("cut", Break::Cut),
    ("failed", Break::Failed),
];

const PLAIN: [(&str, FaultKind); 9] = [
    ("latency_ms", FaultKind::Latency),
    ("not_stored", FaultKind::NotStored),
    ("session_lost", FaultKind::SessionLost),
    ("session_lost_after", FaultKind::SessionLostAfter),
    ("late_effect", FaultKind::LateEffect),
    ("login_locked", FaultKind::LoginLocked),
    ("refuse", FaultKind::Refuse),
    ("no_right", FaultKind::NoRight),
    ("away", FaultKind::Away),
];

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Broken(broken, when) = self {
            let name = BREAKS.iter().find(|(_, known)| known == broken).map_or("", |(name, _)| name);
            return write!(f, "{name}_{}", if *when == When::Before { "before" } else { "after" });
        }
        if let Self::Front(front) = self {
            return f.write_str(FRONTS.iter().find(|(_, known)| known == front).map_or("", |(name, _)| name));
        }
        f.write_str(PLAIN.iter().find(|(_, known)| known == self).map_or("", |(name, _)| name))
    }
}

impl FromStr for FaultKind {
    type Err = String;

    /// Reads a name; a broken answer without `_before` or `_after` comes after the effect.
    fn from_str(name: &str) -> Result<Self, String> {
        if let Some((_, kind)) = PLAIN.iter().find(|(known, _)| *known == name) {
            return Ok(*kind);
        }
        if let Some((_, front)) = FRONTS.iter().find(|(known, _)| *known == name) {
            return Ok(Self::Front(*front));
        }
        let (stem, when) = match (name.strip_suffix("_before"), name.strip_suffix("_after")) {
            (Some(stem), _) => (stem, When::Before),
            (_, Some(stem)) => (stem, When::After),
            _ => (name, When::After),
        };
        let broken = BREAKS.iter().find(|(known, _)| *known == stem).map(|(_, broken)| *broken);
        broken.map(|broken| Self::Broken(broken, when)).ok_or_else(|| {
            let plain = PLAIN.iter().map(|(name, _)| *name).chain(FRONTS.map(|(name, _)| name));
            let known: Vec<&str> = plain.chain(BREAKS.map(|(name, _)| name)).collect();
            format!("no fault is called {name}; there are: {} (the last five with _before or _after)", known.join(", "))
        })
    }
}

impl From<FaultKind> for String {
    fn from(kind: FaultKind) -> Self {
        kind.to_string()
    }
}

impl TryFrom<String> for FaultKind {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse()
    }
}

/// One rule: which calls go wrong, how, how often.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// The interface's name, or `*` for all.
    pub interface: String,
    /// What goes wrong.
    pub kind: FaultKind,
    /// The chance of each call that the rule sees, 0 to 1.
    #[serde(default = "certain")]
    pub probability: f64,
    /// After so many faults the rule rests; unlimited if absent.
    #[serde(default)]
    pub times: Option<u64>,
    /// The first so many calls pass.
    #[serde(default)]
    pub skip: u64,
    /// `latency_ms`: the delay; `late_effect`: when the answer comes. Milliseconds.
    #[serde(default)]
    pub delay_ms: Option<u64>,
    /// `late_effect`: when the effect comes. Milliseconds.
    #[serde(default)]
    pub effect_delay_ms: u64,
    /// `refuse`: the ERP's words.
    #[serde(default)]
    pub text: Option<String>,
    /// Only calls with exactly these fields: `{"khid": "WX1"}` makes one poisoned contact.
    #[serde(default, rename = "where")]
    pub only: BTreeMap<String, String>,
}

fn certain() -> f64 {
    1.0
}

impl FaultRule {
    /// A rule that hits every call of `interface` (`*` for all).
    pub fn new(interface: &str, kind: FaultKind) -> Self {
        Self {
            interface: interface.to_owned(),
            kind,
            probability: 1.0,
            times: None,
            skip: 0,
            delay_ms: None,
            effect_delay_ms: 0,
            text: None,
            only: BTreeMap::new(),
        }
    }

    /// Only so many times.
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Refuses a rule for no interface, or with an impossible chance.
    pub fn check(&self) -> Result<(), String> {
        if self.interface != "*" && !Interface::ALL.iter().any(|known| known.name() == self.interface) {
            let known = Interface::ALL.map(Interface::name).join(", ");
            return Err(format!("no interface is called {}; there are: {known}, and *", self.interface));
        }
        if !(0.0..=1.0).contains(&self.probability) {
            return Err(format!("probability {} is not between 0 and 1", self.probability));
        }
        Ok(())
    }
}

impl FromStr for FaultRule {
    type Err = String;

    /// Reads `progress.add:cut_after:p=0.05,times=3,skip=1,delay=50ms,effect_delay=1s,text=…` (`text` last).
    fn from_str(rule: &str) -> Result<Self, String> {
        let mut parts = rule.splitn(3, ':');
        let interface = parts.next().unwrap_or_default();
        let kind = parts.next().ok_or_else(|| format!("{rule}: write it as INTERFACE:KIND[:OPTIONS]"))?;
        let mut parsed = Self::new(interface, kind.parse()?);
        let mut options = parts.next().unwrap_or_default();
        while !options.is_empty() {
            let (option, rest) = match options.strip_prefix("text=") {
                Some(text) => {
                    parsed.text = Some(text.to_owned());
                    break;
                }
                None => options.split_once(',').unwrap_or((options, "")),
            };
            options = rest;
            parsed.set(option).map_err(|why| format!("{rule}: {option}: {why}"))?;
        }
        parsed.check().map(|()| parsed)
    }
}

impl FaultRule {
    fn set(&mut self, option: &str) -> Result<(), String> {
        let (key, value) = option.split_once('=').ok_or("write it as key=value")?;
        let number = || value.parse::<u64>().map_err(|_| "not a whole number".to_owned());
        let span = || {
            let span = humantime::parse_duration(value).map_err(|_| "write a time such as 50ms or 2s".to_owned())?;
            u64::try_from(span.as_millis()).map_err(|_| "too long".to_owned())
        };
        match key {
            "p" => self.probability = value.parse().map_err(|_| "not a number".to_owned())?,
            "times" => self.times = Some(number()?),
            "skip" => self.skip = number()?,
            "delay" => self.delay_ms = Some(span()?),
            "effect_delay" => self.effect_delay_ms = span()?,
            _ => return Err("the options are p, times, skip, delay, effect_delay and text".to_owned()),
        }
        Ok(())
    }
}

/// What will happen to one call.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Plan {
    pub(super) latency: Duration,
    pub(super) broken: Option<(Break, When)>,
    pub(super) not_stored: bool,
    pub(super) session_lost: bool,
    pub(super) session_lost_after: bool,
    pub(super) late: Option<Late>,
    pub(super) login_locked: bool,
    pub(super) refuse: Option<String>,
    pub(super) front: Option<Front>,
    pub(super) away: bool,
    /// The names of the faults, for the call log.
    pub(super) faults: Vec<String>,
}

/// When the effect and the answer of a late call come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Late {
    pub(super) effect: Duration,
    pub(super) answer: Duration,
}

const LATE_ANSWER: Duration = Duration::from_secs(60);

/// The rules in force, with what they have seen.
#[derive(Debug, Default)]
pub(super) struct Faults {
    armed: Vec<Armed>,
}

#[derive(Debug)]
struct Armed {
    rule: FaultRule,
    seen: u64,
    hits: u64,
}

impl Faults {
    /// Replaces all rules.
    pub(super) fn set(&mut self, rules: Vec<FaultRule>) {
        self.armed = rules.into_iter().map(|rule| Armed { rule, seen: 0, hits: 0 }).collect();
    }

    pub(super) fn add(&mut self, rule: FaultRule) {
        self.armed.push(Armed { rule, seen: 0, hits: 0 });
    }

    /// The rules with how many calls they saw and hit.
    pub(super) fn list(&self) -> impl Iterator<Item = (&FaultRule, u64, u64)> {
        self.armed.iter().map(|armed| (&armed.rule, armed.seen, armed.hits))
    }

    /// Asks every rule about this call.
    pub(super) fn plan(&mut self, call: &Call, rng: &mut StdRng) -> Plan {
        let mut plan = Plan::default();
        for Armed { rule, seen, hits } in &mut self.armed {
            let named = rule.interface == "*" || rule.interface == call.interface.name();
            if !named || !rule.only.iter().all(|(id, value)| get(&call.fields, id) == value) {
                continue;
            }
            *seen += 1;
            let rests = *seen <= rule.skip || rule.times.is_some_and(|times| *hits >= times);
            if !rests && (rule.probability >= 1.0 || rng.random_bool(rule.probability)) {
                *hits += 1;
                plan.take(rule);
            }
        }
        plan
    }
}

impl Plan {
    fn take(&mut self, rule: &FaultRule) {
        let delay = rule.delay_ms.map(Duration::from_millis);
        match rule.kind {
            FaultKind::Latency => self.latency += delay.unwrap_or_default(),
            FaultKind::Broken(broken, when) => self.broken = Some((broken, when)),
            FaultKind::NotStored => self.not_stored = true,
            FaultKind::SessionLost => self.session_lost = true,
            FaultKind::SessionLostAfter => self.session_lost_after = true,
            FaultKind::LateEffect => {
                let effect = Duration::from_millis(rule.effect_delay_ms);
                self.late = Some(Late { effect, answer: delay.unwrap_or(LATE_ANSWER) });
            }
            FaultKind::LoginLocked => self.login_locked = true,
            FaultKind::Refuse => self.refuse = Some(rule.text.clone().unwrap_or_else(|| "操作失败".to_owned())),
            FaultKind::NoRight => {
                let words = rule.text.clone().unwrap_or_else(|| "对不起，您没有权限使用此功能！".to_owned());
                self.refuse = Some(words);
            }
            FaultKind::Front(front) => self.front = Some(front),
            FaultKind::Away => self.away = true,
        }
        self.faults.push(rule.kind.to_string());
    }
}

#[cfg(test)]
#[path = "faults_tests.rs"]
mod tests;
