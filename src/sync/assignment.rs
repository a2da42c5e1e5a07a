//! 客户分配管理: who gets a new customer, by score.

use crate::{
    config::AssignmentRule,
    erp::{Erp, ErpError, Fault},
    event::Assignment,
};

/// Whether the ERP has the accounts that a customer is to be assigned to. An installation that does not show its accounts
/// is believed to have them.
pub(super) async fn check_users(erp: &Erp, to: &Assignment) -> Result<(), ErpError> {
    let Assignment::Users(users) = to else { return Ok(()) };
    let accounts = match erp.list_accounts().await {
        Ok(accounts) => accounts,
        Err(error) if error.denies_interface() => return Ok(()),
        Err(error) => return Err(error),
    };
    let Some(unknown) = users.iter().find(|user| accounts.iter().all(|account| account.ord != **user)) else {
        return Ok(());
    };
    let shown =
        accounts.iter().map(|account| format!("{} {}", account.ord, account.name.as_deref().unwrap_or_default()));
    let shown = shown.map(|account| account.trim_end().to_owned()).collect::<Vec<_>>().join("、");
    Err(ErpError::Installation(Fault::salesperson(unknown, format!("ERP 没有此账号，现有 (the ERP has): {shown}"))))
}

/// The rule that takes a score: the one with the highest `min_score` that the score reaches.
pub(super) fn rule_for(rules: &[AssignmentRule], score: f64) -> Option<&AssignmentRule> {
    rules.iter().filter(|rule| score >= rule.min_score).max_by(|a, b| a.min_score.total_cmp(&b.min_score))
}

/// Whether a rule could have chosen this assignment.
pub(super) fn is_of(rule: &AssignmentRule, to: &Assignment) -> bool {
    match to {
        Assignment::Public => rule.public,
        Assignment::Users(users) => !rule.public && users.iter().all(|user| rule.users.contains(user)),
    }
}

/// The name under which the ledger counts a rule's turns: changing its users starts a new count.
pub(super) fn rotation_name(rule: &AssignmentRule) -> String {
    format!("{}:{}", rule.min_score, rule.users.join("+"))
}

/// Who of the rule is next when `turn` customers went to it before.
pub(super) fn next_of(rule: &AssignmentRule, turn: i64) -> Assignment {
    let users = i64::try_from(rule.users.len()).unwrap_or(1).max(1);
    let index = usize::try_from(turn.rem_euclid(users)).unwrap_or(0);
    match rule.users.get(index) {
        Some(user) if !rule.public => Assignment::Users(vec![user.clone()]),
        _ => Assignment::Public,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Vec<AssignmentRule> {
        vec![
            AssignmentRule { min_score: 60.0, users: vec![], public: true },
            AssignmentRule { min_score: 80.0, users: vec!["63".into(), "71".into()], public: false },
        ]
    }

    #[test]
    fn the_highest_rule_that_the_score_reaches_takes_it() {
        let rules = rules();
        for (score, expected) in
            [(59.9, None), (60.0, Some(60.0)), (79.9, Some(60.0)), (80.0, Some(80.0)), (100.0, Some(80.0))]
        {
            assert_eq!(rule_for(&rules, score).map(|rule| rule.min_score), expected, "{score}");
        }
        assert_eq!(rule_for(&[], 100.0), None);
    }

    #[test]
    fn users_come_in_turn_and_public_is_open_to_all() {
        let rules = rules();
        let turns: Vec<_> = (0..4).map(|turn| next_of(&rules[1], turn)).collect();
        let user = |id: &str| Assignment::Users(vec![id.into()]);
        assert_eq!(turns, [user("63"), user("71"), user("63"), user("71")]);
        assert_eq!(next_of(&rules[0], 5), Assignment::Public);
    }
}
