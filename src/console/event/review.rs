//! What a person has to decide: the candidates side by side, or the step whose outcome is unknown.

use serde_json::Value;

use crate::{
    console::words::{Lang, field, fill, step},
    http::api::views::EventDetail,
};

/// A question and its possible answers.
pub(super) struct Review {
    pub(super) candidates: Vec<Candidate>,
    /// What name, number and 客户编号 are called.
    pub(super) names: [&'static str; 3],
    /// The contact in the same form, to compare with.
    pub(super) contact: [String; 3],
    pub(super) step: Option<String>,
    pub(super) may_link: bool,
    pub(super) may_recreate: bool,
    pub(super) may_done: bool,
    pub(super) may_resend: bool,
}

/// A customer that may be the contact.
pub(super) struct Candidate {
    pub(super) ord: i64,
    /// Name, number and 客户编号, each with whether it is the contact's.
    pub(super) name: Compared,
    pub(super) mobile: Compared,
    pub(super) khid: Compared,
    pub(super) salesperson: String,
    pub(super) added: String,
}

/// A value beside the contact's.
pub(super) struct Compared {
    pub(super) value: String,
    /// Whether they are the same; `None` where one of them is missing.
    pub(super) same: Option<bool>,
}

impl Compared {
    fn with(value: &Value, own: &str) -> Self {
        let value = value.as_str().unwrap_or_default().to_owned();
        let same = (!value.is_empty() && !own.is_empty()).then(|| plain(&value) == plain(own));
        Self { value, same }
    }
}

/// Without what people put between digits.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect::<String>().trim_start_matches("+86").to_owned()
}

impl Review {
    /// The question of an event that has one.
    pub(super) fn of(event: &EventDetail, lang: Lang) -> Option<Self> {
        let review = event.review.as_ref()?;
        let contact = event.payload.as_ref().map(|payload| &payload["data"]["contact"]).unwrap_or(&Value::Null);
        let own = |member: &str| contact[member].as_str().unwrap_or_default().to_owned();
        let own_name = Some(own("company")).filter(|company| !company.is_empty()).unwrap_or_else(|| own("name"));
        let contact = [own_name, own("phone"), own("wechat_id")];
        let may = |decision: &str| {
            review["decisions"].as_array().is_some_and(|all| all.iter().any(|one| one.as_str() == Some(decision)))
        };
        let candidates = review["candidates"].as_array().into_iter().flatten();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Some(Self {
            candidates: candidates
                .filter_map(|row| {
                    Some(Candidate {
                        ord: row["ord"].as_i64()?,
                        name: Compared::with(&row["name"], &contact[0]),
                        mobile: Compared::with(&row["mobile"], &contact[1]),
                        khid: Compared { value: text(&row["khid"]), same: None },
                        salesperson: text(&row["salesperson"]),
                        added: text(&row["added"]),
                    })
                })
                .collect(),
            names: ["name", "mobile", "khid"].map(|id| field(lang, id)),
            contact,
            step: review["step"].as_str().map(|name| fill(lang.words().event.question_step, &[&step(lang, name)])),
            may_link: may("link"),
            may_recreate: may("recreate"),
            may_done: may("done"),
            may_resend: may("resend"),
        })
    }
}
