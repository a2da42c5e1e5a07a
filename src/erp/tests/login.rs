//! Sessions: renewed once, by one login at a time; refusals are remembered.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures::future::join_all;
use secrecy::SecretString;
use serde_json::json;

use super::*;
use crate::erp::{
    Answer, CustomerFilter, ErpError, FaultCause, Field, StoredSession,
    fake::{self, Act, list, say, session, status, words},
};

/// Knows only the session `good`.
fn only(good: &'static str) -> impl Fn(&fake::Seen) -> Act {
    move |seen| if seen.session() == Some(good) { words("保存成功") } else { status(1, "session expired") }
}

async fn call(erp: &Erp) -> Result<Answer, ErpError> {
    erp.apply(7592).await
}

#[tokio::test]
async fn an_expired_session_is_renewed_once_and_the_call_repeated() {
    let fake = Fake::with_login(only("s2")).await;
    let erp = erp(&fake);
    assert_eq!(call(&erp).await, Ok(Answer { message: "保存成功".into() }));
    assert_eq!((fake.logins(), fake.calls().len()), (2, 2));
    assert_eq!(call(&erp).await.map(|_| ()), Ok(()));
    assert_eq!((fake.logins(), fake.calls().len()), (2, 3));
}

#[tokio::test]
async fn an_expired_v3_token_is_renewed_too() {
    let fake = Fake::with_login(|seen| match seen.session() {
        Some("s2") => say(serde_json::json!({"Code": 200, "Msg": "操作成功"})),
        _ => say(serde_json::json!({"Code": "400", "Msg": "token invalid"})),
    })
    .await;
    let answer = erp(&fake).edit_customer(1, &[Field::new("name", "张三")]).await;
    assert_eq!(answer, Ok(Answer { message: "操作成功".into() }));
    assert_eq!((fake.logins(), fake.calls().len()), (2, 2));
}

#[tokio::test]
async fn twenty_calls_at_once_need_one_login() {
    let fake = Fake::with_login(only("s1")).await;
    let erp = erp(&fake);
    let answers = join_all((0..20).map(|_| call(&erp))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!((fake.logins(), fake.calls().len()), (1, 20));
    assert!(fake.busiest() <= 4, "{} calls at once", fake.busiest());
}

#[tokio::test]
async fn twenty_calls_with_an_expired_session_need_one_login() {
    let fake = Fake::with_login(|seen| if seen.session() == Some("s1") { status(1, "") } else { words("ok") }).await;
    let erp = erp(&fake);
    erp.check_login().await.unwrap();
    assert_eq!(fake.logins(), 1);
    let answers = join_all((0..20).map(|_| call(&erp))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(fake.logins(), 2);
}

#[tokio::test]
async fn logins_whose_sessions_are_lost_do_not_loop() {
    let fake = Fake::with_login(|_| status(1, "请先登录")).await;
    let clock = Clock::manual(START);
    let erp = erp_with(config(fake.base_url()), &clock, Arc::new(MemorySessions::default()));
    assert_eq!(call(&erp).await, Err(ErpError::SessionExpired));
    let after_the_first = fake.logins();
    assert!(after_the_first <= 2, "{after_the_first} logins for one call");
    for _ in 0..5 {
        assert_eq!(call(&erp).await, Err(ErpError::SessionExpired));
    }
    assert_eq!(fake.logins(), after_the_first);
    clock.advance(Duration::from_secs(30));
    assert_eq!(call(&erp).await, Err(ErpError::SessionExpired));
    assert_eq!(fake.logins(), after_the_first + 1);
}

#[tokio::test]
async fn a_refused_login_is_not_repeated() {
    let sessions = Arc::new(MemorySessions::default());
    let fake = Fake::start(|_| status(1, "用户名或密码错误")).await;
    let start = |password: &str| {
        let config = ErpConfig { password: password.to_owned().into(), ..config(fake.base_url()) };
        erp_with(config, &Clock::manual(START), Arc::<MemorySessions>::clone(&sessions))
    };
    let refused = Err(ErpError::LoginRefused("用户名或密码错误".into()));
    // (what, client, logins seen afterwards)
    let first = start("wrong");
    for _ in 0..3 {
        assert_eq!(call(&first).await, refused, "the first process");
    }
    assert_eq!(join_all((0..20).map(|_| call(&first))).await, vec![refused.clone(); 20]);
    assert_eq!((fake.logins(), first.login_refusal()), (1, Some("用户名或密码错误".into())));
    let second = start("wrong");
    assert_eq!((call(&second).await, call(&second).await), (refused.clone(), refused.clone()));
    assert_eq!(fake.logins(), 2, "a restart allows one more");
    let third = start("wrong");
    assert_eq!(call(&third).await, refused);
    assert_eq!((fake.logins(), third.login_refusal().is_some()), (2, true), "the third wrong password would lock");
    third.resume_login().await;
    assert_eq!(third.login_refusal(), None);
    assert_eq!((call(&third).await, fake.logins()), (refused.clone(), 3), "an operator allows one more");
    assert_eq!((call(&start("other")).await, fake.logins()), (refused, 4), "another password is another account");
}

#[tokio::test]
async fn replicas_that_start_at_once_log_in_once_and_try_a_wrong_password_twice() {
    // (what the login answers, logins of ten replicas at once)
    for (login, logins) in [(fake::session("s1"), 1), (status(1, "密码错误"), 2)] {
        let sessions = Arc::new(MemorySessions::default());
        let good = logins == 1;
        let fake = Fake::start(move |seen| if seen.is_login() { login.clone() } else { words("ok") }).await;
        let replica =
            || erp_with(config(fake.base_url()), &Clock::manual(START), Arc::<MemorySessions>::clone(&sessions));
        let replicas: Vec<_> = (0..10).map(|_| replica()).collect();
        let answers = join_all(replicas.iter().map(call)).await;
        assert!(answers.iter().all(|answer| answer.is_ok() == good), "{answers:?}");
        assert_eq!(fake.logins(), logins);
        assert_eq!(sessions.last().map(|stored| stored.refusals), Some(if good { 0 } else { 2 }));
        assert_eq!(call(&replica()).await.is_ok(), good, "one more, started later");
        assert_eq!(fake.logins(), logins);
    }
}

#[tokio::test]
async fn a_caller_who_goes_away_does_not_take_the_count_of_a_refused_login_with_him() {
    let sessions = Arc::new(MemorySessions::default());
    let fake = Fake::start(|_| status(1, "密码错误")).await;
    let erp = erp_with(config(fake.base_url()), &Clock::manual(START), Arc::<MemorySessions>::clone(&sessions));
    let mut caller = Box::pin(call(&erp));
    while fake.logins() == 0 {
        assert!(futures::poll!(&mut caller).is_pending());
        tokio::task::yield_now().await;
    }
    drop(caller);
    assert!(call(&erp).await.is_err());
    assert_eq!((fake.logins(), sessions.last().map(|stored| stored.refusals)), (1, Some(1)));
}

#[tokio::test]
async fn a_login_that_another_process_has_is_waited_for_and_taken_when_it_runs_out() {
    let sessions = Arc::new(MemorySessions::default());
    let fake = Fake::with_login(|_| words("ok")).await;
    let clock = Clock::manual(START);
    let erp = erp_with(config(fake.base_url()), &clock, Arc::<MemorySessions>::clone(&sessions));
    let until = START.plus(Duration::from_secs(5));
    assert!(sessions.take_login("another process", START, until).await);
    let mut waiting = Box::pin(call(&erp));
    for _ in 0..100 {
        assert!(futures::poll!(&mut waiting).is_pending());
        tokio::task::yield_now().await;
    }
    assert_eq!(fake.logins(), 0);
    clock.advance(Duration::from_secs(5));
    assert!(waiting.await.is_ok());
    assert_eq!(fake.logins(), 1);
}

#[tokio::test]
async fn a_login_refused_with_an_http_status_is_not_repeated() {
    let body = serde_json::json!({"Code": 400, "Msg": "密码错误"}).to_string();
    for refusal in [Act::Status(400, body), Act::Status(401, String::new())] {
        let what = format!("{refusal:?}");
        let fake = Fake::start(move |_| refusal.clone()).await;
        let erp = erp(&fake);
        for _ in 0..3 {
            assert!(matches!(erp.check_login().await, Err(ErpError::LoginRefused(_))), "{what}");
        }
        assert_eq!(fake.logins(), 1, "{what}");
    }
}

#[tokio::test]
async fn a_login_that_is_right_again_elsewhere_lets_this_replica_go_on() {
    let sessions = Arc::new(MemorySessions::default());
    let wrong = Arc::new(AtomicBool::new(true));
    let answers_wrong = Arc::clone(&wrong);
    let fake = Fake::start(move |seen| match seen.is_login() {
        true if answers_wrong.load(Ordering::SeqCst) => status(1, "密码错误"),
        true => fake::session("s1"),
        false => words("ok"),
    })
    .await;
    let replica = || erp_with(config(fake.base_url()), &Clock::manual(START), Arc::<MemorySessions>::clone(&sessions));
    let (one, other) = (replica(), replica());
    assert!(call(&one).await.is_err() && call(&other).await.is_err());
    assert_eq!(fake.logins(), 2);
    wrong.store(false, Ordering::SeqCst);
    one.resume_login().await;
    assert!(call(&one).await.is_ok());
    assert!(other.check_login().await.is_ok());
    assert_eq!((other.login_refusal(), fake.logins()), (None, 3));
}

#[tokio::test]
async fn trouble_at_the_login_is_no_refusal() {
    let troubles = [
        Act::Status(500, String::new()),
        Act::Say(String::new()),
        Act::Say("<html>".into()),
        Act::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{".to_vec()),
        say(serde_json::json!({"Code": 500, "Msg": "server error"})),
        status(1, "系统繁忙，请稍后再试"),
    ];
    for trouble in troubles {
        let what = format!("{trouble:?}");
        let fake = Fake::start(move |_| trouble.clone()).await;
        let erp = erp(&fake);
        for _ in 0..2 {
            assert!(matches!(call(&erp).await, Err(ErpError::NotDelivered(_))), "{what}");
        }
        assert_eq!((erp.login_refusal(), fake.logins()), (None, 2), "{what}");
    }
}

#[tokio::test]
async fn what_answers_in_the_place_of_the_login_and_a_refused_licence_are_no_refusal_either() {
    let faults = [
        (Act::Status(302, String::new()), FaultCause::WrongPath),
        (Act::Status(403, "<html>".into()), FaultCause::WrongPath),
        (Act::Status(404, String::new()), FaultCause::WrongPath),
        (Act::Say("<form><input type='password'></form>".into()), FaultCause::WrongPath),
        (status(1, "软件授权已到期"), FaultCause::LicenceRefused),
    ];
    for (answer, cause) in faults {
        let what = format!("{answer:?}");
        let fake = Fake::start(move |_| answer.clone()).await;
        let erp = erp(&fake);
        for _ in 0..2 {
            let error = call(&erp).await.unwrap_err();
            assert_eq!(error.fault().map(|fault| fault.cause), Some(cause), "{what}");
        }
        assert_eq!((erp.login_refusal(), fake.logins()), (None, 2), "{what}");
    }
}

#[tokio::test]
async fn a_login_page_in_the_place_of_an_interface_renews_the_session_once_and_is_then_a_fault() {
    let fake = Fake::start(move |seen| match seen.is_login() {
        true => fake::session("s1"),
        false => Act::Say("<form><input type=\"password\"></form>".into()),
    })
    .await;
    let error = call(&erp(&fake)).await.unwrap_err();
    assert_eq!(error.fault().map(|fault| fault.cause), Some(FaultCause::WrongPath), "{error}");
    assert_eq!(fake.logins(), 2);
}

#[tokio::test]
async fn whatever_else_the_login_answers_is_a_refusal() {
    let refusals = [
        status(2, "请输入验证码"),
        status(0, "请输入验证码"),
        status(1, ""),
        say(serde_json::json!({"Code": 300, "Msg": "密码错误"})),
    ];
    for refusal in refusals {
        let what = format!("{refusal:?}");
        let fake = Fake::start(move |_| refusal.clone()).await;
        let erp = erp(&fake);
        for _ in 0..2 {
            assert!(matches!(call(&erp).await, Err(ErpError::LoginRefused(text)) if !text.is_empty()), "{what}");
        }
        assert_eq!(fake.logins(), 1, "{what}");
    }
}

#[tokio::test]
async fn a_session_survives_a_restart_and_is_shared_by_replicas() {
    let sessions = Arc::new(MemorySessions::default());
    let fake = Fake::with_login(only("s1")).await;
    let replica = || erp_with(config(fake.base_url()), &Clock::manual(START), Arc::<MemorySessions>::clone(&sessions));
    for erp in [replica(), replica(), replica()] {
        assert!(call(&erp).await.is_ok());
    }
    assert_eq!(fake.logins(), 1);
    let other = ErpConfig { username: "other".into(), ..config(fake.base_url()) };
    let _ = call(&erp_with(other, &Clock::manual(START), Arc::<MemorySessions>::clone(&sessions))).await;
    assert!(fake.logins() > 1, "another account has no part in it");
}

#[tokio::test]
async fn a_session_that_another_replica_renewed_is_taken_over() {
    let sessions = Arc::new(MemorySessions::default());
    let fake = Fake::with_login(only("s2")).await;
    let replica = || erp_with(config(fake.base_url()), &Clock::manual(START), Arc::<MemorySessions>::clone(&sessions));
    let (one, other) = (replica(), replica());
    one.check_login().await.unwrap();
    assert!(call(&other).await.is_ok());
    assert_eq!(fake.logins(), 2, "the other one found s1 expired");
    assert!(call(&one).await.is_ok());
    assert_eq!(fake.logins(), 2, "s2 came from the store");
}

#[tokio::test]
async fn a_dead_session_in_the_store_costs_one_call_before_the_login() {
    let sessions = Arc::new(MemorySessions::default());
    let fake = Fake::with_login(only("s2")).await;
    let erp = erp_with(config(fake.base_url()), &Clock::manual(START), Arc::<MemorySessions>::clone(&sessions));
    erp.check_login().await.unwrap();
    let stored = sessions.last().unwrap();
    sessions.save(StoredSession { token: Some(SecretString::from("dead")), ..stored }).await;
    assert!(call(&erp).await.is_ok());
    let tokens: Vec<_> = fake.calls().iter().map(|seen| seen.session().unwrap().to_owned()).collect();
    assert_eq!((tokens, fake.logins()), (vec!["s1".to_owned(), "dead".into(), "s2".into()], 2));
}

#[tokio::test]
async fn a_session_is_renewed_before_it_is_too_old() {
    let fake = Fake::with_login(|_| words("ok")).await;
    let clock = Clock::manual(START);
    let erp = erp_with(config(fake.base_url()), &clock, Arc::new(MemorySessions::default()));
    let age = config("http://erp.test").session_max_age;
    for (advance, logins) in [(Duration::ZERO, 1), (age - Duration::from_millis(1), 1), (Duration::from_millis(1), 2)] {
        clock.advance(advance);
        assert!(call(&erp).await.is_ok());
        assert_eq!(fake.logins(), logins, "after {advance:?}");
    }
}

#[tokio::test]
async fn other_words_beside_a_bad_status_are_a_refusal_where_a_plain_read_proves_the_session() {
    let fake = Fake::with_login(|seen| match seen.field("ord") {
        Some("1") => words("ok"),
        None => list(&["ord"], json!([]), json!({"recordcount": 0})),
        _ => status(3, "该客户不属于您"),
    })
    .await;
    let clock = Clock::manual(START);
    let erp = erp_with(config(fake.base_url()), &clock, Arc::new(MemorySessions::default()));
    erp.apply(1).await.unwrap();
    clock.advance(Duration::from_secs(60));
    assert_eq!(erp.apply(2).await, Err(ErpError::Refused("该客户不属于您".into())));
    assert_eq!(fake.logins(), 1);
    clock.advance(Duration::from_secs(61));
    assert_eq!(erp.apply(2).await, Err(ErpError::Refused("该客户不属于您".into())));
    assert_eq!(
        fake.logins(),
        1,
        "after a minute of silence it may have been an expiry, and a read tells that it was none"
    );
}

#[tokio::test]
async fn the_login_is_told_and_its_request_is_as_the_erp_wants_it() {
    let fake = Fake::with_login(|_| words("ok")).await;
    let info = erp(&fake).check_login().await.unwrap();
    assert_eq!(
        (info.username.as_str(), info.app_version.as_deref(), info.obtained_at),
        ("wechat", Some("32.05"), START)
    );
    let login = &fake.seen()[0];
    assert_eq!(fake.seen().len(), 1, "a fresh login needs no further question");
    let fields = ["user", "password", "serialnum", "rndcode"].map(|id| login.field(id));
    assert_eq!(fields, [Some("txt:wechat"), Some("txt:pass-word-9"), Some("txt:bridge01"), Some("")]);
    assert_eq!(login.session(), None);
}

#[tokio::test]
async fn a_session_that_ends_right_after_it_was_good_is_renewed_whatever_the_words() {
    for words in ["error", "-1", "身份验证失败"] {
        // The session s1 is good for one call.
        let fake = Fake::start({
            let calls = AtomicUsize::new(0);
            let logins = AtomicUsize::new(0);
            move |seen| {
                if seen.is_login() {
                    return session(&format!("s{}", logins.fetch_add(1, Ordering::SeqCst) + 1));
                }
                if seen.session() == Some("s1") && calls.fetch_add(1, Ordering::SeqCst) > 0 {
                    return status(1, words);
                }
                list(&["ord"], json!([]), json!({"recordcount": 0}))
            }
        })
        .await;
        let erp = erp(&fake);
        for _ in 0..2 {
            assert_eq!(erp.list_customers(&CustomerFilter::default()).await, Ok(Vec::new()), "{words}");
        }
        assert_eq!(fake.logins(), 2, "{words}");
    }
}

#[tokio::test]
async fn a_refusal_beside_a_good_session_costs_no_login() {
    let fake = Fake::with_login(|seen| {
        if seen.path.contains("list.asp") {
            list(&["ord"], json!([]), json!({"recordcount": 0}))
        } else {
            status(1, "数据错误")
        }
    })
    .await;
    let erp = erp(&fake);
    assert_eq!(erp.list_customers(&CustomerFilter::default()).await, Ok(Vec::new()));
    assert_eq!(erp.apply(7592).await, Err(ErpError::Refused("数据错误".into())));
    assert_eq!(fake.logins(), 1);
}
