//! The page where a person signs in, and what it shows afterwards. It works without scripts.

use super::{STYLE, append, escaped, fill};

const SIGN_IN: &str = include_str!("assets/sign_in.html");
const SIGNED_IN: &str = include_str!("assets/signed_in.html");

/// The policy of these pages: the style of all pages, forms to this server, no script.
/// A test computes the hash and prints it where it no longer fits.
pub const SIGN_IN_POLICY: &str = "default-src 'none'; img-src data:; \
     style-src 'sha256-5ncM4UJGJBHPjNVmY9e44jXPH9glukFNwitjwkMlSdk='; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The form.
#[derive(Debug, Clone, Copy)]
pub struct SignInForm<'a> {
    /// Goes with the answer.
    pub check: &'a str,
    /// What was typed before; empty at first.
    pub email: &'a str,
    /// Why nobody was signed in, as a sentence.
    pub problem: Option<&'a str>,
}

/// Who is signed in.
#[derive(Debug, Clone, Copy)]
pub struct SignedInAccount<'a> {
    pub name: &'a str,
    pub email: &'a str,
    pub organizations: &'a [OrganizationRow],
    /// Goes with the form that signs out.
    pub check: &'a str,
}

/// An organization of the account.
#[derive(Debug, Clone)]
pub struct OrganizationRow {
    pub name: String,
    pub id: String,
    /// In words: `owner`.
    pub role: String,
}

/// Asks for address and password.
pub fn sign_in_page(form: &SignInForm<'_>) -> String {
    let problem = form.problem.map(|text| format!("<p class=\"outcome bad\" role=\"alert\">{}</p>", escaped(text)));
    let (check, email) = (escaped(form.check), escaped(form.email));
    let values =
        [("style", STYLE), ("problem", problem.as_deref().unwrap_or_default()), ("check", &check), ("email", &email)];
    fill(SIGN_IN, &values)
}

/// Shows the account, its organizations, and the way out.
pub fn signed_in_page(account: &SignedInAccount<'_>) -> String {
    let mut rows = String::new();
    for row in account.organizations {
        let (name, role, id) = (escaped(&row.name), escaped(&row.role), escaped(&row.id));
        append(
            &mut rows,
            format_args!("<li><strong>{name}</strong> <span>{role}</span> <code class=\"quiet\">{id}</code></li>"),
        );
    }
    if account.organizations.is_empty() {
        rows.push_str("<li>You belong to no organization.</li>");
    }
    let (name, email, check) = (escaped(account.name), escaped(account.email), escaped(account.check));
    let values = [("style", STYLE), ("name", &*name), ("email", &email), ("organizations", &rows), ("check", &check)];
    fill(SIGNED_IN, &values)
}
