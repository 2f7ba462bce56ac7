//! People in organisations, for tests: registered, invited by mail, signed in.

use crate::Process;
use farebox_accounts::{AgentRegistration, Caller, InviteCreate, Registered};
use farebox_base::{Clock as _, PartyId, SessionId, SystemRng, UserId};
use std::sync::Arc;
use std::time::Duration;

impl Process {
    /// Registers somebody with an organisation of his own and the confirmed address `NAME@example.com`.
    pub async fn person(&self, name: &str) -> Registered {
        let mut registered = self.unproven(name).await;
        let (id, email) = (registered.user.id.to_string(), format!("{name}@example.com"));
        let mut tx = self.db.begin(farebox_db::Isolation::Serializable).await.unwrap();
        let sql = "UPDATE app_user SET email = $2, email_verified = 1 WHERE id = $1";
        tx.execute(sql, &[(&id).into(), (&email).into()]).await.unwrap();
        tx.commit().await.unwrap();
        registered.user = self.accounts.user(registered.user.id).await.unwrap().unwrap();
        registered
    }

    /// The same, with an address that nobody has confirmed.
    pub async fn unproven(&self, name: &str) -> Registered {
        let registration = AgentRegistration { name: Some(name.to_owned()), email: None };
        self.accounts.register_agent(&registration).await.unwrap()
    }

    /// The caller of a new session of the user's.
    pub async fn session(&self, user: UserId) -> Caller {
        let session = SessionId::generate(&*self.clock, &SystemRng);
        let (id, user_id, now) = (session.to_string(), user.to_string(), self.clock.now());
        let sql =
            "INSERT INTO user_session (id, user_id, generation, refresh_hash, refreshed_at, created_at, expires_at)
                   VALUES ($1, $2, 1, $3, $4, $4, $5)";
        let expires_at = now.plus(Duration::from_secs(90 * 86_400));
        let values = [(&id).into(), (&user_id).into(), (&[0_u8; 32]).into(), now.into(), expires_at.into()];
        farebox_db::tx!(&self.db, tx => { Ok(tx.execute(sql, &values).await?) }).unwrap();
        self.accounts.session_caller(session, user).await.unwrap().unwrap()
    }

    /// Invites a registered person and accepts for him; answers him in a session.
    pub async fn join(&self, by: &Caller, party: PartyId, who: &Registered, role: &str) -> Caller {
        self.invite(by, party, &who.user.email, Some(role)).await;
        let token = self.token(&who.user.email).await;
        let session = self.session(who.user.id).await;
        self.accounts.invite_accept(&session, &token).await.unwrap();
        self.session(who.user.id).await
    }

    pub async fn invite(&self, by: &Caller, party: PartyId, email: &str, role: Option<&str>) {
        // The mails of an address are told apart by their time.
        self.clock.advance(Duration::from_secs(1));
        let create = InviteCreate { email: email.to_owned(), role: role.map(str::to_owned) };
        self.accounts.invite_create(by, party, &create).await.unwrap();
    }

    /// The token of the newest invitation in an address's mail.
    pub async fn token(&self, email: &str) -> String {
        self.mailer.deliver_round().await.unwrap();
        let mails = self.mailer.folder().unwrap().latest(100).unwrap();
        let link = "https://pay.example/accept-invite#token=";
        let mail = mails.iter().find(|mail| mail.to == email && mail.text.contains(link)).unwrap();
        let rest = mail.text.split_once(link).unwrap().1;
        rest.split_whitespace().next().unwrap().to_owned()
    }

    /// The caller of a new key that a caller makes for an organisation, as the database has it.
    pub async fn key(&self, by: &Caller, party: PartyId, scopes: Option<&[&str]>) -> (String, Arc<Caller>) {
        let create = farebox_accounts::KeyCreate {
            name: "test".to_owned(),
            scopes: scopes.map(|all| all.iter().map(|scope| (*scope).to_owned()).collect()),
            ..Default::default()
        };
        let text = self.accounts.key_create(by, party, &create).await.unwrap().platform_spelling();
        let caller = self.accounts.authenticate(&text).await.unwrap();
        (text, caller)
    }
}
