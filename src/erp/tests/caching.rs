//! What is remembered: choices, accounts, a closed progress list.

use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::join_all;
use serde_json::json;

use super::*;
use crate::erp::{
    ChoiceField, ErpError, Installation, ProgressList,
    fake::{Act, Seen, list, say, status, words},
};

fn options(texts: &[(i64, &str)]) -> Act {
    let options: Vec<_> = texts.iter().map(|(id, text)| json!({"id": id, "text": text})).collect();
    say(json!({"header": {"status": 0}, "body": {"source": {"type_": "options", "options": options}}}))
}

#[tokio::test]
async fn choices_are_asked_once_by_many_and_again_when_they_are_old() {
    let fake = Fake::with_login(|_| options(&[(171, "网站注册"), (980, "微信")])).await;
    let clock = Clock::manual(START);
    let erp = erp_with(config(fake.base_url()), &clock, Arc::new(MemorySessions::default()));
    let ids = join_all((0..20).map(|_| erp.choice_id(ChoiceField::Source, " 微信 "))).await;
    assert_eq!(ids, vec![Ok(980); 20]);
    assert_eq!(fake.calls().len(), 1);
    assert_eq!(fake.calls()[0].path, "/sysa/mobilephone/source.asp?enumid=13");
    clock.advance(config("http://erp.test").choices_max_age);
    assert_eq!(erp.choice_id(ChoiceField::Source, "微信").await, Ok(980));
    assert_eq!(fake.calls().len(), 2);
    assert_eq!(erp.choice_id(ChoiceField::Level, "微信").await, Ok(980));
    assert_eq!(fake.calls().len(), 3, "another field is another list");
}

#[tokio::test]
async fn a_missing_choice_is_named_with_what_there_is_and_looked_for_again_after_a_minute() {
    let fake = Fake::with_login(|_| options(&[(171, "网站注册"), (977, "VIP")])).await;
    let clock = Clock::manual(START);
    let erp = erp_with(config(fake.base_url()), &clock, Arc::new(MemorySessions::default()));
    let missing = ErpError::ChoiceMissing {
        field: "客户来源 (ly)".into(),
        wanted: "微信".into(),
        available: vec!["网站注册".into(), "VIP".into()],
    };
    for (advance, calls) in [(0, 1), (59, 1), (1, 2), (0, 2)] {
        clock.advance(Duration::from_secs(advance));
        assert_eq!(erp.choice_id(ChoiceField::Source, "微信").await, Err(missing.clone()));
        assert_eq!(fake.calls().len(), calls);
    }
}

#[tokio::test]
async fn a_failure_to_read_choices_is_shared_and_not_kept() {
    let fake = Fake::with_login(|_| Act::Status(500, String::new())).await;
    let erp = erp(&fake);
    let results = join_all((0..20).map(|_| erp.choices(ChoiceField::Level))).await;
    assert!(results.iter().all(|result| matches!(result, Err(error) if error.is_delivery_failure())));
    assert_eq!(fake.calls().len(), 1);
    assert!(erp.choices(ChoiceField::Level).await.is_err());
    assert_eq!(fake.calls().len(), 2);
}

#[tokio::test]
async fn a_list_of_no_choices_lacks_each_and_an_answer_without_a_list_says_nothing() {
    let fake = Fake::with_login(|_| options(&[])).await;
    let missing =
        ErpError::ChoiceMissing { field: "价值评估 (jz)".into(), wanted: "较高".into(), available: Vec::new() };
    assert_eq!(erp(&fake).choice_id(ChoiceField::Level, "较高").await, Err(missing));
    let fake = Fake::with_login(|_| say(json!({"header": {"status": 0}, "body": {"source": {}}}))).await;
    assert!(matches!(erp(&fake).choices(ChoiceField::Level).await, Err(ErpError::OutcomeUnknown { .. })));
}

#[tokio::test]
async fn accounts_are_remembered() {
    let fake = Fake::with_login(|_| say(json!({"Code": 200, "Cols": [{"id": "name"}, {"id": "ord"}, {"id": "partname"}], "Rows": [["李四", 63, "销售部"]], "Page": {"PageCount": 1}}))).await;
    let erp = erp(&fake);
    for _ in 0..2 {
        let accounts = erp.list_accounts().await.unwrap();
        assert_eq!(
            (accounts[0].ord.as_str(), accounts[0].name.as_deref(), accounts[0].part_name.as_deref()),
            ("63", Some("李四"), Some("销售部"))
        );
    }
    assert_eq!(fake.calls().len(), 1);
}

fn is_progress_list(seen: &Seen) -> bool {
    seen.path.contains("replylist")
}

#[tokio::test]
async fn a_closed_progress_list_is_remembered_for_ten_minutes() {
    for act in [Act::Status(404, "<html>".into()), Act::Status(403, String::new())] {
        let what = format!("{act:?}");
        let fake = Fake::with_login(move |seen| {
            if is_progress_list(seen) { act.clone() } else { list(&["ord"], json!([]), json!({"recordcount": 0})) }
        })
        .await;
        let clock = Clock::manual(START);
        let erp = erp_with(config(fake.base_url()), &clock, Arc::new(MemorySessions::default()));
        for (advance, calls) in [(0, 1), (599, 1), (1, 2)] {
            clock.advance(Duration::from_secs(advance));
            let listed = erp.list_progress(7592, None, |_| false).await;
            assert!(matches!(listed, Ok(ProgressList::Closed(_))), "{what}: {listed:?}");
            let asked = fake.calls().iter().filter(|seen| is_progress_list(seen)).count();
            assert_eq!(asked, calls, "{what} after {advance} s");
        }
    }
}

#[tokio::test]
async fn a_list_is_closed_to_all_only_where_two_customers_that_are_there_were_refused_and_none_was_ever_read() {
    for (was_read, are_there, act) in [
        (false, true, words("您没有权限查看")),
        (false, true, status(7, "该客户不属于您")),
        (false, false, words("该客户不存在")),
        (true, true, words("您没有权限查看")),
        (true, false, words("该客户不存在")),
    ] {
        let what = format!("{was_read} {are_there} {act:?}");
        let begun = AtomicBool::new(false);
        let fake = Fake::with_login(move |seen| {
            let is_first = is_progress_list(seen) && !begun.swap(true, Ordering::SeqCst);
            if is_progress_list(seen) && !(was_read && is_first) {
                return act.clone();
            }
            let there = if are_there && !is_progress_list(seen) { &[7591, 7592, 7593][..] } else { &[] };
            let rows: Vec<_> = there.iter().map(|ord| json!([ord, ""])).collect();
            list(&["ord", "intro"], json!(rows), json!({"recordcount": rows.len()}))
        })
        .await;
        let clock = Clock::manual(START);
        let erp = erp_with(config(fake.base_url()), &clock, Arc::new(MemorySessions::default()));
        if was_read {
            let read = erp.list_progress(7590, None, |_| false).await;
            assert!(matches!(read, Ok(ProgressList::Records(_))), "{what}: {read:?}");
        }
        let asked = || fake.calls().iter().filter(|seen| is_progress_list(seen)).count();
        let before = asked();
        // One, the same again, another, and whoever comes then.
        for (ord, calls) in [(7591, 1), (7591, 2), (7592, 3), (7593, if was_read || !are_there { 4 } else { 3 })] {
            let listed = erp.list_progress(ord, None, |_| false).await;
            assert!(matches!(listed, Ok(ProgressList::Closed(_))), "{what} {ord}: {listed:?}");
            assert_eq!(asked() - before, calls, "{what} {ord}");
        }
    }
}

#[tokio::test]
async fn an_outage_never_closes_the_progress_list() {
    let outages = [
        Act::Status(500, String::new()),
        Act::Say(String::new()),
        Act::Say("<html>".into()),
        Act::Raw(Vec::new()),
        words("系统繁忙，请稍后再试"),
        list(&["ord", "date7"], json!([["1", "2026-11-23"]]), json!({})),
    ];
    for act in outages {
        let what = format!("{act:?}");
        let fake = Fake::with_login(move |_| act.clone()).await;
        let erp = erp(&fake);
        assert!(erp.list_progress(7592, None, |_| false).await.is_err(), "{what}");
        let calls = fake.calls().len();
        assert!(erp.list_progress(7592, None, |_| false).await.is_err(), "{what}");
        assert!(fake.calls().len() > calls, "{what}");
    }
}

#[tokio::test]
async fn progress_records_are_asked_for_newest_first_and_read_as_they_come() {
    let fake = Fake::with_login(|_| {
        list(
            &["date7", "intro", "ord"],
            json!([["2026-11-23", "a&lt;b", 5], ["2026-11-22", "c", 4]]),
            json!({"recordcount": 2}),
        )
    })
    .await;
    let ProgressList::Records(records) = erp(&fake).list_progress(7592, None, |_| false).await.unwrap() else {
        panic!("closed")
    };
    assert_eq!(
        (records[0].ord, records[0].intro.as_str(), records[0].date.as_deref()),
        (Some(5), "a<b", Some("2026-11-23"))
    );
    let call = &fake.calls()[0];
    assert_eq!(
        (call.field("ord"), call.field("_rpt_sort"), call.field("pagesize")),
        (Some("7592"), Some("-date7"), Some("100"))
    );
}

#[tokio::test]
async fn a_lost_session_never_closes_the_progress_list() {
    let fake = Fake::with_login(|_| status(1, "session expired")).await;
    let erp = erp(&fake);
    for _ in 0..2 {
        assert_eq!(erp.list_progress(7592, None, |_| false).await, Err(ErpError::SessionExpired));
    }
}

#[tokio::test]
async fn a_progress_list_that_is_a_page_for_a_minute_while_the_erp_answers_is_closed() {
    let fake = Fake::with_login(|seen| {
        if is_progress_list(seen) {
            Act::Say("<html>500</html>".into())
        } else {
            list(&["ord", "name"], json!([]), json!({"recordcount": 0}))
        }
    })
    .await;
    let clock = Clock::manual(START);
    let erp = erp_with(config(fake.base_url()), &clock, Arc::new(MemorySessions::default()));
    for (advance, closed) in [(0, false), (59, false), (1, true), (0, true), (600, true)] {
        clock.advance(Duration::from_secs(advance));
        let listed = erp.list_progress(7592, None, |_| false).await;
        assert_eq!(matches!(listed, Ok(ProgressList::Closed(_))), closed, "{listed:?}");
    }
}

#[tokio::test]
async fn what_a_survey_saw_is_believed_of_the_version_that_it_saw_and_of_no_other() {
    let fake = Fake::with_login(|_| options(&[(171, "网站注册")])).await;
    let erp = erp(&fake);
    let seen = |version: &str| Installation {
        app_version: version.into(),
        sorts_customers: Some(true),
        ..Installation::default()
    };
    assert_eq!(erp.installation(), Installation::default());
    erp.believe(seen("another"));
    assert_eq!(erp.installation(), seen("another"), "nobody has said yet which version it is");
    let version = erp.check_login().await.unwrap().app_version.unwrap();
    assert_eq!(erp.installation(), Installation::default());
    for believed in [version.as_str(), ""] {
        erp.believe(seen(believed));
        assert_eq!(erp.installation(), seen(believed), "where the survey's login was an earlier one, nobody said");
    }
}
