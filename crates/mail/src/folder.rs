//! A folder in the place of a mail server, for development: one `.eml` file for each mail, in plain UTF-8, which mail
//! programs open and people read.

use crate::{Mail, smtp};
use farebox_base::{Error, Result, Timestamp};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Where the mails go, and whom they come from.
pub struct Folder {
    path: PathBuf,
    from: String,
}

/// A mail in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub to: String,
    pub subject: String,
    /// As in the header: `Sun, 22 Nov 2026 09:30:00 +0000`.
    pub sent_at: String,
    pub text: String,
}

impl Folder {
    /// The folder is made, readable by nobody else, with the first mail.
    ///
    /// # Errors
    /// `Invalid` for `mail.from`.
    pub fn new(path: PathBuf, from: &str) -> Result<Self> {
        Ok(Self { path, from: smtp::sender(from)?.to_string() })
    }

    pub(crate) fn keep(&self, id: &str, mail: &Mail, now: Timestamp) -> Result<()> {
        let text = format!(
            "From: {}\r\nTo: {}\r\nSubject: {}\r\nDate: {}\r\nMessage-ID: <{id}@farebox>\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{}",
            self.from,
            mail.to,
            mail.subject,
            now.rfc2822(),
            mail.text
        );
        self.write(id, &text).map_err(|error| {
            Error::unavailable("A mail could not be written to the outbox folder").with_internal(error.to_string())
        })
    }

    /// The latest mails, newest first.
    ///
    /// # Errors
    /// `Unavailable` where the folder can't be read; one that is not there holds no mails.
    pub fn latest(&self, most: usize) -> Result<Vec<Kept>> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(Error::unavailable("The outbox folder can't be read").with_internal(error.to_string()));
            }
        };
        let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|file| file.extension().is_some_and(|ending| ending == "eml"));
        // Names begin with the time.
        files.sort_by(|a, b| b.cmp(a));
        Ok(files.iter().take(most).filter_map(|file| read(file)).collect())
    }

    /// Under another name first, so that a reader never sees half of it.
    fn write(&self, id: &str, text: &str) -> std::io::Result<()> {
        let mut folder = fs::DirBuilder::new();
        folder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        folder.create(&self.path)?;
        let unfinished = self.path.join(format!("{id}.part"));
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&unfinished)?.write_all(text.as_bytes())?;
        fs::rename(&unfinished, self.path.join(format!("{id}.eml")))
    }
}

fn read(file: &Path) -> Option<Kept> {
    let whole = fs::read_to_string(file).ok()?;
    let (head, text) = whole.split_once("\r\n\r\n")?;
    let header = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_default().to_owned()
    };
    Some(Kept { to: header("To"), subject: header("Subject"), sent_at: header("Date"), text: text.to_owned() })
}
