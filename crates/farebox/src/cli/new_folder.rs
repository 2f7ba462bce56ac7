//! A data folder that is made for a command, and unmade where the command fails.
//!
//! Invariant: a folder that was there before, and one that holds anything but the lock of a database that was never
//! made, stays.

use super::copying::beside;
use crate::config::Config;
use crate::wiring;
use farebox_base::Result;
use std::path::PathBuf;

/// The folders that were made, removed when dropped unless they are kept.
pub(super) struct NewFolder {
    /// The innermost first.
    made: Vec<PathBuf>,
    lock: PathBuf,
}

impl NewFolder {
    /// Makes the data folder where it is not there.
    ///
    /// # Errors
    /// `Unavailable`, naming the folder.
    pub(super) fn make(config: &Config) -> Result<Self> {
        let ancestors = config.database.data_dir.ancestors();
        let missing = ancestors.take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
        let made = missing.map(PathBuf::from).collect();
        let new = Self { made, lock: beside(&wiring::book_file(config), ".lock") };
        wiring::make_data_folder(config)?;
        Ok(new)
    }

    /// The folders are needed.
    pub(super) fn keep(mut self) {
        self.made.clear();
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        if self.made.is_empty() {
            return;
        }
        // Nobody else has used a folder that was not there a moment ago.
        let _ = std::fs::remove_file(&self.lock);
        for folder in &self.made {
            let _ = std::fs::remove_dir(folder);
        }
    }
}
