//! The pages of a user who connects an account: the question to a browser that did not begin the flow, and the end.

use crate::{Core, oauth_cookie};
use farebox_api_kit::{Binary, Headers, Query, Reply, operations};
use farebox_base::{Error, Result};
use farebox_console::{
    CONTENT_SECURITY_POLICY as PAGE_POLICY, MEDIA_TYPE, OauthQuestion, oauth_done_page, oauth_question_page,
    oauth_question_policy,
};
use farebox_oauth::{Asked, Holder};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, SET_COOKIE};
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

type Cx = farebox_api_kit::Cx<Core>;

operations! {
    core Core, door System, tag "OAuth";
    GET "/oauth/confirm" confirm_page(Public) replies(200 as "text/html") rate(Auth) "Ask whether somebody may use one's account";
    POST "/oauth/confirm" confirm_answer(Public) replies(302) rate(Auth) limit(4096) "Answer whether somebody may use one's account";
    GET "/oauth/done" done_page(Public) replies(200 as "text/html") rate(Free) "Say that an account is connected, or not";
}

/// Which question.
#[derive(Deserialize, JsonSchema)]
struct ConfirmQuery {
    flow: Option<String>,
}

/// What became of a connection.
#[derive(Deserialize, JsonSchema)]
struct DoneQuery {
    status: Option<String>,
}

async fn confirm_page(cx: Cx, query: Query<ConfirmQuery>, headers: Headers) -> Result<Reply> {
    let flow = query.0.flow.unwrap_or_default();
    let asked = match oauth_cookie::read(&cx, &headers.0, &flow) {
        Some(secret) => cx.core.oauth.asked(secret).await?,
        None => None,
    };
    let Some(asked) = asked else {
        let text = "The question is not known here, was answered before, or is too old. Begin again.";
        return page(&oauth_done_page("There is nothing to answer", text), PAGE_POLICY);
    };
    let (asker, organization) = names(&cx, asked.holder).await?;
    let action = format!("{}/oauth/confirm", cx.core.settings.public_url);
    let text = oauth_question_page(&OauthQuestion {
        asker: &asker,
        organization: &organization,
        provider: &asked.provider.name,
        scopes: &asked.provider.scopes,
        action: &action,
        flow: &flow,
        check: &asked.check,
    });
    page(&text, &oauth_question_policy(&origin(&asked)))
}

async fn confirm_answer(cx: Cx, headers: Headers, body: Binary) -> Result<Reply> {
    let field = |wanted: &str| {
        form_urlencoded::parse(&body.0).find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
    };
    let flow = field("flow").unwrap_or_default();
    let over = || Error::invalid("flow", "is not known here, was answered before, or is too old: begin again");
    let secret = oauth_cookie::read(&cx, &headers.0, &flow).ok_or_else(over)?;
    let is_yes = field("answer").as_deref() == Some("yes");
    let redirect = cx.core.oauth.answered(secret, &field("check").unwrap_or_default(), is_yes).await?;
    let cleared = oauth_cookie::clear(&cx, &flow)?;
    let mut reply = private(Reply::redirect(&redirect)?);
    reply.0.headers_mut().append(SET_COOKIE, cleared);
    Ok(reply)
}

async fn done_page(_cx: Cx, query: Query<DoneQuery>) -> Result<Reply> {
    let (title, text) = match query.0.status.as_deref() {
        Some("success") => ("Your account is connected", "You may close this page."),
        _ => ("Your account is not connected", "Nothing was changed. Begin again if you want it connected."),
    };
    page(&oauth_done_page(title, text), PAGE_POLICY)
}

/// Who would act with the account: his name, and that of whom he acts for.
async fn names(cx: &Cx, holder: Holder) -> Result<(String, String)> {
    let party = cx.core.accounts.party(holder.party_id).await?;
    let organization = party.map(|party| party.name).unwrap_or_default();
    let user = match holder.user_id {
        Some(id) => cx.core.accounts.user(id).await?,
        None => None,
    };
    let asker = user.map_or_else(|| organization.clone(), |user| format!("{} ({})", user.name, user.email));
    Ok((asker, organization))
}

fn origin(asked: &Asked) -> String {
    Url::parse(&asked.redirect_uri).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

fn page(text: &str, policy: &str) -> Result<Reply> {
    let mut page = private(Reply::bytes(MEDIA_TYPE, text.to_owned()));
    let policy = HeaderValue::try_from(policy).map_err(|_| Error::internal("a policy can't stand in a header"))?;
    page.0.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    page.0.headers_mut().insert("x-frame-options", HeaderValue::from_static("DENY"));
    Ok(page)
}

/// Kept by nobody, and its address is told to nobody.
pub(crate) fn private(mut reply: Reply) -> Reply {
    reply.0.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply.0.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    reply
}
