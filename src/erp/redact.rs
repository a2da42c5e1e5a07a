//! Secrets of ours that the ERP repeats in its words: they go no further.

use super::{
    ErpError, Fault,
    classify::{LoginOutcome, Reply, Verdict},
};

impl Verdict {
    /// The same without a secret that the answer's words repeat.
    pub(super) fn without(mut self, secret: &str) -> Self {
        match &mut self {
            Self::Done(Reply { words: text, .. })
            | Self::Expired { said: text, .. }
            | Self::Doubtful { said: text }
            | Self::Refused { text, .. }
            | Self::Failed(
                ErpError::OutcomeUnknown { reason: text, .. }
                | ErpError::NotDelivered(text)
                | ErpError::Installation(Fault { words: text, .. }),
            ) => {
                hide(text, secret);
            }
            Self::Failed(_) => {}
        }
        self
    }
}

impl LoginOutcome {
    /// The same without a secret that the answer's words repeat.
    pub(super) fn without(mut self, secret: &str) -> Self {
        if let Self::Refused(text)
        | Self::Failed(ErpError::NotDelivered(text) | ErpError::Installation(Fault { words: text, .. })) = &mut self
        {
            hide(text, secret);
        }
        self
    }
}

/// A shorter secret is in too many words by chance.
const SECRET_BYTES_MIN: usize = 4;

fn hide(text: &mut String, secret: &str) {
    if secret.len() >= SECRET_BYTES_MIN && text.contains(secret) {
        *text = text.replace(secret, "…");
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            classify::{HttpAnswer, judge, judge_login},
            interface::Interface,
        },
        *,
    };

    const SAVE: Interface = Interface::command("保存", "save", "/save.asp", None);

    fn answer(body: &str) -> HttpAnswer {
        HttpAnswer { status: 200, body: body.into(), ..HttpAnswer::default() }
    }

    #[test]
    fn a_secret_that_the_answer_repeats_is_cut_out_of_its_words() {
        let body = r#"{"header":{"status":0},"body":{"message":{"text":"不能保存 tok-123"}}}"#;
        let Verdict::Refused { text, .. } = judge(&SAVE, &answer(body), true).without("tok-123") else {
            panic!("it is refused")
        };
        assert_eq!(text, "不能保存 …");
        let wrong = answer(r#"{"header":{"status":1,"message":"密码 geheim 错误"}}"#);
        let LoginOutcome::Refused(text) = judge_login(&SAVE, "/login", &wrong).without("geheim") else {
            panic!("it is refused")
        };
        assert_eq!(text, "密码 … 错误");
    }
}
