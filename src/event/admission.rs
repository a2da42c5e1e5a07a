//! Who may become a customer (准入条件, `contract.md` §2): named rules, each with its own reason in the operators' words.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    kind::EventKind,
    names::{Name, Placeholder},
    payload::{Event, Thread},
    rule::{Rule, RuleSet},
};
use crate::{config::AdmissionConfig, telemetry::masking};

/// A person's name has at least this many characters.
const NAME_CHARS_MIN: usize = 2;
/// A company's name has at least this many characters.
const COMPANY_CHARS_MIN: usize = 4;

/// What one rule found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleCheck {
    /// The rule.
    pub rule: Rule,
    /// Whether it holds.
    pub passed: bool,
    /// Why, in Chinese and concretely: `评分 55 低于 60`.
    #[schema(example = "评分 55 低于 60")]
    pub message: String,
    /// What the rule saw, numbers masked; empty if there was nothing.
    #[schema(example = "55")]
    pub value: String,
}

impl RuleCheck {
    fn new(rule: Rule, outcome: Result<String, String>, value: String) -> Self {
        let passed = outcome.is_ok();
        let (Ok(message) | Err(message)) = outcome;
        Self { rule, passed, message, value }
    }
}

/// Why a contact was not admitted, as the webhook's sender reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    /// The rule that does not hold.
    pub rule: Rule,
    /// Why not, in Chinese and concretely.
    #[schema(example = "评分 55 低于 60")]
    pub message: String,
}

/// One of several lists of rules, any of which admits, and what keeps it from doing so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Alternative {
    /// The rules, all of which must hold.
    pub rules: Vec<Rule>,
    /// Those that do not; empty where this list admits.
    pub lacks: Vec<Rule>,
}

/// The decision on one event, kept with it in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Decision {
    /// Whether every rule holds, or every rule of one of the alternatives.
    pub admitted: bool,
    /// Every rule that applies to the event's type, once, in the configured order.
    pub rules: Vec<RuleCheck>,
    /// Where one of several lists of rules is enough: each of them, in the configured order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub alternatives: Vec<Alternative>,
}

impl Decision {
    /// The rules that do not hold; empty if admitted.
    pub fn reasons(&self) -> Vec<Reason> {
        let failed = self.rules.iter().filter(|check| !self.admitted && !check.passed);
        failed.map(|check| Reason { rule: check.rule, message: check.message.clone() }).collect()
    }
}

/// What the ledger knows of a contact as an event of it is committed or judged anew.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Standing {
    /// It is linked to a customer.
    pub linked: bool,
    /// It has events in its turn.
    pub in_turn: bool,
    /// The last score that came for it, in the order of acceptance.
    pub last_score: Option<f64>,
    /// An event of it was a closed deal.
    pub has_deal: bool,
    /// It was linked, until an operator undid that.
    pub was_unlinked: bool,
}

/// The rules as configured.
#[derive(Debug, Clone)]
pub struct Rules {
    min_score: f64,
    placeholders: Vec<Placeholder>,
    by_kind: BTreeMap<EventKind, RuleSet>,
}

impl Rules {
    /// The rules of `[admission]`. A type without an entry has those of the user's guide, `message.logged` has none.
    pub fn new(config: &AdmissionConfig) -> Self {
        let mut by_kind = BTreeMap::from([
            (EventKind::ContactPromoted, RuleSet::of_guide()),
            (EventKind::DealClosed, RuleSet::of_guide()),
            (EventKind::SyncRequested, RuleSet::of_guide()),
            (EventKind::MessageLogged, RuleSet::default()),
        ]);
        by_kind.extend(config.rules.clone());
        Self { min_score: config.min_score, placeholders: config.placeholders.clone(), by_kind }
    }

    /// The threshold of [`Rule::Score`].
    pub fn min_score(&self) -> f64 {
        self.min_score
    }

    /// What these rules would be with another threshold, or with another set for every type that has rules at all.
    #[must_use]
    pub fn changed(&self, min_score: Option<f64>, set: Option<&RuleSet>) -> Self {
        let mut changed = Self { min_score: min_score.unwrap_or(self.min_score), ..self.clone() };
        if let Some(set) = set {
            let judged = changed.by_kind.values_mut().filter(|own| !own.lists().is_empty());
            judged.for_each(|own| own.clone_from(set));
        }
        changed
    }

    /// Decides on an event of a contact that stands so.
    pub fn decide(&self, event: &Event, standing: &Standing) -> Decision {
        self.assess(event).decide(standing)
    }

    /// Judges an event as far as it says itself what the rules ask for.
    pub fn assess(&self, event: &Event) -> Assessment {
        let set = self.by_kind.get(&event.kind()).cloned().unwrap_or_default();
        let findings = set.rules().into_iter().map(|rule| self.check(rule, event)).collect();
        Assessment { set, findings, min_score: self.min_score }
    }

    fn check(&self, rule: Rule, event: &Event) -> Finding {
        let (outcome, value) = match rule {
            Rule::PhoneVerified => check_phone(event),
            Rule::NameComplete => self.check_name(event),
            Rule::Score => match event.thread().and_then(Thread::score) {
                Some(score) => check_score(score, self.min_score, "评分"),
                None => return Finding::Open(rule),
            },
            Rule::KnownCustomer if event.contact().erp().is_some() => {
                (Ok("平台给出了它的 ERP 客户".to_owned()), String::new())
            }
            Rule::Deal if event.kind() == EventKind::DealClosed => (Ok("本事件就是成交".to_owned()), String::new()),
            Rule::KnownCustomer | Rule::Deal => return Finding::Open(rule),
        };
        Finding::Told(RuleCheck::new(rule, outcome, value))
    }

    fn check_name(&self, event: &Event) -> (Result<String, String>, String) {
        let (name, company) = (event.contact().name().unwrap_or_default(), event.contact().company());
        let company_outcome = company.map_or(Ok(()), |company| self.complete(company, "公司名称", COMPANY_CHARS_MIN));
        let outcome = match (company_outcome, self.complete(name, "客户姓名", NAME_CHARS_MIN)) {
            (Ok(()), Ok(())) => Ok("客户名称完整".to_owned()),
            (Err(one), Ok(())) | (Ok(()), Err(one)) => Err(one),
            (Err(one), Err(other)) => Err(format!("{one}；{other}")),
        };
        let seen = company.map_or_else(|| name.to_owned(), |company| format!("{company} / {name}"));
        (outcome, masking::mask_text(&seen))
    }

    fn complete(&self, name: &str, what: &str, chars_min: usize) -> Result<(), String> {
        let name = Name::from(name);
        if name.chars < chars_min {
            return Err(format!("{what}去掉空格和表情后只有 {} 个字，至少需要 {chars_min} 个字", name.chars));
        }
        if let Some(placeholder) = self.placeholders.iter().find(|placeholder| placeholder.stands_in(&name)) {
            return Err(format!("{what}“{placeholder}”是占位称呼，不是真实名称"));
        }
        Ok(())
    }
}

/// What the rules say of an event by itself; [`Assessment::decide`] adds what the ledger knows of its contact.
#[derive(Debug, Clone)]
pub struct Assessment {
    set: RuleSet,
    /// One for each of the set's rules.
    findings: Vec<Finding>,
    min_score: f64,
}

/// What a rule found in an event.
#[derive(Debug, Clone)]
enum Finding {
    /// The event says it.
    Told(RuleCheck),
    /// Only the ledger can tell.
    Open(Rule),
}

impl Assessment {
    /// Whether the decision, or what it says, depends on what the ledger knows.
    pub fn is_open(&self) -> bool {
        self.findings.iter().any(|finding| matches!(finding, Finding::Open(_)))
    }

    /// The decision, of a contact that stands so.
    pub fn decide(&self, standing: &Standing) -> Decision {
        let check = |finding: &Finding| match finding {
            Finding::Told(check) => check.clone(),
            Finding::Open(rule) => self.ask(*rule, standing),
        };
        let rules: Vec<RuleCheck> = self.findings.iter().map(check).collect();
        let holds = |rule: &Rule| rules.iter().any(|check| check.rule == *rule && check.passed);
        let lacks = |list: &Vec<Rule>| list.iter().filter(|rule| !holds(rule)).copied().collect::<Vec<_>>();
        let lists = self.set.lists();
        let alternatives: Vec<Alternative> =
            lists.iter().map(|list| Alternative { rules: list.clone(), lacks: lacks(list) }).collect();
        let admitted = lists.is_empty() || alternatives.iter().any(|alternative| alternative.lacks.is_empty());
        Decision { admitted, alternatives: if lists.len() > 1 { alternatives } else { Vec::new() }, rules }
    }

    /// What the ledger's knowledge says of a rule that the event leaves open.
    fn ask(&self, rule: Rule, standing: &Standing) -> RuleCheck {
        let told = |holds: bool, yes: &str, no: &str| if holds { Ok(yes.to_owned()) } else { Err(no.to_owned()) };
        let (outcome, value) = match (rule, standing.last_score) {
            (Rule::Score, Some(score)) => check_score(score, self.min_score, "最近一次评分"),
            (Rule::Score, None) => (Err(format!("没有评分，需要不低于 {}", self.min_score)), String::new()),
            (Rule::Deal, _) => (told(standing.has_deal, "客户以前成交过", "客户还没有成交"), String::new()),
            _ => (told(standing.linked, "已关联 ERP 客户", "还不是 ERP 客户"), String::new()),
        };
        RuleCheck::new(rule, outcome, value)
    }
}

fn check_score(score: f64, min: f64, what: &str) -> (Result<String, String>, String) {
    let outcome = if score >= min {
        Ok(format!("{what} {score} 不低于 {min}"))
    } else {
        Err(format!("{what} {score} 低于 {min}"))
    };
    (outcome, score.to_string())
}

fn check_phone(event: &Event) -> (Result<String, String>, String) {
    let contact = event.contact();
    let Some(phone) = contact.phone() else {
        return (Err("没有手机号".into()), String::new());
    };
    let masked = masking::mask_phone(contact.mobile().unwrap_or(phone));
    let outcome = match (contact.mobile(), contact.phone_verified()) {
        (Some(_), true) => Ok(format!("手机号 {masked} 已验证")),
        (Some(_), false) => Err(format!("手机号 {masked} 未验证")),
        (None, true) => Err(format!("{masked} 不是中国大陆手机号")),
        (None, false) => Err(format!("{masked} 未验证，也不是中国大陆手机号")),
    };
    (outcome, masked)
}

#[cfg(test)]
#[path = "admission_tests.rs"]
mod tests;
