//! The pages that links in mails lead to, and the mails themselves where no server takes them.

use crate::{append, escaped, fill};

const STYLE: &str = include_str!("assets/style.css");
const SCRIPT: &str = include_str!("assets/account.js");
const ACCOUNT: &str = include_str!("assets/account.html");
const OUTBOX: &str = include_str!("assets/outbox.html");

/// The policy of these pages: as the reference's, with their own script. The outbox has none.
/// A test computes the hashes and prints them where they no longer fit.
pub const ACCOUNT_POLICY: &str = "default-src 'none'; connect-src 'self'; img-src data:; \
     style-src 'sha256-5ncM4UJGJBHPjNVmY9e44jXPH9glukFNwitjwkMlSdk='; \
     script-src 'sha256-Uu18fp9R1NcNjFKpilgaAjShnJq93vns2awiMNiPQ/g='; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A page that a link in a mail leads to, or that asks for such a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountPage {
    VerifyEmail,
    ForgotPassword,
    ResetPassword,
    AcceptInvite,
    SignUp,
}

/// A mail that nobody sent.
#[derive(Debug, Clone, Copy)]
pub struct OutboxMail<'a> {
    pub to: &'a str,
    pub subject: &'a str,
    pub sent_at: &'a str,
    pub text: &'a str,
}

/// The page; the token is read by its script, and no server sees it before a person acts.
pub fn account_page(page: AccountPage) -> String {
    let (name, title) = match page {
        AccountPage::VerifyEmail => ("verify-email", "Confirm your address"),
        AccountPage::ForgotPassword => ("forgot-password", "Forgot your password?"),
        AccountPage::ResetPassword => ("reset-password", "Choose a new password"),
        AccountPage::AcceptInvite => ("accept-invite", "Join an organization"),
        AccountPage::SignUp => ("sign-up", "Sign up"),
    };
    fill(ACCOUNT, &[("style", STYLE), ("page", name), ("title", title), ("script", SCRIPT)])
}

/// The mails of the outbox folder, with links that can be followed.
pub fn outbox_page(mails: &[OutboxMail<'_>]) -> String {
    let mut articles = String::new();
    for mail in mails {
        let (to, subject, at) = (escaped(mail.to), escaped(mail.subject), escaped(mail.sent_at));
        let text = linked(mail.text);
        append(
            &mut articles,
            format_args!(
                "<article class=\"mail\"><h2>{subject}</h2><p class=\"quiet\">{to} · {at}</p><pre>{text}</pre></article>"
            ),
        );
    }
    if mails.is_empty() {
        articles.push_str("<p class=\"quiet\">No mail yet.</p>");
    }
    fill(OUTBOX, &[("style", STYLE), ("mails", &articles)])
}

/// The text with its addresses as links.
fn linked(text: &str) -> String {
    let mut html = String::new();
    for word in text.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end();
        let safe = escaped(bare);
        if bare.starts_with("http://") || bare.starts_with("https://") {
            append(&mut html, format_args!("<a rel=\"noreferrer\" href=\"{safe}\">{safe}</a>"));
        } else {
            html.push_str(&safe);
        }
        html.push_str(&word[bare.len()..]);
    }
    html
}
