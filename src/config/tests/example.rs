use super::*;
use crate::config::source::Reader;

const EXAMPLE: &str = include_str!("../../../erp-bridge.example.toml");

#[test]
fn the_example_file_holds_the_defaults() {
    let defaults = with_env(&[]).unwrap();
    let example = Config::from_sources(Some(("example", EXAMPLE)), variables(&[])).unwrap();
    // Which keys are written is all that they may differ by.
    let example = Config { written: defaults.written.clone(), ..example };
    assert_eq!(format!("{example:#?}"), format!("{defaults:#?}"));
}

/// The example with those lines in force that it shows behind a `#`.
fn example_in_full() -> String {
    let is_key = |line: &str| {
        line.split_once(" = ").is_some_and(|(key, _)| {
            !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '"' | '.'))
        })
    };
    let uncommented = |line: &str| match line.strip_prefix("# ") {
        Some(rest) if is_key(rest) => rest.to_owned(),
        _ => line.to_owned(),
    };
    EXAMPLE.lines().map(uncommented).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_file_explains_every_key() {
    let text = example_in_full();
    let config = Config::from_sources(Some(("example", &text)), std::iter::empty()).expect("its samples are possible");
    assert!(!config.webhook.secrets.is_empty());
    let table: toml::de::DeTable<'_> = toml::de::DeTable::parse(&text).unwrap().into_inner();
    let mut reader = Reader::new(None, std::iter::empty());
    keys::read(&mut reader);
    for key in reader.keys() {
        let (section, name) = key.split_once('.').unwrap();
        let mut value = table.get(section).and_then(|section| section.get_ref().as_table());
        let (above, name) = name.split_once('.').map_or((None, name), |(above, name)| (Some(above), name));
        if let Some(above) = above {
            value = value.and_then(|section| section.get(above)).and_then(|section| section.get_ref().as_table());
        }
        assert!(value.is_some_and(|section| section.contains_key(name)), "{key} is not in erp-bridge.example.toml");
    }
}
