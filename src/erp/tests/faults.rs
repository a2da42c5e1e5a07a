//! Faults of line and server: what they mean for the call.

use tokio::{io::AsyncReadExt as _, net::TcpStream};

use super::*;
use crate::erp::{
    CallLog, ErpError, FaultCause,
    envelope::BODY_MAX,
    fake::{Act, Seen, say, status, words},
};

/// What became of one save whose answer is `act`.
async fn outcome(act: Act, timeout: Duration) -> (Result<(), ErpError>, usize) {
    let fake = Fake::with_login(move |_| act.clone()).await;
    let config = ErpConfig { timeout, ..config(fake.base_url()) };
    let erp = erp_with(config, &Clock::manual(START), Arc::new(MemorySessions::default()));
    (erp.apply(7592).await.map(|_| ()), fake.calls().len())
}

/// JSON in a text in JSON in a text …: whoever reads the texts under that name as JSON never comes to an end.
fn nested_texts(levels: usize) -> String {
    (0..levels).fold("1".to_owned(), |inner, _| {
        let text = serde_json::Value::from(inner);
        let (open, close) = ("[".repeat(110), "]".repeat(110));
        format!(r#"{open}{{"$serde_json::private::RawV\u0061lue":{text}}}{close}"#)
    })
}

#[tokio::test]
async fn an_answer_made_to_exhaust_whoever_reads_it_is_an_answer_like_others() {
    for body in [r#"{"header":{"status":0},"body":{"x":JSON}}"#, r#"{"header":{"status":0,"x":JSON}}"#] {
        let body = body.replace("JSON", &nested_texts(15));
        assert_eq!(outcome(Act::Say(body), Duration::from_secs(2)).await, (Ok(()), 1));
    }
    let deep = format!(r#"{{"header":{{"status":0}},"body":{}"#, "[".repeat(1_000_000));
    let (answered, calls) = outcome(Act::Say(deep), Duration::from_secs(2)).await;
    assert!(matches!(answered, Err(ErpError::OutcomeUnknown { answered: true, .. })), "{answered:?}");
    assert_eq!(calls, 1);
}

#[tokio::test]
async fn an_answer_of_17_kb_of_texts_within_texts_is_garbled_and_ends_nothing() {
    let texts = (1..).map(nested_texts).find(|text| text.len() > 17 * 1024).unwrap();
    let answer =
        move |seen: &Seen| if seen.path.contains("/apply.asp") { Act::Say(texts.clone()) } else { words("ok") };
    let fake = Fake::with_login(answer).await;
    let erp = erp(&fake);
    for _ in 0..2 {
        let answered = erp.apply(7592).await;
        assert!(matches!(answered, Err(ErpError::OutcomeUnknown { answered: true, .. })), "{answered:?}");
    }
    assert!(erp.take_back(7592).await.is_ok(), "whoever read it goes on");
}

#[tokio::test]
async fn only_a_complete_answer_rules_out_a_late_effect() {
    let raw = |text: &str| Act::Raw(text.as_bytes().to_vec());
    let table = [
        ("HTTP 500", Act::Status(500, "{}".into()), true),
        ("HTTP 503", Act::Status(503, String::new()), true),
        ("HTTP 429", Act::Status(429, String::new()), true),
        ("an empty 200", Act::Say(String::new()), true),
        ("an HTML page", Act::Say("<html><title>出错</title></html>".into()), true),
        ("garbled JSON", Act::Say("{\"header\":".into()), true),
        ("JSON that is no envelope", say(serde_json::json!({"ok": true})), true),
        ("busy", words("系统繁忙，请稍后再试"), true),
        ("a database out of time", status(1, "操作超时"), true),
        ("a gateway that gave up", Act::Status(504, String::new()), false),
        ("a gateway that lost the ERP", Act::Status(502, String::new()), false),
        ("a line cut before the answer", raw(""), false),
        ("a line cut in the header", raw("HTTP/1.1 200 OK\r\nconte"), false),
        ("a line cut in the body", raw("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"header\":"), false),
        ("no HTTP", raw("220 ftp ready\r\n\r\n"), false),
    ];
    for (what, act, expected) in table {
        match outcome(act, Duration::from_secs(10)).await {
            (Err(ErpError::OutcomeUnknown { answered, .. }), 1) => assert_eq!(answered, expected, "{what}"),
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn silence_is_an_unknown_outcome_whose_effect_may_still_come() {
    let (result, calls) = outcome(Act::Hang, Duration::from_millis(300)).await;
    assert!(
        matches!(&result, Err(ErpError::OutcomeUnknown { answered: false, reason }) if reason.contains("in time")),
        "{result:?}"
    );
    assert_eq!(calls, 1, "nothing is repeated behind the caller's back");
    let dripping = Act::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n".to_vec());
    assert!(matches!(
        outcome(dripping, Duration::from_millis(300)).await,
        (Err(ErpError::OutcomeUnknown { answered: false, .. }), 1)
    ));
}

#[tokio::test]
async fn a_port_where_nobody_listens_and_an_unknown_name_are_not_delivered() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    for base_url in [format!("http://127.0.0.1:{port}"), "http://erp.invalid".to_owned()] {
        let erp = erp_with(config(base_url.clone()), &Clock::manual(START), Arc::new(MemorySessions::default()));
        let error = erp.apply(1).await.unwrap_err();
        assert!(matches!(error, ErpError::NotDelivered(_)) && error.is_delivery_failure(), "{base_url}: {error:?}");
    }
}

#[tokio::test]
async fn an_interface_that_is_not_there_is_a_fault_of_the_installation_that_names_it() {
    for code in [302, 403, 404, 405] {
        let (result, _) = outcome(Act::Status(code, "<html>".into()), Duration::from_secs(10)).await;
        let Err(ErpError::Installation(fault)) = result else { panic!("{code}: {result:?}") };
        assert_eq!(
            (fault.cause, fault.is_certain),
            (FaultCause::WrongPath, code != 302),
            "whoever saved may be sent on"
        );
        let text = fault.to_string();
        assert!(
            text.contains(&code.to_string()) && text.contains("/sysa/mobilephone/salesmanage/custom/apply.asp"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_refused_save_is_recognised_whatever_its_status() {
    for act in [words("该客户编号已被使用，不能保存"), status(5, "该客户编号已被使用，不能保存")]
    {
        assert_eq!(
            outcome(act, Duration::from_secs(10)).await.0,
            Err(ErpError::Refused("该客户编号已被使用，不能保存".into()))
        );
    }
}

#[tokio::test]
async fn a_write_whose_database_ran_out_of_time_is_not_sent_again() {
    for text in ["操作超时", "数据库超时，请重新登录", "超时时间已到", "事务已被死锁", "请求超时"]
    {
        let (result, calls) = outcome(status(1, text), Duration::from_secs(10)).await;
        assert!(matches!(result, Err(ErpError::OutcomeUnknown { answered: true, .. })), "{text}: {result:?}");
        assert_eq!(calls, 1, "{text}");
    }
    let (result, calls) = outcome(status(1, "登录超时"), Duration::from_secs(10)).await;
    assert_eq!((result, calls), (Err(ErpError::SessionExpired), 2));
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let good = |padding: usize| {
        let body = serde_json::json!({"header": {"status": 0}, "body": {"message": {"text": "x".repeat(padding)}}});
        Act::Say(body.to_string())
    };
    let Act::Say(empty) = good(0) else { unreachable!() };
    let at = BODY_MAX - empty.len();
    assert_eq!(outcome(good(at), Duration::from_secs(60)).await.0, Ok(()));
    let over = outcome(good(at + 1), Duration::from_secs(60)).await.0;
    assert!(
        matches!(&over, Err(ErpError::OutcomeUnknown { reason, .. }) if reason.contains("more than")),
        "{:?}",
        over.map_err(|error| error.code())
    );
}

#[tokio::test]
async fn a_call_whose_lease_ends_while_its_connection_comes_about_is_not_sent() {
    // Of a listener whose queue is full the system takes no notice of one who knocks, until it knocks again.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let _queue = [TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
    let clock = Clock::manual(START);
    let lease = Duration::from_secs(1);
    let erp = erp_with(config(format!("http://{address}")), &clock, Arc::new(MemorySessions::default()));
    let handle = erp.recording(CallLog::new("assign", Some(START.plus(lease))));
    let served = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        clock.advance(lease);
        for _ in 0..2 {
            drop(listener.accept().await.unwrap());
        }
        let (mut late, _) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        // Cut off is as good as ended.
        let _ = late.read_to_end(&mut heard).await;
        heard
    };
    let (result, heard) = tokio::join!(handle.apply(1), served);
    assert_eq!(result, Err(ErpError::LeaseOver));
    assert_eq!(String::from_utf8_lossy(&heard), "", "nothing was sent");
}

#[tokio::test]
async fn after_the_lease_nothing_is_sent() {
    let fake = Fake::with_login(|_| words("ok")).await;
    let clock = Clock::manual(START);
    let erp = erp_with(config(fake.base_url()), &clock, Arc::new(MemorySessions::default()));
    let log = CallLog::new("assign", Some(START.plus(Duration::from_millis(2))));
    let handle = erp.recording(log.clone());
    clock.advance(Duration::from_millis(1));
    assert!(handle.apply(1).await.is_ok());
    clock.advance(Duration::from_millis(1));
    assert_eq!(handle.apply(1).await, Err(ErpError::LeaseOver));
    let outcomes: Vec<_> = log.drain().into_iter().map(|record| record.outcome).collect();
    assert_eq!(outcomes, ["ok", "ok", "lease_over"], "login, call, the call that was not sent");
    assert!(!ErpError::LeaseOver.is_delivery_failure(), "it says nothing about the ERP");
    let newcomer =
        erp_with(config(fake.base_url()), &clock, Arc::new(MemorySessions::default())).recording(log.clone());
    assert_eq!(newcomer.apply(1).await, Err(ErpError::LeaseOver), "nor is a login sent");
    assert_eq!(fake.logins(), 1);
    assert_eq!(fake.calls().len(), 1);
    log.set_deadline(clock.now().plus(Duration::from_millis(1)));
    assert!(handle.apply(1).await.is_ok());
    assert!(erp.apply(1).await.is_ok(), "a handle without a log has no lease");
}

#[tokio::test]
async fn calls_are_recorded_under_their_step_without_secrets() {
    let fake = Fake::with_login(|seen| match seen.session() {
        Some("s1") => status(1, "session s1 expired"),
        token => words(&format!("保存成功 {}", token.unwrap_or_default())),
    })
    .await;
    let log = CallLog::new("find customer", None);
    let erp = erp(&fake).recording(log.clone());
    log.set_step("assign");
    erp.approve(7592, true).await.unwrap();
    let records = log.drain();
    let short: Vec<_> = records
        .iter()
        .map(|record| (record.step.as_str(), record.interface, record.call, record.outcome.as_str()))
        .collect();
    let approve = |outcome| ("assign", "客户审批", "customer.approve", outcome);
    let login = ("assign", "登录", "session.login", "ok");
    assert_eq!(short, [login, approve("session_expired"), login, approve("ok")]);
    assert_eq!(records[3].request, serde_json::json!({"ord": "7592", "blset": "1"}));
    assert_eq!((records[3].response.as_str(), records[1].response.as_str()), ("保存成功 …", "session … expired"));
    assert_eq!(records[3].started_at, START);
    let all = serde_json::to_string(&records).unwrap();
    assert!(!all.contains("pass-word-9") && !all.contains("s2") && !all.contains("rndcode"), "{all}");
    assert!(log.drain().is_empty());
}

#[test]
fn a_late_effect_is_expected_for_three_timeouts_unless_configured() {
    let late = |late_effect: Duration| {
        let config = ErpConfig { late_effect, timeout: Duration::from_secs(20), ..config("http://erp.test") };
        erp_with(config, &Clock::system(), Arc::new(MemorySessions::default())).late_effect()
    };
    assert_eq!(late(Duration::ZERO), Duration::from_secs(60));
    assert_eq!(late(Duration::from_secs(7)), Duration::from_secs(7));
}
