//! The pages as a browser receives them.

#![cfg(test)]

use base64::Engine;
use farebox_console::{
    ACCOUNT_POLICY, AccountPage, CONTENT_SECURITY_POLICY, DoorLink, Landing, OrganizationRow, OutboxMail,
    SIGN_IN_POLICY, SignInForm, SignedInAccount, account_page, docs_page, landing_page, outbox_page, sign_in_page,
    signed_in_page,
};
use sha2::{Digest, Sha256};

const DOORS: &[DoorLink<'static>] = &[
    DoorLink { name: "platform", title: "Platform", description: "Sells & buys", document: "/docs/platform.json" },
    DoorLink { name: "odd", title: "<b>\"Odd\"</b>", description: "it's {{version}}", document: "/docs/odd.json" },
];

fn landing() -> String {
    landing_page(&Landing { version: "1.2.3", base_url: "https://pay.example", docs_path: "/docs", doors: DOORS })
}

/// What stands between an element's tags, which is what a browser hashes.
fn inside<'a>(page: &'a str, element: &str) -> &'a str {
    let (_, from) = page.split_once(&format!("<{element}>")).unwrap();
    from.split_once(&format!("</{element}>")).unwrap().0
}

fn source_of(text: &str) -> String {
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!("'sha256-{hash}'")
}

#[test]
fn the_policy_admits_exactly_the_style_and_script_of_the_pages() {
    let docs = docs_page(DOORS);
    let style = format!("style-src {};", source_of(inside(&docs, "style")));
    let script = format!("script-src {};", source_of(inside(&docs, "script")));
    assert!(CONTENT_SECURITY_POLICY.contains(&style), "the style changed, put this into the policy: {style}");
    assert!(CONTENT_SECURITY_POLICY.contains(&script), "the script changed, put this into the policy: {script}");
    assert_eq!(inside(&landing(), "style"), inside(&docs, "style"));
    assert!(!landing().contains("<script"));
}

#[test]
fn pages_load_nothing_from_elsewhere_and_hold_nothing_that_the_policy_forbids() {
    for page in [docs_page(DOORS), landing()] {
        let style = inside(&page, "style").to_owned();
        let markup = page.replace(&style, "");
        let markup = match markup.split_once("<script>") {
            Some((before, _)) => before.to_owned(),
            None => markup,
        };
        for forbidden in [" src=", " style=", " onclick=", " onload=", "@import", "<iframe", "href=\"http", "href=\"//"]
        {
            assert!(!markup.contains(forbidden), "{forbidden}");
        }
        assert!(!style.contains("url(") && !style.contains("@import"));
    }
    assert!(!inside(&docs_page(DOORS), "script").contains("innerHTML"));
}

const PAGES: [AccountPage; 5] = [
    AccountPage::VerifyEmail,
    AccountPage::ForgotPassword,
    AccountPage::ResetPassword,
    AccountPage::AcceptInvite,
    AccountPage::SignUp,
];

#[test]
fn the_pages_of_mails_fit_their_policy_and_send_their_token_to_nobody() {
    for page in PAGES.map(account_page) {
        let style = format!("style-src {};", source_of(inside(&page, "style")));
        let script = format!("script-src {};", source_of(inside(&page, "script")));
        assert!(ACCOUNT_POLICY.contains(&style), "the style changed, put this into the policy: {style}");
        assert!(ACCOUNT_POLICY.contains(&script), "the script changed, put this into the policy: {script}");
        assert!(page.contains("<meta name=\"referrer\" content=\"no-referrer\">"));
        assert!(!page.contains("innerHTML") && !page.contains(" src=") && !page.contains("{{"));
    }
}

#[test]
fn the_pages_of_sign_in_need_no_script_and_show_what_was_typed_as_text() {
    let odd = "\"><script>alert(1)</script>{{check}}";
    let form = SignInForm { check: "c1", email: odd, problem: Some(odd) };
    let organizations = [OrganizationRow { name: odd.to_owned(), id: "1".to_owned(), role: odd.to_owned() }];
    let account = SignedInAccount { name: odd, email: odd, organizations: &organizations, check: "c2" };
    for page in [sign_in_page(&form), signed_in_page(&account)] {
        let style = format!("style-src {};", source_of(inside(&page, "style")));
        assert!(SIGN_IN_POLICY.contains(&style), "the style changed, put this into the policy: {style}");
        assert!(!page.contains("<script") && !page.contains("src=") && !page.contains(" style="), "{page}");
        assert!(page.contains("{{check}}") && page.contains("method=\"post\""), "a value is not filled in again");
    }
    assert!(SIGN_IN_POLICY.contains("form-action 'self'") && !SIGN_IN_POLICY.contains("script-src"));
    let first = sign_in_page(&SignInForm { check: "c", email: "", problem: None });
    for link in ["href=\"forgot-password\"", "href=\"sign-up\"", "name=\"check\" value=\"c\""] {
        assert!(first.contains(link), "{link}");
    }
    assert!(!first.contains("role=\"alert\""));
}

#[test]
fn mails_of_the_outbox_are_text_with_links() {
    let mail = OutboxMail {
        to: "ada@example.com",
        subject: "<script>alert(1)</script>",
        sent_at: "now",
        text: "Go to\n\nhttp://127.0.0.1:8402/verify-email#token=ab\n\n<b>javascript:alert(1)</b> \"x\"\n",
    };
    let page = outbox_page(&[mail]);
    assert!(page.contains("<a rel=\"noreferrer\" href=\"http://127.0.0.1:8402/verify-email#token=ab\">"));
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"));
    assert!(page.contains("&lt;b&gt;javascript:alert(1)&lt;/b&gt;"));
    assert!(outbox_page(&[]).contains("No mail yet"));
}

#[test]
fn values_become_text_and_never_markup_or_placeholders() {
    let docs = docs_page(DOORS);
    assert!(docs.contains("data-document=\"/docs/platform.json\">Platform</a>"));
    assert!(docs.contains("&lt;b&gt;&quot;Odd&quot;&lt;/b&gt;") && !docs.contains("<b>"));
    let landing = landing();
    assert!(landing.contains("Sells &amp; buys"));
    assert!(landing.contains("it&#39;s {{version}}"), "a value is not filled in again");
}

#[test]
fn the_front_page_leads_to_the_references_and_to_a_key() {
    let page = landing();
    assert!(page.contains("href=\"/docs#platform\"") && page.contains("href=\"/docs#odd\""));
    assert!(page.contains("version 1.2.3"));
    for address in ["https://pay.example/auth/agent", "https://pay.example/api/v1/keys"] {
        assert!(page.contains(address), "{address}");
    }
    assert!(!page.replace("it&#39;s {{version}}", "").contains("{{"));
}
