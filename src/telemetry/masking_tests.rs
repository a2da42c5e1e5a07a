use proptest::prelude::*;

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
        ("010-12345678", "010-******78"),
        ("+852 6123 4567", "+852 **** **67"),
        ("+1 415 555 2671", "+1 41* *** 2671"),
        ("call me", "c****e"),
        ("wxid_138", "wx****38"),
        ("王小明 13812345678", "王小****78"),
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
        ("13812345678", "13****78"),
    ] {
        assert_eq!(mask_account(account), masked);
    }
}

#[test]
fn a_name_keeps_its_ends() {
    for (name, masked) in [("", ""), ("张", "*"), ("张伟", "张*"), ("仲小妮", "仲*妮"), ("杭州甲公司", "杭*司")]
    {
        assert_eq!(mask_name(name), masked);
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
        ("a@ 王小明的地址", "a@****地址"),
    ] {
        assert_eq!(mask_email(email), masked);
    }
}

#[test]
fn a_number_in_free_text_is_hidden_however_it_is_written() {
    for (text, masked) in [
        ("我的手机是13812345678，请联系", "我的手机是138****5678，请联系"),
        ("电话+86 138 1234 5678。", "电话+86 138 **** 5678。"),
        ("tel:008613812345678;", "tel:0086138****5678;"),
        ("号码１３８１２３４５６７８", "号码１３８****５６７８"),
        ("138-1234-5678或139.1234.5678", "138-****-5678或139.****.5678"),
        ("138\u{3000}1234\u{a0}5678", "138\u{3000}****\u{a0}5678"),
        ("138/1234/5678", "138/****/5678"),
        ("138，1234，5678", "138，****，5678"),
        ("1\u{200b}3812\u{200d}345678", "1\u{200b}38**\u{200d}**5678"),
        ("一三八 一二三四 五六七八", "一三八 **** 五六七八"),
        ("幺叁捌〇零壹贰3四5六", "幺叁捌****3四5六"),
        ("①③⑧①②③④⑤⑥⑦⑧", "①③⑧****⑤⑥⑦⑧"),
        ("𝟏𝟑𝟖𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖", "𝟏𝟑𝟖****𝟓𝟔𝟕𝟖"),
        ("1381234567813912345678", "138****5678139****5678"),
        ("99913812345678", "999138****5678"),
        ("座机021-5555 1234转8", "座机021-**** **34转8"),
        ("(010)12345678", "(010)******78"),
        ("+852 6123 4567", "+852 **** **67"),
    ] {
        let shown = mask_text(text);
        assert_eq!(shown, masked, "{text}");
        assert_eq!(shown.chars().count(), text.chars().count(), "{text}");
    }
    let keycaps: String = "13812345678".chars().map(|digit| format!("{digit}\u{fe0f}\u{20e3}")).collect();
    assert_eq!(mask_text(&keycaps).matches('*').count(), 4, "{}", mask_text(&keycaps));
}

#[test]
fn addresses_and_wechat_ids_in_free_text_are_hidden() {
    for (text, masked) in [
        ("邮箱 zhang.san+1@example.com。", "邮箱 z****@example.com。"),
        ("a@b.cn, c@d.cn", "a****@b.cn, c****@d.cn"),
        ("全角zhang＠example.com", "全****＠example.com"),
        ("我 @ 你", "我 @ 你"),
        ("@王小明", "@王小明"),
        ("加wxid_a1b2-c3；WXID_x", "加wxid_****；WXID_****"),
        ("wxid_awxid_b", "wxid_****"),
    ] {
        assert_eq!(mask_text(text), masked);
    }
}

#[test]
fn what_is_no_number_stays_readable() {
    for text in [
        "",
        "订单 20261123，金额 12800.00 元",
        "2026-11-23 15:04:05 客户：你好",
        "2026-11-23T15:04:05.123+08:00",
        "2026/11/23 15:04:05",
        "0.123456789012",
        "12812345678",
        "1381234567",
        "13812\n345678",
        "13812     345678",
        "01936f3a-1381-7234-8567-813812345678",
        "event.id=01936f3a-1381-7234-8567-813812345678 status=dead",
    ] {
        assert_eq!(mask_text(text), text);
    }
}

#[test]
fn the_log_s_own_client_address_stays_and_a_number_in_its_place_does_not() {
    for kept in ["client.address=139.155.123.145 x", r#"{"client.address":"139.155.123.145"}"#] {
        assert_eq!(mask_text(kept), kept);
    }
    for hidden in [
        "client.address=13912345678",
        "client.address=139.1234.5678",
        "client.address=139.155.123.145.13912345678",
        "said=139.155.123.145",
    ] {
        assert!(shows_a_mobile(hidden) && !shows_a_mobile(&mask_text(hidden)), "{}", mask_text(hidden));
    }
}

/// Whether eleven digits in a row, separators aside, still look like a mobile number.
fn shows_a_mobile(text: &str) -> bool {
    let plain: Vec<char> = text.chars().filter(|c| !" -./".contains(*c)).collect();
    plain
        .windows(11)
        .any(|window| window.iter().all(char::is_ascii_digit) && window[0] == '1' && ('3'..='9').contains(&window[1]))
}

proptest! {
    #[test]
    fn no_mobile_number_survives(
        before in "[^0-9]{0,20}", mobile in "1[3-9][ ./-]?[0-9]{2}[ ./-]?[0-9]{4}[ ./-]?[0-9]{3}", after in "[^0-9]{0,20}",
        more in "[0-9,]{0,30}",
    ) {
        let text = format!("{before}{mobile}{more}{after}");
        for masked in [mask_text(&text), mask_phone(&text), mask_account(&text), mask_email(&text)] {
            prop_assert!(!shows_a_mobile(&masked), "{}", masked);
        }
    }
}
