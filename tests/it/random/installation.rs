//! What kind of installation a schedule meets: what its lists show, how they are sorted and cut, what they store of a text,
//! which duplicates they refuse, what it lacks until somebody puts it right, and how the bridge is set up for it.

use std::time::Duration;

use erp_bridge::{
    config::{AssignmentRule, Config},
    event::{EventKind, Rule, RuleSet},
    simulator::{Handle, Quirk, Quirks, ReplyList, Settings, SimConfig},
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use crate::support::users_in_turn;

/// How often an installation has one of its ways.
const OFTEN: f64 = 0.15;
/// What it stores in place of a text, in a way that nobody knows.
pub const REPLACED: (&str, &str) = ("句", "[句]");
/// Answers that look different and say the same.
const LOOKS: [Quirk; 11] = [
    Quirk::RowsObjects,
    Quirk::SingleRowObject,
    Quirk::ShuffledColumns,
    Quirk::NumbersAsStrings,
    Quirk::StringsAsNumbers,
    Quirk::Entities,
    Quirk::SparseBill,
    Quirk::MaskedLists,
    Quirk::MaskedDetails,
    Quirk::MissingColumns,
    Quirk::ValuesOnly,
];
/// What can be wrong with it: it blocks events, and kills none (`contract.md` §3.9).
const WRONGS: [fn(&mut Settings); 9] = [
    |settings| settings.choices.sources.retain(|(_, text)| text != "微信"),
    |settings| settings.choices.levels.retain(|(_, text)| text != "较高"),
    |settings| settings.closed_users = vec![63, 71],
    |settings| settings.choices.categories.clear(),
    |settings| settings.licence_refused = Some("软件授权已到期，请联系供应商".to_owned()),
    |settings| close(settings, "progress.add", ReplyList::Refused),
    |settings| close(settings, "allocate", ReplyList::NotFound),
    |settings| close(settings, "customer.list", ReplyList::NotFound),
    |settings| close(settings, "assign", ReplyList::Refused),
];

fn close(settings: &mut Settings, interface: &str, how: ReplyList) {
    settings.closed.insert(interface.to_owned(), how);
}

/// An installation, and the bridge in front of it.
pub struct Installation {
    /// Its list of progress records is closed, or shows other texts than were sent ([`REPLACED`]), so that a person compares
    /// what he reads with what was sent.
    pub blind: bool,
    /// It refuses a second customer of the same name (查重).
    pub checks_names: bool,
    settings: Settings,
    pub quirks: Quirks,
    wrong: Option<fn(&mut Settings)>,
    assigns: bool,
    alternative: Option<Rule>,
}

impl Installation {
    pub fn draw(rng: &mut StdRng, seed: u64) -> Self {
        let blind = rng.random_bool(0.1);
        let mut settings = Settings::default();
        let altering = Quirk::ALTERING.into_iter().filter(|_| !blind);
        let quirks: Vec<_> = altering.chain(LOOKS).filter(|_| rng.random_bool(OFTEN)).collect();
        // From a generator of its own: whatever else a seed draws stays what it was.
        if blind && StdRng::seed_from_u64(!seed).random_bool(0.5) {
            settings.replaces = Some((REPLACED.0.to_owned(), REPLACED.1.to_owned()));
        } else if blind {
            settings.replylist = ReplyList::NotFound;
        }
        settings.replylist_oldest_first = rng.random_bool(OFTEN);
        if rng.random_bool(OFTEN) {
            settings.replylist_cut = [80, 200].choose(rng).copied();
        }
        if rng.random_bool(OFTEN) {
            settings.columns.customers.retain(|column| column != "khid");
        }
        if rng.random_bool(OFTEN) {
            settings.name_cut = Some((9, ["…", ""].choose(rng).copied().unwrap_or_default().to_owned()));
        }
        if rng.random_bool(OFTEN) {
            settings.opened_shows = "所有人".to_owned();
        }
        settings.oldest_first = rng.random_bool(OFTEN);
        settings.columns_are_texts = rng.random_bool(OFTEN);
        settings.ignores_stype = rng.random_bool(OFTEN);
        settings.takes_dead_records = rng.random_bool(OFTEN);
        settings.refuses_dead_lists = rng.random_bool(OFTEN);
        settings.allocates_again = rng.random_bool(OFTEN);
        settings.demands_session = !rng.random_bool(OFTEN);
        settings.gives_session = settings.demands_session || rng.random_bool(0.5);
        if rng.random_bool(OFTEN) {
            settings.page_cap = [2, 3, 5, 10].choose(rng).copied();
        }
        // Pages of less than ten rows that nobody counts would say of none that it is the last.
        settings.replylist_uncounted = settings.page_cap.is_none_or(|cap| cap >= 10) && rng.random_bool(OFTEN);
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
        Self {
            blind,
            checks_names: settings.duplicate_rules.iter().any(|field| field == "name"),
            settings,
            quirks: Quirks::default().and(quirks),
            wrong: if rng.random_bool(OFTEN) { WRONGS.choose(rng).copied() } else { None },
            assigns: rng.random_bool(0.3),
            alternative: if rng.random_bool(0.3) {
                [Rule::Deal, Rule::KnownCustomer].choose(rng).copied()
            } else {
                None
            },
        }
    }

    /// The simulator that plays it; nothing is wrong with it yet.
    pub fn sim(&self, seed: u64) -> SimConfig {
        SimConfig { seed, quirks: self.quirks.clone(), settings: self.settings.clone(), ..SimConfig::default() }
    }

    /// Whether its pages are as long as anybody's.
    pub fn shows_all(&self) -> bool {
        self.settings.page_cap.is_none()
    }

    /// A record as it stores it.
    pub fn stored(&self, text: &str) -> String {
        let replaces = self.settings.replaces.as_ref();
        replaces.map_or_else(|| text.to_owned(), |(said, stored)| text.replace(said.as_str(), stored))
    }

    /// Something is wrong with it from now on, if it was drawn so.
    pub fn spoil(&self, erp: &Handle) {
        if let Some(wrong) = self.wrong {
            erp.change_settings(wrong);
        }
    }

    /// Somebody puts it right.
    pub fn put_right(&self, erp: &Handle) {
        erp.change_settings(|settings| settings.clone_from(&self.settings));
    }

    /// How the bridge is set up: whom it assigns customers to, and what else may admit a contact than its score.
    pub fn configure(&self) -> impl Fn(&mut Config) + Send + use<> {
        let (assigns, alternative) = (self.assigns, self.alternative);
        move |config| {
            // On a machine that is busy many answers come too late for the bridge.
            config.retry.schedule = vec![Duration::from_millis(20); 60];
            config.worker.circuit_failures = 1_000;
            if assigns {
                let public = AssignmentRule { min_score: 60.0, users: Vec::new(), public: true };
                let in_turn = AssignmentRule { min_score: 80.0, ..users_in_turn(&["63", "71"]) };
                config.assignment.rules = vec![in_turn, public];
            }
            if let Some(rule) = alternative {
                let either = RuleSet::any_of([RuleSet::of_guide().rules(), vec![rule]]);
                config.admission.rules.insert(EventKind::ContactPromoted, either);
            }
        }
    }
}
