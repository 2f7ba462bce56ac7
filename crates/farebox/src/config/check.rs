//! Rules that sections check their values by.

use std::borrow::Cow;
use std::fmt::Display;

/// A value that breaks a rule.
#[derive(Debug)]
pub(super) struct Broken {
    /// `section.key`.
    pub key: Cow<'static, str>,
    /// Completes a sentence that begins with the key: "must be at least 1".
    pub rule: String,
}

pub(super) fn broken<T>(key: impl Into<Cow<'static, str>>, rule: impl Into<String>) -> Result<T, Broken> {
    Err(Broken { key: key.into(), rule: rule.into() })
}

pub(super) fn at_least<T: PartialOrd + Display>(
    key: impl Into<Cow<'static, str>>,
    value: T,
    least: T,
) -> Result<(), Broken> {
    if value >= least { Ok(()) } else { broken(key, format!("must be at least {least}, not {value}")) }
}

pub(super) fn at_most<T: PartialOrd + Display>(
    key: impl Into<Cow<'static, str>>,
    value: T,
    most: T,
) -> Result<(), Broken> {
    if value <= most { Ok(()) } else { broken(key, format!("must be at most {most}, not {value}")) }
}
