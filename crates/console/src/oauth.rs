//! The pages of a user who connects an account: the question who asks for it, and the end.

use super::{CONTENT_SECURITY_POLICY, STYLE, escaped, fill};

const QUESTION: &str = include_str!("assets/oauth_question.html");
const DONE: &str = include_str!("assets/oauth_done.html");

/// What the user is asked.
#[derive(Debug, Clone, Copy)]
pub struct OauthQuestion<'a> {
    /// Who would act with the account.
    pub asker: &'a str,
    pub organization: &'a str,
    /// Where the account is.
    pub provider: &'a str,
    pub scopes: &'a [String],
    /// Where the answer goes: `/oauth/confirm`.
    pub action: &'a str,
    /// Goes with the answer.
    pub flow: &'a str,
    /// Goes with the answer.
    pub check: &'a str,
}

/// The question to a browser that did not begin the flow.
pub fn oauth_question_page(question: &OauthQuestion<'_>) -> String {
    let scopes: String =
        question.scopes.iter().map(|scope| format!("<li><code>{}</code></li>", escaped(scope))).collect();
    let scopes = if scopes.is_empty() { "<li>whatever it asks for by default</li>".to_owned() } else { scopes };
    let values = [
        ("style", STYLE),
        ("asker", &escaped(question.asker)),
        ("organization", &escaped(question.organization)),
        ("provider", &escaped(question.provider)),
        ("scopes", &scopes),
        ("action", &escaped(question.action)),
        ("flow", &escaped(question.flow)),
        ("check", &escaped(question.check)),
    ];
    fill(QUESTION, &values)
}

/// The end of a flow that no other page waits for.
pub fn oauth_done_page(title: &str, text: &str) -> String {
    fill(DONE, &[("style", STYLE), ("title", &escaped(title)), ("text", &escaped(text))])
}

/// The policy of the question's page: browsers follow its form's answer to `origin` too.
pub fn oauth_question_policy(origin: &str) -> String {
    let is_plain = origin.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.:/[]".contains(&b));
    let also = if is_plain { format!("form-action 'self' {origin}") } else { "form-action 'self'".to_owned() };
    CONTENT_SECURITY_POLICY.replace("form-action 'none'", &also)
}
