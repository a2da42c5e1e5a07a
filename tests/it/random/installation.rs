//! What kind of installation a schedule meets: what its lists show, how they are sorted and cut, what they store of a text,
//! which duplicates they refuse.

use erp_bridge::simulator::{Quirk, Quirks, ReplyList, Settings, SimConfig};
use rand::{RngExt, rngs::StdRng, seq::IndexedRandom};

/// How often an installation has one of its ways.
const OFTEN: f64 = 0.15;
/// Answers that look different and say the same.
const LOOKS: [Quirk; 8] = [
    Quirk::RowsObjects,
    Quirk::SingleRowObject,
    Quirk::ShuffledColumns,
    Quirk::NumbersAsStrings,
    Quirk::StringsAsNumbers,
    Quirk::Entities,
    Quirk::SparseBill,
    Quirk::MaskedLists,
];

/// Draws an installation; `blind`: its list of progress records is closed, so that a person compares what he reads with what
/// was sent.
pub fn draw(rng: &mut StdRng, seed: u64, blind: bool) -> SimConfig {
    let mut settings = Settings::default();
    let altering = Quirk::ALTERING.into_iter().filter(|_| !blind);
    let quirks: Vec<_> = altering.chain(LOOKS).filter(|_| rng.random_bool(OFTEN)).collect();
    if blind {
        settings.replylist = ReplyList::NotFound;
    }
    settings.replylist_oldest_first = rng.random_bool(OFTEN);
    settings.oldest_first = rng.random_bool(OFTEN);
    settings.columns_are_texts = rng.random_bool(OFTEN);
    settings.ignores_stype = rng.random_bool(OFTEN);
    settings.takes_dead_records = rng.random_bool(OFTEN);
    settings.demands_session = !rng.random_bool(OFTEN);
    if rng.random_bool(OFTEN) {
        settings.page_cap = [2, 3, 5, 10].choose(rng).copied();
    }
    for filter in ["_rpt_sort", "cateid", "telord", "date1", "date2"] {
        if rng.random_bool(OFTEN / 2.0) {
            settings.ignored_filters.push(format!("customer.list:{filter}"));
        }
    }
    for field in ["name", "mobile"] {
        if rng.random_bool(OFTEN) {
            settings.duplicate_rules.push(field.to_owned());
        }
    }
    SimConfig { seed, quirks: Quirks::default().and(quirks), settings, ..SimConfig::default() }
}
