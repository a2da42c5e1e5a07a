//! Whom an installation knows at the start: made up, and the same at every start.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    choices::Choices,
    data::{Data, Effect, Holding},
    fields::Fields,
};
use crate::clock::Millis;

/// How many customers there are, and how many of them are how. Each share is spread evenly over all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Population {
    /// Customers, numbered `K-0001` and on.
    pub customers: usize,
    /// Of them 单位客户; the others are 个人客户.
    pub companies: usize,
    /// Of them with a mobile number.
    pub with_mobile: usize,
    /// Of the mobile numbers those that stand as a person typed them: blanks, dashes, `+86`, full width (§1.13).
    pub mobiles_as_typed: usize,
    /// Customers of a salesperson; the others are open to all.
    pub with_salesperson: usize,
    /// Customers with progress records.
    pub with_records: usize,
    /// Records of each of them, a minute apart.
    pub records_each: usize,
}

impl Default for Population {
    /// Nobody.
    fn default() -> Self {
        Self {
            customers: 0,
            companies: 0,
            with_mobile: 0,
            mobiles_as_typed: 0,
            with_salesperson: 0,
            with_records: 0,
            records_each: 2,
        }
    }
}

const CITIES: [&str; 12] =
    ["杭州", "宁波", "温州", "苏州", "无锡", "上海", "南京", "合肥", "厦门", "广州", "佛山", "青岛"];
const NAMES: [&str; 20] = [
    "东方", "华泰", "新源", "百川", "立信", "恒通", "瑞丰", "金桥", "天和", "明达", "远航", "嘉禾", "宏图", "安顺",
    "正阳", "博远", "鼎盛", "聚力", "中联", "长青",
];
const TRADES: [&str; 7] = ["机械", "电子", "贸易", "包装", "纺织", "建材", "科技"];
const SURNAMES: [&str; 16] =
    ["陈", "林", "黄", "吴", "周", "徐", "孙", "马", "朱", "胡", "郭", "何", "高", "罗", "郑", "梁"];
const GIVEN: [&str; 15] = [
    "建国", "秀英", "志强", "丽华", "文博", "晓东", "雅琴", "国庆", "海燕", "俊杰", "思远", "桂兰", "永康", "春梅",
    "宇航",
];
const SALESPEOPLE: [i64; 6] = [63, 71, 72, 75, 80, 81];
const JOBS: [&str; 4] = ["经理", "采购", "", "老板"];

/// What a customer may look like that the names and numbers above can tell apart.
const DISTINCT_MAX: usize = CITIES.len() * NAMES.len();

/// Puts the population in.
pub(super) fn settle(data: &mut Data, population: &Population, choices: &Choices, first_contact: bool, now: Millis) {
    let trees: Vec<String> = choices
        .categories
        .iter()
        .flat_map(|category| category.stages.iter().map(move |(stage, _)| format!("{},{stage}", category.id)))
        .collect();
    let (mut mobiles, mut held) = (0, 0);
    for at in 0..population.customers {
        let is = |count| is_one_of(at, count, population.customers);
        let kind = if is(population.companies) { 1 } else { 2 };
        let mut fields = customer(at, kind, choices, &trees);
        if is(population.with_mobile) {
            let as_typed = is_one_of(mobiles, population.mobiles_as_typed, population.with_mobile);
            fields.insert("mobile".to_owned(), if as_typed { typed(at) } else { plain(at) });
            mobiles += 1;
        }
        let ord = data.next_customer;
        data.apply(Effect::SaveCustomer { ord, kind, fields, by: 1, first_contact }, now);
        let holding = if is(population.with_salesperson) {
            held += 1;
            Holding::Members { members: vec![SALESPEOPLE[held % SALESPEOPLE.len()]] }
        } else {
            Holding::Public
        };
        data.apply(Effect::Hold { ord, holding }, now);
        for number in (1..=population.records_each).filter(|_| is(population.with_records)) {
            let intro = format!("第 {number} 次电话联系\n对方还在考虑 <报价> & 交期");
            let fields = Fields::from([("intro".to_owned(), intro)]);
            let by = SALESPEOPLE[at % SALESPEOPLE.len()];
            let age = Duration::from_secs(60) * u32::try_from(population.records_each - number).unwrap_or_default();
            data.apply(Effect::AddProgress { customer: ord, fields, by }, now.minus(age));
        }
    }
}

/// Whether customer `at` is one of `count` spread evenly over `total`.
fn is_one_of(at: usize, count: usize, total: usize) -> bool {
    let before = |at: usize| (at * count.min(total)).checked_div(total).unwrap_or_default();
    before(at + 1) > before(at)
}

fn customer(at: usize, kind: u8, choices: &Choices, trees: &[String]) -> Fields {
    let person = format!("{}{}", SURNAMES[at % SURNAMES.len()], GIVEN[at / SURNAMES.len() % GIVEN.len()]);
    let company = || {
        let (city, name) = (CITIES[at % CITIES.len()], NAMES[at / CITIES.len() % NAMES.len()]);
        format!("{city}{name}{}有限公司", TRADES[at % TRADES.len()])
    };
    let name = if kind == 1 { company() } else { person.clone() };
    // Beyond what the lists of names can tell apart, the number does.
    let again = at / DISTINCT_MAX;
    let numbered = |name: String| if again == 0 { name } else { format!("{name}{again}") };
    let mut fields = Fields::from([
        ("name".to_owned(), numbered(name)),
        ("khid".to_owned(), format!("K-{:04}", at + 1)),
        ("person_name".to_owned(), person),
        ("job".to_owned(), JOBS[at % JOBS.len()].to_owned()),
    ]);
    let chosen = |list: &[(String, String)]| list.get(at % list.len().max(1)).map(|(id, _)| id.clone());
    fields.extend(chosen(&choices.sources).map(|id| ("ly".to_owned(), id)));
    fields.extend(chosen(&choices.levels).map(|id| ("jz".to_owned(), id)));
    fields.extend(trees.get(at % trees.len().max(1)).map(|ids| ("sort1".to_owned(), ids.clone())));
    fields.retain(|_, value| !value.is_empty());
    fields
}

fn plain(at: usize) -> String {
    format!("137{:08}", at * 40_009 % 100_000_000)
}

/// A number as people write it.
fn typed(at: usize) -> String {
    let number = plain(at);
    let (head, rest) = number.split_at(3);
    let (middle, tail) = rest.split_at(4);
    let wide = |c: char| char::from_u32(u32::from(c) - u32::from('0') + u32::from('０')).unwrap_or(c);
    match at % 5 {
        0 => format!("{head} {middle} {tail}"),
        1 => format!("{head}-{middle}-{tail}"),
        2 => format!("+86{number}"),
        3 => format!("+86 {head} {middle} {tail}"),
        _ => number.chars().map(wide).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{super::fields::get, *};

    #[test]
    fn as_many_customers_are_so_as_the_population_says_and_no_two_are_alike() {
        let population = Population {
            customers: 239,
            companies: 160,
            with_mobile: 48,
            mobiles_as_typed: 5,
            with_salesperson: 30,
            with_records: 12,
            ..Population::default()
        };
        let mut data = Data::new(Vec::new());
        settle(&mut data, &population, &Choices::default(), true, Millis(0));
        let customers: Vec<_> = data.customers.values().collect();
        let count = |is: &dyn Fn(&Fields) -> bool| customers.iter().filter(|customer| is(&customer.fields)).count();
        assert_eq!(customers.iter().filter(|customer| customer.kind == 1).count(), 160);
        assert_eq!(count(&|fields| !get(fields, "mobile").is_empty()), 48);
        assert_eq!(count(&|fields| get(fields, "mobile").chars().any(|c| !c.is_ascii_digit())), 5);
        assert_eq!(customers.iter().filter(|customer| customer.holding != Holding::Public).count(), 30);
        assert_eq!(data.progress.len(), 24);
        let distinct =
            |id: &str| customers.iter().map(|customer| get(&customer.fields, id)).collect::<BTreeSet<_>>().len();
        assert_eq!((distinct("name"), distinct("khid")), (239, 239));
    }

    #[test]
    fn numbers_are_typed_in_five_ways() {
        let digits = |text: &str| -> String {
            let half =
                |c: char| if ('０'..='９').contains(&c) { char::from_u32(u32::from(c) - 0xfee0) } else { Some(c) };
            text.chars().filter_map(half).filter(char::is_ascii_digit).collect()
        };
        for at in 0..5 {
            assert_ne!(typed(at), plain(at));
            assert!(digits(&typed(at)).ends_with(&plain(at)), "{}", typed(at));
        }
    }
}
