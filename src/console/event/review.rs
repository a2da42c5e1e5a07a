//! What a person has to decide: the candidates side by side, or the step whose outcome is unknown.

use serde_json::Value;

use crate::{
    console::{
        format::cut,
        words::{Lang, field, fill, step},
    },
    http::api::views::EventDetail,
};

/// Characters of a value that are shown: more than the ERP has room for, and twenty customers stand side by side.
const CHARS_SHOWN: usize = 100;

/// A question and its possible answers.
pub(super) struct Review {
    pub(super) candidates: Vec<Candidate>,
    /// The contact's name, number and WeChat id, to compare with, and what they are called.
    pub(super) contact: [String; 3],
    pub(super) labels: [&'static str; 3],
    pub(super) step: Option<String>,
    pub(super) may_link: bool,
    pub(super) may_recreate: bool,
    pub(super) may_done: bool,
    pub(super) may_resend: bool,
}

/// A customer that may be the contact.
pub(super) struct Candidate {
    pub(super) ord: i64,
    /// What is known of it.
    pub(super) rows: Vec<Compared>,
    /// What a link would fill in; empty where nobody can tell.
    pub(super) fills: String,
}

/// A value beside the contact's.
pub(super) struct Compared {
    pub(super) name: &'static str,
    pub(super) value: String,
    /// Whether they are the same; `None` where there is nothing to compare with.
    pub(super) same: Option<bool>,
}

impl Compared {
    fn with(name: &'static str, value: &Value, own: Option<&str>) -> Option<Self> {
        let value = value.as_str().filter(|value| !value.is_empty())?;
        let same = own.filter(|own| !own.is_empty()).map(|own| plain(value) == plain(own));
        Some(Self { name, value: cut(value, CHARS_SHOWN), same })
    }
}

/// Without what people put between digits.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect::<String>().trim_start_matches("+86").to_owned()
}

/// What a link fills in, in words.
fn fills(fields: &[String], lang: Lang) -> String {
    let w = &lang.words().event;
    let names: Vec<_> = fields.iter().map(|id| field(lang, id)).collect();
    if names.is_empty() { w.fills_nothing.to_owned() } else { fill(w.fills, &[&names.join(lang.pick("、", ", "))]) }
}

impl Review {
    /// The question of an event that has one. `filled` tells which fields a link to a candidate would fill in.
    pub(super) fn of(event: &EventDetail, lang: Lang, filled: impl Fn(&Value) -> Option<Vec<String>>) -> Option<Self> {
        let review = event.review.as_ref()?;
        let contact = event.payload.as_ref().map(|payload| &payload["data"]["contact"]).unwrap_or(&Value::Null);
        let own = |member: &str| contact[member].as_str().unwrap_or_default().to_owned();
        let own_name = Some(own("company")).filter(|company| !company.is_empty()).unwrap_or_else(|| own("name"));
        let contact = [own_name, own("phone"), own("wechat_id")];
        let may = |decision: &str| {
            review["decisions"].as_array().is_some_and(|all| all.iter().any(|one| one.as_str() == Some(decision)))
        };
        let candidates = review["candidates"].as_array().into_iter().flatten();
        let [name, mobile, khid, wechat] = ["name", "mobile", "khid", "weixinAcc"].map(|id| field(lang, id));
        let w = &lang.words().event;
        Some(Self {
            candidates: candidates
                .filter_map(|row| {
                    let rows = [
                        Compared::with(name, &row["name"], Some(&contact[0])),
                        Compared::with(mobile, &row["mobile"], Some(&contact[1])),
                        Compared::with(khid, &row["khid"], None),
                        Compared::with(w.salesperson, &row["salesperson"], None),
                        Compared::with(w.added, &row["added"], None),
                    ];
                    let fills = filled(row).map(|fields| fills(&fields, lang)).unwrap_or_default();
                    Some(Candidate { ord: row["ord"].as_i64()?, rows: rows.into_iter().flatten().collect(), fills })
                })
                .collect(),
            labels: [name, mobile, wechat],
            contact: contact.map(|own| cut(&own, CHARS_SHOWN)),
            step: review["step"].as_str().map(|name| fill(w.question_step, &[&step(lang, name)])),
            may_link: may("link"),
            may_recreate: may("recreate"),
            may_done: may("done"),
            may_resend: may("resend"),
        })
    }
}
