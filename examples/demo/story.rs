//! The story: a contact chats, a person promotes it, it buys. The platform of `examples/platform/` plays it with the sender
//! of `clients/python/`; without Python the same events are posted as they stand in `examples/platform/events/`.

use std::path::{Path, PathBuf};

use crate::{
    account,
    stage::{Failure, SECRET, Stage},
};

/// The contact's 客户编号 in the ERP.
const KHID: &str = "WX6f1c2a54-8c1e-4a43-9d7a-2f1f6f0f9a11";

/// The acts by the names that `story.py` knows, each with its title and what to look for afterwards.
const ACTS: [(&str, &str, &str); 3] = [
    (
        "chat",
        "一、聊天 · a contact chats",
        "还不是客户：消息由 ERP Bridge 保留（held） · no customer yet: the bridge holds the messages",
    ),
    (
        "promote",
        "二、建档 · a person promotes the contact",
        "成为客户，之前的消息按顺序跟进 · a customer, and the messages from before follow in order",
    ),
    (
        "buy",
        "三、成交 · the contact buys",
        "一条成交记录，跟进程度改为成交客户 · a record of the deal, and the stage after one",
    ),
];

/// Plays every act, and shows after each what the ERP holds of the contact.
pub(crate) async fn tell(stage: &Stage) -> Result<(), Failure> {
    let python = stage.has_python().await;
    if !python {
        println!("没有找到 Python 3.8+：同样的事件改由 erp-bridge send 发送，不经过示例平台");
        println!("no Python 3.8 or newer here: erp-bridge send posts the same events, without the sample platform\n");
    }
    for (act, title, outcome) in ACTS {
        println!("{title}\n");
        let printed = if python {
            stage.act(&platform().join("story.py"), act).await?
        } else {
            let file = platform().join(format!("events/{act}.json"));
            stage.send(&file, &format!("story-{act}"), SECRET).await?.replace(&*file.to_string_lossy(), "    ")
        };
        println!("{}\n", printed.trim_end());
        stage.until_idle().await?;
        println!("  → {outcome}");
        account::customer(stage, KHID).await?;
        println!();
    }
    Ok(())
}

fn platform() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/platform")
}
