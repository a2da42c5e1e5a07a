//! The other cases: sample events that the story has not shown, a resend, and a wrong signature.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::stage::{Failure, SECRET, Stage};

/// Signs as somebody who does not know the secret: base64 of "not the bridge's secret!".
const WRONG_SECRET: &str = "whsec_bm90IHRoZSBicmlkZ2UncyBzZWNyZXQh";
/// What the story has shown: a message before and after the promotion, and a deal.
const IN_THE_STORY: [&str; 3] =
    ["01-message-before-promotion.json", "03-message-after-promotion.json", "11-deal-closed.json"];
/// Sent once everything before it took effect: a colleague of a company that the ERP has by then.
const SENT_LATER: &str = "06-colleague-of-known-company.json";
/// The event that is sent twice.
const RESENT: &str = "02-person-promoted.json";

/// Posts them all, prints the answers, and waits until they took effect.
pub(crate) async fn post(stage: &Stage) -> Result<(), Failure> {
    known_customer(stage).await?;
    println!("四、其他情形 · other cases, posted to {}/webhooks/events\n", stage.bridge);
    for file in files()? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if IN_THE_STORY.contains(&name.as_str()) {
            continue;
        }
        if name == SENT_LATER {
            stage.until_idle().await?;
        }
        let id = format!("demo-{}", name.split('-').next().unwrap_or_default());
        post_one(stage, &file, &id, SECRET, &name).await?;
        if name == RESENT {
            post_one(stage, &file, &id, SECRET, "重发 the same once more").await?;
            post_one(stage, &file, "demo-forged", WRONG_SECRET, "签名错误 signed with a wrong secret").await?;
        }
    }
    stage.until_idle().await
}

/// A customer that the ERP has from before, without a WeChat id: event 07 is to find it by its mobile number.
async fn known_customer(stage: &Stage) -> Result<(), Failure> {
    let customer = json!({
        "name": "赵志远（老客户）", "kind": 2, "khid": "KH00017", "sort1": "3,7", "mobile": "13800001004", "ly": "172",
    });
    let body = json!({ "customers": [customer] }).to_string();
    stage.http.post(format!("{}/__control/seed", stage.erp)).body(body).send().await?.error_for_status()?;
    Ok(())
}

/// The sample events in the order of their names.
fn files() -> Result<Vec<PathBuf>, Failure> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/events");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    Ok(files)
}

/// Posts one file with `erp-bridge send`, and prints its answer under `label`.
async fn post_one(stage: &Stage, file: &Path, id: &str, secret: &str, label: &str) -> Result<(), Failure> {
    let printed = stage.send(file, id, secret).await?;
    let shown = printed.replace(&*file.to_string_lossy(), "").trim().to_owned();
    println!("  {label}\n      {}", shown.replace('\n', "\n      "));
    Ok(())
}
