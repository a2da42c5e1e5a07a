//! Values with members: bearer tokens, levels, assignment rules, admission rules. Each has a form for the file (tables)
//! and one for the environment (members separated by colons, items by commas).

use std::{collections::BTreeMap, ops::RangeInclusive};

use super::{
    AlertTarget, ApiToken, AssignmentRule, Level, Scope, TargetKind, TokenHash, WebhookSecret,
    parse::{Parsed, integer, list, number, one_of, read_as, readable, secret, split, text_such_that},
    source::Raw,
};
use crate::{
    clock::Millis,
    event::{EventKind, Placeholder, Rule, RuleSet},
};

/// The length of a bearer token (`contract.md` §6).
const TOKEN_CHARS: RangeInclusive<usize> = 24..=500;
const SCOPES: &[(&str, Scope)] = &[("read", Scope::Read), ("operate", Scope::Operate)];
/// Lists of rules of which one is enough.
const ALTERNATIVES_MAX: usize = 10;
/// 指派用户 (`member2`) takes 50 characters; a user's id is far shorter.
const USER_DIGITS_MAX: usize = 9;

/// `{ name = "ops", scope = "operate", token = "…" }`, perhaps with `expires_at`; or `ops:operate:TOKEN`.
pub(super) fn token(raw: &Raw) -> Parsed<ApiToken> {
    let required = ["name", "scope", "token"];
    let with_expiry = ["name", "scope", "token", "expires_at"];
    let names = if matches!(raw, Raw::Env(_)) { &required[..] } else { &with_expiry };
    let in_file = "{ name = \"ops\", scope = \"operate\", token = \"…\" }, and expires_at if it is to end";
    let members = members(raw, names, in_file, "ops:operate:TOKEN")?;
    let name = text_such_that(is_token_name, "write 1 to 50 letters, digits, _, - or ., but not webhook");
    let expires_at = members.contains_key("expires_at").then(|| member(&members, "expires_at", moment)).transpose()?;
    Ok(ApiToken {
        name: member(&members, "name", name)?,
        scope: member(&members, "scope", one_of(SCOPES))?,
        hash: member(&members, "token", token_hash)?,
        expires_at,
    })
}

/// `webhook` is whom the ledger names for what the platform sent.
fn is_token_name(name: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    (1..=50).contains(&name.chars().count()) && name.chars().all(allowed) && !name.eq_ignore_ascii_case("webhook")
}

/// A token, or `sha256:` and the hash of one.
fn token_hash(raw: &Raw) -> Parsed<TokenHash> {
    let (Raw::Env(text) | Raw::Text(text)) = raw else { return Err("write a text in quotes".into()) };
    if let Some(hash) = text.strip_prefix("sha256:") {
        let mut bytes = [0; 32];
        hex::decode_to_slice(hash.trim(), &mut bytes).map_err(|_| "write sha256: and 64 hexadecimal digits")?;
        return Ok(TokenHash(bytes));
    }
    if TOKEN_CHARS.contains(&text.chars().count()) {
        return Ok(TokenHash::of(text));
    }
    let (from, to) = (TOKEN_CHARS.start(), TOKEN_CHARS.end());
    Err(format!("write {from} to {to} characters that nobody can guess, such as what openssl rand -hex 24 prints"))
}

/// A moment with its zone, RFC 3339; TOML has a form for it without quotes.
fn moment(raw: &Raw) -> Parsed<Millis> {
    let parsed = match raw {
        Raw::Env(text) | Raw::Text(text) | Raw::Other(text) => text.parse::<jiff::Timestamp>().ok(),
        _ => None,
    };
    parsed.map(Millis::from).ok_or_else(|| "write a moment such as \"2027-01-31T18:00:00+08:00\"".into())
}

/// `{ min = 90, id = 175, text = "很高" }`, or `90:175:很高`.
pub(super) fn level(raw: &Raw) -> Parsed<Level> {
    let members = members(raw, &["min", "id", "text"], "{ min = 90, id = 175, text = \"很高\" }", "90:175:很高")?;
    Ok(Level {
        min: member(&members, "min", number(0.0..=100.0))?,
        id: member(&members, "id", integer(1..=i64::from(i32::MAX)))?,
        text: member(&members, "text", readable(50))?,
    })
}

/// `{ min_score = 80, users = ["63", "71"] }` or `{ min_score = 60, public = true }`; `80:63+71` or `60:public`.
pub(super) fn assignment_rule(raw: &Raw) -> Parsed<AssignmentRule> {
    let wanted = "{ min_score = 80, users = [\"63\", \"71\"] } or { min_score = 60, public = true }";
    let members = match raw {
        Raw::Env(text) => assignment_members(text).ok_or("write 80:63+71 or 60:public")?,
        _ => members(raw, &["min_score", "users", "public"], wanted, "")?,
    };
    let min_score = member(&members, "min_score", number(0.0..=100.0))?;
    let public = match members.get("public") {
        None => false,
        Some(Raw::Bool(value)) => *value,
        Some(_) => return Err("public must be true or false".into()),
    };
    let user = text_such_that(is_user_id, "write an ERP user's id: digits in quotes, such as \"63\"");
    let users = match members.get("users") {
        None => Vec::new(),
        Some(users) => list(0..=100, user)(users).map_err(|what| format!("users: {what}"))?,
    };
    if public != users.is_empty() {
        return Err(format!("a rule names users or is public, one of both: write {wanted}"));
    }
    Ok(AssignmentRule { min_score, users, public })
}

fn assignment_members(text: &str) -> Option<BTreeMap<String, Raw>> {
    let (score, whom) = text.split_once(':')?;
    let whom = match whom.trim() {
        "public" => ("public".to_owned(), Raw::Bool(true)),
        users => ("users".to_owned(), Raw::List(split(users, &['+']).map(|user| Raw::Env(user.to_owned())).collect())),
    };
    Some(BTreeMap::from([("min_score".to_owned(), Raw::Env(score.trim().to_owned())), whom]))
}

/// `{ kind = "wecom", url = "…", secret = "…" }`, the secret where there is one; or `wecom URL SECRET`.
pub(super) fn alert_target(raw: &Raw) -> Parsed<AlertTarget> {
    const KINDS: &[(&str, TargetKind)] = &[
        ("wecom", TargetKind::WeCom),
        ("dingtalk", TargetKind::DingTalk),
        ("feishu", TargetKind::Feishu),
        ("webhook", TargetKind::Webhook),
    ];
    let names = ["kind", "url", "secret"];
    let members = match raw {
        Raw::Env(text) => {
            let words: Vec<&str> = text.split_whitespace().collect();
            if !(2..=3).contains(&words.len()) {
                return Err("write wecom https://… or dingtalk https://… SECRET".into());
            }
            names.iter().zip(words).map(|(name, word)| ((*name).to_owned(), Raw::Env(word.to_owned()))).collect()
        }
        _ => members(raw, &names, "{ kind = \"wecom\", url = \"https://…\" }, and secret if it has one", "")?,
    };
    let kind = member(&members, "kind", one_of(KINDS))?;
    let of_kind = |raw: &Raw| match kind {
        TargetKind::Webhook => read_as::<WebhookSecret>(raw).and_then(|_| secret(1..=2_000)(raw)),
        _ => secret(1..=200)(raw),
    };
    Ok(AlertTarget {
        kind,
        url: member(&members, "url", read_as)?,
        secret: members.contains_key("secret").then(|| member(&members, "secret", of_kind)).transpose()?,
    })
}

/// Whether this is an ERP user's id: 1 to 9 digits.
pub fn is_user_id(id: &str) -> bool {
    (1..=USER_DIGITS_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// A name that is none: at most 50 characters.
pub(super) fn placeholder(raw: &Raw) -> Parsed<Placeholder> {
    readable(50)(raw)?.parse().map_err(str::to_owned)
}

/// A table `"deal.closed" = ["phone_verified", "score"]` or `"deal.closed" = [["phone_verified", "score"], ["deal"]]`, where
/// one of the lists is enough; or `deal.closed:phone_verified+score|deal,message.logged:`.
pub(super) fn admission_rules(raw: &Raw) -> Parsed<BTreeMap<EventKind, RuleSet>> {
    let given: Vec<(String, Raw)> = match raw {
        Raw::Table(table) => table.clone().into_iter().collect(),
        Raw::Env(text) => split(text, &[',']).map(rule_entry).collect::<Parsed<_>>()?,
        _ => return Err("write a table: [admission.rules], then \"deal.closed\" = [\"score\"]".into()),
    };
    let mut by_kind = BTreeMap::new();
    for (name, rules) in given {
        let kind = EventKind::of_webhook(&name).ok_or_else(|| {
            let names = EventKind::ALL.into_iter().filter(|kind| !kind.is_command()).map(EventKind::as_str);
            format!("\"{name}\" is no event type; there are {}", names.collect::<Vec<_>>().join(", "))
        })?;
        let rules = rule_set(&rules).map_err(|what| format!("\"{name}\": {what}"))?;
        if by_kind.insert(kind, rules).is_some() {
            return Err(format!(
                "\"{name}\" is given twice; write it once, its rules joined with +, its alternatives with |"
            ));
        }
    }
    Ok(by_kind)
}

fn rule_entry(text: &str) -> Parsed<(String, Raw)> {
    let (kind, rules) =
        text.split_once(':').ok_or("write deal.closed:phone_verified+score or deal.closed:score|deal")?;
    let names = |text: &str| Raw::List(split(text, &['+']).map(|name| Raw::Env(name.to_owned())).collect());
    let rules = if rules.contains('|') { Raw::List(rules.split('|').map(names).collect()) } else { names(rules) };
    Ok((kind.trim().to_owned(), rules))
}

/// A list of rules, or a list of such lists. An empty one among several would admit everybody.
fn rule_set(raw: &Raw) -> Parsed<RuleSet> {
    let is_nested = matches!(raw, Raw::List(items) if items.iter().any(|item| matches!(item, Raw::List(_))));
    if !is_nested {
        return list(0..=Rule::ALL.len(), read_as::<Rule>)(raw).map(|rules| RuleSet::all_of(&rules));
    }
    let alternative = |raw: &Raw| list(1..=Rule::ALL.len(), read_as::<Rule>)(raw);
    list(1..=ALTERNATIVES_MAX, alternative)(raw).map(RuleSet::any_of)
}

/// The members of a table, all of them known; from the environment they stand in this order, separated by colons, and the
/// last one may hold colons itself.
fn members(raw: &Raw, names: &[&str], in_file: &str, in_environment: &str) -> Parsed<BTreeMap<String, Raw>> {
    match raw {
        Raw::Env(text) => {
            let parts: Vec<&str> = text.splitn(names.len(), ':').map(str::trim).collect();
            if parts.len() != names.len() {
                return Err(format!("write {in_environment}"));
            }
            Ok(names.iter().zip(parts).map(|(name, part)| ((*name).to_owned(), Raw::Env(part.to_owned()))).collect())
        }
        Raw::Table(table) => match table.keys().find(|key| !names.contains(&key.as_str())) {
            Some(unknown) => Err(format!("there is no member {unknown}; write {in_file}")),
            None => Ok(table.clone()),
        },
        _ => Err(format!("write {in_file}")),
    }
}

fn member<T>(members: &BTreeMap<String, Raw>, name: &str, parse: impl Fn(&Raw) -> Parsed<T>) -> Parsed<T> {
    let raw = members.get(name).ok_or_else(|| format!("{name} is missing"))?;
    parse(raw).map_err(|what| format!("{name}: {what}"))
}
