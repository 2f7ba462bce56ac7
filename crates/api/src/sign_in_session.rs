//! The session of the sign-in page: both credentials of one in a cookie, exchanged when the short one is over.

use crate::Core;
use crate::cookie::Cookie;
use farebox_accounts::{Caller, Tokens, Visitor};
use farebox_api_kit::Cx;
use farebox_base::{Kind, Result};
use http::{HeaderMap, HeaderValue};
use std::sync::Arc;

/// Over when the browser is closed. `Lax`, so that links from elsewhere find the person signed in.
const SESSION: Cookie<'static> = Cookie { name: "farebox_session", path: "/sign-in", same_site: "Lax", seconds: None };

/// Who uses the browser.
pub(crate) enum Signed {
    /// With the cookie to set, where the credentials were exchanged.
    In { caller: Arc<Caller>, cookie: Option<HeaderValue> },
    /// With the cookie to end, where there is one that is no longer good.
    Out { cookie: Option<HeaderValue> },
}

/// The value of `Set-Cookie` for a session.
pub(crate) fn set(cx: &Cx<Core>, tokens: &Tokens) -> Result<HeaderValue> {
    SESSION.line(cx, Some(&format!("{}:{}", tokens.access, tokens.refresh)))
}

/// The value of `Set-Cookie` that ends the session's cookie.
pub(crate) fn clear(cx: &Cx<Core>) -> Result<HeaderValue> {
    SESSION.line(cx, None)
}

/// Reads the cookie, and exchanges its credentials where the short one is over.
pub(crate) async fn signed(cx: &Cx<Core>, headers: &HeaderMap, visitor: &Visitor) -> Result<Signed> {
    let Some((access, refresh)) = SESSION.read(cx, headers).and_then(|value| value.split_once(':')) else {
        return Ok(Signed::Out { cookie: None });
    };
    if let Some(caller) = person(cx, access).await? {
        return Ok(Signed::In { caller, cookie: None });
    }
    let tokens = match cx.core.accounts.session_refresh(refresh, visitor).await {
        Ok(tokens) => tokens,
        // Another window of the browser has the next pair already.
        Err(error) if error.code == "refresh_token_superseded" => return Ok(Signed::Out { cookie: None }),
        Err(error) if error.kind == Kind::Unauthenticated => return Ok(Signed::Out { cookie: Some(clear(cx)?) }),
        Err(error) => return Err(error),
    };
    match person(cx, &tokens.access).await? {
        Some(caller) => Ok(Signed::In { caller, cookie: Some(set(cx, &tokens)?) }),
        None => Ok(Signed::Out { cookie: Some(clear(cx)?) }),
    }
}

/// Whose session it is; a key in the cookie is nobody's.
async fn person(cx: &Cx<Core>, access: &str) -> Result<Option<Arc<Caller>>> {
    match cx.core.accounts.authenticate(access).await {
        Ok(caller) => Ok(Some(caller).filter(|caller| caller.session_id().is_some())),
        Err(error) if error.kind == Kind::Unauthenticated => Ok(None),
        Err(error) => Err(error),
    }
}
