//! What can be wrong with a configuration.

use std::path::PathBuf;

/// One line for the operator: which key or variable, and which rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file is not there or cannot be read.
    #[error("cannot read the configuration {}: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: String },
    /// The file is not TOML.
    #[error("the configuration {} is not valid TOML: line {line}: {reason}", path.display())]
    Syntax { path: PathBuf, line: usize, reason: String },
    /// A key, section or variable that does not exist.
    #[error("{origin}: {name} is not a setting; the nearest one is {nearest}")]
    Unknown { name: String, nearest: String, origin: String },
    /// A value that breaks its key's rule.
    #[error("{origin}: {key} {rule}")]
    Invalid { key: String, rule: String, origin: String },
    /// Two variables that mean the same key.
    #[error("the variables {first} and {second} both set {key}; set one of them")]
    SetTwice { key: String, first: String, second: String },
}
