//! Who is in a schedule, what is said, and what must be in the ERP afterwards.

use std::collections::BTreeMap;

use erp_bridge::simulator::Handle;
use rand::{RngExt, rngs::StdRng};
use serde_json::{Value, json};

use super::people::{Fate, People};
use crate::support::{World, contact, deal, message, mobile, promoted};

const HEAD: &str = "2026-11-23 15:04:05 客户：";
const DEAL: &str = "2026-11-23 16:00:00 我方：成交《年度框架》，金额 CNY 12800.50（成交编号 D1）";

/// What the ERP knows of a contact beforehand, and with whom it shares what.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Past {
    NewPerson,
    NewCompany,
    /// The next contact, too, is of this new company.
    SharedCompany,
    /// The next contact has the same number.
    SharedMobile,
    KnownMobile {
        weixin: bool,
    },
    KnownName,
    /// Never promoted: its messages are held.
    Stranger,
}

/// A contact with everything that it will send.
pub struct Person {
    pub id: String,
    past: Past,
    /// The customer is somebody else's, too.
    pub shares: bool,
    /// Webhook id and event, in order.
    pub events: Vec<(String, Value)>,
    /// What must be told of it in the ERP, in order.
    said: Vec<String>,
}

/// All contacts of a schedule.
pub struct Script {
    pub people: Vec<Person>,
    customers: usize,
}

impl Script {
    /// Draws a schedule; `blind`: no two equal messages, because only a person could tell them apart.
    pub fn draw(rng: &mut StdRng, contacts: u32, blind: bool, erp: &Handle) -> Self {
        let mut script = Self { people: Vec::new(), customers: 0 };
        let mut partner: Option<(Past, u32)> = None;
        for number in 0..contacts {
            let is_last = number + 1 == contacts;
            let (past, first) = partner.take().unwrap_or_else(|| match draw_past(rng) {
                Past::SharedCompany | Past::SharedMobile if is_last => (Past::NewPerson, number),
                past => (past, number),
            });
            let is_first = first == number;
            let shares = matches!(past, Past::SharedCompany | Past::SharedMobile);
            if shares && is_first {
                partner = Some((past, number));
            }
            seed(erp, past, number, rng.random_bool(0.3));
            script.customers += usize::from(past != Past::Stranger && is_first);
            script.people.push(person(rng, number, first, past, blind));
        }
        script
    }

    /// Holds what is in the ERP against what was sent.
    pub async fn check(&self, world: &World, people: &People) {
        let erp = &world.sim.handle;
        let mut customers = self.customers;
        for person in &self.people {
            // Who merges puts one in and takes one away; of one that was deleted another is made when the next event comes.
            let link = world.app.store.contact(&person.id).await.unwrap().map(|known| known.link.ord);
            let ord = link.map(|ord| people.customer(&person.id, ord, world));
            let is_gone = ord.is_some_and(|ord| erp.customer(ord).is_none());
            let is_deleted = matches!(people.did_to(&person.id), Some(Fate::Deleted(_)));
            assert!(!is_gone || is_deleted, "{}", person.id);
            customers -= usize::from(is_gone);
        }
        assert_eq!(erp.customers().len(), customers, "{:#?}", erp.customers());
        for person in &self.people {
            let link = world.app.store.contact(&person.id).await.unwrap();
            if person.past == Past::Stranger {
                assert_eq!(link, None, "{}", person.id);
                continue;
            }
            let link = link.unwrap_or_else(|| panic!("{} is not linked", person.id)).link;
            let records = erp.progress_of(people.customer(&person.id, link.ord, world));
            let mut own = person.own(&records);
            let said: Vec<_> = person.said.iter().map(|text| unaltered(text)).collect();
            if let Some(Fate::Deleted(gone)) = people.did_to(&person.id) {
                own = person.own(&[&gone[..], &records].concat());
                // Whether the last had been stored was perhaps not known yet. Nobody can look any more: it is said again.
                if own != said && gone.last() == records.first() {
                    own = person.own(&[gone, &records[1..]].concat());
                }
            }
            assert_eq!(own, said, "{} ({:?}): {:?}", person.id, person.past, link);
            if people.did_to(&person.id).is_none() {
                person.check_customer(erp, link.ord);
            }
        }
    }
}

impl Person {
    /// What these records say of it, the marks left out that an installation may not store.
    fn own(&self, records: &[String]) -> Vec<String> {
        let own = told(records).into_iter();
        let own = own.filter(|text| !self.shares || text.starts_with(&format!("{}·", self.id)));
        own.map(|text| unaltered(&text)).collect()
    }

    fn check_customer(&self, erp: &Handle, ord: i64) {
        let customer = erp.customer(ord).unwrap();
        let field = |id: &str| customer.fields.get(id).cloned().unwrap_or_default();
        let own = format!("wx_{}", self.id);
        let people: Vec<_> =
            erp.contacts().into_iter().filter(|person| person.company == ord && !person.first).collect();
        let named_so = people.iter().filter(|person| person.fields.get("weixinAcc") == Some(&own)).count();
        match self.past {
            Past::NewPerson | Past::NewCompany => assert_eq!((field("weixinAcc"), customer.saves), (own, 1)),
            Past::KnownMobile { weixin: false } => assert_eq!((field("weixinAcc"), customer.saves), (own, 2)),
            Past::KnownMobile { weixin: true } => assert_eq!(field("weixinAcc"), "wx_of_sales"),
            Past::KnownName => assert_eq!((named_so, people.len(), customer.saves), (1, 1, 1)),
            // One of the two founded the customer, the other joined it.
            Past::SharedCompany => assert_eq!((people.len(), customer.saves), (1, 1)),
            Past::SharedMobile => assert!(people.is_empty()),
            Past::Stranger => {}
        }
    }
}

fn draw_past(rng: &mut StdRng) -> Past {
    match rng.random_range(0..16) {
        0..6 => Past::NewPerson,
        6..8 => Past::NewCompany,
        8 => Past::SharedCompany,
        9 => Past::SharedMobile,
        10 => Past::KnownMobile { weixin: true },
        11..13 => Past::KnownMobile { weixin: false },
        13..15 => Past::KnownName,
        _ => Past::Stranger,
    }
}

fn company(number: u32) -> String {
    format!("绍兴第{number:03}号纺织有限公司")
}

fn seed(erp: &Handle, past: Past, number: u32, typed_with_blanks: bool) {
    let (name, number) = (company(number), mobile(number));
    match past {
        Past::KnownMobile { weixin } => {
            let weixin = if weixin { "wx_of_sales" } else { "" };
            let name = format!("展会认识的客户{number}");
            // As a salesperson types it.
            let typed = format!("{} {} {}", &number[..3], &number[3..7], &number[7..]);
            let number = if typed_with_blanks { typed } else { number };
            let fields = [("name", name.as_str()), ("mobile", &number), ("weixinAcc", weixin)];
            erp.seed_customer_fields(&fields).unwrap();
        }
        Past::KnownName => {
            let khid = format!("OLD{name}");
            let fields = [("name", name.as_str()), ("kind", "1"), ("person_name", "老王"), ("khid", &khid)];
            erp.seed_customer_fields(&fields).unwrap();
        }
        _ => {}
    }
}

fn person(rng: &mut StdRng, number: u32, first: u32, past: Past, blind: bool) -> Person {
    let id = format!("c{number:02}");
    let shares = matches!(past, Past::SharedCompany | Past::SharedMobile);
    let mut known = contact(&id, number);
    match past {
        Past::NewCompany | Past::SharedCompany | Past::KnownName => known["company"] = json!(company(first)),
        Past::SharedMobile => known["phone"] = json!(mobile(first)),
        _ => {}
    }
    let mut person = Person { id, past, shares, events: Vec::new(), said: Vec::new() };
    for _ in 0..rng.random_range(0..3) {
        person.say(rng, blind);
    }
    if past == Past::Stranger {
        return person;
    }
    // A deal makes a customer, too, and stands behind what was held until then.
    let is_deal = !shares && rng.random_bool(0.15);
    if is_deal {
        person.send("d", deal(&known, f64::from(rng.random_range(60..100))));
        person.said.push(DEAL.to_owned());
    } else {
        person.send("p", promoted(&known, f64::from(rng.random_range(60..100))));
    }
    for _ in 0..rng.random_range(0..4) {
        person.say(rng, blind);
    }
    if !shares && !is_deal && rng.random_bool(0.2) {
        person.send("d", deal(&known, 70.0));
        person.said.push(DEAL.to_owned());
        person.say(rng, blind);
    }
    person
}

impl Person {
    fn send(&mut self, what: &str, event: Value) {
        self.events.push((format!("{what}-{}-{}", self.id, self.events.len()), event));
    }

    fn say(&mut self, rng: &mut StdRng, blind: bool) {
        let number = self.events.len();
        let text = if !blind && rng.random_bool(0.3) {
            // Equal texts of the same second: only their number tells them apart.
            format!("{}·好的", self.id)
        } else if !self.shares && rng.random_bool(0.05) {
            format!("{}·{}", self.id, format!("第{number}段").repeat(500))
        } else if rng.random_bool(0.2) {
            format!("{}·😀第{number}句\u{200b}☺", self.id)
        } else {
            format!("{}·第{number}句", self.id)
        };
        self.send("m", message(&self.id, number, &text));
        self.said.push(text);
    }
}

/// What every installation of the suite stores of a text as it was said.
fn unaltered(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '?' | '\u{200b}' | '☺' | '😀')).collect()
}

/// What was said, the parts of long messages put together again. They stand together, in whatever order: one that the ERP
/// said it stored and did not is sent again behind the others. A part too many or too few stands alone and so differs.
fn told(records: &[String]) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    let mut open: BTreeMap<usize, &str> = BTreeMap::new();
    for record in records {
        let Some(text) = record.strip_prefix(HEAD) else {
            told.push(record.clone());
            continue;
        };
        let Some((number, of, piece)) = part(text) else {
            told.extend(std::mem::take(&mut open).into_values().map(str::to_owned));
            told.push(text.to_owned());
            continue;
        };
        if open.insert(number, piece).is_some() {
            told.push(text.to_owned());
        }
        if open.len() == of {
            told.push(std::mem::take(&mut open).into_values().collect());
        }
    }
    told.extend(open.into_values().map(str::to_owned));
    told
}

/// `（2/3）…` as 2, 3 and the rest.
fn part(text: &str) -> Option<(usize, usize, &str)> {
    let (mark, piece) = text.strip_prefix('（')?.split_once('）')?;
    let (number, of) = mark.split_once('/')?;
    Some((number.parse().ok()?, of.parse().ok()?, piece))
}
