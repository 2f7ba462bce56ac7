//! The page where a person signs in and out and sees which account it is. It works without scripts.
//!
//! Its session is one of `/auth/login`, kept in a cookie that only these pages read: no operation of a door takes it.
//! Invariant: a form counts only from the page that this server gave to the same browser, which knows the check of its
//! cookie; so no other page can sign anybody in or out.

use crate::cookie::Cookie;
use crate::sign_in_session::{Signed, clear, signed};
use crate::{Core, pages, sign_in_session};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use farebox_accounts::{AnyRole, Caller, Visitor};
use farebox_api_kit::{Binary, Core as _, Doer, Headers, Reply, operations};
use farebox_base::{Error, Kind, Result};
use farebox_console::{OrganizationRow, SIGN_IN_POLICY, SignInForm, SignedInAccount, sign_in_page, signed_in_page};
use http::header::{CONTENT_SECURITY_POLICY, SET_COOKIE, USER_AGENT};
use http::{HeaderMap, HeaderValue, StatusCode};

type Cx = farebox_api_kit::Cx<Core>;

operations! {
    core Core, door System, tag "Pages";
    GET  "/sign-in" show(Public) replies(200 as "text/html") "Sign in on a page, or see who is signed in";
    POST "/sign-in" sign_in(Public) errors(401, 403, 503) replies(303, 400 as "text/html") rate(Auth) limit(4096) audit("auth") "Take the form of the sign-in page";
    POST "/sign-in/out" sign_out(Public) replies(303) limit(4096) audit("auth") "Sign out of the session of the sign-in page";
}

/// Ties the forms to the browser that they were given to.
const FORM: Cookie<'static> = Cookie { name: "farebox_form", path: "/sign-in", same_site: "Strict", seconds: None };

async fn show(cx: Cx, headers: Headers) -> Result<Reply> {
    let form = form_check(&cx, &headers.0);
    let visitor = visitor(&cx, &headers.0);
    let mut reply = match signed(&cx, &headers.0, &visitor).await? {
        Signed::In { caller, cookie } => {
            let mut reply = page(account_page(&cx, &caller, &form.0).await?);
            reply.0.headers_mut().extend(cookie.map(|line| (SET_COOKIE, line)));
            reply
        }
        Signed::Out { cookie } => {
            let mut reply = page(sign_in_page(&SignInForm { check: &form.0, email: "", problem: None }));
            reply.0.headers_mut().extend(cookie.map(|line| (SET_COOKIE, line)));
            reply
        }
    };
    if form.1 {
        reply.0.headers_mut().append(SET_COOKIE, FORM.line(&cx, Some(&form.0))?);
    }
    Ok(reply)
}

async fn sign_in(cx: Cx, headers: Headers, body: Binary) -> Result<Reply> {
    let (email, password) = (field(&body, "email"), field(&body, "password"));
    if !is_own_form(&cx, &headers.0, &body) {
        let problem = "This page was open for too long, or your browser keeps no cookies. Please try again.";
        return refused(&cx, &headers.0, &email, StatusCode::BAD_REQUEST, problem);
    }
    let visitor = visitor(&cx, &headers.0);
    match cx.core.accounts.login(&email, &password, &visitor).await {
        Ok(signed_in) => {
            cx.acts_as(Doer { user: signed_in.user.id, party: Some(signed_in.default_party) });
            let mut reply = see_other("sign-in")?;
            reply.0.headers_mut().append(SET_COOKIE, sign_in_session::set(&cx, &signed_in.tokens)?);
            Ok(reply)
        }
        Err(error) if error.kind == Kind::Internal => Err(error),
        Err(error) => {
            let status = StatusCode::from_u16(error.kind.status()).unwrap_or(StatusCode::BAD_REQUEST);
            refused(&cx, &headers.0, &email, status, &problem(&error))
        }
    }
}

async fn sign_out(cx: Cx, headers: Headers, body: Binary) -> Result<Reply> {
    let mut reply = see_other("../sign-in")?;
    if !is_own_form(&cx, &headers.0, &body) {
        return Ok(reply);
    }
    let visitor = visitor(&cx, &headers.0);
    if let Signed::In { caller, .. } = signed(&cx, &headers.0, &visitor).await?
        && let (Some(user), Some(session)) = (caller.user_id, caller.session_id())
    {
        cx.acts_as(Doer { user, party: Some(caller.party_id) });
        cx.core.accounts.session_revoke(user, session).await?;
    }
    reply.0.headers_mut().append(SET_COOKIE, clear(&cx)?);
    Ok(reply)
}

async fn account_page(cx: &Cx, caller: &Caller, check: &str) -> Result<String> {
    let user = match caller.user_id {
        Some(id) => cx.core.accounts.user(id).await?,
        None => None,
    };
    let user = user.ok_or_else(|| Error::internal("a session is of no user"))?;
    let mut organizations = Vec::new();
    for one in cx.core.accounts.organizations_of(caller).await? {
        let role = match caller.membership(one.id).and_then(|membership| membership.role) {
            Some(AnyRole::BuiltIn(role)) => role.text().to_owned(),
            Some(AnyRole::Custom(role)) => cx.core.accounts.role(one.id, role).await?.name,
            None => continue,
        };
        organizations.push(OrganizationRow { name: one.name, id: one.id.to_string(), role });
    }
    let account = SignedInAccount { name: &user.name, email: &user.email, organizations: &organizations, check };
    Ok(signed_in_page(&account))
}

/// The form again, with why it was not taken.
fn refused(cx: &Cx, headers: &HeaderMap, email: &str, status: StatusCode, problem: &str) -> Result<Reply> {
    let (check, is_new) = form_check(cx, headers);
    let mut reply = page(sign_in_page(&SignInForm { check: &check, email, problem: Some(problem) }));
    *reply.0.status_mut() = status;
    if is_new {
        reply.0.headers_mut().append(SET_COOKIE, FORM.line(cx, Some(&check))?);
    }
    Ok(reply)
}

/// Why nobody was signed in, to somebody who reads a page.
fn problem(error: &Error) -> String {
    match (error.kind, error.field.as_deref()) {
        (Kind::Invalid, Some("email")) => {
            "That is no email address. Please write one such as ada@example.com.".to_owned()
        }
        (Kind::TooManyRequests, _) => "This was tried too often. Please wait a few minutes.".to_owned(),
        (Kind::Unauthenticated, _) => "The email address or the password is wrong.".to_owned(),
        (Kind::Unavailable, _) => "The server can't sign you in at the moment. Please try again.".to_owned(),
        _ => format!("{}.", error.message),
    }
}

/// What this browser's forms have to bring, and whether the browser has to be told.
fn form_check(cx: &Cx, headers: &HeaderMap) -> (String, bool) {
    match FORM.read(cx, headers).filter(|value| is_check(value)) {
        Some(known) => (known.to_owned(), false),
        None => {
            let mut bytes = [0; 32];
            cx.core.rng().fill(&mut bytes);
            (URL_SAFE_NO_PAD.encode(bytes), true)
        }
    }
}

fn is_check(value: &str) -> bool {
    value.len() == 43 && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn is_own_form(cx: &Cx, headers: &HeaderMap, body: &Binary) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    let known = FORM.read(cx, headers).filter(|value| is_check(value));
    matches!(site, None | Some("same-origin" | "none")) && known.is_some_and(|known| field(body, "check") == known)
}

fn field(body: &Binary, wanted: &str) -> String {
    let mut pairs = form_urlencoded::parse(&body.0);
    pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn visitor(cx: &Cx, headers: &HeaderMap) -> Visitor {
    Visitor::new(cx.peer, headers.get(USER_AGENT).map(|value| value.as_bytes()))
}

fn page(html: String) -> Reply {
    let mut reply = pages::private(html);
    let headers = reply.0.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(SIGN_IN_POLICY));
    headers.insert("x-frame-options", HeaderValue::from_static("DENY"));
    reply
}

/// Relative, because the server may be reached below a path.
fn see_other(place: &str) -> Result<Reply> {
    let mut reply = crate::oauth_pages::private(Reply::redirect(place)?);
    *reply.0.status_mut() = StatusCode::SEE_OTHER;
    Ok(reply)
}
