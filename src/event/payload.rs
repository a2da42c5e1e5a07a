//! An event whose every member has been checked. The fields are private: who holds an [`Event`] need not check it again.

use std::fmt;

use super::{field_error::FieldError, kind::EventKind, limits, phone, wire};
use crate::clock::Millis;

/// One event of the platform (`contract.md` §1); made by [`Event::parse`] only.
#[derive(Clone, PartialEq)]
pub struct Event {
    kind: EventKind,
    occurred_at: Millis,
    contact: Contact,
    thread: Option<Thread>,
    signal: Option<Signal>,
    deal: Option<Deal>,
    sequence: Option<i64>,
    warnings: Vec<FieldError>,
}

impl Event {
    /// From what was checked; `None` if a required member is missing, which [`super::parse`] has reported before.
    pub(super) fn from_wire(kind: EventKind, envelope: wire::Envelope, warnings: Vec<FieldError>) -> Option<Self> {
        let data = envelope.data?;
        Some(Self {
            kind,
            occurred_at: limits::moment(&envelope.timestamp?)?,
            contact: Contact::from_wire(data.contact?)?,
            thread: data.thread.and_then(Thread::from_wire),
            signal: data.signal.and_then(Signal::from_wire),
            deal: data.deal.and_then(Deal::from_wire),
            sequence: data.sequence,
            warnings,
        })
    }

    /// This event with the times that can be true of what was told at `received_at`: a message's or deal's own that cannot
    /// is left out, the event's own gives way to `received_at`.
    #[must_use]
    pub fn with_plausible_times(mut self, received_at: Millis) -> Self {
        let is_plausible = |moment: &Millis| limits::is_plausible(*moment, received_at);
        if !is_plausible(&self.occurred_at) {
            self.occurred_at = received_at;
        }
        if let Some(signal) = &mut self.signal {
            signal.sent_at = signal.sent_at.filter(is_plausible);
        }
        if let Some(deal) = &mut self.deal {
            deal.closed_at = deal.closed_at.filter(is_plausible);
        }
        self
    }

    /// The type; never one of the commands.
    pub fn kind(&self) -> EventKind {
        self.kind
    }

    /// When it happened, by the sender's clock (`timestamp`).
    pub fn occurred_at(&self) -> Millis {
        self.occurred_at
    }

    /// Whose event it is.
    pub fn contact(&self) -> &Contact {
        &self.contact
    }

    /// The conversation; always there for `contact.promoted`.
    pub fn thread(&self) -> Option<&Thread> {
        self.thread.as_ref()
    }

    /// The message; always there for `message.logged`.
    pub fn signal(&self) -> Option<&Signal> {
        self.signal.as_ref()
    }

    /// The deal; there for `deal.closed` and no other type.
    pub fn deal(&self) -> Option<&Deal> {
        self.deal.as_ref()
    }

    /// What was cut or left out because it did not fit and only describes (`contract.md` §1).
    pub fn warnings(&self) -> &[FieldError] {
        &self.warnings
    }

    /// The sender's own number of this event for its contact, 0 or more, if it numbers them.
    pub fn sequence(&self) -> Option<i64> {
        self.sequence
    }
}

/// Type and contact only: an event may be logged, what it says may not.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("kind", &self.kind)
            .field("contact_id", &self.contact.id)
            .field("sequence", &self.sequence)
            .finish_non_exhaustive()
    }
}

/// The customer-to-be. Texts are without white space around them; an empty one counts as absent.
#[derive(Clone, PartialEq)]
pub struct Contact {
    id: String,
    name: Option<String>,
    phone: Option<String>,
    mobile: Option<String>,
    phone_verified: bool,
    wechat_id: Option<String>,
    company: Option<String>,
    notes: Option<String>,
    address: Option<String>,
    email: Option<String>,
    job: Option<String>,
    erp: Option<ErpHint>,
}

/// Which record of the ERP the platform believes the contact to be; to be verified, never to be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErpHint {
    /// The record.
    pub ord: Option<i64>,
    /// Its 客户编号.
    pub khid: Option<String>,
}

impl Contact {
    fn from_wire(wire: wire::Contact) -> Option<Self> {
        Some(Self {
            id: wire.id?,
            name: wire.name,
            mobile: wire.phone.as_deref().and_then(phone::normalize),
            phone: wire.phone,
            phone_verified: wire.phone_verified.unwrap_or(false),
            wechat_id: wire.wechat_id,
            company: wire.company,
            notes: wire.notes,
            address: wire.address,
            email: wire.email,
            job: wire.job,
            erp: wire.erp.map(|hint| ErpHint { ord: hint.ord, khid: hint.khid }),
        })
    }

    /// The platform's id: 1–48 of `A–Z a–z 0–9 _ -`. With the prefix it is the ERP's `khid`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Name of the person; always there except for `message.logged`.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The number as it was given; not necessarily a mobile, or a number at all.
    pub fn phone(&self) -> Option<&str> {
        self.phone.as_deref()
    }

    /// The eleven digits, if [`Contact::phone`] is a mainland mobile number.
    pub fn mobile(&self) -> Option<&str> {
        self.mobile.as_deref()
    }

    /// Whether the platform verified the number; absent means no.
    pub fn phone_verified(&self) -> bool {
        self.phone_verified
    }

    /// 微信号.
    pub fn wechat_id(&self) -> Option<&str> {
        self.wechat_id.as_deref()
    }

    /// 公司名称: with it the customer is a 单位客户, without it a 个人客户.
    pub fn company(&self) -> Option<&str> {
        self.company.as_deref()
    }

    /// 备注.
    pub fn notes(&self) -> Option<&str> {
        self.notes.as_deref()
    }

    /// 地址.
    pub fn address(&self) -> Option<&str> {
        self.address.as_deref()
    }

    /// 电子邮件, plausible.
    pub fn email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    /// The customer that the platform names, if it names one.
    pub fn erp(&self) -> Option<&ErpHint> {
        self.erp.as_ref().filter(|hint| hint.ord.is_some() || hint.khid.is_some())
    }

    /// 职务.
    pub fn job(&self) -> Option<&str> {
        self.job.as_deref()
    }
}

/// The id only: the rest is personal.
impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contact").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The conversation and how it is scored.
#[derive(Debug, Clone, PartialEq)]
pub struct Thread {
    score: Option<f64>,
}

impl Thread {
    fn from_wire(wire: wire::Thread) -> Option<Self> {
        wire.id.map(|_| Self { score: wire.score })
    }

    /// 0–100.
    pub fn score(&self) -> Option<f64> {
        self.score
    }
}

/// Who speaks. A signal that does not say is the customer's: most are, and the platform names its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// From the customer (客户).
    #[default]
    Inbound,
    /// From us (我方).
    Outbound,
}

/// By which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Channel {
    /// 微信.
    #[default]
    Wechat,
    /// 电话.
    Phone,
    /// 邮件.
    Email,
    /// 拜访.
    Visit,
}

/// One message, call or visit.
#[derive(Clone, PartialEq)]
pub struct Signal {
    id: String,
    content: String,
    direction: Direction,
    channel: Channel,
    sent_at: Option<Millis>,
}

impl Signal {
    fn from_wire(wire: wire::Signal) -> Option<Self> {
        Some(Self {
            id: wire.id?,
            content: wire.content?,
            direction: match wire.direction.as_deref() {
                Some("outbound") => Direction::Outbound,
                _ => Direction::default(),
            },
            channel: match wire.channel.as_deref() {
                Some("phone") => Channel::Phone,
                Some("email") => Channel::Email,
                Some("visit") => Channel::Visit,
                _ => Channel::default(),
            },
            sent_at: wire.sent_at.as_deref().and_then(limits::moment),
        })
    }

    /// The platform's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The text as it came: not blank, up to 20,000 characters.
    pub fn content(&self) -> &str {
        &self.content
    }

    /// Who speaks; [`Direction::Inbound`] if the body does not say.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// By which way; [`Channel::Wechat`] if the body does not say.
    pub fn channel(&self) -> Channel {
        self.channel
    }

    /// When it was sent, if the body says.
    pub fn sent_at(&self) -> Option<Millis> {
        self.sent_at
    }
}

/// Without the content, which is personal.
impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signal").field("id", &self.id).field("channel", &self.channel).finish_non_exhaustive()
    }
}

/// A closed deal.
#[derive(Debug, Clone, PartialEq)]
pub struct Deal {
    id: String,
    title: Option<String>,
    amount: Option<String>,
    currency: String,
    closed_at: Option<Millis>,
}

impl Deal {
    fn from_wire(wire: wire::Deal) -> Option<Self> {
        Some(Self {
            id: wire.id?,
            title: wire.title,
            amount: wire.amount,
            currency: wire.currency.map_or_else(|| "CNY".into(), |currency| currency.to_ascii_uppercase()),
            closed_at: wire.closed_at.as_deref().and_then(limits::moment),
        })
    }

    /// The platform's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What was sold.
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// A decimal without sign as it came: up to 18 digits, up to 4 after the point.
    pub fn amount(&self) -> Option<&str> {
        self.amount.as_deref()
    }

    /// Three capital letters; `CNY` if the body does not say.
    pub fn currency(&self) -> &str {
        &self.currency
    }

    /// When it was closed, if the body says.
    pub fn closed_at(&self) -> Option<Millis> {
        self.closed_at
    }
}
