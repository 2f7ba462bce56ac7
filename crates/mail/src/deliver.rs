//! The job that sends what is queued. Any number of processes may run it on one database.

use crate::outbox::Claimed;
use crate::{Mailer, Transport};
use farebox_base::Result;

const ROUND_MAX: i64 = 32;

impl Mailer {
    /// Sends what is due, at most 32 mails, and stops at the first that does not leave: it is tried again later, and a
    /// server that is away is not asked for each of them. Answers how many have left.
    ///
    /// # Errors
    /// Those of the database; a mail that was sent but could not be forgotten is sent again.
    pub async fn deliver_round(&self) -> Result<usize> {
        let mut sent = 0;
        for due in self.due(ROUND_MAX).await? {
            let Some(claimed) = self.claim(due).await? else { continue };
            if !self.deliver(&claimed).await? {
                break;
            }
            sent += 1;
        }
        Ok(sent)
    }

    async fn deliver(&self, claimed: &Claimed) -> Result<bool> {
        let outcome = match &self.0.transport {
            Transport::Smtp(smtp) => smtp.send(&claimed.id, &claimed.mail).await,
            Transport::Folder(folder) => folder.keep(&claimed.id, &claimed.mail, self.0.clock.now()),
        };
        let Err(error) = outcome else {
            self.forget(&claimed.id).await?;
            return Ok(true);
        };
        let kept = self.put_off(claimed).await?;
        let mail = claimed.id.as_str();
        tracing::warn!(mail, kept, code = error.code, internal = ?error.internal, "a mail could not be sent");
        Ok(false)
    }
}
