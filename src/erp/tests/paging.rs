//! Lists of several pages.

use serde_json::{Value, json};

use super::*;
use crate::erp::{
    CustomerFilter, CustomerRow, ErpError, ProgressList,
    fake::{Act, Seen, list},
};

fn page_of(seen: &Seen) -> i64 {
    seen.field("pageindex").unwrap().parse().unwrap()
}

/// Page `page` of `total` customers, `size` a page.
fn customers(page: i64, size: i64, total: i64, counts: Value) -> Act {
    let rows: Vec<_> =
        (1..=total).skip(usize::try_from((page - 1) * size).unwrap()).take(usize::try_from(size).unwrap()).collect();
    let rows = rows.into_iter().map(|ord| json!([format!("WX{ord}"), ord])).collect();
    list(&["khid", "ord"], Value::Array(rows), counts)
}

async fn read(fake: &Fake) -> Result<Vec<i64>, ErpError> {
    let rows =
        erp(fake).list_customers(&CustomerFilter { khid: Some("WX".into()), ..CustomerFilter::default() }).await?;
    Ok(rows.iter().map(|row| row.ord).collect())
}

#[tokio::test]
async fn all_pages_are_read_whatever_the_erp_counts() {
    // The ERP ignores the page size that it is asked for.
    type Counts = fn(i64) -> Value;
    let table: [(&str, Counts, usize); 4] = [
        ("pages", |page| json!({"pagecount": "3", "pageindex": page}), 3),
        ("rows", |_| json!({"recordcount": 45}), 3),
        ("both", |_| json!({"recordcount": "45", "pagecount": "3"}), 3),
        ("nothing", |_| json!(null), 3),
    ];
    for (what, counts, calls) in table {
        let fake = Fake::with_login(move |seen| customers(page_of(seen), 20, 45, counts(page_of(seen)))).await;
        assert_eq!(read(&fake).await, Ok((1..=45).collect()), "{what}");
        assert_eq!(fake.calls().len(), calls, "{what}");
    }
}

#[tokio::test]
async fn a_row_that_moves_to_the_next_page_is_counted_once() {
    let fake = Fake::with_login(|seen| {
        let rows = if page_of(seen) == 1 { json!([[1], [2]]) } else { json!([[2], [3]]) };
        list(&["ord"], rows, json!({"pagecount": 2}))
    })
    .await;
    assert_eq!(read(&fake).await, Ok(vec![1, 2, 3]));
}

#[tokio::test]
async fn an_erp_that_turns_no_pages_is_not_believed_unless_it_counts_no_more() {
    let fake = Fake::with_login(|_| customers(1, 20, 45, json!({"recordcount": 45, "pagecount": 3}))).await;
    assert!(matches!(read(&fake).await, Err(ErpError::OutcomeUnknown { answered: true, .. })));
    let fake = Fake::with_login(|_| customers(1, 20, 45, json!(null))).await;
    assert_eq!(read(&fake).await, Ok((1..=20).collect()));
}

#[tokio::test]
async fn fifty_pages_are_read_and_one_more_is_too_many() {
    for (pages, expected) in [(49, true), (50, true), (51, false)] {
        let fake = Fake::with_login(move |seen| customers(page_of(seen), 1, pages, json!({"pagecount": pages}))).await;
        match read(&fake).await {
            Ok(rows) => assert!(expected && rows.len() == usize::try_from(pages).unwrap(), "{pages}"),
            Err(error) => assert!(!expected && matches!(error, ErpError::TooMany(_)), "{pages}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_failing_page_fails_the_list() {
    let fake = Fake::with_login(|seen| match page_of(seen) {
        1 => customers(1, 20, 45, json!({"pagecount": 3})),
        _ => Act::Status(500, String::new()),
    })
    .await;
    assert!(read(&fake).await.is_err());
}

#[tokio::test]
async fn a_row_keeps_missing_columns_apart_from_empty_cells() {
    let fake =
        Fake::with_login(|_| list(&["ord", "name", "mobile"], json!([["7592", "&#24352;&#19977;", ""]]), json!({})))
            .await;
    let row = erp(&fake).list_customers(&CustomerFilter::default()).await.unwrap().remove(0);
    let expected =
        CustomerRow { ord: 7592, name: Some("张三".into()), mobile: Some(String::new()), ..CustomerRow::default() };
    assert_eq!(row, expected);
}

#[tokio::test]
async fn a_row_without_an_id_spoils_the_list_rather_than_vanish() {
    let fake = Fake::with_login(|_| list(&["khid"], json!([["WX1"]]), json!({}))).await;
    assert!(matches!(read(&fake).await, Err(ErpError::OutcomeUnknown { answered: true, .. })));
}

#[tokio::test]
async fn two_equal_progress_records_are_two() {
    let fake =
        Fake::with_login(|_| list(&["ord", "intro"], json!([["9", "你好"], ["9", "你好"]]), json!({"recordcount": 2})))
            .await;
    let ProgressList::Records(records) = erp(&fake).list_progress(9, None, |_| false).await.unwrap() else {
        panic!("closed")
    };
    assert_eq!(records.len(), 2);
}
