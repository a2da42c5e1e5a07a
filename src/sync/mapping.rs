//! 数据映射表: the platform's fields become the ERP's (`guide.md`, `docs/mapping.md`).
//!
//! Adding takes choices by id, editing (v3) takes them by display text, so the map exists in both forms.

use super::{
    phone_match::number_key,
    text::{clean, clean_line, head, utf16_len},
};
use crate::{
    config::{ConflictsConfig, ErpValues, Level, MappingConfig},
    erp::{CustomerKind, Field},
    event::Event,
};

/// Longest 客户简介 and 备注 of a customer, in UTF-16 code units (`erp-wire.md §3`).
const LONG_TEXT: usize = 4_000;
/// 联系人姓名, in UTF-16 code units (`erp-wire.md §4`).
const PERSON_NAME_MAX: usize = 50;
/// Ends a 客户简介 that was cut; the whole text follows as progress records.
const CUT_MARK: &str = "……（全文见洽谈进展）";

/// Ids of the choices that a new customer needs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ChoiceIds {
    /// 客户来源 (`ly`).
    pub source: Option<i64>,
    /// 价值评估 (`jz`).
    pub level: Option<i64>,
}

/// The field map with its configured values.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// `[mapping]`
    pub config: MappingConfig,
    /// `[erp.values]`
    pub values: ErpValues,
    /// `[conflicts]`
    pub conflicts: ConflictsConfig,
}

impl Mapping {
    /// 客户编号 of a contact: the prefix and the contact's id.
    pub fn khid(&self, contact_id: &str) -> String {
        format!("{}{contact_id}", self.config.khid_prefix)
    }

    /// Whether a 客户编号 is one that the bridge gives.
    pub(super) fn is_ours(&self, khid: &str) -> bool {
        !self.config.khid_prefix.is_empty() && khid.trim().starts_with(&self.config.khid_prefix)
    }

    /// 单位客户 if the contact has a company, else 个人客户.
    pub fn kind(event: &Event) -> CustomerKind {
        if event.contact().company().is_some() { CustomerKind::Company } else { CustomerKind::Person }
    }

    /// 价值评估 of a score.
    pub fn level(&self, score: Option<f64>) -> Option<&Level> {
        let score = score?;
        self.config.levels.iter().filter(|level| score >= level.min).max_by(|a, b| a.min.total_cmp(&b.min))
    }

    /// 手机: normalised where it is a mainland mobile number, else as given; what is no number is nobody's.
    pub fn mobile(event: &Event) -> Option<&str> {
        let contact = event.contact();
        contact.mobile().or_else(|| contact.phone().filter(|phone| number_key(phone).is_some()))
    }

    /// The fields of a new customer (单位客户添加, 个人客户添加).
    pub(super) fn new_customer(&self, event: &Event, choices: ChoiceIds) -> Vec<Field> {
        let contact = event.contact();
        let person = self.line(contact.name().unwrap_or_default());
        let mut fields = Vec::new();
        match contact.company() {
            Some(company) => {
                fields.push(Field::new("name", self.line(company)));
                fields.push(Field::new("person_name", person));
            }
            None => fields.push(Field::new("name", person)),
        }
        fields.push(Field::new("khid", self.khid(contact.id())));
        fields.push(Field::new("sort1", self.values.sort1.clone()));
        fields.extend(choices.source.map(|id| Field::new("ly", id.to_string())));
        fields.extend(choices.level.map(|id| Field::new("jz", id.to_string())));
        fields.extend(self.personal(event));
        fields.extend(self.text("intro", contact.notes()));
        fields.extend(self.product(event));
        fields
    }

    /// What a known customer may lack (客户修改): choices by their display texts.
    pub fn known_customer(&self, event: &Event) -> Vec<Field> {
        let mut fields = vec![Field::new("khid", self.khid(event.contact().id()))];
        fields.push(Field::new("ly", self.values.source.clone()));
        let score = event.thread().and_then(crate::event::Thread::score);
        fields.extend(self.level(score).map(|level| Field::new("jz", level.text.clone())));
        // v3 takes 11-digit mobile numbers only.
        let usable = |field: &Field| field.id != "mobile" || event.contact().mobile().is_some();
        fields.extend(self.personal(event).into_iter().filter(usable));
        fields.extend(self.text("intro", event.contact().notes()));
        fields.extend(self.product(event));
        fields
    }

    /// The fields of a further contact person of a known company (联系人添加).
    pub fn contact_person(&self, event: &Event) -> Vec<Field> {
        let contact = event.contact();
        // A message may carry a name that is longer, and says nothing else of its contact.
        let name = self.line(contact.name().unwrap_or_default());
        let mut fields = vec![Field::new("person_name", head(&name, PERSON_NAME_MAX))];
        fields.extend(self.personal(event).into_iter().filter(|field| field.id != "address"));
        fields.extend(self.text("intro", contact.notes()));
        fields
    }

    /// Whether the message that came with the event is longer than 客户简介 takes.
    pub fn product_is_cut(&self, event: &Event) -> bool {
        event.signal().is_some_and(|signal| utf16_len(&clean(signal.content(), self.config.markup)) > LONG_TEXT)
    }

    fn personal(&self, event: &Event) -> Vec<Field> {
        let contact = event.contact();
        let fields = [
            ("mobile", Self::mobile(event)),
            ("weixinAcc", contact.wechat_id()),
            ("address", contact.address()),
            ("email", contact.email()),
            ("job", contact.job()),
        ];
        let given = fields.into_iter().filter_map(|(id, value)| Some(Field::new(id, self.line(value?))));
        given.filter(|field| !field.val.is_empty()).collect()
    }

    pub(super) fn product(&self, event: &Event) -> Option<Field> {
        let text = clean(event.signal()?.content(), self.config.markup);
        if utf16_len(&text) <= LONG_TEXT {
            return Some(Field::new("product", text));
        }
        let beginning = head(&text, LONG_TEXT - utf16_len(CUT_MARK));
        Some(Field::new("product", format!("{beginning}{CUT_MARK}")))
    }

    fn text(&self, id: &'static str, text: Option<&str>) -> Option<Field> {
        let text = clean(text?, self.config.markup);
        (!text.is_empty()).then(|| Field::new(id, text))
    }

    /// A text of one line as the ERP is sent it.
    pub(super) fn line(&self, text: &str) -> String {
        clean_line(text, self.config.markup)
    }
}
