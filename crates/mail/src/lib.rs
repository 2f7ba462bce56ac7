//! Mails to people: queued in the transaction of what they tell of, sent afterwards by a job.
//!
//! Owns the table `mail_outbox`, the retries, and the two ways out: an SMTP server, or a folder where none is
//! configured. Knows neither why a mail is sent nor who its reader is. Invariants:
//! - a mail leaves only if its transaction was committed, and then at least once; its row goes when it has left;
//! - at rest a mail is sealed, address and all, because it carries tokens;
//! - an address or a subject that could add a header or a recipient is refused before it is queued;
//! - neither a log line nor an error shows an address or a text.

mod deliver;
mod folder;
mod letter;
mod outbox;
mod smtp;

pub use folder::{Folder, Kept};
pub use letter::Mail;
pub use smtp::Smtp;

use farebox_base::{Clock, Rng};
use farebox_db::Db;
use farebox_vault::Vault;
use std::sync::Arc;

/// The way out.
pub enum Transport {
    Smtp(Smtp),
    Folder(Folder),
}

/// What a `Mailer` is made of.
pub struct MailerParts {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    pub vault: Vault,
    pub transport: Transport,
}

/// The service; a clone shares everything.
#[derive(Clone)]
pub struct Mailer(Arc<MailerParts>);

impl Mailer {
    pub fn new(parts: MailerParts) -> Self {
        Self(Arc::new(parts))
    }

    /// The folder that mails go to where no server is configured.
    pub fn folder(&self) -> Option<&Folder> {
        match &self.0.transport {
            Transport::Folder(folder) => Some(folder),
            Transport::Smtp(_) => None,
        }
    }
}
