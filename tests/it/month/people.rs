//! Who is on the platform, and who of them is whom in the ERP: the truth that the bridge is not told.

use erp_bridge::simulator::{Customer, Handle, Seed};
use rand::{RngExt, rngs::StdRng};
use serde_json::{Value, json};

/// A contact of the platform.
pub struct Person {
    pub id: String,
    /// The contact as the platform's events carry it.
    pub contact: Value,
    pub who: Who,
    pub expected: Expected,
    /// The day on which it shows up.
    pub first_day: usize,
}

/// Who a contact is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// A customer that the ERP has from the start.
    Customer(i64),
    /// A person or company that the ERP does not know; contacts of one name are one customer.
    New(String),
}

/// What must become of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Adopted before its first event, where it is there by then.
    Adopted,
    /// Linked by its promotion.
    Linked,
    /// Nobody can tell who it is but a person.
    Review,
    /// Its score is too low: it stays outside.
    Outside,
}

/// How many contacts there are.
#[derive(Clone, Copy)]
pub struct Size {
    /// In all.
    pub people: usize,
    /// Of each kind that may be taken for one another, or stays outside.
    pub alike: usize,
}

/// As many as a platform of this kind has.
pub const WHOLE: Size = Size { people: 400, alike: 10 };
/// Every kind of them, and few of each that the ERP does not have.
pub const SMALL: Size = Size { people: 180, alike: 3 };
/// Of them customers of the ERP.
pub const KNOWN: usize = 120;
/// From this day on the installation shows no number in full.
pub const MASKED_FROM: usize = 24;

const SURNAMES: [&str; 15] = ["唐", "许", "邓", "冯", "韩", "曹", "曾", "彭", "萧", "蔡", "潘", "田", "董", "袁", "于"];
const GIVEN: [&str; 20] = [
    "一诺", "子涵", "梓萱", "浩然", "雨桐", "欣怡", "宇轩", "可馨", "嘉懿", "博文", "诗涵", "明轩", "思琪", "瑞霖",
    "语嫣", "泽洋", "若曦", "天佑", "静姝", "鹏飞",
];
const WORDS: [&str; 12] =
    ["青禾", "云岭", "海棠", "松柏", "北斗", "启明", "蓝湾", "赤峰", "白鹭", "紫荆", "墨香", "橙心"];

/// Draws everybody, and puts what they need into the ERP.
pub fn draw(erp: &Handle, rng: &mut StdRng, size: Size) -> Vec<Person> {
    let (numbered, others): (Vec<_>, Vec<_>) =
        erp.customers().into_iter().partition(|it| !field(it, "mobile").is_empty());
    let (companies, persons): (Vec<_>, Vec<_>) = others.into_iter().partition(|it| it.kind == 1);
    let mut crowd = Crowd { people: Vec::new(), rng, size };
    crowd.known(erp, &numbered, &companies, &persons);
    assert_eq!(crowd.people.len(), KNOWN);
    crowd.mistakable(&numbered, &companies, &persons);
    crowd.strangers();
    assert_eq!(crowd.people.len(), size.people);
    crowd.people
}

struct Crowd<'a> {
    people: Vec<Person>,
    rng: &'a mut StdRng,
    size: Size,
}

impl Crowd<'_> {
    /// Those whom the ERP has: by number, by name only, by its customer code.
    fn known(&mut self, erp: &Handle, numbered: &[Customer], companies: &[Customer], persons: &[Customer]) {
        for customer in &numbered[..40] {
            let name = if self.rng.random_bool(0.5) { self.nickname() } else { field(customer, "person_name").into() };
            let mut contact = json!({ "name": name, "phone": self.written(&digits(field(customer, "mobile"))) });
            if customer.kind == 1 && self.rng.random_bool(0.5) {
                contact["company"] = json!(field(customer, "name"));
            }
            self.add(contact, Who::Customer(customer.ord), Expected::Adopted);
        }
        for (customer, other) in numbered[40..43].iter().zip(&companies[100..]) {
            // The number stands at another customer's contact person, too.
            let (name, mobile) = (field(customer, "person_name"), field(customer, "mobile"));
            let person = json!({ "company": other.ord.to_string(), "person_name": name, "mobile": mobile });
            let seed: Seed = serde_json::from_value(json!({ "contacts": [person] })).unwrap();
            erp.seed(&seed).unwrap();
            let contact = json!({ "name": name, "phone": self.written(&digits(mobile)) });
            self.add(contact, Who::Customer(customer.ord), Expected::Review);
        }
        for customer in &numbered[43..47] {
            let contact = json!({ "name": self.nickname(), "phone": digits(field(customer, "mobile")) });
            self.add(contact, Who::Customer(customer.ord), Expected::Review).first_day = MASKED_FROM;
        }
        for customer in &persons[..20] {
            let contact = json!({ "name": field(customer, "name"), "phone": self.number() });
            self.add(contact, Who::Customer(customer.ord), Expected::Review);
        }
        for customer in &companies[..20] {
            let company = self.company_as_typed(field(customer, "name"));
            let contact = json!({ "name": self.name(), "phone": self.number(), "company": company });
            self.add(contact, Who::Customer(customer.ord), Expected::Linked);
        }
        // Of the platform's code, and a nickname: nobody can tell.
        for customer in &persons[36..40] {
            let erp = json!({ "khid": field(customer, "khid") });
            let contact = json!({ "name": self.nickname(), "phone": self.number(), "erp": erp });
            self.add(contact, Who::Customer(customer.ord), Expected::Review);
        }
        for customer in persons[20..32].iter().chain(&companies[20..37]) {
            let mut contact = json!({ "name": field(customer, "person_name"), "phone": self.number() });
            contact["erp"] = json!({ "khid": field(customer, "khid") });
            if self.rng.random_bool(0.3) {
                contact["erp"]["ord"] = json!(customer.ord);
            }
            if customer.kind == 1 {
                contact["company"] = json!(field(customer, "name"));
            }
            self.add(contact, Who::Customer(customer.ord), Expected::Adopted);
        }
    }

    /// Those who look like a customer of the ERP and are none.
    fn mistakable(&mut self, numbered: &[Customer], companies: &[Customer], persons: &[Customer]) {
        // Of the name of somebody without a number: nobody can tell.
        for customer in &persons[40..45] {
            let contact = json!({ "name": field(customer, "name"), "phone": self.number() });
            self.add_new(contact, Expected::Review);
        }
        // Of the name of somebody who has another number.
        for customer in numbered.iter().filter(|customer| customer.kind == 2).take(5) {
            let contact = json!({ "name": field(customer, "name"), "phone": self.number() });
            self.add_new(contact, Expected::Linked);
        }
        // With the code of somebody else, which may be a nickname's for all that anybody can tell.
        for customer in companies[50..53].iter().chain(&persons[50..53]) {
            let erp = json!({ "khid": field(customer, "khid") });
            let contact = json!({ "name": self.name(), "phone": self.number(), "erp": erp });
            self.add_new(contact, Expected::Review);
        }
    }

    fn strangers(&mut self) {
        // Two contacts of one person.
        for pair in 0..self.size.alike {
            let (name, number) = (self.name(), self.number());
            for name in [name, self.nickname()] {
                let contact = json!({ "name": name, "phone": self.written(&number) });
                self.add(contact, Who::New(format!("twins {pair}")), Expected::Linked);
            }
        }
        // Two persons of one name.
        for _ in 0..self.size.alike {
            let name = self.name();
            for _ in 0..2 {
                let contact = json!({ "name": name, "phone": self.number() });
                self.add_new(contact, Expected::Linked);
            }
        }
        for word in WORDS.iter().take(self.size.alike + 2) {
            for company in ["（深圳）科技有限公司", "(深圳)科技有限公司", " (深圳) 科技有限公司"]
            {
                let company = format!("{word}{company}");
                let contact = json!({ "name": self.name(), "phone": self.number(), "company": company });
                self.add(contact, Who::New((*word).to_owned()), Expected::Linked);
            }
        }
        for _ in 0..4 * self.size.alike {
            let contact = json!({ "name": self.nickname(), "phone": self.number() });
            self.add_new(contact, Expected::Outside);
        }
        while self.people.len() < self.size.people {
            let contact = json!({ "name": self.name(), "phone": self.number() });
            self.add_new(contact, Expected::Linked);
        }
    }

    fn add_new(&mut self, contact: Value, expected: Expected) {
        let who = Who::New(self.next_id());
        self.add(contact, who, expected);
    }

    fn add(&mut self, mut contact: Value, who: Who, expected: Expected) -> &mut Person {
        let id = self.next_id();
        contact["id"] = json!(id);
        contact["phone_verified"] = json!(1);
        contact["wechat_id"] = json!(format!("wx_{id}"));
        let first_day = self.rng.random_range(0..MASKED_FROM - 4);
        self.people.push(Person { id, contact, who, expected, first_day });
        self.people.last_mut().unwrap()
    }

    fn next_id(&self) -> String {
        format!("c{:03}", self.people.len())
    }

    /// A number that nobody has yet.
    fn number(&mut self) -> String {
        let number = 10_000_000 + self.people.len() * 7_919;
        self.written(&format!("138{number}"))
    }

    /// A number as a platform may have it.
    fn written(&mut self, number: &str) -> String {
        let number = digits(number);
        let (head, rest) = number.split_at(3);
        let (middle, tail) = rest.split_at(4);
        match self.rng.random_range(0..4) {
            0 => format!("+86 {head}-{middle}-{tail}"),
            1 => format!("{head} {middle} {tail}"),
            _ => number,
        }
    }

    /// A name that no other stranger has.
    fn name(&mut self) -> String {
        let at = self.people.len();
        format!("{}{}", SURNAMES[at % SURNAMES.len()], GIVEN[at / SURNAMES.len() % GIVEN.len()])
    }

    fn nickname(&mut self) -> String {
        format!("阿{}🌱{}", GIVEN[self.rng.random_range(0..GIVEN.len())], self.people.len())
    }

    fn company_as_typed(&mut self, name: &str) -> String {
        if self.rng.random_bool(0.5) { name.to_owned() } else { format!("{} ", name.replace("有限", " 有限")) }
    }
}

pub fn field<'a>(customer: &'a Customer, id: &str) -> &'a str {
    customer.fields.get(id).map_or("", String::as_str)
}

/// The eleven digits of a number, however it is written.
pub fn digits(number: &str) -> String {
    let half = |c: char| if ('０'..='９').contains(&c) { char::from_u32(u32::from(c) - 0xfee0) } else { Some(c) };
    let digits: String = number.chars().filter_map(half).filter(char::is_ascii_digit).collect();
    digits[digits.len().saturating_sub(11)..].to_owned()
}
