use super::*;

const NOW: Millis = Millis(1_795_500_000_123);

fn target(kind: TargetKind, secret: Option<&str>) -> AlertTarget {
    AlertTarget { kind, url: "https://robot.example/send?key=k".parse().unwrap(), secret: secret.map(Into::into) }
}

fn sent(kind: TargetKind, secret: Option<&str>, title: &str, words: &str) -> (Request, Value) {
    let data = json!({"cause": "dead refused", "title": title, "count": 2, "since": NOW.rfc3339(), "lines": [words]});
    let request = request(&target(kind, secret), &Message::unwritten("m1", "alert.raised", data, NOW), NOW);
    let body = json::parse_text(&request.body).unwrap();
    (request, body)
}

#[test]
fn no_message_is_longer_than_its_robot_takes() {
    for units in [0, 1, 1_000, 1_300, 1_301, 1_302, 1_303, 1_310, 1_320, 5_999, 6_000, 6_001, 20_000] {
        let words = "客".repeat(units);
        for title in ["标题", &"长".repeat(2_000)] {
            let (_, wecom) = sent(TargetKind::WeCom, None, title, &words);
            let content = wecom["markdown"]["content"].as_str().unwrap();
            assert!(content.len() <= 4_096, "{}", content.len());
            assert!(units < 2_000 || content.len() > 4_090, "as much as fits: {}", content.len());
            let (feishu, _) = sent(TargetKind::Feishu, Some("s"), title, &words);
            assert!(feishu.body.len() <= 20_000, "{}", feishu.body.len());
            let (dingtalk, body) = sent(TargetKind::DingTalk, Some("s"), title, &words);
            assert!(dingtalk.body.len() <= 20_000 && body["markdown"]["title"].as_str().unwrap().len() <= 200);
        }
    }
}

#[test]
fn robots_are_convinced_as_each_of_them_asks() {
    let (dingtalk, _) = sent(TargetKind::DingTalk, Some("SECabc"), "t", "w");
    let url = reqwest::Url::parse(&dingtalk.url).unwrap();
    let query: std::collections::BTreeMap<_, _> = url.query_pairs().into_owned().collect();
    // printf '1795500000123\nSECabc' | openssl dgst -sha256 -hmac SECabc -binary | base64
    assert_eq!(query["sign"], "m+r+JdmaZ5eZtbcj8lzpkK18snZMMDLMb/xYNpoNd+M=");
    assert_eq!((query["timestamp"].as_str(), query["key"].as_str()), ("1795500000123", "k"));
    let (_, feishu) = sent(TargetKind::Feishu, Some("abc"), "t", "w");
    assert_eq!(feishu["timestamp"], "1795500000");
    // python3: base64(hmac.new(b"1795500000\\nabc", b"", sha256).digest())
    assert_eq!(feishu["sign"], "fyeQlqfcehn3L7nNPCejljrCKSEIi/U/YmhE6XaVH7k=");
    let (_, open) = sent(TargetKind::Feishu, None, "t", "w");
    assert!(open.get("sign").is_none());
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let (webhook, body) = sent(TargetKind::Webhook, Some(secret), "t", "w");
    let signature = standardwebhooks::Webhook::new(secret).unwrap().sign("m1", NOW.0 / 1_000, webhook.body.as_bytes());
    assert_eq!(webhook.headers["webhook-signature"], signature.unwrap().as_str());
    assert_eq!((&body["type"], &body["data"]["count"]), (&json!("alert.raised"), &json!(2)));
}

#[test]
fn an_answer_means_what_its_robot_says_by_it() {
    let answer = |status, body: &str| Ok(Answer { status, retry_after: None, body: body.to_owned().into() });
    let busy = |rest, code: &str| Verdict::Busy(rest, code.into());
    let never = |words: &str| Verdict::Refused { words: words.to_owned(), for_ever: true };
    for (kind, answered, expected) in [
        (TargetKind::WeCom, answer(200, r#"{"errcode":0,"errmsg":"ok"}"#), Verdict::Taken),
        (TargetKind::WeCom, answer(200, r#"{"errcode":45009}"#), busy(REST, "code 45009")),
        (TargetKind::WeCom, answer(200, r#"{"errcode":40058}"#), never("code 40058")),
        (TargetKind::WeCom, answer(200, r#"{"errcode":-1}"#), Verdict::not_now("code -1".to_owned())),
        (TargetKind::DingTalk, answer(200, r#"{"errcode":-1}"#), Verdict::not_now("code -1".to_owned())),
        (TargetKind::DingTalk, answer(200, r#"{"errcode":130101}"#), busy(DINGTALK_BLOCK, "code 130101")),
        (TargetKind::DingTalk, answer(200, r#"{"errcode":310000}"#), never("code 310000")),
        (TargetKind::Feishu, answer(200, r#"{"code":0}"#), Verdict::Taken),
        (TargetKind::Feishu, answer(200, r#"{"StatusCode":0}"#), Verdict::Taken),
        (TargetKind::Feishu, answer(200, r#"{"code":11232}"#), busy(REST, "code 11232")),
        (TargetKind::Feishu, answer(200, r#"{"code":19021}"#), never("code 19021")),
        (TargetKind::Webhook, answer(204, ""), Verdict::Taken),
        (TargetKind::Webhook, answer(429, ""), busy(REST, "HTTP 429")),
        (TargetKind::Webhook, answer(500, ""), Verdict::not_now("HTTP 500")),
        (TargetKind::WeCom, Err("无法连接".into()), Verdict::not_now("无法连接")),
    ] {
        assert_eq!(judge(kind, answered), expected, "{kind:?}");
    }
    let page = judge(TargetKind::WeCom, answer(200, "<html>"));
    assert!(matches!(page, Verdict::Refused { for_ever: false, .. }), "a page of a proxy is no success: {page:?}");
}
