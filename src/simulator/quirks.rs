//! Oddities of live systems that can be switched on (`erp-wire.md` §1, "What live systems do").

use std::{
    collections::{BTreeSet, hash_map::DefaultHasher},
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};

/// One oddity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quirk {
    /// `raw_control`: control characters stand raw in strings (§1.1).
    RawControl,
    /// `bom`: a UTF-8 BOM stands in front (§1.1).
    Bom,
    /// `rows_objects`: a row is an object with its values under `value` and its id under `ord` or `id` (§1.3).
    RowsObjects,
    /// `single_row_object`: a single row stands in `rows` without an array around it (§1.3).
    SingleRowObject,
    /// `shuffled_columns`: columns in an order of this run's own (§1.3).
    ShuffledColumns,
    /// `missing_columns`: some columns are absent, the same ones during a run (§3, 客户列表).
    MissingColumns,
    /// `numbers_as_strings`: `"status": "0"` (§1.4).
    NumbersAsStrings,
    /// `strings_as_numbers`: `"value": 13800138000` (§1.4).
    StringsAsNumbers,
    /// `entities`: numeric HTML entities in text, decimal and hexadecimal (§1.5).
    Entities,
    /// `refused_status_0`: every refused save comes with `header.status` 0 (§1.6). On unless switched off.
    RefusedStatus0,
    /// `options_vn`: choices under `v` and `n` instead of `id` and `text` (§3, choices).
    OptionsVn,
    /// `options_table`: choices as a two-column table (§3, choices).
    OptionsTable,
    /// `sparse_bill`: a plain field of a bill has only `value` or only `text` (§1, BillClass).
    SparseBill,
    /// `page_cap`: list pages end at `page_cap` rows of the settings, or at 10.
    PageCap,
    /// `no_first_contact`: customers get no contact person by themselves (§3, assumed). Not part of `all`.
    NoFirstContact,
    /// `masked_lists`: lists show mobile numbers as `138****1234`; filters know the whole ones.
    MaskedLists,
    /// `masked_details`: so do details. Not part of `all`.
    MaskedDetails,
    /// `values_only`: details show choices by their ids, without texts. Not part of `all`.
    ValuesOnly,
    /// `question_marks`: what the database's code page lacks is stored as `?`, an emoji as `??` (§1.12). Not part of `all`,
    /// as the three that follow.
    QuestionMarks,
    /// `drops_zero_width`: zero-width characters are not stored (§1.12).
    DropsZeroWidth,
    /// `decodes_entities`: entities are stored as what they stand for (§1.12).
    DecodesEntities,
    /// `shows_markup`: the list of progress records shows entities once too often, blanks as `&nbsp;`, line ends as `<br />`
    /// (§1.12).
    ShowsMarkup,
}

impl Quirk {
    /// Every quirk.
    pub const ALL: [Self; 22] = [
        Self::RawControl,
        Self::Bom,
        Self::RowsObjects,
        Self::SingleRowObject,
        Self::ShuffledColumns,
        Self::MissingColumns,
        Self::NumbersAsStrings,
        Self::StringsAsNumbers,
        Self::Entities,
        Self::RefusedStatus0,
        Self::OptionsVn,
        Self::OptionsTable,
        Self::SparseBill,
        Self::PageCap,
        Self::NoFirstContact,
        Self::MaskedLists,
        Self::MaskedDetails,
        Self::ValuesOnly,
        Self::QuestionMarks,
        Self::DropsZeroWidth,
        Self::DecodesEntities,
        Self::ShowsMarkup,
    ];

    /// Those that alter texts.
    pub const ALTERING: [Self; 4] =
        [Self::QuestionMarks, Self::DropsZeroWidth, Self::DecodesEntities, Self::ShowsMarkup];

    /// What `all` leaves out: an installation of its own, or one with which a person must be asked; and
    /// [`Quirk::ALTERING`].
    const APART: [Self; 3] = [Self::NoFirstContact, Self::MaskedDetails, Self::ValuesOnly];

    /// The name in flags and control calls.
    pub fn name(self) -> &'static str {
        match self {
            Self::RawControl => "raw_control",
            Self::Bom => "bom",
            Self::RowsObjects => "rows_objects",
            Self::SingleRowObject => "single_row_object",
            Self::ShuffledColumns => "shuffled_columns",
            Self::MissingColumns => "missing_columns",
            Self::NumbersAsStrings => "numbers_as_strings",
            Self::StringsAsNumbers => "strings_as_numbers",
            Self::Entities => "entities",
            Self::RefusedStatus0 => "refused_status_0",
            Self::OptionsVn => "options_vn",
            Self::OptionsTable => "options_table",
            Self::SparseBill => "sparse_bill",
            Self::PageCap => "page_cap",
            Self::NoFirstContact => "no_first_contact",
            Self::MaskedLists => "masked_lists",
            Self::MaskedDetails => "masked_details",
            Self::ValuesOnly => "values_only",
            Self::QuestionMarks => "question_marks",
            Self::DropsZeroWidth => "drops_zero_width",
            Self::DecodesEntities => "decodes_entities",
            Self::ShowsMarkup => "shows_markup",
        }
    }

    /// What belongs to an installation cannot come and go between two answers.
    fn belongs_to_the_run(self) -> bool {
        matches!(
            self,
            Self::ShuffledColumns
                | Self::MissingColumns
                | Self::RefusedStatus0
                | Self::PageCap
                | Self::NoFirstContact
                | Self::MaskedLists
                | Self::MaskedDetails
                | Self::ValuesOnly
        ) || Self::ALTERING.contains(&self)
    }
}

impl FromStr for Quirk {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|quirk| quirk.name() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            format!("no quirk is called {name}; there are: {known}, and all")
        })
    }
}

impl fmt::Display for Quirk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The quirks that are on. `all` mixes: each answer draws its own half of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quirks {
    on: BTreeSet<Quirk>,
    mix: bool,
}

impl Default for Quirks {
    /// Refused saves with status 0, and nothing else.
    fn default() -> Self {
        Self { on: BTreeSet::from([Quirk::RefusedStatus0]), mix: false }
    }
}

impl Quirks {
    /// Exactly these, in every answer.
    pub fn only(quirks: impl IntoIterator<Item = Quirk>) -> Self {
        Self { on: quirks.into_iter().collect(), mix: false }
    }

    /// All that a client can see through, mixed: arrays in this answer, objects in the next.
    pub fn all() -> Self {
        let left_out = |quirk: &Quirk| Quirk::APART.contains(quirk) || Quirk::ALTERING.contains(quirk);
        let on = Quirk::ALL.into_iter().filter(|quirk| !left_out(quirk)).collect();
        Self { on, mix: true }
    }

    /// These too.
    pub fn and(mut self, quirks: impl IntoIterator<Item = Quirk>) -> Self {
        self.on.extend(quirks);
        self
    }

    /// Reads names; `all` among them mixes all. The names replace the defaults. Errors name the unknown one.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut quirks = Self::only([]);
        for name in names {
            quirks = if name == "all" { Self::all().and(quirks.on) } else { quirks.and([name.parse()?]) };
        }
        Ok(quirks)
    }

    /// Whether it is on at all.
    pub fn has(&self, quirk: Quirk) -> bool {
        self.on.contains(&quirk)
    }

    /// The names of those that are on, `all` first where they are mixed.
    pub fn names(&self) -> Vec<&'static str> {
        self.mix.then_some("all").into_iter().chain(self.on.iter().map(|quirk| quirk.name())).collect()
    }

    /// What one answer will look like.
    pub(super) fn draw(&self, rng: &mut StdRng, run_seed: u64) -> DrawnQuirks {
        let mix = self.mix;
        let mut on = |quirk: &Quirk| !mix || quirk.belongs_to_the_run() || rng.random_bool(0.5);
        let on = self.on.iter().copied().filter(|quirk| on(quirk)).collect();
        DrawnQuirks { on, run_seed, rng: StdRng::seed_from_u64(rng.random()) }
    }
}

/// The quirks of one answer, and the dice for their details.
#[derive(Debug)]
pub(super) struct DrawnQuirks {
    on: BTreeSet<Quirk>,
    run_seed: u64,
    rng: StdRng,
}

impl DrawnQuirks {
    pub(super) fn has(&self, quirk: Quirk) -> bool {
        self.on.contains(&quirk)
    }

    pub(super) fn flip(&mut self) -> bool {
        self.rng.random_bool(0.5)
    }

    /// Which columns of a list are shown, and in which order: the same during a run.
    pub(super) fn columns(&self, list: &str, cols: &[String], kept: &[&str]) -> Vec<usize> {
        let mut hasher = DefaultHasher::new();
        (self.run_seed, list).hash(&mut hasher);
        let mut rng = StdRng::seed_from_u64(hasher.finish());
        let mut order: Vec<usize> = (0..cols.len()).collect();
        if self.has(Quirk::ShuffledColumns) {
            order.shuffle(&mut rng);
        }
        if self.has(Quirk::MissingColumns) {
            // Whoever reads a row must at least find the record: `ord` stays.
            order.retain(|at| cols[*at] == "ord" || kept.contains(&cols[*at].as_str()) || rng.random_bool(0.5));
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quirk_is_read_back_from_its_name() {
        for quirk in Quirk::ALL {
            assert_eq!(quirk.name().parse(), Ok(quirk));
        }
        assert!("nonsense".parse::<Quirk>().unwrap_err().contains("raw_control"));
    }

    #[test]
    fn the_same_seed_draws_the_same_answers_and_all_mixes_them() {
        let draw = |seed| {
            let mut rng = StdRng::seed_from_u64(seed);
            (0..50).map(|_| Quirks::all().draw(&mut rng, seed).has(Quirk::RowsObjects)).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert!(draw(7).contains(&true) && draw(7).contains(&false));
    }

    #[test]
    fn columns_stay_the_same_during_a_run_and_keep_the_ord() {
        let cols = ["ord", "name", "khid", "mobile"].map(str::to_owned);
        for seed in 0..50 {
            let mut rng = StdRng::seed_from_u64(seed);
            let first = Quirks::all().draw(&mut rng, seed).columns("list", &cols, &["name"]);
            assert_eq!(first, Quirks::all().draw(&mut rng, seed).columns("list", &cols, &["name"]));
            assert!(first.contains(&0) && first.contains(&1));
        }
    }
}
