//! The demo seller's database: a small SQLite file of cities.

use farebox_base::{Error, Result};
use std::path::Path;

/// The file's name in the demo's folder.
pub(super) const FILE: &str = "cities.db";

/// Makes the file.
pub(super) fn make(path: &Path) -> Result<()> {
    farebox_upstream::sql::make_sample(path).map_err(|e| Error::internal(format!("the sample database: {e}")))
}
