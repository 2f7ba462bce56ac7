//! The pages of mails: where their links lead, and the outbox that stands in for a mail server.

use crate::Core;
use farebox_api_kit::{Headers, Reply, operations};
use farebox_base::{Error, Result};
use farebox_console::{ACCOUNT_POLICY, AccountPage, MEDIA_TYPE, OutboxMail, account_page, outbox_page};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, REFERRER_POLICY};
use http::{HeaderMap, HeaderValue};

type Cx = farebox_api_kit::Cx<Core>;

operations! {
    core Core, door System, tag "Pages";
    GET "/verify-email" verify_email_page(Public) replies(200 as "text/html") rate(Free) "Where the link of a verification mail leads";
    GET "/forgot-password" forgot_password_page(Public) replies(200 as "text/html") rate(Free) "Ask for a mail to choose a new password with";
    GET "/reset-password" reset_password_page(Public) replies(200 as "text/html") rate(Free) "Where the link of a mail for a new password leads";
    GET "/accept-invite" accept_invite_page(Public) replies(200 as "text/html") rate(Free) "Where the link of an invitation leads";
    GET "/sign-up" sign_up_page(Public) replies(200 as "text/html") rate(Free) "Sign up on a page";
    GET "/outbox" outbox(Public) errors(404) replies(200 as "text/html") rate(Free) "Read the mails that no server takes, on the server's own machine";
}

/// The most mails that the outbox shows.
const SHOWN: usize = 100;

async fn verify_email_page(_cx: Cx) -> Result<Reply> {
    Ok(private(account_page(AccountPage::VerifyEmail)))
}

async fn forgot_password_page(_cx: Cx) -> Result<Reply> {
    Ok(private(account_page(AccountPage::ForgotPassword)))
}

async fn reset_password_page(_cx: Cx) -> Result<Reply> {
    Ok(private(account_page(AccountPage::ResetPassword)))
}

async fn accept_invite_page(_cx: Cx) -> Result<Reply> {
    Ok(private(account_page(AccountPage::AcceptInvite)))
}

async fn sign_up_page(_cx: Cx) -> Result<Reply> {
    Ok(private(account_page(AccountPage::SignUp)))
}

async fn outbox(cx: Cx, headers: Headers) -> Result<Reply> {
    let folder = cx.core.accounts.mailer().folder().filter(|_| may_read(&cx, &headers.0));
    let kept = folder.ok_or_else(|| Error::not_found("Page"))?.latest(SHOWN)?;
    let shown = kept.iter().map(|mail| OutboxMail {
        to: &mail.to,
        subject: &mail.subject,
        sent_at: &mail.sent_at,
        text: &mail.text,
    });
    Ok(private(outbox_page(&shown.collect::<Vec<_>>())))
}

/// Only a browser on the server's own machine, that asked for it by the machine's own name: a page from elsewhere that
/// has its name lead here does not get the mails.
fn may_read(cx: &Cx, headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).map_or(host, |(name, _)| name);
    cx.core.settings.shows_outbox && cx.peer.is_loopback() && matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

/// Pages around credentials are nobody's to keep, and what they lead to learns nothing of them.
pub(crate) fn private(html: String) -> Reply {
    let mut page = Reply::bytes(MEDIA_TYPE, html);
    let headers = page.0.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(ACCOUNT_POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    page
}
