//! Variables: which key each one sets, and which ones are none of ours.

use super::ConfigError;
use super::nearest::nearest;
use super::x402;
use std::collections::BTreeMap;
use std::path::PathBuf;

const PREFIX: &str = "FAREBOX_";
/// Names the configuration file.
const FILE: &str = "FAREBOX_CONFIG";
/// Variables with our prefix that are no settings: the build's, the payer's key, where anvil is, and the tests'.
const OTHERS: &[&str] = &["FAREBOX_TARGET_DIR", "FAREBOX_WALLET_KEY", "FAREBOX_ANVIL"];
const OTHERS_PREFIX: &str = "FAREBOX_TEST_";
/// Second names of variables.
const SHORT: &[(&str, &str)] =
    &[("FAREBOX_DATA_DIR", "database.data_dir"), ("FAREBOX_LOG", "log.filter"), ("FAREBOX_SECRET_KEY", "secrets.key")];

/// One value from the environment.
pub(super) struct Setting {
    /// `section.key`.
    pub key: String,
    pub value: String,
    /// The variable's name, for errors.
    pub variable: String,
}

/// What the environment says.
pub(super) struct Variables {
    pub file: Option<PathBuf>,
    pub settings: Vec<Setting>,
}

/// The process's variables. Names and values that are no Unicode are passed over.
pub fn process_environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Picks the variables that set something.
pub(super) fn settings<'a>(
    env: impl IntoIterator<Item = (String, String)>,
    keys: impl Iterator<Item = &'a str>,
) -> Result<Variables, ConfigError> {
    let known = names(keys);
    let mut taken: BTreeMap<String, Setting> = BTreeMap::new();
    let mut file = None;
    for (variable, value) in env {
        if !variable.starts_with(PREFIX) || variable.starts_with(OTHERS_PREFIX) || OTHERS.contains(&&*variable) {
            continue;
        }
        if variable == FILE {
            file = Some(PathBuf::from(value)).filter(|path| !path.as_os_str().is_empty());
            continue;
        }
        let numbered = || x402::key_of_numbered(variable.strip_prefix(PREFIX)?);
        let Some(key) = known.get(&variable).cloned().or_else(numbered) else {
            let nearest = nearest(&variable, known.keys().map(String::as_str)).to_owned();
            return Err(ConfigError::Unknown { name: variable, nearest, origin: "environment".into() });
        };
        if let Some(first) = taken.get(&key) {
            let first = first.variable.clone();
            return Err(ConfigError::SetTwice { key, first, second: variable });
        }
        taken.insert(key.clone(), Setting { key, value, variable });
    }
    Ok(Variables { file, settings: taken.into_values().collect() })
}

/// Every variable and the key it sets, but for those of networks without a name.
fn names<'a>(keys: impl Iterator<Item = &'a str>) -> BTreeMap<String, String> {
    let long = keys.map(str::to_owned).chain(x402::named_keys());
    let long = long.map(|key| (format!("{PREFIX}{}", key.replace(['.', '-'], "_").to_ascii_uppercase()), key));
    let short = SHORT.iter().map(|(variable, key)| ((*variable).to_owned(), (*key).to_owned()));
    let file = (FILE.to_owned(), String::new());
    long.chain(short).chain([file]).collect()
}
