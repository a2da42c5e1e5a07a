//! Silence, and messages that wait, around their thresholds: told once, and over only once it is clearly so.

use std::time::Duration;

use super::{Watch, begin, with_something_for};
use crate::{
    alerts::MINUTE,
    support::{Receiver, contact, promoted},
};

const SILENCE: &str = "微信中台长时间没有推送";
const LAG: &str = "回写积压";

/// The platform speaks, and then is silent for so long.
async fn speaks_and_is_silent(watch: &Watch, silent: Duration) {
    watch.accept().await;
    watch.run().await;
    watch.look_for(silent).await;
}

#[tokio::test]
async fn a_platform_that_is_silent_a_little_too_long_again_and_again_is_not_told() {
    let watch = begin(|config| config.webhook.silence_after = MINUTE * 10).await;
    for _ in 0..4 {
        // It has been too long for three minutes, and five are needed.
        speaks_and_is_silent(&watch, MINUTE * 13).await;
    }
    assert_eq!(watch.marks(SILENCE), [""; 0]);
    speaks_and_is_silent(&watch, MINUTE * 16).await;
    assert_eq!(watch.marks(SILENCE), ["告警"]);
}

#[tokio::test]
async fn a_platform_that_says_a_word_now_and_then_is_silent_until_it_speaks_for_a_while() {
    let watch = begin(|config| {
        config.webhook.silence_after = MINUTE * 4;
        config.alerts.clear_after = MINUTE * 10;
    })
    .await;
    speaks_and_is_silent(&watch, MINUTE * 15).await;
    for _ in 0..3 {
        speaks_and_is_silent(&watch, MINUTE * 6).await;
    }
    assert_eq!(watch.marks(SILENCE), ["告警"], "one word is no end");
    for _ in 0..5 {
        speaks_and_is_silent(&watch, MINUTE * 3).await;
    }
    assert_eq!(watch.marks(SILENCE), ["告警", "恢复"]);
}

#[tokio::test]
async fn messages_that_wait_for_too_long_are_told_once_however_the_oldest_changes() {
    let platform = Receiver::start().await;
    let watch = with_something_for(&platform).await;
    let write_back = watch.world.app.write_back.as_ref().unwrap();
    let another = async |number: u32| {
        let contact = contact(&format!("late{number}"), number);
        assert_eq!(watch.world.post(&format!("late{number}"), &promoted(&contact, 10.0)).await.0, 200);
    };
    watch.look_for(MINUTE * 20).await;
    another(2).await;
    watch.look_for(MINUTE * 14).await;
    assert_eq!(watch.marks(LAG), [""; 0], "it may be on its way");
    watch.look_for(MINUTE * 6).await;
    watch.assert_raised(LAG, "检查微信中台的接收地址");
    for number in 3..6 {
        // The oldest arrives, and the next one has waited for twenty minutes: neither too long, nor short enough.
        platform.answer_next(&[200, 500]);
        assert_eq!(write_back.run_due().await, 2);
        watch.look_for(MINUTE * 5).await;
        another(number).await;
        watch.look_for(MINUTE * 20).await;
    }
    watch.assert_raised(LAG, "检查微信中台的接收地址");
    assert_eq!(write_back.run_due().await, 2);
    watch.assert_cleared(LAG).await;
}
