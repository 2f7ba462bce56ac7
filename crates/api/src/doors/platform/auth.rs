//! People: sign-up, sign-in and out, and what their mails lead to.
//!
//! The answers of those who ask by address alone are the same whether there is an account or not.

use super::Cx;
use super::users::user_info;
use crate::Core;
use farebox_accounts::{Caller, SignUp, SignedIn, Visitor, Whose};
use farebox_api_kit::{Created, Data, Doer, Headed, Headers, Json, Ok200, operations};
use farebox_api_types::Secret;
use farebox_api_types::platform::{
    AccountSecurity, ForgotPasswordRequest, LoginRequest, LoginResult, LogoutResult, PasswordReset, PasswordResetSent,
    PasswordUpdated, RefreshTokenRequest, ResendVerificationRequest, ResetPasswordRequest, SignupRequest, SignupResult,
    TokenRefresh, UpdatePasswordRequest, VerificationSent, VerifyEmailRequest,
};
use farebox_base::{Error, Result, UserId};
use http::HeaderMap;
use http::header::{CACHE_CONTROL, USER_AGENT};

operations! {
    core Core, door Platform, tag "Auth";
    POST "/auth/signup" signup(Public) errors(409, 503) rate(Auth) "Sign up as a person";
    POST "/auth/login" login(Public) errors(401, 403, 503) rate(Auth) "Sign in with a password";
    POST "/auth/refresh" refresh_token(Public) errors(401) rate(Auth) "Exchange a refresh token for new credentials";
    POST "/auth/logout" logout(Needs(AccountRead)) "Sign out of the session of this request";
    POST "/auth/verify-email" verify_email(Public) rate(Auth) "Prove an address by the token of a mail, and sign in";
    POST "/auth/resend-verification" resend_verification_email(Public) rate(Auth) "Ask for the mail of a sign-up again";
    POST "/auth/forgot-password" forgot_password(Public) rate(Auth) "Ask for a mail to choose a new password with";
    POST "/auth/reset-password" reset_password(Public) errors(404, 503) rate(Auth) "Choose a new password by the token of a mail";
    POST "/auth/change-password" change_password(Needs(AccountWrite)) errors(404, 409, 503) rate(Auth) "Choose a new password by the old one";
    GET  "/auth/account-security" get_account_security(Needs(AccountRead)) errors(404) "Show how the caller's user signs in";
}

/// Credentials are nobody's to keep.
type Fresh<T> = Result<Headed<Ok200<Data<T>>>>;

async fn signup(cx: Cx, headers: Headers, body: Json<SignupRequest>) -> Result<Created<Data<SignupResult>>> {
    let SignupRequest { email, password, name, .. } = body.0;
    let ask = SignUp { email: email.0, password: password.into_exposed(), name };
    let user = cx.core.accounts.sign_up(&ask, &visitor(&cx, &headers.0)).await?;
    let message = "Follow the link in the mail that was sent to this address".to_owned();
    Ok(Created(Data(SignupResult { user: user_info(user), message })))
}

async fn login(cx: Cx, headers: Headers, body: Json<LoginRequest>) -> Fresh<LoginResult> {
    let LoginRequest { email, password } = body.0;
    let visitor = visitor(&cx, &headers.0);
    let signed_in = cx.core.accounts.login(&email.0, password.expose(), &visitor).await?;
    fresh(login_result(&cx, signed_in))
}

async fn refresh_token(cx: Cx, headers: Headers, body: Json<RefreshTokenRequest>) -> Fresh<TokenRefresh> {
    let visitor = visitor(&cx, &headers.0);
    let presented = body.0.refresh_token.expose();
    record(&cx, cx.core.accounts.refresh_token_whose(presented).await?);
    let tokens = cx.core.accounts.session_refresh(presented, &visitor).await?;
    fresh(TokenRefresh {
        access_token: Secret::new(tokens.access),
        refresh_token: Secret::new(tokens.refresh),
        expires_in: tokens.expires_in_s,
    })
}

async fn logout(cx: Cx) -> Result<Ok200<Data<LogoutResult>>> {
    let caller = cx.caller()?;
    let message = match (caller.user_id, caller.session_id()) {
        (Some(user), Some(session)) => {
            cx.core.accounts.session_revoke(user, session).await?;
            "Signed out"
        }
        _ => "An API key has no session; revoke the key to end its use",
    };
    Ok(Ok200(Data(LogoutResult { message: message.to_owned() })))
}

async fn verify_email(cx: Cx, headers: Headers, body: Json<VerifyEmailRequest>) -> Fresh<LoginResult> {
    let visitor = visitor(&cx, &headers.0);
    let signed_in = cx.core.accounts.verify_email(body.0.token.expose(), &visitor).await?;
    fresh(login_result(&cx, signed_in))
}

async fn resend_verification_email(
    cx: Cx,
    headers: Headers,
    body: Json<ResendVerificationRequest>,
) -> Result<Ok200<Data<VerificationSent>>> {
    cx.core.accounts.verification_resend(&body.0.email.0, &visitor(&cx, &headers.0)).await?;
    let message = "If this address waits for its confirmation, a mail is on its way".to_owned();
    Ok(Ok200(Data(VerificationSent { message })))
}

async fn forgot_password(
    cx: Cx,
    headers: Headers,
    body: Json<ForgotPasswordRequest>,
) -> Result<Ok200<Data<PasswordResetSent>>> {
    record(&cx, cx.core.accounts.address_whose(&body.0.email.0).await?);
    cx.core.accounts.password_forgotten(&body.0.email.0, &visitor(&cx, &headers.0)).await?;
    let message = "If there is an account with this address, a mail is on its way".to_owned();
    Ok(Ok200(Data(PasswordResetSent { message })))
}

async fn reset_password(
    cx: Cx,
    headers: Headers,
    body: Json<ResetPasswordRequest>,
) -> Result<Ok200<Data<PasswordReset>>> {
    let ResetPasswordRequest { token, new_password } = body.0;
    let visitor = visitor(&cx, &headers.0);
    record(&cx, cx.core.accounts.reset_token_whose(token.expose()).await?);
    cx.core.accounts.password_reset(token.expose(), new_password.expose(), &visitor).await?;
    let message = "The new password is in force; all sessions were ended".to_owned();
    Ok(Ok200(Data(PasswordReset { message })))
}

async fn change_password(
    cx: Cx,
    headers: Headers,
    body: Json<UpdatePasswordRequest>,
) -> Result<Ok200<Data<PasswordUpdated>>> {
    let caller = cx.caller()?;
    let session =
        caller.session_id().ok_or_else(|| Error::forbidden("A password is changed by a person who signed in"))?;
    let UpdatePasswordRequest { current_password, new_password } = body.0;
    let passwords = (current_password.expose().as_str(), new_password.expose().as_str());
    let visitor = visitor(&cx, &headers.0);
    let ended = cx.core.accounts.password_change(person(caller)?, Some(session), passwords, &visitor).await?;
    let message = format!("The new password is in force; other sessions that were ended: {ended}");
    Ok(Ok200(Data(PasswordUpdated { message })))
}

async fn get_account_security(cx: Cx) -> Result<Ok200<Data<AccountSecurity>>> {
    let has_password = cx.core.accounts.has_password(person(cx.caller()?)?).await?;
    Ok(Ok200(Data(AccountSecurity { has_password, auth_providers: Vec::new() })))
}

pub(super) fn visitor(cx: &Cx, headers: &HeaderMap) -> Visitor {
    Visitor::new(cx.peer, headers.get(USER_AGENT).map(|value| value.as_bytes()))
}

/// The caller's user; keys that belong to an organisation as such have none.
pub(super) fn person(caller: &Caller) -> Result<UserId> {
    caller.user_id.ok_or_else(|| Error::not_found("User"))
}

/// Names the user in the audit line, whatever becomes of the request; the answer shows nothing of it.
fn record(cx: &Cx, whose: Option<Whose>) {
    if let Some(Whose { user, party }) = whose {
        cx.acts_as(Doer { user, party });
    }
}

fn fresh<T>(reply: T) -> Fresh<T> {
    Headed::new(Ok200(Data(reply))).with(CACHE_CONTROL, "no-store")
}

fn login_result(cx: &Cx, signed_in: SignedIn) -> LoginResult {
    let SignedIn { user, default_party, tokens } = signed_in;
    cx.acts_as(Doer { user: user.id, party: Some(default_party) });
    LoginResult {
        access_token: Secret::new(tokens.access),
        refresh_token: Secret::new(tokens.refresh),
        expires_in: tokens.expires_in_s,
        user: user_info(user),
        default_organization_id: default_party.uuid(),
    }
}
