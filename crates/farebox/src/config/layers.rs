//! One layer of values over the other. The defaults decide which keys there are and of which type each one is.

use super::check::Broken;
use super::nearest::nearest;
use super::takes;
use super::x402::{self, NetworkName};
use super::{Config, ConfigError, DEFAULTS};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use toml::{Table, Value};

/// The keys that may come from the environment alone, and what to do where a file is wanted: files are copied about,
/// command lines are seen by others.
const ENVIRONMENT_ONLY: &[(&str, &str)] = &[
    (
        "secrets.key",
        "must be set by the variable FAREBOX_SECRET_KEY alone; name a file with secrets.key_file otherwise",
    ),
    (
        "x402.gas_key",
        "must be set by the variable FAREBOX_X402_GAS_KEY alone; name a file with x402.gas_key_file otherwise",
    ),
];

/// The values so far.
pub(super) struct Layers {
    /// From `section.key`.
    values: BTreeMap<String, Value>,
    /// Where values that are no defaults came from.
    origins: BTreeMap<String, String>,
}

impl Layers {
    pub fn with_defaults() -> Result<Self, ConfigError> {
        let table = parse(Path::new("default.toml"), DEFAULTS)?;
        let mut values = BTreeMap::new();
        for (section, keys) in table {
            let Value::Table(keys) = keys else { continue };
            values.extend(keys.into_iter().map(|(key, value)| (format!("{section}.{key}"), value)));
        }
        Ok(Self { values, origins: BTreeMap::new() })
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// Lays a file over the values.
    pub fn add_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Unreadable { path: path.to_owned(), reason: error.to_string() })?;
        let origin = path.display().to_string();
        for (section, keys) in parse(path, &text)? {
            if !self.keys().any(|key| section_of(key) == section) {
                return Err(self.unknown_at_top(section, keys.is_table(), origin));
            }
            let Value::Table(keys) = keys else {
                return Err(ConfigError::Invalid { key: section, rule: "must be a section".into(), origin });
            };
            for (key, value) in keys {
                let key = format!("{section}.{key}");
                if key == x402::SECTIONS {
                    self.add_networks(value, &origin)?;
                    continue;
                }
                if value != Value::String(String::new()) {
                    self.refuse_environment_only(&key, &origin)?;
                }
                self.add(&key, &origin, |_| Ok(value))?;
            }
        }
        Ok(())
    }

    /// Lays the sections of a file's networks over the values.
    fn add_networks(&mut self, networks: Value, origin: &str) -> Result<(), ConfigError> {
        let wrong = |key: &str, rule: String| {
            Err(ConfigError::Invalid { key: key.to_owned(), rule, origin: origin.to_owned() })
        };
        let sections = "must hold sections such as [x402.network.base]".to_owned();
        let Value::Table(networks) = networks else { return wrong(x402::SECTIONS, sections) };
        let mut seen = BTreeMap::new();
        for (spelled, keys) in networks {
            let section = format!("{}.{spelled}", x402::SECTIONS);
            let name: NetworkName = match spelled.parse() {
                Ok(name) => name,
                Err(rule) => return wrong(&section, rule),
            };
            if let Some(other) = seen.insert(name.clone(), spelled) {
                return wrong(&section, format!("means the same network as {}.{other}", x402::SECTIONS));
            }
            let Value::Table(keys) = keys else { return wrong(&section, sections) };
            for (key, value) in keys {
                self.add(&name.key(&key), origin, |_| Ok(value))?;
            }
        }
        Ok(())
    }

    /// Lays one value over the others; its text is read as the type of the default.
    pub fn add_text(&mut self, key: &str, text: &str, origin: &str) -> Result<(), ConfigError> {
        self.add(key, origin, |default| read_as(default, text))
    }

    /// The same from the command line.
    pub fn add_override(&mut self, key: &str, text: &str) -> Result<(), ConfigError> {
        const ORIGIN: &str = "command line";
        self.refuse_environment_only(key, ORIGIN)?;
        self.add_text(key, text, ORIGIN)
    }

    /// The values as a configuration, not checked yet.
    pub fn read(&mut self) -> Result<Config, ConfigError> {
        for name in self.listed_networks() {
            self.know_network(&name)?;
        }
        let mut table = Table::new();
        for (key, value) in &self.values {
            put(&mut table, key, value);
        }
        let mut path = serde_path_to_error::Track::new();
        Config::deserialize(serde_path_to_error::Deserializer::new(Value::Table(table), &mut path)).map_err(|error| {
            // The place in a list says nothing to whoever set the list.
            let place = path.path().to_string();
            let key = place.split('[').next().unwrap_or_default().to_owned();
            let rule = takes::rule(&key, self.values.get(&key), error.message().trim());
            ConfigError::Invalid { origin: self.origin(&key), key, rule }
        })
    }

    /// Says where the value that breaks a rule came from.
    pub fn blame(&self, broken: Broken) -> ConfigError {
        ConfigError::Invalid { origin: self.origin(&broken.key), key: broken.key.into_owned(), rule: broken.rule }
    }

    fn add(
        &mut self,
        key: &str,
        origin: &str,
        value: impl FnOnce(&Value) -> Result<Value, String>,
    ) -> Result<(), ConfigError> {
        let canonical = x402::network_of(key);
        let key = canonical.as_ref().map_or(key, |(_, key)| key.as_str());
        if let Some((name, _)) = &canonical {
            self.know_network(name)?;
        }
        let Some(known) = self.values.get_mut(key) else {
            let nearest = nearest(key, self.keys()).to_owned();
            return Err(ConfigError::Unknown { name: key.to_owned(), nearest, origin: origin.to_owned() });
        };
        let value =
            value(known).and_then(|value| if same_type(known, &value) { Ok(value) } else { Err(type_rule(known)) });
        match value {
            Ok(value) => {
                *known = value;
                self.origins.insert(key.to_owned(), origin.to_owned());
                Ok(())
            }
            Err(rule) => Err(ConfigError::Invalid { key: key.to_owned(), rule, origin: origin.to_owned() }),
        }
    }

    /// Those whose names can be read; the others are refused with their key when the values are read.
    fn listed_networks(&self) -> Vec<NetworkName> {
        let listed = self.values.get(x402::LIST).and_then(Value::as_array);
        listed.into_iter().flatten().filter_map(|name| name.as_str()?.parse().ok()).collect()
    }

    /// Gives a network the defaults of its keys, where it has none yet.
    fn know_network(&mut self, name: &NetworkName) -> Result<(), ConfigError> {
        for (key, value) in x402::defaults(name)? {
            self.values.entry(name.key(&key)).or_insert(value);
        }
        Ok(())
    }

    /// A section that does not exist, or a key that stands in no section.
    fn unknown_at_top(&self, name: String, is_section: bool, origin: String) -> ConfigError {
        let nearest = if is_section {
            nearest(&name, self.keys().map(section_of))
        } else {
            let key = nearest(&name, self.keys().map(within_section));
            self.keys().find(|known| within_section(known) == key).unwrap_or_default()
        };
        ConfigError::Unknown { nearest: nearest.to_owned(), name, origin }
    }

    fn refuse_environment_only(&self, key: &str, origin: &str) -> Result<(), ConfigError> {
        match ENVIRONMENT_ONLY.iter().find(|(own, _)| *own == key) {
            None => Ok(()),
            Some((_, rule)) => {
                Err(ConfigError::Invalid { key: key.to_owned(), rule: (*rule).into(), origin: origin.to_owned() })
            }
        }
    }

    fn origin(&self, key: &str) -> String {
        self.origins.get(key).cloned().unwrap_or_else(|| "defaults".into())
    }
}

fn section_of(key: &str) -> &str {
    key.split_once('.').map_or(key, |(section, _)| section)
}

fn within_section(key: &str) -> &str {
    key.split_once('.').map_or(key, |(_, name)| name)
}

/// Puts a value where its dotted key says.
fn put(table: &mut Table, key: &str, value: &Value) {
    let Some((section, rest)) = key.split_once('.') else {
        table.insert(key.to_owned(), value.clone());
        return;
    };
    let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(section) = section {
        put(section, rest, value);
    }
}

pub(super) fn parse(path: &Path, text: &str) -> Result<Table, ConfigError> {
    text.parse::<Table>().map_err(|error| {
        let before = text.get(..error.span().map_or(0, |span| span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        ConfigError::Syntax { path: path.to_owned(), line, reason: error.message().to_owned() }
    })
}

fn read_as(default: &Value, text: &str) -> Result<Value, String> {
    let text = text.trim();
    match default {
        Value::Integer(_) => text.parse().map(Value::Integer).map_err(|_| type_rule(default)),
        Value::Boolean(_) => text.parse().map(Value::Boolean).map_err(|_| type_rule(default)),
        Value::Array(_) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Ok(Value::Array(items.map(Value::from).collect()))
        }
        _ => Ok(Value::from(text)),
    }
}

fn same_type(default: &Value, value: &Value) -> bool {
    match (default, value) {
        (Value::Array(_), Value::Array(items)) => items.iter().all(Value::is_str),
        _ => default.same_type(value),
    }
}

fn type_rule(default: &Value) -> String {
    let wanted = match default {
        Value::Integer(_) => "a whole number",
        Value::Boolean(_) => "true or false",
        Value::Array(_) => "a list of texts",
        _ => "a text in quotes",
    };
    format!("must be {wanted}")
}
