//! How values are written: durations `5m`, sizes `256KiB`, and lists that the environment gives as text.

use std::{collections::BTreeMap, fmt, marker::PhantomData, str::FromStr, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{self, SeqAccess, Visitor, value::SeqAccessDeserializer},
};

use super::{ApiToken, AssignmentRule, Level, Scope};

/// `20s`, `5m`, `30d`.
pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_duration(&text).map_err(de::Error::custom)
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text.trim()).map_err(|_| format!("{text:?} is no duration; write it like 20s, 5m or 30d"))
}

/// `["5s", "30s"]`, or `5s,30s`.
pub(super) fn durations<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Duration>, D::Error> {
    let texts: Vec<String> = strings(deserializer)?;
    texts.iter().map(|text| parse_duration(text)).collect::<Result<_, _>>().map_err(de::Error::custom)
}

/// `262144`, or `256KiB`.
pub(super) fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    struct Bytes;

    impl Visitor<'_> for Bytes {
        type Value = u64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a size such as 262144 or 256KiB")
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<u64, E> {
            u64::try_from(number).map_err(|_| E::custom("a size is not negative"))
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<u64, E> {
            let size = text.parse::<bytesize::ByteSize>();
            size.map(|size| size.as_u64())
                .map_err(|_| E::custom(format!("{text:?} is no size; write it like 262144 or 256KiB")))
        }
    }

    deserializer.deserialize_any(Bytes)
}

/// A list of its own, or one text whose items are separated by commas (the environment).
struct ListOr<T, F>(F, PhantomData<T>);

impl<'de, T: Deserialize<'de>, F: Fn(&str) -> Result<T, String>> Visitor<'de> for ListOr<T, F> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list, or a text with commas")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Vec<T>, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(items))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<T>, E> {
        let items = text.split([',', '，']).map(str::trim).filter(|item| !item.is_empty());
        items.map(|item| (self.0)(item)).collect::<Result<_, _>>().map_err(E::custom)
    }
}

fn list<'de, D, T>(deserializer: D, item: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_any(ListOr(item, PhantomData))
}

/// `["a", "b"]`, or `a,b`.
pub(super) fn strings<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + From<String>,
{
    list(deserializer, |item| Ok(T::from(item.to_owned())))
}

/// Tables, or `ops:operate:TOKEN,view:read:TOKEN`.
pub(super) fn tokens<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ApiToken>, D::Error> {
    list(deserializer, |item| {
        // Never quotes the item: it holds a secret.
        let wrong = "a token is written name:scope:TOKEN, scope being read or operate";
        let (name, rest) = item.split_once(':').ok_or(wrong)?;
        let (scope, token) = rest.split_once(':').ok_or(wrong)?;
        let scope = match scope {
            "read" => Scope::Read,
            "operate" => Scope::Operate,
            _ => return Err(wrong.to_owned()),
        };
        Ok(ApiToken { name: name.to_owned(), scope, token: token.to_owned().into() })
    })
}

/// Tables, or `90:175:很高,75:289:较高`.
pub(super) fn levels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Level>, D::Error> {
    list(deserializer, |item| {
        let mut parts = item.splitn(3, ':');
        let level = || Some((number(parts.next()?)?, number(parts.next()?)?, parts.next()?.to_owned()));
        let (min, id, text) = { level }().ok_or_else(|| format!("{item:?}: a level is written 90:175:很高"))?;
        Ok(Level { min, id, text })
    })
}

/// Tables, or `80:63+71,60:public`.
pub(super) fn assignment_rules<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<AssignmentRule>, D::Error> {
    list(deserializer, |item| {
        let parts = item.split_once(':').and_then(|(min, whom)| Some((number(min)?, whom)));
        let (min_score, whom) = parts.ok_or_else(|| format!("{item:?}: a rule is written 80:63+71 or 60:public"))?;
        let public = whom == "public";
        let users = if public { Vec::new() } else { whom.split('+').map(str::to_owned).collect() };
        Ok(AssignmentRule { min_score, users, public })
    })
}

/// A table, or `deal.closed:phone_verified+score,message.logged:`.
pub(super) fn rules<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Vec<String>>, D::Error> {
    struct Rules;

    impl<'de> Visitor<'de> for Rules {
        type Value = BTreeMap<String, Vec<String>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(r#"a table such as "deal.closed" = ["phone_verified", "score"]"#)
        }

        fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            BTreeMap::deserialize(de::value::MapAccessDeserializer::new(map))
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            let entries = text.split([',', '，']).map(str::trim).filter(|entry| !entry.is_empty());
            let entry = |entry: &str| {
                let (kind, names) = entry.split_once(':')?;
                let names = names.split('+').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
                Some((kind.trim().to_owned(), names.collect()))
            };
            let wrong = || E::custom("rules are written deal.closed:phone_verified+score,…");
            entries.map(|text| entry(text).ok_or_else(wrong)).collect()
        }
    }

    deserializer.deserialize_any(Rules)
}

fn number<T: FromStr>(text: &str) -> Option<T> {
    text.trim().parse().ok()
}
