use serde_json::json;

use super::*;

fn marks(contact: Value) -> BTreeSet<Mark> {
    marks_in(&json!({ "data": { "contact": contact } }).to_string()).into_iter().collect()
}

fn is_found(marks: &BTreeSet<Mark>, text: &str) -> bool {
    blanked(text, marks).is_some()
}

#[test]
fn a_person_is_looked_for_as_people_write_a_number() {
    for phone in [json!("+86 138-0013-8055"), json!("１３８００１３８０５５"), json!(13_800_138_055_i64)] {
        let marks = marks(json!({ "phone": phone }));
        for written in [
            "13800138055",
            "138 0013 8055",
            "138-0013-8055",
            "138.0013.8055",
            "138 001 38055",
            "(138) 0013 - 8055",
            "+86-138-0013-8055",
            "008613800138055",
            "１３８００１３８０５５",
            "１３８　００１３　８０５５",
            "138 0013 80 55",
            "1-380-013-8055",
            "1 3 8 0 0 1 3 8 0 5 5",
            "1３80013８05５",
            "138\u{a0}0013\u{2011}80·55",
            "1 - 3 - 8 0013 80 - 5 - 5",
            "1\u{fe0f}\u{20e3}3\u{fe0f}\u{20e3}8\u{20e3} 0013 8055",
            "一三八 〇〇一三 八〇五五",
            "幺三八零零幺三八零五五",
            "①③⑧00①③⑧0⑤⑤",
        ] {
            let Some(blank) = blanked(&format!("客户 {written} 要求"), &marks) else {
                panic!("{written}: {marks:?}")
            };
            assert!(!blank.contains(['1', '5', '１', '５']), "{blank}");
        }
        assert!(!is_found(&marks, "13800138056") && !is_found(&marks, "138、0013、8055"));
    }
}

#[test]
fn a_number_from_abroad_is_found_without_its_country_but_in_no_longer_one() {
    let marks = marks(json!({ "phone": "+852 6123 4567" }));
    for written in ["+852 6123 4567", "85261234567", "61234567", "6123-4567"] {
        assert!(is_found(&marks, written), "{written}");
    }
    assert!(!is_found(&marks, "9961234567") && !is_found(&marks, "612345678"));
}

#[test]
fn an_account_is_found_in_any_case_as_a_word_of_its_own() {
    let marks = marks(json!({ "wechat_id": "ly_886abc", "email": "Li@example.com" }));
    for text in [
        "微信ly_886abc。",
        "\"weixinAcc\":\"LY_886abc\"",
        r"微信：\nly_886abc",
        r"\u5fae\u4fe1ly_886abc",
        "li@EXAMPLE.com",
        "邮箱li@example.com.",
    ] {
        assert!(is_found(&marks, text), "{text}");
    }
    for text in [
        "xly_886abcy",
        "fly_886abc",
        "ly_886abc0",
        "ly-886abc",
        "www.ly_886abc.com",
        "xli@example.com",
        "x.li@example.com",
        "li@example.com.cn",
    ] {
        assert!(!is_found(&marks, text), "{text}");
    }
}

#[test]
fn what_people_write_where_they_know_no_account_is_everybodys() {
    for wechat_id in
        ["微信", "没有", "未知", "陈晓雨", "same as phone", "Chen Xiaoyu", "1abcdef", "abcde", "WeChat", "unknown"]
    {
        assert_eq!(marks(json!({ "wechat_id": wechat_id })), BTreeSet::new(), "{wechat_id}");
    }
    for email in ["candidates", "没有", "li@", "@example.com", "li@example", "没有 a@example.com"] {
        assert_eq!(marks(json!({ "email": email })), BTreeSet::new(), "{email}");
    }
    for filler in ["11111111", "123456", "00000000000", "1234567890"] {
        assert_eq!(marks(json!({ "wechat_id": filler, "phone": filler })), BTreeSet::new(), "{filler}");
    }
    let kept = Mark::Account("wxid_0123456789abcdef".into());
    assert_eq!(marks(json!({ "wechat_id": "wxid_0123456789abcdef" })), BTreeSet::from([kept]));
}

#[test]
fn a_qq_number_is_found_where_it_stands_alone_and_never_for_a_record() {
    let mobile = BTreeSet::from([Mark::Number("13800138055".into())]);
    assert_eq!(marks(json!({ "wechat_id": "138-0013-8055" })), mobile, "many write their number there");
    let marks = marks(json!({ "wechat_id": 860_412 }));
    for text in ["QQ 860412", "号860412的", r#"{"qq":"860412"}"#, r#"{"qq":860412}"#, r#"{\"qq\":860412}"#] {
        assert!(is_found(&marks, text), "{text}");
    }
    for text in [
        "1860412",
        "8604120",
        "KH860412",
        "860412.50",
        r#"{"ord":860412,"khid":1}"#,
        r#"{"ords":[1,860412]}"#,
        r#"{\"ord\" : 860412}"#,
    ] {
        assert!(!is_found(&marks, text), "{text}");
    }
}

#[test]
fn what_tells_nobody_apart_is_not_looked_for() {
    assert_eq!(marks(json!({ "phone": "123", "wechat_id": "a", "name": "陈", "email": null })), BTreeSet::new());
    assert_eq!(marks_in("no JSON"), []);
}

#[test]
fn what_stands_in_its_place_keeps_json_readable() {
    let marks = marks(json!({ "phone": "13800138055", "wechat_id": "mobile", "email": null }));
    let text = r#"{"mobile":13800138055,"of":[13.800138055,"mobile"],"candidates":"{\"mobile\":\"\"}"}"#;
    let blank = r#"{"mobile":99999999999,"of":[99.999999999,"******"],"candidates":"{\"mobile\":\"\"}"}"#;
    assert_eq!(blanked(text, &marks).as_deref(), Some(blank));
}

#[test]
fn the_lines_of_a_link_tell_accounts_from_names() {
    let account = |text: &str| Mark::Account(text.to_owned());
    let number = || Mark::Number("13800138055".to_owned());
    let name = || Mark::Name("Michael".to_owned());
    for (found_by, marks) in [
        (
            "Michael\nACMEGROUP\nzhangsan\nli@example.com\n13800138055",
            vec![account("zhangsan"), account("li@example.com"), number(), name()],
        ),
        ("Michael\n\nzhangsan\n\n", vec![account("zhangsan"), name()]),
        ("Michael\n\n\n\n13800138055", vec![number(), name()]),
        // As earlier programs wrote it.
        ("michael\nwang_66\n13800138055", vec![account("wang_66"), number()]),
        ("michael\nzhangsan\nacme group", vec![]),
    ] {
        assert_eq!(marks_of_link(found_by), marks, "{found_by:?}");
    }
}

#[test]
fn a_name_is_found_in_the_erp_s_words_and_keeps_them_readable() {
    let han = marks(json!({ "name": "张伟" }));
    let text = r#"{"张伟":"","name":"张伟","rows":["\u5f20\u4f1f","王张伟国"],"message":"张伟 已存在"}"#;
    let blank = r#"{"张伟":"","name":"**","rows":["************","王**国"],"message":"** 已存在"}"#;
    assert_eq!(blanked(text, &han).as_deref(), Some(blank));
    let anna = marks(json!({ "name": "Anna" }));
    assert!(is_found(&anna, r#"{"name":"ANNA"}"#) && is_found(&anna, "客户Anna，"));
    assert!(!is_found(&anna, "Hannah") && !is_found(&anna, "annabel") && !is_found(&anna, r#"{"anna":1}"#));
    assert!(han.iter().chain(&anna).all(|mark| !mark.tells_apart()));
}

#[test]
fn a_body_that_could_not_be_read_names_its_contact() {
    for body in [
        r#"{"data":{"contact":{"id":"c1","name":"陈"#,
        r#"{"data":{"contact" : {"name":"陈","of":{"id":"c2"},"id" :"c1"#,
        r#"{"data":{"contact":{"id":["c1"]}}}"#,
        r#"{"data":[{"contact":{"name":"陈","id":"c1"}}]}"#,
        r#"{"contactId" : " c1 "}"#,
        r#"{"contact_id":c1,"#,
        r#"{"data":{"contact":"c1"}}"#,
        r#"{"data":{"contact":"c1","name":"陈"#,
        r#"{"data":{"contact":["c2","c1"]}}"#,
        r#"{"data":{"contact":["c2", "c1","#,
        r#"{"data":{"contact":[{"id":"c2"},{"name":"陈","id":"c1"}]}}"#,
        r#"{"data":{"contact":[{"id":"c2"},{"name":"陈","id":"c1","#,
    ] {
        assert!(names_contact(body, "c1"), "{body}");
    }
    for body in [
        r#"{"data":{"contact":{"id":"c11"}}}"#,
        r#"{"data":{"contact":{"id":"xc1"}}}"#,
        r#"{"data":{"contact":{"name":"c1"}}}"#,
        r#"{"data":{"contact":{"id":"c11","name":"#,
        r#"{"score":"c1"}"#,
        "c1",
        r#"["c1"]"#,
        r#"{"data":{"contact":["c11"]}}"#,
        r#"{"data":{"contact":["c11","#,
        r#"{"data":{"contact":{"tags":["c1"]}}}"#,
        r#"{"data":{"contact":{"tags":["c1","#,
        r#"{"data":{"contact":{"tags":[{"id":"c1","#,
        r#"{"data":{"contact":[{"id":"c2","name":"c1","#,
        r#"["c2","c1","#,
    ] {
        assert!(!names_contact(body, "c1"), "{body}");
    }
}

#[test]
fn the_id_of_a_deal_is_no_contacts() {
    for body in [
        r#"{"id":42}"#,
        r#"{"data":{"contact":{"id":"c1"},"deal":{"id":42,"invoice_id":"42"}}}"#,
        r#"{"data":{"contact":{"id":"c1","owner":{"id":42}}}}"#,
        r#"{"data":{"contact":{"id":"c1","name":"陈"},"deal":{"id":42,"#,
        r#"{"data":{"contact":{"id":"c1","owner":{"id":42,"#,
        r#"{"id":42,"contact":{"#,
    ] {
        assert!(!names_contact(body, "42"), "{body}");
    }
    for body in [r#"{"data":{"deal":{"id":7},"contact":{"id":42}}}"#, r#"{"data":{"deal":{"id":7},"contact":{"id":42,"#]
    {
        assert!(names_contact(body, "42"), "{body}");
    }
}

#[test]
fn a_contact_may_be_a_bare_number() {
    for body in [
        r#"{"data":{"contact":42}}"#,
        r#"{"data":{"contact":42,"#,
        r#"{"data":{"contact":[7,42]}}"#,
        r#"{"data":{"contact":[7,42,"#,
    ] {
        assert!(names_contact(body, "42"), "{body}");
    }
    for body in [r#"{"data":{"contact":421}}"#, r#"{"data":{"contact":421,"#, r#"{"data":{"contact":[142,"#] {
        assert!(!names_contact(body, "42"), "{body}");
    }
}

#[test]
fn an_id_that_a_program_made_is_an_account() {
    for made in ["oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "o-6Ib5q3XkT_9sVbYw2LmN0pQrSt", "wmqfasd1e1927831123109rBAAAA"] {
        let marks = marks(json!({ "wechat_id": made }));
        assert_eq!(marks_of_link(&format!("陈\n\n{made}\n\n")), Vec::from_iter(marks.clone()));
        let said = |id: &str| format!(r#"{{"openid":"{id}","intro":"微信 {id}。"}}"#);
        assert_eq!(blanked(&said(made), &marks), Some(said(&"*".repeat(made.len()))));
        assert!(!is_found(&marks, &format!("{made}0")), "{made}");
    }
    // Words that are joined could as well be a name.
    assert_eq!(marks(json!({ "wechat_id": "CustomerServiceOfShanghai" })), BTreeSet::new());
}
