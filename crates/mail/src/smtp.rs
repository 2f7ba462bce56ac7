//! Sending through an SMTP server.

use crate::Mail;
use farebox_base::{Error, Result};
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(30);

/// A server that takes mails, and whom they come from.
pub struct Smtp {
    from: Mailbox,
    server: AsyncSmtpTransport<Tokio1Executor>,
}

impl Smtp {
    /// To be called on a runtime. `url` is `smtps://user:password@host:465`, `smtp://…:587?tls=required` (STARTTLS), or `smtp://host:25` without
    /// TLS; `from` is `Name <local@domain>`.
    ///
    /// # Errors
    /// `Invalid` for `mail.smtp_url` or `mail.from`.
    pub fn new(url: &str, from: &str) -> Result<Self> {
        let (from, builder) = (sender(from)?, server(url)?);
        let name = ClientId::Domain(from.email.domain().to_owned());
        Ok(Self { from, server: builder.hello_name(name).timeout(Some(TIMEOUT)).build() })
    }

    /// Whether `new` would take them. Needs no runtime, as the pool of `new` does.
    ///
    /// # Errors
    /// As `new`.
    pub fn check(url: &str, from: &str) -> Result<()> {
        sender(from).and(server(url).map(|_| ()))
    }

    /// # Errors
    /// `Unavailable` where the server did not take it; the log gets its status alone, because its text may repeat the
    /// address.
    pub(crate) async fn send(&self, id: &str, mail: &Mail) -> Result<()> {
        let message = Message::builder()
            .from(self.from.clone())
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .to(Mailbox::new(None, mail.address()?))
            .subject(mail.subject.as_str())
            .header(ContentType::TEXT_PLAIN)
            .body(mail.text.clone())
            .map_err(|e| Error::internal(format!("a mail can't be put together: {e}")))?;
        self.server.send(message).await.map(|_| ()).map_err(|error| {
            let status = error.status().map_or_else(|| "no answer".to_owned(), |code| format!("status {code}"));
            Error::unavailable("The mail server did not take a mail").with_internal(status)
        })
    }
}

fn server(url: &str) -> Result<AsyncSmtpTransportBuilder> {
    // The library's own text could repeat the password.
    let wrong = "must be smtps://USER:PASSWORD@HOST, or smtp://HOST with ?tls=required for STARTTLS";
    AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(|_| Error::invalid("mail.smtp_url", wrong))
}

/// Reads `Name <local@domain>` or `local@domain`.
///
/// # Errors
/// `Invalid` for `mail.from`.
pub(crate) fn sender(from: &str) -> Result<Mailbox> {
    let wrong = || Error::invalid("mail.from", "must be an address such as Farebox <no-reply@example.com>");
    if from.chars().any(char::is_control) {
        return Err(wrong());
    }
    from.parse().map_err(|_| wrong())
}
