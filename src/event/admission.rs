//! Who may become a customer (准入条件, `contract.md` §2): named rules, each with its own reason in the operators' words.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    kind::EventKind,
    names::{self, Placeholder},
    payload::Event,
    rule::Rule,
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

/// Why a contact was not admitted, as the webhook's sender reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    /// The rule that does not hold.
    pub rule: Rule,
    /// Why not, in Chinese and concretely.
    #[schema(example = "评分 55 低于 60")]
    pub message: String,
}

/// The decision on one event, kept with it in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Decision {
    /// Whether every rule holds.
    pub admitted: bool,
    /// Every rule that applies to the event's type, in the configured order.
    pub rules: Vec<RuleCheck>,
}

impl Decision {
    /// The rules that do not hold; empty if admitted.
    pub fn reasons(&self) -> Vec<Reason> {
        let failed = self.rules.iter().filter(|check| !check.passed);
        failed.map(|check| Reason { rule: check.rule, message: check.message.clone() }).collect()
    }
}

/// The rules as configured.
#[derive(Debug, Clone)]
pub struct Rules {
    min_score: f64,
    placeholders: Vec<Placeholder>,
    by_kind: BTreeMap<EventKind, Vec<Rule>>,
}

impl Rules {
    /// The rules of `[admission]`. A type without an entry has all three, `message.logged` has none.
    pub fn new(config: &AdmissionConfig) -> Self {
        let all = || Rule::ALL.to_vec();
        let mut by_kind = BTreeMap::from([
            (EventKind::ContactPromoted, all()),
            (EventKind::DealClosed, all()),
            (EventKind::SyncRequested, all()),
            (EventKind::MessageLogged, Vec::new()),
        ]);
        by_kind.extend(config.rules.clone());
        Self { min_score: config.min_score, placeholders: config.placeholders.clone(), by_kind }
    }

    /// Checks every rule of the event's type; it is admitted if all hold, so without rules it always is.
    pub fn decide(&self, event: &Event) -> Decision {
        let rules = self.by_kind.get(&event.kind()).map_or(&[][..], Vec::as_slice);
        let rules: Vec<RuleCheck> = rules.iter().map(|rule| self.check(*rule, event)).collect();
        Decision { admitted: rules.iter().all(|check| check.passed), rules }
    }

    fn check(&self, rule: Rule, event: &Event) -> RuleCheck {
        let (outcome, value) = match rule {
            Rule::PhoneVerified => check_phone(event),
            Rule::NameComplete => self.check_name(event),
            Rule::Score => self.check_score(event),
        };
        let passed = outcome.is_ok();
        let (Ok(message) | Err(message)) = outcome;
        RuleCheck { rule, passed, message, value }
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
        let chars = names::significant(name).len();
        if chars < chars_min {
            return Err(format!("{what}去掉空格和表情后只有 {chars} 个字，至少需要 {chars_min} 个字"));
        }
        if let Some(placeholder) = self.placeholders.iter().find(|placeholder| placeholder.stands_in(name)) {
            return Err(format!("{what}“{placeholder}”是占位称呼，不是真实名称"));
        }
        Ok(())
    }

    fn check_score(&self, event: &Event) -> (Result<String, String>, String) {
        let min = self.min_score;
        match event.thread().and_then(|thread| thread.score()) {
            Some(score) if score >= min => (Ok(format!("评分 {score} 不低于 {min}")), score.to_string()),
            Some(score) => (Err(format!("评分 {score} 低于 {min}")), score.to_string()),
            None => (Err(format!("没有评分，需要不低于 {min}")), String::new()),
        }
    }
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
