//! Replays as things of their own: a fixed set of events, put back bit by bit, exactly once.

use std::{collections::BTreeSet, time::Duration};

use erp_bridge::{
    event::{Forecast, Status},
    store::{
        ChosenEvent, EventFilter, NewReplay, OPEN_REPLAYS_MAX, PauseScope, REPLAY_ROOM, ReplayDeed, ReplayDetail,
        ReplayRefused, ReplayState, Resolution, Settlement, Store,
    },
};
use serde_json::json;

use super::{Ledger, event, on_both};

on_both! {
    a_replay_holds_the_events_that_matched_when_it_was_made_and_nothing_before_it_is_started
    a_cause_of_300_dead_events_is_put_back_a_room_at_a_time_paused_and_gone_on_with
    whoever_is_killed_in_the_middle_leaves_nothing_undone_and_nothing_done_twice
    what_somebody_else_changed_is_passed_over_and_what_waits_goes_first
    what_a_person_decided_while_a_replay_stood_still_is_not_undone_by_it
    what_was_given_up_or_held_is_put_back_where_it_was_chosen_so
    a_replay_of_a_paused_type_puts_no_more_back_than_there_is_room_for
    an_event_that_cannot_be_put_back_holds_up_none_behind_it
    many_at_once_open_no_more_replays_than_may_stand_open
    only_so_many_replays_stand_open_and_each_change_fits_its_state
    old_replays_and_drafts_are_forgotten_and_running_ones_are_not
}

/// Many dead events, each of a contact of its own, in order of acceptance.
async fn dead(ledger: &Ledger, count: usize, code: &'static str) -> Vec<String> {
    let contacts = (0..count).map(|number| event(&format!("{code}{number}"), &format!("{code}-{number}")));
    futures::future::join_all(contacts.map(|event| ledger.accept(event))).await;
    let claimed = ledger.claim(count).await;
    assert_eq!(claimed.len(), count);
    let settled = claimed.into_iter().map(|claimed| async move {
        ledger.store.settle(claimed.lease, Settlement::to(Status::Dead).because(code, "不行")).await.unwrap();
    });
    futures::future::join_all(settled).await;
    let filter = of(code);
    let mut events = ledger.store.list_events(&filter, None, 1_000).await.unwrap();
    events.reverse();
    events.into_iter().map(|event| event.id).collect()
}

fn of(code: &str) -> EventFilter {
    EventFilter { statuses: vec![Status::Dead], code: Some(code.into()), ..EventFilter::default() }
}

/// Makes a replay of all dead events with this code.
async fn made(ledger: &Ledger, code: &str) -> String {
    made_of(ledger, &of(code), code).await
}

async fn made_of(ledger: &Ledger, filter: &EventFilter, code: &str) -> String {
    let (mut events, mut after) = (Vec::new(), 0);
    loop {
        let batch = ledger.store.replay_candidates(filter, after).await.unwrap();
        let Some(last) = batch.last() else { break };
        after = last.seq;
        let chosen = batch.into_iter().map(|candidate| ChosenEvent {
            id: candidate.id,
            status: candidate.status,
            forecast: Forecast::Record,
        });
        events.extend(chosen);
    }
    let new = NewReplay { reason: Some("已修复".into()), filter: json!({ "code": code }), more: false, events };
    ledger.store.create_replay(new, &"ops".into()).await.unwrap()
}

async fn change(store: &Store, id: &str, deed: ReplayDeed) -> Result<(), ReplayRefused> {
    store.change_replay(id, deed, &"ops".into(), None).await
}

async fn detail(ledger: &Ledger, id: &str) -> ReplayDetail {
    ledger.store.replay_detail(id).await.unwrap().unwrap()
}

/// State, put back, passed over.
async fn standing(ledger: &Ledger, id: &str) -> (ReplayState, i64, i64) {
    let replay = detail(ledger, id).await.replay;
    (replay.state, replay.put_back, replay.passed_over)
}

/// Lets all that is due succeed; answers the events, in the order of their contacts' turns.
async fn run_all(ledger: &Ledger) -> Vec<String> {
    let mut ran = Vec::new();
    for claimed in ledger.claim(1_000).await {
        ran.push(claimed.event.id.clone());
        ledger.store.settle(claimed.lease, Settlement::to(Status::Succeeded)).await.unwrap();
    }
    ran
}

async fn put_back_entries(ledger: &Ledger) -> Vec<String> {
    let log = ledger.store.audit_log(None, 10_000).await.unwrap();
    log.into_iter().filter(|row| row.action == "event.replay").map(|row| row.subject).collect()
}

async fn a_replay_holds_the_events_that_matched_when_it_was_made_and_nothing_before_it_is_started(ledger: &Ledger) {
    let first = dead(ledger, 3, "refused").await;
    let id = made(ledger, "refused").await;
    let later = ledger.ended("later", Status::Dead).await;
    assert_eq!(standing(ledger, &id).await, (ReplayState::Draft, 0, 0));
    assert_eq!(ledger.store.feed_replays().await, Ok(0), "a draft does nothing");
    let events = ledger.store.replay_events(&id, -1, 10).await.unwrap();
    assert_eq!(events.iter().map(|event| event.event_id.clone()).collect::<Vec<_>>(), first);
    assert!(events.iter().all(|event| event.state == "waiting" && event.status == Some(Status::Dead)));
    assert_eq!(detail(ledger, &id).await.forecast, [(Forecast::Record, 3)].into());
    assert_eq!(ledger.store.replay_events(&id, 1, 10).await.unwrap().len(), 1, "behind the second");
    change(&ledger.store, &id, ReplayDeed::Start).await.unwrap();
    assert_eq!(ledger.store.feed_replays().await, Ok(3));
    assert_eq!(standing(ledger, &id).await, (ReplayState::Done, 3, 0));
    assert_eq!(run_all(ledger).await.len(), 3);
    assert_eq!(detail(ledger, &id).await.outcomes, [(Status::Succeeded, 3)]);
    assert_eq!(ledger.status(&later).await, Status::Dead);
    let empty = made(ledger, "unknown").await;
    change(&ledger.store, &empty, ReplayDeed::Start).await.unwrap();
    assert_eq!(standing(ledger, &empty).await, (ReplayState::Done, 0, 0), "nothing is done at once");
}

async fn a_cause_of_300_dead_events_is_put_back_a_room_at_a_time_paused_and_gone_on_with(ledger: &Ledger) {
    let all = dead(ledger, 300, "refused").await;
    let id = made(ledger, "refused").await;
    change(&ledger.store, &id, ReplayDeed::Start).await.unwrap();
    assert_eq!(ledger.store.feed_replays().await, Ok(50));
    assert_eq!(ledger.store.feed_replays().await, Ok(0), "as many wait as may");
    let mut ran = run_all(ledger).await;
    assert_eq!(ledger.store.feed_replays().await, Ok(50));
    change(&ledger.store, &id, ReplayDeed::Pause).await.unwrap();
    ran.extend(run_all(ledger).await);
    assert_eq!(ledger.store.feed_replays().await, Ok(0), "it stands still");
    assert_eq!(standing(ledger, &id).await, (ReplayState::Paused, 100, 0));
    change(&ledger.store, &id, ReplayDeed::Resume).await.unwrap();
    while ledger.store.feed_replays().await.unwrap() > 0 {
        ran.extend(run_all(ledger).await);
    }
    assert_eq!(standing(ledger, &id).await, (ReplayState::Done, 300, 0));
    assert_eq!(detail(ledger, &id).await.outcomes, [(Status::Succeeded, 300)]);
    let once = |events: &[String]| events.iter().cloned().collect::<BTreeSet<_>>();
    assert_eq!((ran.len(), once(&ran)), (300, once(&all)));
    assert_eq!(put_back_entries(ledger).await.len(), 300, "each is in the audit log once");
}

async fn whoever_is_killed_in_the_middle_leaves_nothing_undone_and_nothing_done_twice(ledger: &Ledger) {
    let all = dead(ledger, 120, "refused").await;
    let id = made(ledger, "refused").await;
    change(&ledger.store, &id, ReplayDeed::Start).await.unwrap();
    let (one, other, mut ran) = (ledger.replica().await, ledger.replica().await, Vec::new());
    // Two replicas feed at once, and both are cut off in the middle, again and again.
    for round in 0.. {
        let feeding = futures::future::join(one.feed_replays(), other.feed_replays());
        let cut = tokio::time::timeout(Duration::from_millis(5 + round * 3), feeding).await;
        if let Ok((first, second)) = cut {
            first.and(second).unwrap();
        }
        ran.extend(run_all(ledger).await);
        if standing(ledger, &id).await.0 == ReplayState::Done {
            assert!(round > 2, "it was cut off");
            break;
        }
    }
    // What a feeding that was cut off committed while the others ran.
    ran.extend(run_all(ledger).await);
    assert_eq!(standing(ledger, &id).await, (ReplayState::Done, 120, 0));
    let once: BTreeSet<_> = ran.iter().cloned().collect();
    assert_eq!((ran.len(), once), (120, all.into_iter().collect()));
    let entries = put_back_entries(ledger).await;
    assert_eq!((entries.len(), entries.into_iter().collect::<BTreeSet<_>>().len()), (120, 120));
}

async fn what_somebody_else_changed_is_passed_over_and_what_waits_goes_first(ledger: &Ledger) {
    let all = dead(ledger, 4, "refused").await;
    let id = made(ledger, "refused").await;
    ledger.store.discard(&all[1], &"ops".into(), None, None).await.unwrap();
    ledger.store.replay(&all[2], &"ops".into(), None, None).await.unwrap();
    assert_eq!(run_all(ledger).await, [all[2].clone()]);
    for number in 0..REPLAY_ROOM - 1 {
        ledger.queue(&format!("fresh{number}")).await;
    }
    change(&ledger.store, &id, ReplayDeed::Start).await.unwrap();
    assert_eq!(ledger.store.feed_replays().await, Ok(1), "there is room for one");
    assert_eq!(ledger.store.feed_replays().await, Ok(0), "those that came in fresh go first");
    run_all(ledger).await;
    assert_eq!(ledger.store.feed_replays().await, Ok(1), "what was given up since stays so");
    assert_eq!(standing(ledger, &id).await, (ReplayState::Done, 2, 2));
    let states: Vec<_> = ledger.store.replay_events(&id, -1, 10).await.unwrap();
    let states: Vec<_> = states.iter().map(|event| event.state.as_str()).collect();
    assert_eq!(states, ["put_back", "passed_over", "passed_over", "put_back"]);
}

async fn what_a_person_decided_while_a_replay_stood_still_is_not_undone_by_it(ledger: &Ledger) {
    let all = dead(ledger, 3, "refused").await;
    let id = made(ledger, "refused").await;
    change(&ledger.store, &id, ReplayDeed::Start).await.unwrap();
    change(&ledger.store, &id, ReplayDeed::Pause).await.unwrap();
    ledger.store.discard(&all[0], &"ops".into(), Some("重复"), None).await.unwrap();
    // Somebody replays the second, and it comes to need a decision.
    ledger.store.replay(&all[1], &"ops".into(), None, None).await.unwrap();
    let asked = Settlement { review: Some(json!({"decisions": ["done"]})), ..Settlement::to(Status::NeedsReview) };
    ledger.store.settle(ledger.claim_one().await.lease, asked).await.unwrap();
    change(&ledger.store, &id, ReplayDeed::Resume).await.unwrap();
    assert_eq!(ledger.store.feed_replays().await, Ok(1));
    assert_eq!(standing(ledger, &id).await, (ReplayState::Done, 1, 2));
    let mut statuses = Vec::new();
    for event in &all {
        statuses.push(ledger.status(event).await);
    }
    assert_eq!(statuses, [Status::Discarded, Status::NeedsReview, Status::Queued]);
    ledger.store.resolve(&all[1], &Resolution::Done, &"ops".into(), None, None).await.unwrap();
}

async fn what_was_given_up_or_held_is_put_back_where_it_was_chosen_so(ledger: &Ledger) {
    let [given_up, other] = <[String; 2]>::try_from(dead(ledger, 2, "refused").await).unwrap();
    ledger.store.discard(&given_up, &"ops".into(), None, None).await.unwrap();
    let filter = EventFilter { statuses: vec![Status::Discarded], ..EventFilter::default() };
    let id = made_of(ledger, &filter, "refused").await;
    change(&ledger.store, &id, ReplayDeed::Start).await.unwrap();
    assert_eq!(ledger.store.feed_replays().await, Ok(1));
    assert_eq!((ledger.status(&given_up).await, ledger.status(&other).await), (Status::Queued, Status::Dead));
}

async fn a_replay_of_a_paused_type_puts_no_more_back_than_there_is_room_for(ledger: &Ledger) {
    dead(ledger, 120, "refused").await;
    let id = made(ledger, "refused").await;
    change(&ledger.store, &id, ReplayDeed::Start).await.unwrap();
    let scope = PauseScope::Kind("message.logged".into());
    ledger.store.pause(&scope, "ERP 升级", None, &"ops".into()).await.unwrap();
    let mut put_back = Vec::new();
    for _ in 0..5 {
        put_back.push(ledger.store.feed_replays().await.unwrap());
        assert!(ledger.claim(1_000).await.is_empty(), "nothing of a paused type runs");
    }
    assert_eq!(put_back, [50, 0, 0, 0, 0]);
}

async fn an_event_that_cannot_be_put_back_holds_up_none_behind_it(ledger: &Ledger) {
    let all = dead(ledger, 4, "refused").await;
    let id = made(ledger, "refused").await;
    ledger.run(&format!("update events set status = 'unknown' where id = '{}'", all[1])).await;
    change(&ledger.store, &id, ReplayDeed::Start).await.unwrap();
    assert_eq!(ledger.store.feed_replays().await, Ok(3));
    assert_eq!(run_all(ledger).await, [all[0].clone(), all[2].clone(), all[3].clone()]);
    assert_eq!(ledger.store.feed_replays().await, Ok(0));
    ledger.run(&format!("update events set status = 'dead' where id = '{}'", all[1])).await;
    assert_eq!(ledger.store.feed_replays().await, Ok(1), "it was not given up");
    assert_eq!(standing(ledger, &id).await, (ReplayState::Done, 4, 0));
}

async fn many_at_once_open_no_more_replays_than_may_stand_open(ledger: &Ledger) {
    let new = NewReplay { reason: None, filter: json!({}), more: false, events: Vec::new() };
    for _ in 2..OPEN_REPLAYS_MAX {
        ledger.store.create_replay(new.clone(), &"ops".into()).await.unwrap();
    }
    let actor = "ops".into();
    let at_once = (0..6).map(|_| ledger.store.create_replay(new.clone(), &actor));
    let made = futures::future::join_all(at_once).await;
    let (made, refused): (Vec<_>, Vec<_>) = made.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), refused.len()), (2, 4));
    assert!(refused.into_iter().all(|refused| refused == Err(ReplayRefused::TooMany)));
}

async fn only_so_many_replays_stand_open_and_each_change_fits_its_state(ledger: &Ledger) {
    dead(ledger, 1, "refused").await;
    let id = made(ledger, "refused").await;
    for _ in 1..OPEN_REPLAYS_MAX {
        made(ledger, "refused").await;
    }
    let new = NewReplay { reason: None, filter: json!({}), more: false, events: Vec::new() };
    assert_eq!(ledger.store.create_replay(new.clone(), &"ops".into()).await, Err(ReplayRefused::TooMany));
    use ReplayDeed as D;
    use ReplayState as S;
    for (deed, expected) in [
        (D::Pause, Err(S::Draft)),
        (D::Resume, Err(S::Draft)),
        (D::Start, Ok(())),
        (D::Start, Err(S::Running)),
        (D::Resume, Err(S::Running)),
        (D::Pause, Ok(())),
        (D::Start, Err(S::Paused)),
        (D::Stop, Ok(())),
        (D::Stop, Err(S::Stopped)),
        (D::Resume, Err(S::Stopped)),
    ] {
        assert_eq!(change(&ledger.store, &id, deed).await, expected.map_err(ReplayRefused::WrongState), "{deed:?}");
    }
    assert_eq!(change(&ledger.store, "no such id", D::Start).await, Err(ReplayRefused::Unknown));
    assert_eq!(ledger.store.feed_replays().await, Ok(0), "what was not put back stays as it was");
    ledger.store.create_replay(new, &"ops".into()).await.unwrap();
    let listed = ledger.store.replays(None, 2).await.unwrap();
    assert_eq!((listed.len(), listed[0].state), (2, S::Draft));
    assert_eq!(ledger.store.replays(Some(listed[1].seq), 100).await.unwrap().len() as i64, OPEN_REPLAYS_MAX - 1);
}

async fn old_replays_and_drafts_are_forgotten_and_running_ones_are_not(ledger: &Ledger) {
    dead(ledger, 1, "refused").await;
    let [draft, running, stopped] = [made(ledger, "refused").await, made(ledger, "x").await, made(ledger, "x").await];
    ledger.run(&format!("update replays set state = 'running' where id = '{running}'")).await;
    change(&ledger.store, &stopped, ReplayDeed::Stop).await.unwrap();
    let (now, later) = (ledger.clock.now(), ledger.clock.now().plus(Duration::from_secs(1)));
    assert_eq!(ledger.store.prune_replays(now, now).await, Ok(0), "nothing is older");
    assert_eq!(ledger.store.prune_replays(now, later).await, Ok(1));
    assert!(!ledger.store.has_replay(&draft).await.unwrap());
    assert_eq!(ledger.store.replay_events(&draft, -1, 10).await, Ok(Vec::new()));
    assert_eq!(ledger.store.prune_replays(later, later).await, Ok(1));
    assert!(ledger.store.has_replay(&running).await.unwrap() && !ledger.store.has_replay(&stopped).await.unwrap());
}
