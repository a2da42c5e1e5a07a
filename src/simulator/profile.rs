//! A profile: how one installation is set and whom it knows, as data. Built-in ones are described by integrators
//! (`erp-wire.md` §3); a survey of a real installation writes others.

use serde::{Deserialize, Serialize};

use super::{
    population::Population,
    quirks::Quirks,
    settings::{Settings, SimConfig},
};

/// The built-in profiles by name.
const BUILT_IN: [(&str, &str); 1] = [("live-32", include_str!("profiles/live-32.json"))];

/// An installation as data. What it leaves out is as in a simulator without a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    /// What it is, for people.
    pub about: String,
    /// How it is set.
    pub settings: Settings,
    /// Its quirks by name; the usual ones where this is absent.
    pub quirks: Option<Vec<String>>,
    /// Whom it knows.
    pub population: Population,
}

impl Profile {
    /// A built-in profile, or the one in a JSON file. Errors name what there is, or what is wrong with the file.
    pub fn load(name_or_file: &str) -> Result<Self, String> {
        if let Some((_, text)) = BUILT_IN.iter().find(|(name, _)| *name == name_or_file) {
            return Self::read(text);
        }
        let text = std::fs::read_to_string(name_or_file).map_err(|why| {
            let known = BUILT_IN.map(|(name, _)| name).join(", ");
            format!("{name_or_file} is no built-in profile ({known}) and no file that can be read: {why}")
        })?;
        Self::read(&text).map_err(|why| format!("{name_or_file}: {why}"))
    }

    /// Reads a profile from JSON. Errors name the key that does not fit.
    #[expect(clippy::disallowed_methods, reason = "the simulator reads JSON apart from the bridge, as the ERP does")]
    pub fn read(text: &str) -> Result<Self, String> {
        let profile: Self = serde_json::from_str(text).map_err(|why| format!("the profile does not fit: {why}"))?;
        profile.quirks()?;
        Ok(profile)
    }

    /// How to start a simulator of this installation. Errors name an unknown quirk.
    pub fn config(&self) -> Result<SimConfig, String> {
        Ok(SimConfig {
            settings: self.settings.clone(),
            population: self.population.clone(),
            quirks: self.quirks()?,
            ..SimConfig::default()
        })
    }

    fn quirks(&self) -> Result<Quirks, String> {
        match &self.quirks {
            Some(names) => Quirks::parse(names.iter().map(String::as_str)),
            None => Ok(Quirks::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_profile_can_be_read_and_written() {
        for (name, _) in BUILT_IN {
            let profile = Profile::load(name).unwrap();
            assert!(profile.config().is_ok(), "{name}");
            assert_eq!(Profile::read(&serde_json::to_string(&profile).unwrap()), Ok(profile), "{name}");
        }
    }

    #[test]
    fn a_wrong_profile_says_what_is_wrong_with_it() {
        for (text, says) in [
            ("{", "does not fit"),
            (r#"{"setings": {}}"#, "setings"),
            (r#"{"settings": {"page_cap": "x"}}"#, "invalid type"),
            (r#"{"quirks": ["nonsense"]}"#, "nonsense"),
        ] {
            assert!(Profile::read(text).unwrap_err().contains(says), "{text}");
        }
        assert!(Profile::load("nonsense").unwrap_err().contains("live-32"));
    }
}
