//! One mail: its parts, and what they must not hold.

use farebox_base::{Error, Result};
use lettre::Address;
use serde::{Deserialize, Serialize};
use std::fmt;

const SUBJECT_CHARS: usize = 200;
const TEXT_BYTES: usize = 64 << 10;

/// A mail in plain text to one address.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// `local@domain`, nothing else.
    pub to: String,
    /// One line, up to 200 characters.
    pub subject: String,
    /// Lines end with `\n`; up to 64 KiB.
    pub text: String,
}

impl Mail {
    /// Whether it may be queued.
    ///
    /// # Errors
    /// `Invalid` for `email` where the address is none; `Internal` for the rest, which is not the caller's.
    pub(crate) fn check(&self) -> Result<()> {
        self.address()?;
        let fits = !self.subject.is_empty() && self.subject.chars().count() <= SUBJECT_CHARS;
        if !fits || self.subject.chars().any(char::is_control) {
            return Err(Error::internal("the subject of a mail is empty, too long or no single line"));
        }
        if self.text.len() > TEXT_BYTES || self.text.contains('\0') {
            return Err(Error::internal("the text of a mail is too long or holds a NUL"));
        }
        Ok(())
    }

    pub(crate) fn address(&self) -> Result<Address> {
        self.to.parse().map_err(|_| Error::invalid("email", "must be an email address such as agent@example.com"))
    }
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mail(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(to: &str, subject: &str, text: &str) -> Mail {
        Mail { to: to.to_owned(), subject: subject.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn nothing_that_could_add_a_header_or_a_recipient_is_accepted() {
        assert!(mail("ada@example.com", "Hello, é", "a\nb").check().is_ok());
        for to in [
            "",
            "ada",
            "ada@example.com\r\nBcc: eve@example.com",
            "ada@example.com, eve@example.com",
            "ada@example.com eve@example.com",
            "Ada <ada@example.com>",
            "ada@example.com>",
            "ada\0@example.com",
        ] {
            assert!(mail(to, "x", "y").check().is_err(), "{to:?}");
        }
        for subject in ["", "a\r\nBcc: eve@example.com", "a\nb", "a\0b", &"x".repeat(201)] {
            assert!(mail("ada@example.com", subject, "y").check().is_err(), "{subject:?}");
        }
        assert!(mail("ada@example.com", "x", "a\0").check().is_err());
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", mail("ada@example.com", "x", "https://a/#token=1")), "Mail(…)");
    }
}
