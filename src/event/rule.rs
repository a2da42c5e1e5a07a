//! The rules of admission (准入条件, `contract.md` §2) by name, and which of them an event type must pass.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A rule's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// 手机号已验证: verified, and a mainland mobile number.
    PhoneVerified,
    /// 客户名称完整: long enough, and not a placeholder.
    NameComplete,
    /// 白名单评分: `thread.score`, or else the contact's last one, at or above the threshold.
    Score,
    /// 已是 ERP 客户: `contact.erp` is given, or the contact is linked.
    KnownCustomer,
    /// 已成交: the event is a closed deal, or the contact has closed one before.
    Deal,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 5] = [Self::PhoneVerified, Self::NameComplete, Self::Score, Self::KnownCustomer, Self::Deal];

    /// The name in the configuration and in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PhoneVerified => "phone_verified",
            Self::NameComplete => "name_complete",
            Self::Score => "score",
            Self::KnownCustomer => "known_customer",
            Self::Deal => "deal",
        }
    }

    /// What people call it, Chinese first.
    pub const fn title(self) -> &'static str {
        match self {
            Self::PhoneVerified => "手机号已验证 (Phone verified)",
            Self::NameComplete => "姓名完整 (Name complete)",
            Self::Score => "评分达标 (Score)",
            Self::KnownCustomer => "已是客户 (Known customer)",
            Self::Deal => "已成交 (Has a deal)",
        }
    }
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = || format!("write any of {}", Self::ALL.map(Self::as_str).join(", "));
        Self::ALL.into_iter().find(|rule| rule.as_str() == name).ok_or_else(known)
    }
}

/// What an event type must pass: one of these lists of rules, and that one as a whole. Of no list, or of an empty one,
/// nothing is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleSet(Vec<Vec<Rule>>);

impl RuleSet {
    /// All of these rules.
    pub fn all_of(rules: &[Rule]) -> Self {
        Self::any_of([rules.to_vec()])
    }

    /// One of these lists; a rule that is written twice in one counts once.
    pub fn any_of(lists: impl IntoIterator<Item = Vec<Rule>>) -> Self {
        Self(lists.into_iter().map(|list| distinct(list.into_iter())).collect())
    }

    /// What the user's guide asks of whoever becomes a customer: `phone_verified`, `name_complete` and `score`.
    pub fn of_guide() -> Self {
        Self::all_of(&[Rule::PhoneVerified, Rule::NameComplete, Rule::Score])
    }

    /// The lists, in the configured order.
    pub fn lists(&self) -> &[Vec<Rule>] {
        &self.0
    }

    /// Every rule of any list once, in the configured order.
    pub fn rules(&self) -> Vec<Rule> {
        distinct(self.0.iter().flatten().copied())
    }
}

fn distinct(rules: impl Iterator<Item = Rule>) -> Vec<Rule> {
    rules.fold(Vec::new(), |mut seen, rule| {
        if !seen.contains(&rule) {
            seen.push(rule);
        }
        seen
    })
}

#[cfg(test)]
mod tests {
    use super::{Rule::*, *};

    #[test]
    fn a_rule_that_is_written_twice_counts_once() {
        let set = RuleSet::any_of([vec![Score, NameComplete, Score], vec![NameComplete, Deal]]);
        assert_eq!(set.lists(), [vec![Score, NameComplete], vec![NameComplete, Deal]]);
        assert_eq!(set.rules(), [Score, NameComplete, Deal]);
    }
}
