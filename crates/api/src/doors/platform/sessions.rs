//! The sessions of the caller's user. A list is bare, as the door's reference has it.

use super::Cx;
use super::auth::person;
use crate::Core;
use farebox_accounts::SessionInfo;
use farebox_api_kit::{Data, Ok200, Path, operations};
use farebox_api_types::platform::{Session, SessionsRevoked};
use farebox_base::{Result, SessionId};
use uuid::Uuid;

operations! {
    core Core, door Platform, tag "Sessions";
    GET    "/sessions" list_sessions(Needs(AccountRead)) "List your sessions";
    POST   "/sessions/revoke-all" revoke_all_sessions(Needs(AccountWrite)) "Sign out everywhere";
    DELETE "/sessions/{session_id}" revoke_session(Needs(AccountWrite)) "Sign out of one session";
    POST   "/sessions/{session_id}/revoke-others" revoke_other_sessions(Needs(AccountWrite)) "Sign out everywhere but in one session";
}

type Revoked = Result<Ok200<Data<SessionsRevoked>>>;

async fn list_sessions(cx: Cx) -> Result<Ok200<Vec<Session>>> {
    let caller = cx.caller()?;
    let Some(user) = caller.user_id else { return Ok(Ok200(Vec::new())) };
    let sessions = cx.core.accounts.sessions_list(user).await?;
    let current = caller.session_id();
    Ok(Ok200(sessions.into_iter().map(|session| shown(session, current)).collect()))
}

async fn revoke_all_sessions(cx: Cx) -> Revoked {
    let ended = match cx.caller()?.user_id {
        Some(user) => cx.core.accounts.sessions_revoke_all(user).await?,
        None => 0,
    };
    Ok(revoked("All sessions were ended", ended))
}

async fn revoke_session(cx: Cx, path: Path<Uuid>) -> Revoked {
    let user = person(cx.caller()?)?;
    cx.core.accounts.session_revoke(user, SessionId::from_uuid(path.0)).await?;
    Ok(revoked("The session was ended", 1))
}

async fn revoke_other_sessions(cx: Cx, path: Path<Uuid>) -> Revoked {
    let user = person(cx.caller()?)?;
    let ended = cx.core.accounts.sessions_revoke_others(user, SessionId::from_uuid(path.0)).await?;
    Ok(revoked("All other sessions were ended", ended))
}

fn revoked(message: &str, ended: u64) -> Ok200<Data<SessionsRevoked>> {
    let revoked_count = i64::try_from(ended).unwrap_or(i64::MAX);
    Ok200(Data(SessionsRevoked { message: message.to_owned(), revoked_count }))
}

fn shown(session: SessionInfo, current: Option<SessionId>) -> Session {
    Session {
        id: session.id.uuid(),
        is_current: Some(session.id) == current,
        user_agent: session.user_agent,
        ip_address: session.ip_address,
        created_at: session.created_at.into(),
        last_active_at: session.last_active_at.into(),
        expires_at: session.expires_at.into(),
    }
}
