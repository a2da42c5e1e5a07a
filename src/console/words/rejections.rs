//! What was signed and not valid.

use super::texts;

texts! {
    /// The requests that were refused.
    RejectionsWords {
        title: "无效请求", "Invalid requests";
        what: "签名有效但内容不符合要求，没有成为事件。请平台按下面的位置更正后重新推送", "They were signed and not valid, and became no events. The platform is to mend what stands here, and send them again";
        none: "没有无效请求", "No request was invalid";
        none_hint: "平台推送的内容不符合要求时会出现在这里，并写明哪里不符合", "What the platform sends and does not fit will stand here, with what is wrong with it";
        unknown: "未知类型", "type unknown";
        misfits: "不符合要求之处", "What does not fit";
        times_title: "次数", "Times";
        times: "{} 次", "{} ×";
        last: "最近一次", "Last";
    }
}
