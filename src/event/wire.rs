//! The bodies as they come, before anything is believed (`contract.md` §1). Only [`super::parse`] reads these.
//!
//! Every member is optional here, so that all that is missing or wrong can be reported at once.

use serde::{
    Deserialize, Deserializer,
    de::{Error, Unexpected},
};
use serde_json::Value;
use validator::Validate;

use super::{kind::EventKind, limits};
use crate::json::Plain;

/// Up to here every whole number is exact in a float.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// The envelope.
#[derive(Deserialize, Validate)]
pub(super) struct Envelope {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    #[validate(custom(function = "limits::timestamp"))]
    pub(super) timestamp: Option<String>,
    #[validate(nested)]
    pub(super) data: Option<Data>,
}

#[derive(Deserialize, Validate)]
pub(super) struct Data {
    #[validate(nested)]
    pub(super) contact: Option<Contact>,
    #[validate(nested)]
    pub(super) thread: Option<Thread>,
    #[validate(nested)]
    pub(super) signal: Option<Signal>,
    #[validate(nested)]
    pub(super) deal: Option<Deal>,
    #[serde(default, deserialize_with = "text")]
    #[validate(custom(function = "limits::at_most::<100>"))]
    pub(super) requested_by: Option<String>,
    #[serde(default, deserialize_with = "whole")]
    #[validate(custom(function = "limits::sequence"))]
    pub(super) sequence: Option<i64>,
}

impl Envelope {
    /// Takes out the texts in which there is nothing to see, so that they count as absent; answers where they stood.
    pub(super) fn drop_empty_texts(&mut self) -> Vec<&'static str> {
        let Some(data) = &mut self.data else { return Vec::new() };
        let mut texts = vec![("/data/requested_by", &mut data.requested_by)];
        if let Some(contact) = &mut data.contact {
            texts.extend([
                ("/data/contact/name", &mut contact.name),
                ("/data/contact/phone", &mut contact.phone),
                ("/data/contact/wechat_id", &mut contact.wechat_id),
                ("/data/contact/company", &mut contact.company),
                ("/data/contact/source", &mut contact.source),
                ("/data/contact/notes", &mut contact.notes),
                ("/data/contact/address", &mut contact.address),
                ("/data/contact/email", &mut contact.email),
                ("/data/contact/job", &mut contact.job),
            ]);
            texts.extend(contact.erp.as_mut().map(|erp| ("/data/contact/erp/khid", &mut erp.khid)));
        }
        texts.extend(data.deal.as_mut().map(|deal| ("/data/deal/title", &mut deal.title)));
        let empty = texts.into_iter().filter(|(_, text)| text.as_deref() == Some(""));
        let taken_out = empty.map(|(place, text)| {
            *text = None;
            place
        });
        taken_out.collect()
    }
}

impl Data {
    /// Takes out what this kind does not read.
    pub(super) fn drop_foreign_members(&mut self, kind: EventKind) {
        let is_foreign = |name| !kind.members().contains(&name);
        self.thread = self.thread.take().filter(|_| !is_foreign("thread"));
        self.signal = self.signal.take().filter(|_| !is_foreign("signal"));
        self.deal = self.deal.take().filter(|_| !is_foreign("deal"));
        self.requested_by = self.requested_by.take().filter(|_| !is_foreign("requested_by"));
    }
}

#[derive(Deserialize, Validate)]
pub(super) struct Contact {
    #[validate(custom(function = "limits::contact_id"))]
    pub(super) id: Option<String>,
    /// Its length depends on `company`: [`super::parse`] checks it.
    #[serde(default, deserialize_with = "text")]
    pub(super) name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    #[validate(custom(function = "limits::at_most::<50>"))]
    pub(super) phone: Option<String>,
    pub(super) phone_verified: Option<bool>,
    #[serde(default, deserialize_with = "text")]
    #[validate(custom(function = "limits::at_most::<50>"))]
    pub(super) wechat_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    #[validate(custom(function = "limits::at_most::<100>"))]
    pub(super) company: Option<String>,
    #[serde(default, deserialize_with = "text")]
    #[validate(custom(function = "limits::at_most::<{ limits::SOURCE_UNITS_MAX }>"))]
    pub(super) source: Option<String>,
    #[serde(default, deserialize_with = "text")]
    #[validate(custom(function = "limits::at_most::<{ limits::NOTES_UNITS_MAX }>"))]
    pub(super) notes: Option<String>,
    #[serde(default, deserialize_with = "text")]
    #[validate(custom(function = "limits::at_most::<{ limits::ADDRESS_UNITS_MAX }>"))]
    pub(super) address: Option<String>,
    #[serde(default, deserialize_with = "text")]
    #[validate(
        custom(function = "limits::at_most::<50>"),
        email(message = "应为邮箱，如 name@example.com (must be an email address such as name@example.com)")
    )]
    pub(super) email: Option<String>,
    #[serde(default, deserialize_with = "text")]
    #[validate(custom(function = "limits::at_most::<{ limits::JOB_UNITS_MAX }>"))]
    pub(super) job: Option<String>,
    #[validate(nested)]
    pub(super) erp: Option<ErpHint>,
}

/// Which record of the ERP the platform believes the contact to be.
#[derive(Deserialize, Validate)]
pub(super) struct ErpHint {
    #[serde(default, deserialize_with = "digits_or_whole")]
    #[validate(custom(function = "limits::ord"))]
    pub(super) ord: Option<i64>,
    #[serde(default, deserialize_with = "text")]
    #[validate(custom(function = "limits::at_most::<50>"))]
    pub(super) khid: Option<String>,
}

#[derive(Deserialize, Validate)]
pub(super) struct Thread {
    #[validate(custom(function = "limits::id"))]
    pub(super) id: Option<String>,
    #[validate(custom(function = "limits::score"))]
    pub(super) score: Option<f64>,
    #[validate(custom(function = "limits::bucket"))]
    pub(super) bucket: Option<String>,
    #[validate(custom(function = "limits::bucket"))]
    pub(super) previous_bucket: Option<String>,
}

#[derive(Deserialize, Validate)]
pub(super) struct Signal {
    #[validate(custom(function = "limits::id"))]
    pub(super) id: Option<String>,
    #[validate(custom(function = "limits::content"))]
    pub(super) content: Option<String>,
    #[validate(custom(function = "limits::direction"))]
    pub(super) direction: Option<String>,
    #[validate(custom(function = "limits::channel"))]
    pub(super) channel: Option<String>,
    #[validate(custom(function = "limits::timestamp"))]
    pub(super) sent_at: Option<String>,
}

#[derive(Deserialize, Validate)]
pub(super) struct Deal {
    #[validate(custom(function = "limits::id"))]
    pub(super) id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    #[validate(custom(function = "limits::at_most::<{ limits::TITLE_UNITS_MAX }>"))]
    pub(super) title: Option<String>,
    #[validate(custom(function = "limits::amount"))]
    pub(super) amount: Option<String>,
    #[validate(custom(function = "limits::currency"))]
    pub(super) currency: Option<String>,
    #[validate(custom(function = "limits::timestamp"))]
    pub(super) closed_at: Option<String>,
}

/// A whole number; `3.0` is one in JSON too.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let wrong = || D::Error::invalid_type(Unexpected::Other("number"), &"i64");
    match Option::<Plain>::deserialize(deserializer)?.map(|Plain(value)| value) {
        None => Ok(None),
        Some(Value::Number(number)) => number
            .as_i64()
            .or_else(|| number.as_f64().filter(|it| it.fract() == 0.0 && it.abs() < EXACT_MAX).map(|it| it as i64))
            .map(Some)
            .ok_or_else(wrong),
        Some(_) => Err(wrong()),
    }
}

/// A record's number, which the ERP itself writes as a number here and as a text there (`erp-wire.md` §1.4).
fn digits_or_whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(i64),
        Text(String),
    }
    let wrong = || D::Error::invalid_type(Unexpected::Other("another value"), &"i64");
    match Option::<Written>::deserialize(deserializer).map_err(|_| wrong())? {
        None => Ok(None),
        Some(Written::Number(number)) => Ok(Some(number)),
        Some(Written::Text(text)) => text.trim().parse().map(Some).map_err(|_| wrong()),
    }
}

/// A text for people: without the white space and control characters around it; empty if there is nothing to see.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.map(|text| {
        let trimmed = text.trim_matches(|c: char| c.is_whitespace() || c.is_control());
        if limits::is_blank(trimmed) { String::new() } else { trimmed.to_owned() }
    }))
}
