//! Who is in a schedule, what is said, and what must be in the ERP afterwards.

use std::collections::BTreeMap;

use erp_bridge::simulator::Handle;
use rand::{RngExt, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};

use super::{
    installation::{Installation, REPLACED},
    people::{Deed, People},
};
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
    /// Its company stands in 客户池; perhaps the ERP refuses a second one of that name.
    PooledName,
    /// The ERP has a person of this name without a number: the same one, or another.
    SameName {
        is_same: bool,
    },
    /// Never promoted: its messages are held.
    Stranger,
}

/// A contact with everything that it will send.
pub struct Person {
    pub id: String,
    past: Past,
    /// As the platform knows it.
    known: Value,
    /// Its customer, as far as the ERP has one from the beginning.
    customer: Option<i64>,
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
    /// Draws a schedule.
    pub fn draw(rng: &mut StdRng, contacts: u32, installation: &Installation, erp: &Handle) -> Self {
        let mut script = Self { people: Vec::new(), customers: 0 };
        let mut partner: Option<(Past, u32)> = None;
        for number in 0..contacts {
            let is_last = number + 1 == contacts;
            let (past, first) = partner.take().unwrap_or_else(|| match draw_past(rng, installation.checks_names) {
                Past::SharedCompany | Past::SharedMobile if is_last => (Past::NewPerson, number),
                past => (past, number),
            });
            let is_first = first == number;
            let shares = matches!(past, Past::SharedCompany | Past::SharedMobile);
            if shares && is_first {
                partner = Some((past, number));
            }
            let customer = seed(rng, erp, past, number);
            script.customers += usize::from(past != Past::Stranger && is_first);
            script.customers += usize::from(past == Past::SameName { is_same: false });
            let hint = script.hint(rng, past, customer);
            let mut known = known(rng, past, number, first, installation.shows_all());
            if let Some((hint, _)) = &hint {
                known["erp"].clone_from(hint);
            }
            let mut person = Person {
                id: format!("c{number:02}"),
                past,
                known,
                customer,
                shares,
                events: Vec::new(),
                said: Vec::new(),
            };
            // Of a contact that is named by nothing else the platform's word is taken: it had better be right.
            let names_customer = matches!(past, Past::KnownMobile { .. }) && hint.is_some_and(|(_, is_right)| is_right);
            person.draw(rng, installation.blind, names_customer);
            script.people.push(person);
        }
        script
    }

    /// The customer that the platform names for a contact, if it names one, and whether it is the right one.
    fn hint(&self, rng: &mut StdRng, past: Past, customer: Option<i64>) -> Option<(Value, bool)> {
        let is_contact = past != Past::SameName { is_same: false };
        let others: Vec<_> = self.people.iter().filter_map(|person| person.customer).collect();
        match (rng.random_range(0..12), customer.filter(|_| is_contact), others.choose(rng)) {
            (0..3, Some(ord), _) => Some((json!({ "ord": ord }), true)),
            (3, _, Some(ord)) => Some((json!({ "ord": ord }), false)),
            (4, _, _) => Some((json!({ "ord": 999_999 }), false)),
            (5, _, _) => Some((json!({ "khid": "NOBODY" }), false)),
            (6, Some(ord), _) => Some((json!({ "ord": ord, "khid": "ANOTHER" }), false)),
            _ => None,
        }
    }

    /// Who a contact is, where the ERP leaves a person to say so.
    pub fn who_it_is(&self, contact: &str, erp: &Handle) -> Value {
        let person = self.people.iter().find(|person| person.id == contact).unwrap();
        let is_other = person.past == Past::SameName { is_same: false };
        let known = person.customer_of_number(erp).or(person.customer.filter(|_| !is_other));
        match known.or_else(|| person.customer_of_company(erp)) {
            Some(ord) => json!({ "decision": "link", "ord": ord }),
            None => json!({ "decision": "recreate" }),
        }
    }

    /// Holds what is in the ERP against what was sent.
    pub async fn check(&self, world: &World, people: &People) {
        let erp = &world.sim.handle;
        let mut customers = self.customers;
        for person in &self.people {
            // Who merges puts one in and takes one away; of one that was deleted another is made when the next event comes.
            let link = world.app.store.contact(&person.id).await.unwrap().map(|known| known.link.ord);
            let ord = link.map(|ord| people.customer(&person.id, ord, erp));
            let is_gone = ord.is_some_and(|ord| erp.customer(ord).is_none());
            let is_deleted = matches!(people.did_to(&person.id), Some(Deed::Deleted { .. }));
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
            person.check_records(people, erp, link.ord);
            if people.did_to(&person.id).is_none() {
                person.check_customer(erp, link.ord);
            }
        }
    }
}

impl Person {
    /// Each of its records stands there once, in order.
    fn check_records(&self, people: &People, erp: &Handle, ord: i64) {
        let records = erp.progress_of(people.customer(&self.id, ord, erp));
        let said: Vec<_> = self.said.iter().map(|text| unaltered(text)).collect();
        let Some(Deed::Deleted { records: gone, open_deals }) = people.did_to(&self.id) else {
            return assert_eq!(self.own(&records), said, "{} ({:?})", self.id, self.past);
        };
        // A deal that was not at its end is recorded once more where its customer is made anew. It may have stood aside, and
        // what was said behind it is not said again: its place is its own.
        let deals = |texts: &[String]| texts.iter().filter(|text| is_deal(text)).count();
        let again = (deals(gone) + deals(&records)).saturating_sub(deals(&said));
        let is_anew = (1..=*open_deals).contains(&again);
        let rest = |texts: &[String]| -> Vec<String> {
            texts.iter().filter(|text| !is_anew || !is_deal(text)).cloned().collect()
        };
        let (gone, records, said) = (rest(gone), rest(&records), rest(&said));
        // Whether the last message had been stored was perhaps not known. Nobody can look any more: it is said again.
        let last = gone.iter().rev().take_while(|record| record.contains('（')).count().max(1).min(gone.len());
        let all = |again: usize| self.own(&[&gone[..gone.len() - again], &records].concat());
        assert!((0..=last).any(|again| all(again) == said), "{}: {gone:?} {records:?}, not {said:?}", self.id);
    }

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
            Past::NewPerson | Past::NewCompany | Past::SameName { is_same: false } => {
                assert_eq!((field("weixinAcc"), customer.saves), (own, 1));
            }
            Past::KnownMobile { weixin: false } | Past::SameName { is_same: true } => {
                assert_eq!((field("weixinAcc"), customer.saves), (own, 2));
            }
            Past::KnownMobile { weixin: true } => assert_eq!(field("weixinAcc"), "wx_of_sales"),
            Past::KnownName | Past::PooledName => assert_eq!((named_so, people.len(), customer.saves), (1, 1, 1)),
            // One of the two founded the customer, the other joined it.
            Past::SharedCompany => assert_eq!((people.len(), customer.saves), (1, 1)),
            Past::SharedMobile => assert!(people.is_empty()),
            Past::Stranger => {}
        }
    }

    /// The customer, or that of the contact person, with its number.
    fn customer_of_number(&self, erp: &Handle) -> Option<i64> {
        // However it is written: the last eleven digits.
        let digits = |text: &str| {
            let half = text
                .chars()
                .map(|c| char::from_u32((c as u32).wrapping_sub(0xfee0)).filter(|c| c.is_ascii_digit()).unwrap_or(c));
            let digits: Vec<char> = half.filter(char::is_ascii_digit).collect();
            digits[digits.len().saturating_sub(11)..].iter().collect::<String>()
        };
        let has_it = |fields: &BTreeMap<String, String>| fields.get("mobile").map(|number| digits(number));
        let own = digits(self.known["phone"].as_str().unwrap());
        let customers = erp.customers().into_iter().filter(|it| has_it(&it.fields).as_ref() == Some(&own));
        let persons = erp.contacts().into_iter().filter(|it| has_it(&it.fields).as_ref() == Some(&own));
        customers.map(|it| it.ord).chain(persons.map(|it| it.company)).next()
    }

    /// Its company, however it is spelled, if somebody else of it is a customer by now.
    fn customer_of_company(&self, erp: &Handle) -> Option<i64> {
        let bare = |name: &str| name.replace('\u{3000}', "");
        let company = bare(self.known["company"].as_str()?);
        erp.customers()
            .into_iter()
            .find(|it| it.fields.get("name").is_some_and(|name| bare(name) == company))
            .map(|it| it.ord)
    }

    /// Draws what it sends; `names_customer`: its messages say which customer it is.
    fn draw(&mut self, rng: &mut StdRng, blind: bool, names_customer: bool) {
        let score = |rng: &mut StdRng| f64::from(rng.random_range(60..100));
        for _ in 0..rng.random_range(0..3) {
            self.say(rng, blind, names_customer);
        }
        if self.past == Past::Stranger {
            return;
        }
        // Not admitted yet, unless the rules have an alternative; the deal waits for whoever is.
        let is_early_deal = !self.shares && !blind && rng.random_bool(0.1);
        if is_early_deal {
            self.close_deal(30.0);
        }
        if rng.random_bool(0.15) {
            self.send("x", promoted(&self.known, 30.0));
        }
        // A deal makes a customer, too, and stands behind what was held until then.
        // One who has a customer by then is not filled in by it.
        let is_deal = !self.shares && !is_early_deal && !names_customer && rng.random_bool(0.15);
        if is_deal {
            self.close_deal(score(rng));
        } else {
            self.send("p", promoted(&self.known, score(rng)));
        }
        for _ in 0..rng.random_range(0..4) {
            self.say(rng, blind, names_customer);
        }
        if !self.shares && !is_deal && rng.random_bool(0.2) {
            self.close_deal(70.0);
            self.say(rng, blind, names_customer);
        }
    }

    /// Another promotion, for whoever lost its link.
    pub fn promotion(&self) -> (String, Value) {
        (format!("again-{}", self.id), promoted(&self.known, 90.0))
    }

    fn close_deal(&mut self, score: f64) {
        self.send("d", deal(&self.known, score));
        self.said.push(DEAL.to_owned());
    }

    fn send(&mut self, what: &str, event: Value) {
        self.events.push((format!("{what}-{}-{}", self.id, self.events.len()), event));
    }

    /// `blind`: no two equal messages, because only a person could tell them apart.
    fn say(&mut self, rng: &mut StdRng, blind: bool, names_customer: bool) {
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
        let mut event = message(&self.id, number, &text);
        if names_customer && rng.random_bool(0.5) {
            event["data"]["contact"]["erp"].clone_from(&self.known["erp"]);
        }
        self.send("m", event);
        self.said.push(text);
    }
}

fn draw_past(rng: &mut StdRng, checks_names: bool) -> Past {
    match rng.random_range(0..18) {
        0..6 => Past::NewPerson,
        6..8 => Past::NewCompany,
        8 => Past::SharedCompany,
        9 => Past::SharedMobile,
        10 => Past::KnownMobile { weixin: true },
        11..13 => Past::KnownMobile { weixin: false },
        13 if checks_names || rng.random_bool(0.5) => Past::PooledName,
        13..15 => Past::KnownName,
        // A second one of this name is refused.
        15..17 => Past::SameName { is_same: checks_names || rng.random_bool(0.5) },
        _ => Past::Stranger,
    }
}

fn company(number: u32) -> String {
    format!("绍兴第{number:03}号纺织有限公司")
}

/// What the platform knows of a contact; `first`: the number of the one that it shares company or number with.
/// `spells`: two people write a company's name in two ways, which nobody finds on short pages of names that are much alike.
fn known(rng: &mut StdRng, past: Past, number: u32, first: u32, spells: bool) -> Value {
    let mut known = contact(&format!("c{number:02}"), number);
    match past {
        Past::NewCompany | Past::SharedCompany | Past::KnownName | Past::PooledName => {
            let blank = if number == first || !spells { "" } else { "　" };
            known["company"] = json!(company(first).replace("号", &format!("号{blank}")));
        }
        Past::SharedMobile if number == first => known["phone"] = json!(mobile(first)),
        Past::SharedMobile => known["phone"] = json!(typed(rng, &mobile(first))),
        _ => {}
    }
    known
}

/// Puts into the ERP what it knows of a contact beforehand; answers its customer.
fn seed(rng: &mut StdRng, erp: &Handle, past: Past, number: u32) -> Option<i64> {
    let (company, name) = (company(number), format!("展会认识的客户{number}"));
    let khid = format!("OLD{number}");
    let stype = if rng.random_bool(0.2) || past == Past::PooledName { "1" } else { "" };
    let own_name = contact("", number)["name"].as_str().unwrap().to_owned();
    let number = mobile(number);
    let number = if rng.random_bool(0.5) { typed(rng, &number) } else { number };
    let fields = match past {
        Past::KnownMobile { weixin } => {
            let weixin = if weixin { "wx_of_sales" } else { "" };
            vec![("name", name.as_str()), ("mobile", &number), ("weixinAcc", weixin), ("stype", stype)]
        }
        Past::KnownName => vec![("name", company.as_str()), ("kind", "1"), ("person_name", "老王"), ("khid", &khid)],
        Past::PooledName => {
            vec![("name", company.as_str()), ("kind", "1"), ("person_name", "老王"), ("khid", &khid), ("stype", stype)]
        }
        Past::SameName { .. } => vec![("name", own_name.as_str()), ("khid", &khid)],
        _ => return None,
    };
    Some(erp.seed_customer_fields(&fields).unwrap())
}

/// A number as a salesperson types it, or a platform (`erp-wire.md` §1.13).
fn typed(rng: &mut StdRng, number: &str) -> String {
    let (head, middle, tail) = (&number[..3], &number[3..7], &number[7..]);
    match rng.random_range(0..4) {
        0 => format!("{head} {middle} {tail}"),
        1 => format!("{head}-{middle}-{tail}"),
        2 => format!("+86 {number}"),
        _ => number.chars().map(|digit| char::from_u32(digit as u32 + 0xfee0).unwrap_or(digit)).collect(),
    }
}

/// Whether a record is that of the deal.
fn is_deal(text: &str) -> bool {
    unaltered(text) == unaltered(DEAL)
}

/// What every installation of the suite stores of a text as it was said, or in a way that is known here.
fn unaltered(text: &str) -> String {
    text.replace(REPLACED.1, REPLACED.0).chars().filter(|c| !matches!(c, '?' | '\u{200b}' | '☺' | '😀')).collect()
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
