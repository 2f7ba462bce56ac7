//! `[mail]`: how mails to people leave.

use super::check::{Broken, broken};
use super::text;
use farebox_api_types::Secret;
use farebox_base::Error;
use farebox_mail::{Folder, Smtp, Transport};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Whom mails come from where nobody was named; only a folder takes them.
const NOBODY: &str = "Farebox <no-reply@farebox.invalid>";
const FOLDER: &str = "outbox";

/// See `default.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// With its password.
    #[serde(with = "text::optional_secret")]
    pub smtp_url: Option<Secret>,
    #[serde(with = "text::optional_text")]
    pub from: Option<String>,
    #[serde(with = "text::optional_path")]
    pub outbox_dir: Option<PathBuf>,
}

impl Mail {
    pub(super) fn check(&self) -> Result<(), Broken> {
        if self.smtp_url.is_some() && self.from.is_none() {
            return broken("mail.from", "must name the sender where mail.smtp_url is set");
        }
        let from = self.from.as_deref().unwrap_or(NOBODY);
        let checked = match &self.smtp_url {
            Some(url) => Smtp::check(url.expose(), from),
            None => Folder::new(PathBuf::new(), from).map(|_| ()),
        };
        match checked {
            Ok(()) => Ok(()),
            Err(Error { field: Some(field), message, .. }) => {
                let rule = message.strip_prefix(&format!("{field} ")).map_or(message.clone(), str::to_owned);
                broken(field, rule)
            }
            Err(error) => broken("mail.smtp_url", error.message),
        }
    }

    /// The way out: the server, or the folder in its place.
    ///
    /// # Errors
    /// `Invalid`, naming the key.
    pub(crate) fn transport(&self, data_dir: &Path) -> farebox_base::Result<Transport> {
        let from = self.from.as_deref().unwrap_or(NOBODY);
        if let Some(url) = &self.smtp_url {
            return Smtp::new(url.expose(), from).map(Transport::Smtp);
        }
        let folder = self.outbox_dir.clone().unwrap_or_else(|| data_dir.join(FOLDER));
        Folder::new(folder, from).map(Transport::Folder)
    }
}
