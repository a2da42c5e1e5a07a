//! What a replayed event is expected to write, by what the ledger knows: the ERP is not asked.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Event, EventKind, Rules, Standing, Work};

/// What an event is expected to write into the ERP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Forecast {
    /// Its contact becomes a customer: a new one, or one that the ERP has already under its number or 客户编号.
    Create,
    /// Its contact has a customer: what that one lacks is filled in.
    Fill,
    /// A progress record (洽谈进展).
    Record,
    /// An order for its contact's customer: 指派, 申请, 审批, 收回.
    Order,
    /// Nothing: the rules still refuse its contact, or the contact it waits for has no customer yet.
    Skip,
}

impl Forecast {
    /// Every forecast, in the order in which people read them.
    pub const ALL: [Self; 5] = [Self::Create, Self::Fill, Self::Record, Self::Order, Self::Skip];

    /// The name in the ledger and in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Fill => "fill",
            Self::Record => "record",
            Self::Order => "order",
            Self::Skip => "skip",
        }
    }

    /// The forecast of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|forecast| forecast.as_str() == name)
    }

    /// Of work whose contact stands so, by these rules; `is_admitted` where the rules are not asked any more.
    pub fn of(work: &Work, standing: &Standing, rules: &Rules, is_admitted: bool) -> Self {
        let Work::Event(event) = work else { return if standing.linked { Self::Order } else { Self::Skip } };
        match event.kind() {
            EventKind::MessageLogged | EventKind::DealClosed if standing.linked => Self::Record,
            EventKind::MessageLogged if event.contact().erp().is_some() => Self::Record,
            EventKind::MessageLogged => Self::Skip,
            _ if standing.linked => Self::Fill,
            _ if is_admitted || admits(rules, event, standing) => Self::Create,
            _ => Self::Skip,
        }
    }
}

fn admits(rules: &Rules, event: &Event, standing: &Standing) -> bool {
    rules.decide(event, standing).admitted
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        config::AdmissionConfig,
        event::{Command, Reading},
    };

    fn work(kind: &str, score: f64, erp: serde_json::Value) -> Work {
        let body = json!({"type": kind, "timestamp": "2026-11-23T15:04:05+08:00", "data": {
            "contact": {"id": "c1", "name": "王小明", "phone": "13800138055", "phone_verified": true, "erp": erp},
            "thread": {"id": "t1", "score": score}, "deal": {"id": "d1"}, "signal": {"id": "s1", "content": "你好"}}});
        Work::parse(kind, &body.to_string(), &Reading::default()).unwrap()
    }

    #[test]
    fn a_forecast_says_what_its_kind_its_contact_and_the_rules_let_expect() {
        let rules = Rules::new(&AdmissionConfig::default());
        let (kind, order) = Command::Apply.payload("c1");
        let order = Work::parse(&kind, &order, &Reading::default()).unwrap();
        let nobody = || serde_json::Value::Null;
        let named = work("message.logged", 90.0, json!({"ord": 7}));
        for (work, is_admitted, unlinked, linked) in [
            (work("contact.promoted", 90.0, nobody()), false, Forecast::Create, Forecast::Fill),
            (work("contact.promoted", 10.0, nobody()), false, Forecast::Skip, Forecast::Fill),
            (work("contact.promoted", 10.0, nobody()), true, Forecast::Create, Forecast::Fill),
            (work("deal.closed", 90.0, nobody()), false, Forecast::Create, Forecast::Record),
            (work("deal.closed", 10.0, nobody()), false, Forecast::Skip, Forecast::Record),
            (work("message.logged", 90.0, nobody()), true, Forecast::Skip, Forecast::Record),
            (named, false, Forecast::Record, Forecast::Record),
            (order, true, Forecast::Skip, Forecast::Order),
        ] {
            let of = |linked| Forecast::of(&work, &Standing { linked, ..Standing::default() }, &rules, is_admitted);
            assert_eq!((of(false), of(true)), (unlinked, linked), "{work:?}");
        }
    }

    #[test]
    fn every_forecast_reads_back_from_its_name() {
        for forecast in Forecast::ALL {
            assert_eq!(Forecast::named(forecast.as_str()), Some(forecast));
        }
        assert_eq!(Forecast::named("nothing"), None);
    }
}
