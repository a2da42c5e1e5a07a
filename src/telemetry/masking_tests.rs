use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn a_mobile_number_keeps_its_ends() {
    for (phone, masked) in [
        ("13812345678", "138****5678"),
        ("+8613812345678", "+86138****5678"),
        ("+86 138-1234-5678", "+86 138-****-5678"),
        ("１３８１２３４５６７８", "１３８****５６７８"),
        ("13812345678 / 13912345678", "138****5678 / 139****5678"),
    ] {
        assert_eq!(mask_phone(phone), masked);
    }
}

#[test]
fn other_numbers_lose_most_of_their_digits() {
    for (phone, masked) in [
        ("", ""),
        ("110", "****"),
        ("12345", "1***5"),
        ("010-12345678", "01*-******78"),
        ("+852 6123 4567", "+85* **** **67"),
        ("+1 415 555 2671", "+1 41* *** 2671"),
        ("call me", "c****e"),
        ("wxid_138", "wx****38"),
    ] {
        assert_eq!(mask_phone(phone), masked, "{phone}");
    }
}

#[test]
fn an_account_keeps_little_and_does_not_tell_its_length() {
    for (account, masked) in [
        ("", ""),
        ("abc", "****"),
        ("abcd", "a****d"),
        ("abcdefg", "a****g"),
        ("wxid_abc123", "wx****23"),
        ("微信号一二三四五", "微信****四五"),
        ("13812345678", "138****5678"),
        ("wx13812345678", "wx138****5678"),
    ] {
        assert_eq!(mask_wechat(account), masked);
    }
}

#[test]
fn an_address_keeps_its_domain() {
    for (email, masked) in [
        ("zhang@example.com", "z****@example.com"),
        ("13812345678@139.com", "1****@139.com"),
        ("a@13812345678.cn", "a****@138****5678.cn"),
        ("a@b@c.com", "a****@c.com"),
        ("@c.com", "****@c.com"),
        ("no address", "no****ss"),
    ] {
        assert_eq!(mask_email(email), masked);
    }
}

#[test]
fn a_number_in_free_text_is_hidden_however_it_is_written() {
    for (text, masked) in [
        ("我的手机是13812345678，请联系", "我的手机是138****5678，请联系"),
        ("电话+86 138 1234 5678。", "电话+86 138 ****5678。"),
        ("tel:008613812345678;", "tel:0086138****5678;"),
        ("号码１３８１２３４５６７８", "号码１３８****５６７８"),
        ("138-1234-5678或139.1234.5678", "138-****-5678或139.****.5678"),
        ("138\u{3000}1234\u{3000}5678", "138\u{3000}****\u{3000}5678"),
        ("1381234567813912345678", "138****5678139****5678"),
        ("99913812345678", "999138****5678"),
    ] {
        let shown = mask_text(text);
        assert_eq!(shown.replace(' ', ""), masked.replace(' ', ""), "{text}");
        assert_eq!(shown.chars().count(), text.chars().count(), "{text}");
    }
}

#[test]
fn what_is_no_mobile_number_stays_readable() {
    for text in [
        "",
        "订单 20261123，金额 12800.00 元",
        "2026-11-23 15:04:05 客户：你好",
        "2026-11-23T15:04:05.123+08:00",
        "010-12345678",
        "12812345678",
        "1381234567",
        "138，1234，5678",
        "13812\n345678",
        "13812     345678",
        "01936f3a-1381-7234-8567-813812345678",
    ] {
        assert_eq!(mask_text(text), text);
    }
}

#[test]
fn json_is_masked_by_name_at_any_depth_and_by_look_everywhere() {
    let body = json!({
        "data": {
            "contact": {
                "id": "c1", "name": "王小明", "phone": "010-12345678", "wechat_id": "wxid_abc123", "Email": "wang@example.com",
                "phone_verified": true, "notes": "备用 13912345678"
            },
            "list": [{"mobile": 13812345678_i64}, {"weixinAcc": "abcdefgh"}, {"qq": ["12345678"]}, {"phone2": null}],
            "13812345678": {"phone": {"number": "13812345678"}},
            "score": 86.5, "at": 1764000000000_i64, "n": 13812345678_i64, "m": 8613812345678_i64
        },
        "datas": [{"id": "weixinAcc", "val": "wxid_abc123"}, {"id": "name", "val": "王小明"}]
    });
    let expected = json!({
        "data": {
            "contact": {
                "id": "c1", "name": "王小明", "phone": "01*-******78", "wechat_id": "wx****23", "Email": "w****@example.com",
                "phone_verified": true, "notes": "备用 139****5678"
            },
            "list": [{"mobile": "138****5678"}, {"weixinAcc": "ab****gh"}, {"qq": ["12****78"]}, {"phone2": null}],
            "138****5678": {"phone": {"number": "138****5678"}},
            "score": 86.5, "at": 1764000000000_i64, "n": "138****5678", "m": "86138****5678"
        },
        "datas": [{"id": "weixinAcc", "val": "wx****23"}, {"id": "name", "val": "王小明"}]
    });
    assert_eq!(mask_json(&body), expected);
}

/// Whether eleven digits in a row, separators aside, still look like a mobile number.
fn shows_a_mobile(text: &str) -> bool {
    let plain: Vec<char> = text.chars().filter(|c| !" -.".contains(*c)).collect();
    plain
        .windows(11)
        .any(|window| window.iter().all(char::is_ascii_digit) && window[0] == '1' && ('3'..='9').contains(&window[1]))
}

proptest! {
    #[test]
    fn no_mobile_number_survives(
        before in "[^0-9]{0,20}", mobile in "1[3-9][ .-]?[0-9]{2}[ .-]?[0-9]{4}[ .-]?[0-9]{3}", after in "\\PC{0,20}",
        more in "[0-9 ,]{0,30}",
    ) {
        let text = format!("{before}{mobile}{more}{after}");
        let short = mask_text(&format!("{before}{mobile}"));
        prop_assert!(!shows_a_mobile(&short), "{}", short);
        let masked = [mask_text(&text), mask_phone(&text), mask_wechat(&text), mask_email(&text)];
        for masked in masked {
            prop_assert!(!shows_a_mobile(&masked), "{}", masked);
        }
    }

    #[test]
    fn no_mobile_number_survives_in_json(mobile in "1[3-9][0-9]{9}", name in "[a-z]{1,8}", text in "\\PC{0,20}") {
        let number: i64 = mobile.parse().unwrap();
        let body = json!({"phone": mobile, &name: [number, format!("{text}{mobile}"), {"qq": number}], &mobile: {}});
        let shown = mask_json(&body).to_string();
        prop_assert!(!shown.contains(&mobile), "{}", shown);
    }
}

#[test]
fn pairs_of_a_shortened_answer_are_hidden_by_their_names() {
    let answer = "ord=7001 mobile=138 0000 1234 email=anna@b.cn weixinAcc=wxid_1234\nname=王小明 qq=12345678";
    let masked = mask_text(answer);
    assert_eq!(masked, "ord=7001 mobile=**** 0000 1234 email=a****@b.cn weixinAcc=wx****34\nname=王小明 qq=12****78");
    assert_eq!(mask_text("a=1 打 138 0000 1234"), "a=1 打 138 **** 1234");
}
