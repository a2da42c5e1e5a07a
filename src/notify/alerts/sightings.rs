//! What is seen to be wrong at one look: from the facts to causes, with the thresholds of the configuration. Pure.

use std::time::Duration;

use super::kinds::Kind;
use crate::{
    clock::Millis,
    config::AlertsConfig,
    event::{Status, cause, hint_on, is_one_cause},
    store::{Block, DispatchPause, PauseScope, Trouble},
};

/// The disk is nearly full below so many times `database.min_free_disk` …
const DISK_LOW: u64 = 2;
/// … and has room again above so many times.
const DISK_ENOUGH: u64 = 3;
/// A secret that was used so recently is in use.
const SECRET_IN_USE: Duration = Duration::from_secs(3_600);
/// A pause without an end is forgotten after so long.
const PAUSE_FORGOTTEN: Duration = Duration::from_secs(12 * 3_600);
/// A backlog that is worked off so soon after a pause is none.
const BACKLOG_LASTS: Duration = Duration::from_secs(300);

/// What one process knows by itself.
#[derive(Debug, Clone, Default)]
pub struct Local {
    /// The ERP's words, while it refuses the login.
    pub login_refused: Option<String>,
    /// Whether the ERP is away.
    pub circuit_open: bool,
    /// Whether no event is dispatched at all: paused, in quiet hours, refused or away.
    pub stands_still: bool,
    /// Whether that is so because somebody wants it so, and the ERP is not even asked whether it is there.
    pub is_at_rest: bool,
    /// What is wrong with the installation.
    pub blocks: Vec<Block>,
    /// Webhook secrets behind the first, which is the newest.
    pub old_secrets: Vec<OldSecret>,
}

/// A webhook secret that should not be in use for long any more.
#[derive(Debug, Clone)]
pub struct OldSecret {
    /// By what it is known.
    pub fingerprint: String,
    /// When it was last used.
    pub last_used_at: Option<Millis>,
}

/// Everything that rules decide by.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub(super) now: Millis,
    pub(super) local: Local,
    pub(super) troubles: Vec<Trouble>,
    pub(super) oldest_waiting: Option<Millis>,
    pub(super) last_webhook_at: Option<Millis>,
    /// `webhook.silence_after`; zero says nothing of silence.
    pub(super) silence_after: Duration,
    /// What operators have paused.
    pub(super) pauses: Vec<DispatchPause>,
    /// Whether the door is closed for want of room.
    pub(super) is_full: bool,
    /// Bytes free, and `database.min_free_disk`.
    pub(super) disk: Option<(u64, u64)>,
    /// When the oldest write-back message was written that is still to be delivered.
    pub(super) oldest_message: Option<Millis>,
    /// Write-back messages that nobody tries to deliver any more.
    pub(super) dead_messages: i64,
}

/// How clearly something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// It is.
    Wrong,
    /// It was lately, and counts as lasting: what was told stays told, and nothing is told now.
    Lately,
    /// Neither, or nothing can be done about it now: what was told stays told, and how long it lasts is counted anew.
    Between,
}

/// Something that is wrong, or nearly.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sighting {
    /// By which it is recognised at the next look.
    pub(super) cause: String,
    /// What it is, Chinese first; nothing personal.
    pub(super) title: String,
    /// How many events, messages or things.
    pub(super) count: i64,
    pub(super) level: Level,
    /// Whether nothing goes on while it is so.
    pub(super) stops_all: bool,
    /// How long it must be so before it is told.
    pub(super) raise_after: Duration,
    /// Where the console shows it.
    pub(super) path: String,
    /// What the ERP said, where that may be told.
    pub(super) words: Option<String>,
    /// What to do.
    pub(super) advice: String,
}

impl Sighting {
    fn new(kind: Kind, title: impl Into<String>, path: impl Into<String>) -> Self {
        let (cause, title, path, advice) = (kind.as_str().into(), title.into(), path.into(), kind.advice().into());
        let (level, stops_all, raise_after) = (Level::Wrong, kind.stops_all(), Duration::ZERO);
        Self { cause, title, count: 1, level, stops_all, raise_after, path, words: None, advice }
    }

    /// One of several of its kind: which.
    fn of(kind: Kind, which: &str, title: impl Into<String>, path: impl Into<String>) -> Self {
        Self { cause: format!("{} {which}", kind.as_str()), ..Self::new(kind, title, path) }
    }
}

/// What is wrong.
pub(super) fn sightings(facts: &Facts, config: &AlertsConfig) -> Vec<Sighting> {
    let mut seen: Vec<Sighting> = facts.troubles.iter().filter_map(of_trouble).collect();
    seen.extend(of_erp(&facts.local, config));
    seen.extend(backlog_age(facts, config));
    seen.extend(silence(facts));
    seen.extend(forgotten(facts));
    seen.extend(facts.is_full.then(full));
    seen.extend(disk(facts));
    seen.extend(facts.local.old_secrets.iter().filter_map(|secret| old_secret(secret, facts.now, config)));
    seen.extend(outbox(facts, config));
    if !config.details {
        seen.iter_mut().for_each(|sighting| sighting.words = None);
    }
    seen
}

fn of_trouble(trouble: &Trouble) -> Option<Sighting> {
    let (kind, what) = match trouble.status {
        Status::Dead => (Kind::Dead, "同步失败 (events are dead)"),
        Status::NeedsReview => (Kind::NeedsReview, "待人工处理 (events need a person)"),
        _ => return None,
    };
    // A code is one of our own words; without one the state alone tells them apart.
    let code = if trouble.code.is_empty() { String::new() } else { format!("&code={}", trouble.code) };
    let path = format!("/events?status={}{code}", trouble.status);
    let cause = cause(&trouble.code);
    let seen = Sighting::of(kind, &trouble.code, format!("{what}：{}", cause.message), path);
    let advice = cause.hint().to_string();
    Some(Sighting { count: trouble.count, words: trouble.words.clone(), advice, ..seen })
}

fn of_erp(local: &Local, config: &AlertsConfig) -> Vec<Sighting> {
    let mut seen = of_blocks(&local.blocks);
    if let Some(words) = &local.login_refused {
        let title = "ERP 拒绝登录，派发已停止 (the ERP refuses the login; dispatch stands still)";
        seen.push(Sighting { words: Some(words.clone()), ..Sighting::new(Kind::LoginRefused, title, "/erp") });
    }
    if local.circuit_open {
        let title = "ERP 长时间无法访问 (the ERP has been away for long)";
        let level = if local.is_at_rest { Level::Between } else { Level::Wrong };
        let away = Sighting::new(Kind::CircuitOpen, title, "/erp");
        seen.push(Sighting { level, raise_after: config.circuit_open_for, ..away });
    }
    seen
}

/// Blocks of one cause are told of together, and counted.
fn of_blocks(blocks: &[Block]) -> Vec<Sighting> {
    let mut causes: Vec<(Block, i64)> = Vec::new();
    for block in blocks {
        match causes.iter_mut().find_map(|(known, count)| known.take_in(block).then_some(count)) {
            Some(count) => *count += 1,
            None => causes.push((block.clone(), 1)),
        }
    }
    causes.iter().map(|(block, count)| of_block(block, *count)).collect()
}

fn of_block(block: &Block, count: i64) -> Sighting {
    let title = format!("ERP 配置缺失 {}：{}", block.subject, cause(&block.code).message);
    let path = format!("/events?blocked=true&code={}", block.code);
    // The same cause is recognised by it, at however many interfaces it is met meanwhile.
    let which = if is_one_cause(&block.code) { &block.code } else { &block.name };
    let advice = hint_on(&block.code, &block.subject).to_string();
    Sighting { count, words: Some(block.words.clone()), advice, ..Sighting::of(Kind::Block, which, title, path) }
}

/// An old secret that is used now and then is in use all the time.
fn old_secret(secret: &OldSecret, now: Millis, config: &AlertsConfig) -> Option<Sighting> {
    let level = match now.since(secret.last_used_at?) {
        age if age <= SECRET_IN_USE => Level::Wrong,
        age if age <= config.old_secret_for => Level::Lately,
        _ => return None,
    };
    let print = &secret.fingerprint;
    let title = format!("旧的签名密钥 {print} 仍在使用 (an old webhook secret is still in use)");
    let seen = Sighting::of(Kind::OldSecret, print, title, "/settings");
    Some(Sighting { level, raise_after: config.old_secret_for, ..seen })
}

/// How clearly something has waited for too long.
fn overdue(since: Option<Millis>, facts: &Facts, config: &AlertsConfig) -> Option<Level> {
    let (age, high) = (facts.now.since(since?), config.backlog_age);
    match age {
        _ if high.is_zero() => None,
        age if age >= high => Some(Level::Wrong),
        age if age >= high / 2 => Some(Level::Between),
        _ => None,
    }
}

/// While nothing is dispatched, events wait because of that, of which people know or are told by another alert.
fn backlog_age(facts: &Facts, config: &AlertsConfig) -> Option<Sighting> {
    let overdue = overdue(facts.oldest_waiting, facts, config)?;
    let level = if facts.local.stands_still { Level::Between } else { overdue };
    let title = "积压：最早的事件等待过久 (the oldest event has waited for too long)";
    Some(Sighting {
        level,
        raise_after: BACKLOG_LASTS,
        ..Sighting::new(Kind::BacklogAge, title, "/events?status=queued")
    })
}

/// What the platform was not told: because it is away, or never.
fn outbox(facts: &Facts, config: &AlertsConfig) -> Vec<Sighting> {
    let mut seen = Vec::new();
    if let Some(level) = overdue(facts.oldest_message, facts, config) {
        let title = "回写积压：微信中台长时间收不到消息 (the platform has not been told for long)";
        // Old messages that are sent again are on their way, and old only by when they were written.
        seen.push(Sighting { level, raise_after: BACKLOG_LASTS, ..Sighting::new(Kind::OutboxAge, title, "/outbox") });
    }
    if facts.dead_messages > 0 {
        let title = "回写消息未能送达 (messages to the platform could not be delivered)";
        seen.push(Sighting { count: facts.dead_messages, ..Sighting::new(Kind::OutboxDead, title, "/outbox") });
    }
    seen
}

fn silence(facts: &Facts) -> Option<Sighting> {
    let silent = facts.now.since(facts.last_webhook_at?) > facts.silence_after && !facts.silence_after.is_zero();
    let title = "微信中台长时间没有推送 (the platform has been silent for long)";
    // After the bridge was away itself, senders come back by and by.
    silent.then(|| Sighting { raise_after: BACKLOG_LASTS, ..Sighting::new(Kind::Silence, title, "") })
}

/// Pauses that end when somebody ends them. Whose contacts they are, is nobody's business here: they are counted.
fn forgotten(facts: &Facts) -> Vec<Sighting> {
    let mut seen: Vec<Sighting> = Vec::new();
    let is_old = |pause: &&DispatchPause| pause.until.is_none() && facts.now.since(pause.since) >= PAUSE_FORGOTTEN;
    for pause in facts.pauses.iter().filter(is_old) {
        let (scope, what) = match &pause.scope {
            PauseScope::All => ("all".to_owned(), "全部 (everything)".to_owned()),
            PauseScope::Kind(kind) => (format!("type {kind}"), kind.clone()),
            PauseScope::Contact(_) => ("contact".to_owned(), "联系人 (contacts)".to_owned()),
        };
        let title = format!("派发已暂停很久，没有结束时间：{what} (dispatch has been paused for long)");
        let sighting = Sighting::of(Kind::Paused, &scope, title, "/erp");
        match seen.iter_mut().find(|before| before.cause == sighting.cause) {
            Some(before) => before.count += 1,
            None => seen.push(sighting),
        }
    }
    seen
}

fn full() -> Sighting {
    let title = "积压或磁盘已满，新事件被拒收 (the backlog or the disk is full: the door answers 503)";
    Sighting::new(Kind::Full, title, "/events?status=queued")
}

fn disk(facts: &Facts) -> Option<Sighting> {
    let (free, min) = facts.disk.filter(|(_, min)| *min > 0)?;
    let level = match free {
        free if free < min.saturating_mul(DISK_LOW) => Level::Wrong,
        free if free < min.saturating_mul(DISK_ENOUGH) => Level::Between,
        _ => return None,
    };
    Some(Sighting { level, ..Sighting::new(Kind::Disk, "磁盘空间不足 (the disk is nearly full)", "") })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_795_500_000_000);
    const MINUTE: Duration = Duration::from_secs(60);
    const MS: Duration = Duration::from_millis(1);

    fn seen(facts: Facts, config: &AlertsConfig) -> Vec<Sighting> {
        sightings(&Facts { now: NOW, ..facts }, config)
    }

    fn level(facts: Facts) -> Option<Level> {
        let config = AlertsConfig { backlog_age: MINUTE * 30, ..AlertsConfig::default() };
        seen(facts, &config).pop().map(|seen| seen.level)
    }

    fn ago(span: Duration) -> Option<Millis> {
        Some(NOW.minus(span))
    }

    fn pause(scope: PauseScope, since: Millis, until: Option<Millis>) -> DispatchPause {
        let (name, reason, actor) = (format!("pause {scope}"), "等客户确认".into(), "ops".into());
        DispatchPause { name, scope, reason, actor, since, until }
    }

    #[test]
    fn each_threshold_is_judged_one_below_at_and_above() {
        let waiting = |age| level(Facts { oldest_waiting: ago(age), ..Facts::default() });
        for (age, expected) in [
            (MINUTE * 15 - MS, None),
            (MINUTE * 15, Some(Level::Between)),
            (MINUTE * 30 - MS, Some(Level::Between)),
            (MINUTE * 30, Some(Level::Wrong)),
            (MINUTE * 30 + MS, Some(Level::Wrong)),
        ] {
            assert_eq!(waiting(age), expected, "{age:?}");
        }
        let silent = |age, silence_after| {
            level(Facts { last_webhook_at: ago(age), silence_after, ..Facts::default() }).is_some()
        };
        assert!(!silent(MINUTE, MINUTE) && silent(MINUTE + MS, MINUTE) && !silent(MINUTE * 9, Duration::ZERO));
        let disk = |free| level(Facts { disk: Some((free, 100)), ..Facts::default() });
        let (wrong, between) = (Some(Level::Wrong), Some(Level::Between));
        assert_eq!([199, 200, 299, 300].map(disk), [wrong, between, between, None]);
        assert!(level(Facts { disk: Some((0, 0)), ..Facts::default() }).is_none(), "turned off");
        let secret = |last_used_at| {
            let old_secrets = vec![OldSecret { fingerprint: "ab".into(), last_used_at }];
            level(Facts { local: Local { old_secrets, ..Local::default() }, ..Facts::default() })
        };
        let day = AlertsConfig::default().old_secret_for;
        let used = [SECRET_IN_USE, SECRET_IN_USE + MS, day, day + MS].map(|age| secret(ago(age)));
        let lately = Some(Level::Lately);
        assert_eq!(used, [wrong, lately, lately, None]);
        assert_eq!(secret(None), None);
        let paused = |age| {
            let local = Local { stands_still: true, ..Local::default() };
            level(Facts { oldest_waiting: ago(age), local, ..Facts::default() })
        };
        assert_eq!([MINUTE * 15 - MS, MINUTE * 60].map(paused), [None, between], "people know why");
        let away = |is_at_rest| {
            let local = Local { circuit_open: true, stands_still: true, is_at_rest, ..Local::default() };
            level(Facts { local, ..Facts::default() })
        };
        assert_eq!([false, true].map(away), [wrong, between], "nobody looks whether it is back");
        let standing = |since, until| {
            let facts =
                Facts { pauses: vec![pause(PauseScope::Contact("c1".into()), since, until)], ..Facts::default() };
            seen(facts, &AlertsConfig::default()).len()
        };
        let long_ago = NOW.minus(PAUSE_FORGOTTEN);
        assert_eq!([NOW.minus(PAUSE_FORGOTTEN - MS), long_ago].map(|since| standing(since, None)), [0, 1]);
        assert_eq!(standing(long_ago, Some(NOW.plus(MS))), 0, "it ends by itself");
        assert_eq!([true, false].map(|is_full| level(Facts { is_full, ..Facts::default() })), [wrong, None]);
        let untold = |age| level(Facts { oldest_message: ago(age), ..Facts::default() });
        assert_eq!([MINUTE * 15 - MS, MINUTE * 15, MINUTE * 30].map(untold), [None, between, wrong]);
    }

    #[test]
    fn of_forgotten_pauses_of_contacts_their_number_is_told_and_nothing_of_whom() {
        let since = NOW.minus(PAUSE_FORGOTTEN);
        let scopes = [
            PauseScope::Contact("zhang-138".into()),
            PauseScope::Kind("deal.closed".into()),
            PauseScope::Contact("li-139".into()),
            PauseScope::All,
        ];
        let pauses = scopes.map(|scope| pause(scope, since, None)).into();
        let seen = seen(Facts { pauses, ..Facts::default() }, &AlertsConfig::default());
        let counted: Vec<_> = seen.iter().map(|seen| (seen.cause.as_str(), seen.count)).collect();
        assert_eq!(counted, [("paused contact", 2), ("paused type deal.closed", 1), ("paused all", 1)]);
        // Every member of a sighting may be sent.
        let told = format!("{seen:?}");
        assert!(["zhang", "li-139", "等客户确认"].iter().all(|personal| !told.contains(personal)), "{told}");
    }

    #[test]
    fn a_refused_login_an_erp_that_is_away_and_a_closed_door_stop_everything_and_nothing_else_does() {
        let local = Local { login_refused: Some("密码错误".into()), circuit_open: true, ..Local::default() };
        let facts = Facts { local, is_full: true, dead_messages: 1, disk: Some((1, 100)), ..Facts::default() };
        let seen = seen(facts, &AlertsConfig::default());
        let (stopping, others): (Vec<_>, Vec<_>) = seen.iter().partition(|seen| seen.stops_all);
        assert_eq!((stopping.len(), others.len()), (3, 2), "{seen:?}");
    }

    #[test]
    fn the_erp_s_words_are_told_only_where_that_is_configured() {
        let trouble =
            |status| Trouble { status, code: "refused".into(), count: 3, words: Some("张三 重复".into()) };
        let facts =
            || Facts { troubles: vec![trouble(Status::Dead), trouble(Status::NeedsReview)], ..Facts::default() };
        let silent = seen(facts(), &AlertsConfig::default());
        assert!(silent.iter().all(|seen| seen.words.is_none() && !seen.title.contains("张三")), "{silent:?}");
        let causes: Vec<_> = silent.iter().map(|seen| seen.cause.as_str()).collect();
        assert_eq!(causes, ["dead refused", "needs_review refused"]);
        let open = seen(facts(), &AlertsConfig { details: true, ..AlertsConfig::default() });
        assert_eq!(open[0].words.as_deref(), Some("张三 重复"));
    }
}
