//! The pages that the server shows to people: the browsable reference and the front page.
//!
//! Owns HTML, styles and scripts, all inside this crate: a page loads nothing but the server's own documents.
//! Knows no HTTP and no data; whoever serves a page sends [`CONTENT_SECURITY_POLICY`] with it.

mod account;

pub use account::{ACCOUNT_POLICY, AccountPage, OutboxMail, account_page, outbox_page};
mod oauth;
mod sign_in;
pub use oauth::{OauthQuestion, oauth_done_page, oauth_question_page, oauth_question_policy};
pub use sign_in::{OrganizationRow, SIGN_IN_POLICY, SignInForm, SignedInAccount, sign_in_page, signed_in_page};

use std::fmt::Write;

const STYLE: &str = include_str!("assets/style.css");
const SCRIPT: &str =
    concat!(include_str!("assets/schema.js"), include_str!("assets/try.js"), include_str!("assets/docs.js"));
const DOCS: &str = include_str!("assets/docs.html");
const LANDING: &str = include_str!("assets/landing.html");

/// The media type of every page.
pub const MEDIA_TYPE: &str = "text/html; charset=utf-8";

/// The policy that every page is served with: this style, this script, requests to this server, nothing else.
/// A test computes the two hashes and prints them where they no longer fit.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; connect-src 'self'; img-src data:; \
     style-src 'sha256-5ncM4UJGJBHPjNVmY9e44jXPH9glukFNwitjwkMlSdk='; \
     script-src 'sha256-I/shTUcj0b5Q7DoC2R1RYxx5QySWyMxQ8nQ6RyBcICo='; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A door as the pages show it.
#[derive(Debug, Clone, Copy)]
pub struct DoorLink<'a> {
    /// The name in the address of the reference: `platform`.
    pub name: &'a str,
    pub title: &'a str,
    pub description: &'a str,
    /// Where its OpenAPI document is: `/docs/platform.json`.
    pub document: &'a str,
}

/// What the front page tells.
#[derive(Debug, Clone, Copy)]
pub struct Landing<'a> {
    pub version: &'a str,
    /// The server's public address without a slash at the end: `https://pay.example.com`.
    pub base_url: &'a str,
    /// Where the reference is: `/docs`.
    pub docs_path: &'a str,
    pub doors: &'a [DoorLink<'a>],
}

/// The reference of all doors; the first is shown where the address names none.
pub fn docs_page(doors: &[DoorLink<'_>]) -> String {
    let mut links = String::new();
    for door in doors {
        let (name, document, title) = (escaped(door.name), escaped(door.document), escaped(door.title));
        let link = format_args!("<a href=\"#{name}\" data-name=\"{name}\" data-document=\"{document}\">{title}</a>");
        append(&mut links, link);
    }
    fill(DOCS, &[("style", STYLE), ("doors", &links), ("script", SCRIPT)])
}

/// The front page.
pub fn landing_page(landing: &Landing<'_>) -> String {
    let mut cards = String::new();
    for door in landing.doors {
        let (docs, name) = (escaped(landing.docs_path), escaped(door.name));
        let (title, description) = (escaped(door.title), escaped(door.description));
        let link = format_args!(
            "<a class=\"card\" href=\"{docs}#{name}\"><strong>{title}</strong><span>{description}</span></a>"
        );
        append(&mut cards, link);
    }
    let (version, base) = (escaped(landing.version), escaped(landing.base_url));
    fill(LANDING, &[("style", STYLE), ("doors", &cards), ("version", &version), ("base", &base)])
}

fn append(text: &mut String, more: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    let _ = text.write_fmt(more);
}

/// Puts values in the place of `{{name}}`, in one pass, so that a value is never itself filled in.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut page = String::with_capacity(template.len() + values.iter().map(|(_, value)| value.len()).sum::<usize>());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        page.push_str(before);
        let Some((name, behind)) = after.split_once("}}") else { break };
        page.push_str(values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value));
        rest = behind;
    }
    page.push_str(rest);
    page
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
    }
    safe
}
