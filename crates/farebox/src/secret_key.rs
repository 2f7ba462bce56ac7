//! The one secret of an installation, and what is derived from it: the vault's key and the pepper of API keys.
//!
//! Comes from the environment, a key file that the operator names, or a file in the data folder that is made when
//! missing. The database remembers a fingerprint, so that a process with another secret does not start on it.

use crate::config::Config;
use farebox_base::{Error, Result, Rng};
use farebox_db::Db;
use farebox_events::setting_agree;
use std::io::Write as _;
use std::path::{Path, PathBuf};

const FILE_NAME: &str = "secret.key";
const FINGERPRINT: &str = "secret_key_fingerprint";
const OTHER_KEY: &str = "this database was made with another secret key";

/// 32 secret bytes. Never shown.
pub(crate) struct SecretKey([u8; 32]);

impl SecretKey {
    /// Reads the secret from where the configuration says, making a key file in the data folder if need be, and sees
    /// that it is the database's. A file that turns out to be of no use is removed again; the database may know its key
    /// only once the file is on disk.
    ///
    /// # Errors
    /// `Unavailable`, naming the file and what is wrong with it, or where the database was made with another secret.
    pub(crate) async fn load(config: &Config, rng: &dyn Rng, db: &Db) -> Result<Self> {
        if let Some(key) = Self::find(config)? {
            key.check(db).await?;
            return Ok(key);
        }
        let file = config.database.data_dir.join(FILE_NAME);
        make(&file, rng)?;
        let key = Self::read(&file)?;
        if !key.is_of(db).await? {
            let _ = std::fs::remove_file(&file);
            return Err(unusable(format!(
                "{OTHER_KEY}, and there is none at {}: put it there, or set FAREBOX_SECRET_KEY or secrets.key_file",
                file.display()
            )));
        }
        if config.database.url.is_some() {
            tracing::warn!(file = %file.display(), "made a secret key; every process on this database needs the same one");
        }
        Ok(key)
    }

    /// Reads the secret from where the configuration says; `None` where a server would make one.
    ///
    /// # Errors
    /// `Unavailable`, naming the file and what is wrong with it.
    pub(crate) fn find(config: &Config) -> Result<Option<Self>> {
        if let Some(key) = &config.secrets.key {
            let key = Self::parse(key.expose()).ok_or_else(|| unusable("FAREBOX_SECRET_KEY must be 64 hex digits"));
            return key.map(Some);
        }
        if let Some(file) = &config.secrets.key_file {
            return Self::read(file).map(Some);
        }
        let file = config.database.data_dir.join(FILE_NAME);
        if file.exists() { Self::read(&file).map(Some) } else { Ok(None) }
    }

    pub(crate) fn vault_key(&self) -> [u8; 32] {
        blake3::derive_key("farebox 2026 vault of sellers' secrets", &self.0)
    }

    pub(crate) fn pepper(&self) -> [u8; 32] {
        blake3::derive_key("farebox 2026 pepper of API keys", &self.0)
    }

    /// Compares with the secret that the database was made with, or notes it there.
    ///
    /// # Errors
    /// `Unavailable` where it was made with another one.
    pub(crate) async fn check(&self, db: &Db) -> Result<()> {
        if self.is_of(db).await? {
            return Ok(());
        }
        Err(unusable(format!("{OTHER_KEY}; set FAREBOX_SECRET_KEY or secrets.key_file to that one")))
    }

    /// Whether the database was made with it; one that knows none yet is from now on.
    async fn is_of(&self, db: &Db) -> Result<bool> {
        let derived = blake3::derive_key("farebox 2026 fingerprint of the secret key", &self.0);
        let fingerprint = blake3::Hash::from(derived).to_hex();
        Ok(setting_agree(db, FINGERPRINT, &fingerprint).await? == fingerprint.as_str())
    }

    fn read(file: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(file).map_err(|e| unusable(format!("can't read {}: {e}", file.display())))?;
        Self::parse(text.trim()).ok_or_else(|| unusable(format!("{} must hold 64 hex digits", file.display())))
    }

    fn parse(hex: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if hex.len() != 64 || !hex.is_ascii() {
            return None;
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[index * 2..index * 2 + 2], 16).ok()?;
        }
        Some(Self(bytes))
    }
}

/// The file that the secret comes from where it comes from a file, there or not.
pub(crate) fn file_of(config: &Config) -> PathBuf {
    config.secrets.key_file.clone().unwrap_or_else(|| config.database.data_dir.join(FILE_NAME))
}

fn make(file: &PathBuf, rng: &dyn Rng) -> Result<()> {
    let mut bytes = [0; 32];
    rng.fill(&mut bytes);
    let hex = blake3::Hash::from(bytes).to_hex();
    let failed = |e: std::io::Error| unusable(format!("can't make {}: {e}", file.display()));
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(file).map_err(failed)?;
    writeln!(out, "{hex}").map_err(failed)?;
    out.sync_all().map_err(failed)
}

fn unusable(message: impl Into<String>) -> Error {
    Error::unavailable(message)
}
