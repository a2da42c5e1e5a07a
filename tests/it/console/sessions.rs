//! Signing in and out, and what keeps a session to the one who began it.

use erp_bridge::{
    clock::Millis,
    config::{ApiToken, Scope},
};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::visitor::{HOUR, MINUTE, Visitor};
use crate::front::{Front, NOW, OPERATE, READ, SECRET, Wishes, keys_with, promoted};

#[tokio::test]
async fn whoever_is_not_signed_in_is_asked_to_and_comes_back_to_the_page() {
    let front = Front::open().await;
    let mut visitor = Visitor::new(&front);
    let asked = visitor.get("/console/events?status=dead").await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER);
    assert_eq!(asked.location(), "/console/sign-in?next=%2Fconsole%2Fevents%3Fstatus%3Ddead");
    let form = visitor.get(asked.location()).await;
    assert!(form.html.contains("value=\"/console/events?status=dead\""), "{}", form.html);
    let entered =
        visitor.send("/console/sign-in", &[("token", OPERATE), ("next", "/console/events?status=dead")]).await;
    assert_eq!((entered.status, entered.location()), (StatusCode::SEE_OTHER, "/console/events?status=dead"));
    assert_eq!(visitor.get("/console/events").await.status, StatusCode::OK);
    for elsewhere in ["https://evil.example/", "//evil.example/console/", "/console/\\evil"] {
        let entered = visitor.send("/console/sign-in", &[("token", OPERATE), ("next", elsewhere)]).await;
        assert_eq!(entered.location(), "/console/overview", "{elsewhere}");
    }
}

#[tokio::test]
async fn the_cookie_is_no_script_s_and_of_this_site_alone_and_secure_behind_tls() {
    let front = Front::open().await;
    for (origin, secure) in [(format!("http://{}", front.address), false), (format!("https://{}", front.address), true)]
    {
        let entered = Visitor::new(&front).send_from(&origin, "/console/sign-in", &[("token", READ)]).await;
        let cookie = entered.headers["set-cookie"].to_str().unwrap().to_owned();
        assert!(cookie.contains("; HttpOnly; SameSite=Strict; Max-Age=43200"), "{cookie}");
        assert_eq!(cookie.contains("; Secure"), secure, "{cookie}");
    }
}

#[tokio::test]
async fn the_ledger_holds_neither_the_token_nor_the_cookie() {
    let front = Front::open().await;
    let entered = Visitor::new(&front).send("/console/sign-in", &[("token", OPERATE)]).await;
    let cookie = entered.headers["set-cookie"].to_str().unwrap().to_owned();
    let secret = cookie.split(['=', ';']).nth(1).unwrap();
    assert_eq!(secret.len(), 64);
    assert!(front.store.console_session(secret).await.unwrap().is_none(), "the cookie itself opens nothing");
    let directory = front.directory();
    for entry in std::fs::read_dir(directory).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for hidden in [secret, OPERATE] {
            assert!(!bytes.windows(hidden.len()).any(|part| part == hidden.as_bytes()));
        }
    }
}

#[tokio::test]
async fn a_session_ends_by_signing_out_with_its_time_and_with_its_token() {
    let front = Front::open().await;
    let signed_out =
        async |visitor: &mut Visitor<'_>| visitor.get("/console/events").await.status == StatusCode::SEE_OTHER;

    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let mut copied = Visitor::signed_in(&front, OPERATE).await;
    let left = visitor.change("/console/events", "/console/sign-out", &[]).await;
    assert_eq!((left.status, left.location()), (StatusCode::SEE_OTHER, "/console/sign-in"));
    assert!(signed_out(&mut visitor).await && !signed_out(&mut copied).await);

    front.clock.advance(HOUR * 12 - std::time::Duration::from_millis(1));
    assert!(!signed_out(&mut copied).await);
    front.clock.advance(std::time::Duration::from_millis(1));
    assert!(signed_out(&mut copied).await);

    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let until = |at: Millis| ApiToken { expires_at: Some(at), ..ApiToken::new("ops", Scope::Operate, OPERATE) };
    front.keys.replace(keys_with(&[SECRET], &[until(NOW.plus(HOUR * 13))]));
    assert!(!signed_out(&mut visitor).await);
    front.clock.advance(HOUR);
    assert!(signed_out(&mut visitor).await, "its token has expired");
    front.keys.replace(keys_with(&[SECRET], &[ApiToken::new("ops", Scope::Operate, OPERATE)]));
    assert!(!signed_out(&mut visitor).await);
    front.keys.replace(keys_with(&[SECRET], &[ApiToken::new("view", Scope::Read, READ)]));
    assert!(signed_out(&mut visitor).await, "its token was taken away");
}

#[tokio::test]
async fn a_stream_that_is_open_ends_with_the_session_that_was_signed_out_of_and_no_other() {
    let front = Front::open().await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let other = Visitor::signed_in(&front, OPERATE).await;
    let open = async |cookies: String| {
        let asked = http.get(format!("http://{}/console/stream", front.address)).header("cookie", cookies);
        let mut stream = asked.send().await.unwrap();
        assert_eq!(stream.status(), StatusCode::OK);
        assert!(stream.chunk().await.unwrap().is_some(), "it begins");
        stream
    };
    let (mut left, mut stays) = (open(visitor.cookies()).await, open(other.cookies()).await);
    visitor.change("/console/events", "/console/sign-out", &[]).await;
    let to_its_end = async { while left.chunk().await.unwrap().is_some() {} };
    // Sooner than it would look by itself.
    assert!(tokio::time::timeout(std::time::Duration::from_secs(20), to_its_end).await.is_ok(), "it goes on");
    front.post_event("w1", &promoted("c1")).await;
    let mut told = String::new();
    while !told.contains("event: state") {
        let chunk = stays.chunk().await.unwrap().expect("the other session's goes on");
        told.push_str(&String::from_utf8_lossy(&chunk));
    }
}

#[tokio::test]
async fn a_form_of_another_origin_or_without_the_page_s_secret_changes_nothing() {
    let front = Front::open().await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let secret = visitor.get("/console/events").await.secret();
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
        let sent = visitor.send_from(origin, "/console/sign-out", &[("secret", &secret)]).await;
        assert_eq!(sent.status, StatusCode::FORBIDDEN, "{origin}");
        assert!(sent.html.contains("不是从本页面发出的"), "{}", sent.html);
    }
    let other = Visitor::signed_in(&front, OPERATE).await.get("/console/events").await.secret();
    for wrong in ["", "x", &other] {
        let sent = visitor.send("/console/sign-out", &[("secret", wrong)]).await;
        assert_eq!(sent.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(visitor.get("/console/events").await.status, StatusCode::OK, "still signed in");
}

#[tokio::test]
async fn a_wrong_token_is_told_and_too_many_wait() {
    let front = Front::with(Wishes { failures_per_minute: 2, ..Wishes::default() }).await;
    let mut visitor = Visitor::new(&front);
    for expected in [401, 401, 429] {
        let refused = visitor.send("/console/sign-in", &[("token", "wrong"), ("next", "/console/events?q=1")]).await;
        assert_eq!(refused.status.as_u16(), expected);
        assert!(refused.html.contains("role=\"alert\"") && refused.html.contains("/console/events?q=1"));
        assert!(!refused.html.contains("wrong\""), "the form does not repeat what was typed");
        assert_eq!(refused.headers.contains_key("retry-after"), expected == 429);
    }
    let entered = visitor.send("/console/sign-in", &[("token", READ)]).await;
    assert_eq!(entered.status, StatusCode::SEE_OTHER, "a right token passes in its turn");
}

#[tokio::test]
async fn a_link_signs_in_once_within_five_minutes_with_the_rights_of_its_token() {
    let front = Front::open().await;
    let offer = async |token: &str| {
        let offered = front.rest(Method::POST, "/v1/console/sign-in", token, &Value::Null).await;
        assert_eq!(offered.status, StatusCode::OK, "{:?}", offered.body);
        offered.body["path"].as_str().unwrap().to_owned()
    };
    let path = offer(READ).await;
    let mut visitor = Visitor::new(&front);
    // Whoever looks at the address first, such as a robot that shows links, uses nothing up.
    let form = visitor.get(&path).await;
    assert!(form.html.contains("只能登录一次") && !form.html.contains("type=\"password\""), "{}", form.html);
    let link = path.split_once("link=").unwrap().1.to_owned();
    let cookie = [("cookie", format!("erp_bridge_session={link}"))];
    let cookie = cookie.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>();
    let as_cookie = front.call(Method::GET, "/console/events", &cookie, "").await;
    assert_eq!(as_cookie.status, StatusCode::SEE_OTHER, "a link is no session");
    let entered = visitor.send("/console/sign-in", &[("link", &link)]).await;
    assert_eq!((entered.status, entered.location()), (StatusCode::SEE_OTHER, "/console/overview"));
    assert!(visitor.get("/console/events").await.html.contains("只读"));
    let again = Visitor::new(&front).send("/console/sign-in", &[("link", &link)]).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED);
    assert!(again.html.contains("链接已用过或已过期") && again.html.contains("type=\"password\""), "{}", again.html);

    let in_time = offer(OPERATE).await.replace("/console/sign-in?link=", "");
    let late = offer(OPERATE).await.replace("/console/sign-in?link=", "");
    front.clock.advance(MINUTE * 5 - std::time::Duration::from_millis(1));
    assert_eq!(
        Visitor::new(&front).send("/console/sign-in", &[("link", &in_time)]).await.status,
        StatusCode::SEE_OTHER
    );
    front.clock.advance(std::time::Duration::from_millis(1));
    assert_eq!(
        Visitor::new(&front).send("/console/sign-in", &[("link", &late)]).await.status,
        StatusCode::UNAUTHORIZED
    );
    let deeds: Vec<_> = front.store.audit_log(None, 9).await.unwrap().into_iter().map(|row| row.action).collect();
    let expected = ["console.sign_in", "console.offer", "console.offer", "console.sign_in", "console.offer"];
    assert_eq!(deeds, expected);
}

#[tokio::test]
async fn whoever_has_not_signed_in_gets_no_more_memory_than_a_token_takes_and_guesses_no_cookie_faster() {
    let front = Front::with(Wishes { failures_per_minute: 5, ..Wishes::default() }).await;
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let at_the_limit = |more: usize| format!("token=x&next={}", "a".repeat((8 << 10) - "token=x&next=".len() + more));
    for (more, status) in [(0, StatusCode::UNAUTHORIZED), (1, StatusCode::PAYLOAD_TOO_LARGE)] {
        let form = client.post(format!("http://{}/console/sign-in", front.address)).body(at_the_limit(more));
        assert_eq!(form.send().await.unwrap().status(), status, "{more}");
    }
    let begun = std::time::Instant::now();
    for guess in 0..15 {
        let page = client.get(format!("http://{}/console/events", front.address));
        let page = page.header("cookie", format!("erp_bridge_session={guess}")).send().await.unwrap();
        assert_eq!(page.status(), StatusCode::SEE_OTHER, "whoever has an old cookie is asked to sign in");
    }
    assert!(begun.elapsed() >= std::time::Duration::from_millis(900), "ten a second behind the first five");
}
