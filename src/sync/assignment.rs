//! 客户分配管理: who gets a new customer, by score.

use crate::{
    config::AssignmentRule,
    erp::{Account, Erp, ErpError, Fault},
    event::Assignment,
};

/// Whether the ERP has the accounts that a customer is to be assigned to. An installation that does not show its accounts, or
/// more than are read, is believed to have them.
pub(super) async fn check_users(erp: &Erp, to: &Assignment) -> Result<(), ErpError> {
    let Assignment::Users(users) = to else { return Ok(()) };
    let accounts = match erp.list_accounts().await {
        Ok(accounts) => accounts,
        Err(error) if error.denies_interface() || matches!(error, ErpError::TooMany(_)) => return Ok(()),
        Err(error) => return Err(error),
    };
    let Some(unknown) = users.iter().find(|user| accounts.iter().all(|account| account.ord != **user)) else {
        return Ok(());
    };
    let shown =
        accounts.iter().map(|account| format!("{} {}", account.ord, account.name.as_deref().unwrap_or_default()));
    let shown = shown.map(|account| account.trim_end().to_owned()).collect::<Vec<_>>().join("、");
    let words = format!("ERP 没有此账号，现有：{shown} (the ERP has no such account)");
    Err(ErpError::Installation(Fault::salesperson(unknown, words)))
}

/// Whether `catename` shows that a customer is these users'. `None` where it does not tell: some of several are shown, an
/// account has no name, or shares it with another's.
pub(super) fn shown_to(accounts: &[Account], users: &[String], catename: &str) -> Option<bool> {
    let names = names_of(accounts, users);
    let others = accounts.iter().filter(|account| !users.contains(&account.ord));
    let is_shared = others
        .filter_map(|account| account.name.as_deref())
        .any(|other| names.iter().any(|name| name.trim() == other.trim()));
    let shown = names.iter().filter(|name| is_named(catename, name)).count();
    match shown {
        _ if names.len() < users.len() => None,
        0 => Some(false),
        all if all == users.len() && !is_shared => Some(true),
        _ => None,
    }
}

/// What these users are called.
pub(super) fn names_of<'a>(accounts: &'a [Account], users: &[String]) -> Vec<&'a str> {
    let known = accounts.iter().filter(|account| users.contains(&account.ord));
    known.filter_map(|account| account.name.as_deref().filter(|name| !name.trim().is_empty())).collect()
}

/// Whether one of the salespeople in `catename` is called so: 张伟 is not 张伟国.
pub(super) fn is_named(catename: &str, name: &str) -> bool {
    let name = name.trim();
    catename.trim() == name || catename.split(SALESPEOPLE_SEPARATORS).any(|one| one.trim() == name)
}

/// What stands between several salespeople.
const SALESPEOPLE_SEPARATORS: [char; 9] = [',', '，', '、', ';', '；', '/', '|', ' ', '\u{3000}'];

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
    fn a_salesperson_is_known_by_the_whole_name() {
        for (catename, expected) in [
            ("张伟", true),
            (" 张伟 ", true),
            ("王芳,张伟", true),
            ("张伟、王芳", true),
            ("王芳 张伟", true),
            ("张伟国", false),
            ("王芳,张伟国", false),
            ("", false),
        ] {
            assert_eq!(is_named(catename, "张伟"), expected, "{catename}");
        }
    }

    #[test]
    fn an_assignment_is_done_once_all_of_its_users_are_shown_and_nobody_else_can_be_meant() {
        let account = |ord: &str, name: Option<&str>| Account {
            ord: ord.into(),
            username: None,
            name: name.map(str::to_owned),
            status: None,
            part_name: None,
        };
        let accounts = [
            account("63", Some("张伟")),
            account("71", Some("王芳")),
            account("80", None),
            account("81", Some("李强")),
            account("82", Some("李强")),
        ];
        for (users, catename, expected) in [
            (&["63"][..], "张伟", Some(true)),
            (&["63"], "张伟,王芳", Some(true)),
            (&["63"], "王芳", Some(false)),
            (&["63"], "", Some(false)),
            (&["63", "71"], "王芳、张伟", Some(true)),
            (&["63", "71"], "张伟", None),
            (&["63", "71"], "李强", Some(false)),
            (&["80"], "张伟", None),
            (&["63", "80"], "张伟", None),
            (&["63", "80"], "李四", None),
            (&["81"], "李强", None),
            (&["81", "82"], "李强", Some(true)),
        ] {
            let users: Vec<_> = users.iter().map(|user| (*user).to_owned()).collect();
            assert_eq!(shown_to(&accounts, &users, catename), expected, "{users:?} {catename}");
        }
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
