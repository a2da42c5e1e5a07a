//! Every interface on the wire: path, command, fields (`erp-wire.md §3` to `§5`), and what is read from its answer.

use serde_json::{Value, json};

use super::*;
use crate::{
    config::ContentType,
    erp::{
        ContactPersonFilter, ContactPersonRow, ContactWay, CustomerFilter, CustomerKind, ErpError, Field, NewProgress,
        fake::{Act, list, say, words},
    },
};

/// Answers every shape at once: each interface takes what it needs.
fn anything() -> Act {
    say(json!({"Code": 200, "Cols": [], "Rows": [], "header": {"status": 0}, "body": {
        "message": {"text": "成功"},
        "bill": {"value": "7592", "groups": [{"fields": [{"id": "khid", "value": "KH0001"}]}]},
        "source": {"table": {"cols": [{"id": "ord"}], "rows": []}},
    }}))
}

fn datas(fields: &[(&str, &str)]) -> Value {
    fields.iter().map(|(id, val)| json!({"id": id, "val": val})).collect()
}

const CUSTOM: &str = "/sysa/mobilephone/salesmanage/custom";
const PERSON: &str = "/sysa/mobilephone/salesmanage/person";
const SYSTEM: &str = "/sysa/mobilephone/systemmanage";

/// Runs one call and compares the only request that it sends.
macro_rules! sends {
    ($call:expr, $path:expr, $cmdkey:expr, $fields:expr) => {{
        let fake = Fake::with_login(|_| anything()).await;
        let erp = erp(&fake);
        $call(erp).await;
        let calls = fake.calls();
        assert_eq!(calls.len(), 1);
        let mut expected = json!({"session": "s1"});
        let cmdkey: Option<&str> = $cmdkey;
        if let Some(cmdkey) = cmdkey {
            expected["cmdkey"] = cmdkey.into();
        }
        expected["datas"] = datas(&$fields);
        assert_eq!((calls[0].path.as_str(), &calls[0].body), (&*$path, &expected));
        assert!(calls[0].headers.contains("content-type: application/json"), "{}", calls[0].headers);
    }};
}

const SAVE: Option<&str> = Some("__sys_dosave");
const LIST: Option<&str> = Some("refresh");

#[tokio::test]
async fn customers_are_sent_as_the_erp_wants_them() {
    let fields = [Field::new("name", "张三"), Field::new("khid", "WX1")];
    sends!(
        async |erp: Erp| {
            let allocated = erp.allocate_customer(CustomerKind::Person).await.unwrap();
            assert_eq!((allocated.ord, allocated.suggested_khid.as_deref()), (7592, Some("KH0001")));
        },
        format!("{CUSTOM}/add.asp"),
        None,
        [("edit", ""), ("intsort", "2")]
    );
    let saved = [("ord", "7592"), ("name", "张三"), ("khid", "WX1")];
    sends!(
        async |erp: Erp| erp.add_customer(CustomerKind::Company, 7592, &fields).await.unwrap(),
        format!("{CUSTOM}/add.asp?intsort=1"),
        SAVE,
        saved
    );
    sends!(
        async |erp: Erp| erp.add_customer(CustomerKind::Person, 7592, &fields).await.unwrap(),
        format!("{CUSTOM}/add.asp?intsort=2"),
        SAVE,
        saved
    );
    sends!(
        async |erp: Erp| {
            let detail = erp.customer_detail(CustomerKind::Company, 7592).await.unwrap();
            assert_eq!((detail.ord(), detail.value("KHID")), (Some(7592), Some("KH0001")));
        },
        format!("{CUSTOM}/add.asp?edit=1"),
        None,
        [("edit", ""), ("intsort", "1"), ("ord", "7592")]
    );
    let filter = CustomerFilter {
        sort: None,
        name: Some("某公司".into()),
        khid: Some("WX1".into()),
        ord: Some(7592),
        phone: Some("0571".into()),
        search_key: Some("138".into()),
        stype: None,
    };
    sends!(
        async |erp: Erp| assert_eq!(erp.list_customers(&filter).await, Ok(Vec::new())),
        format!("{CUSTOM}/list.asp"),
        LIST,
        [
            ("name", "某公司"),
            ("khid", "WX1"),
            ("phone", "0571"),
            ("searchKey", "138"),
            ("telord", "7592"),
            ("stype", ""),
            ("pagesize", "500"),
            ("pageindex", "1"),
        ]
    );
    let waiting = CustomerFilter { stype: Some(2), ..CustomerFilter::default() };
    sends!(
        async |erp: Erp| erp.list_customers(&waiting).await.unwrap(),
        format!("{CUSTOM}/list.asp"),
        LIST,
        [("stype", "2"), ("pagesize", "500"), ("pageindex", "1")]
    );
}

#[tokio::test]
async fn assignments_are_sent_as_the_erp_wants_them() {
    let path = format!("{SYSTEM}/order.asp?datatype=tel");
    sends!(
        async |erp: Erp| erp.assign(7592, Some("63,71")).await.unwrap(),
        path,
        SAVE,
        [("ord", "7592"), ("member1", "0"), ("member2", "63,71")]
    );
    sends!(
        async |erp: Erp| erp.assign(7592, None).await.unwrap(),
        path,
        SAVE,
        [("ord", "7592"), ("member1", "1"), ("member2", "")]
    );
    sends!(async |erp: Erp| erp.apply(7592).await.unwrap(), format!("{CUSTOM}/apply.asp"), None, [("ord", "7592")]);
    sends!(
        async |erp: Erp| erp.take_back(7592).await.unwrap(),
        format!("{CUSTOM}/takeback.asp"),
        None,
        [("ord", "7592")]
    );
    let path = format!("{CUSTOM}/approve.asp?__msgid=onsave");
    for (agree, blset) in [(true, "1"), (false, "0")] {
        sends!(
            async |erp: Erp| erp.approve(7592, agree).await.unwrap(),
            path,
            Some("onsave"),
            [("ord", "7592"), ("blset", blset)]
        );
    }
}

#[tokio::test]
async fn contacts_and_progress_records_are_sent_as_the_erp_wants_them() {
    let fields = [Field::new("person_name", "张三"), Field::new("mobile", "13800138000")];
    sends!(
        async |erp: Erp| erp.add_contact_person(7592, &fields).await.unwrap(),
        format!("{PERSON}/add.asp"),
        SAVE,
        [("company", "7592"), ("person_name", "张三"), ("mobile", "13800138000")]
    );
    sends!(
        async |erp: Erp| erp.contact_person_detail(12).await.unwrap(),
        format!("{PERSON}/add.asp?edit=1"),
        None,
        [("edit", ""), ("ord", "12")]
    );
    let filter = ContactPersonFilter {
        company: Some(7592),
        person_name: Some("张三".into()),
        mobile: Some("13800138000".into()),
        email: Some("san@example.com".into()),
    };
    sends!(
        async |erp: Erp| assert_eq!(erp.list_contact_persons(&filter).await, Ok(Vec::new())),
        format!("{PERSON}/list.asp"),
        LIST,
        [
            ("company", "7592"),
            ("person_name", "张三"),
            ("mobile", "13800138000"),
            ("email", "san@example.com"),
            ("pagesize", "100"),
            ("pageindex", "1"),
        ]
    );
    let record = NewProgress { ord: 7592, intro: "你好".into(), sort: ContactWay::Other, lead: None };
    let path = format!("{SYSTEM}/reply.asp?datatype=tel");
    sends!(
        async |erp: Erp| erp.add_progress(&record).await.unwrap(),
        path,
        SAVE,
        [("ord", "7592"), ("intro", "你好"), ("sort", "484"), ("lead", "0"), ("plantype", "0")]
    );
    let record = NewProgress { sort: ContactWay::Phone, lead: Some(12), ..record };
    sends!(
        async |erp: Erp| erp.add_progress(&record).await.unwrap(),
        path,
        SAVE,
        [("ord", "7592"), ("intro", "你好"), ("sort", "481"), ("lead", "12"), ("plantype", "0")]
    );
}

#[tokio::test]
async fn v3_calls_are_plain_json_with_the_session_in_a_header() {
    let fake = Fake::with_login(|_| anything()).await;
    let config = ErpConfig { content_type: ContentType::Zsml, ..config(fake.base_url()) };
    let erp = erp_with(config, &Clock::manual(START), Arc::new(MemorySessions::default()));
    erp.edit_customer(7592, &[Field::number("sort2", 2), Field::new("name", "张三"), Field::new("ly", "微信")])
        .await
        .unwrap();
    erp.list_accounts().await.unwrap();
    erp.apply(1).await.unwrap();
    let [edit, accounts, asp] = &fake.calls()[..] else { panic!("three calls") };
    assert_eq!((edit.path.as_str(), edit.session()), ("/webapi/v3/sales/customer/edit", Some("s1")));
    assert_eq!(edit.body, json!({"ord": 7592, "sort2": 2, "name": "张三", "ly": "微信"}));
    assert_eq!(accounts.path, "/webapi/v3/orgs/user/list");
    assert_eq!(accounts.body, json!({"userstatus": "", "name": "", "page_size": 100, "page_index": 1}));
    assert!(edit.headers.contains("content-type: application/json"));
    assert!(asp.headers.contains("content-type: application/zsml; charset=utf-8"), "{}", asp.headers);
}

#[tokio::test]
async fn a_contact_persons_customer_is_found_however_the_row_shows_it() {
    let table = [
        json!({"ord": 5, "person_name": "张三", "company": "7592", "name": "某公司"}),
        json!({"ord": 5, "person_name": "张三", "company": {"value": "某公司", "ord": 7592}}),
        json!({"person_name": {"value": "张三", "ord": 5}, "name": {"value": "某公司", "ord": 7592}}),
    ];
    for row in table {
        let rows = json!([row]);
        let fake = Fake::with_login(move |_| list(&[], rows.clone(), json!({}))).await;
        let people = erp(&fake).list_contact_persons(&ContactPersonFilter::default()).await.unwrap();
        let expected = ContactPersonRow {
            ord: Some(5),
            person_name: Some("张三".into()),
            company: Some(7592),
            company_name: Some("某公司".into()),
            ..ContactPersonRow::default()
        };
        assert_eq!(people, [expected], "{row}");
    }
}

#[tokio::test]
async fn what_breaks_a_limit_is_not_sent() {
    let fake = Fake::with_login(|_| words("成功")).await;
    let erp = erp(&fake);
    let progress =
        |length: usize| NewProgress { ord: 1, intro: "张".repeat(length), sort: ContactWay::Other, lead: None };
    for (length, sent) in [(0, false), (1, true), (999, true), (1_000, true), (1_001, false)] {
        let result = erp.add_progress(&progress(length)).await;
        assert_eq!(result.is_ok(), sent, "{length}");
        assert_eq!(matches!(result, Err(ErpError::Invalid(_))), !sent, "{length}");
    }
    assert_eq!(fake.calls().len(), 3);
    assert!(erp.add_contact_person(1, &[Field::new("mobile", "1".repeat(51))]).await.is_err());
    assert!(erp.add_customer(CustomerKind::Person, 1, &[Field::new("qq", "1".repeat(21))]).await.is_err());
    assert!(erp.assign(1, Some(&"1".repeat(51))).await.is_err());
    assert_eq!(fake.calls().len(), 3);
}

#[tokio::test]
async fn an_allocation_without_an_id_is_none() {
    for bill in [
        json!({"value": "0", "groups": []}),
        json!({"value": "", "groups": [{"fields": [{"id": "khid", "value": "1"}]}]}),
    ] {
        let fake = Fake::with_login(move |_| say(json!({"header": {"status": 0}, "body": {"bill": bill}}))).await;
        let allocated = erp(&fake).allocate_customer(CustomerKind::Company).await;
        assert!(matches!(allocated, Err(ErpError::OutcomeUnknown { answered: true, .. })), "{allocated:?}");
    }
}

#[tokio::test]
async fn cells_that_carry_the_id_of_their_row_do_not_hide_the_contact_persons_customer() {
    let cell = |value: &str| json!({"value": value, "ord": 88});
    let row = json!([[cell("88"), cell("张三"), cell("13800138000"), cell("7592")]]);
    let fake = Fake::with_login(move |_| {
        list(&["ord", "person_name", "mobile", "company"], row.clone(), json!({"recordcount": 1}))
    })
    .await;
    let people = erp(&fake).list_contact_persons(&ContactPersonFilter::default()).await.unwrap();
    assert_eq!((people[0].ord, people[0].company), (Some(88), Some(7592)));
}
