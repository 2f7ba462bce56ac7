//! Parties, the users that act for them, their API keys and wallets, and the vault for sellers' secrets.
//!
//! Owns the tables `party`, `app_user`, `member`, `org_role`, `org_invite`, `wallet_link`, `wallet_proof` and `api_key`. Knows no door: HTTP, wire names and
//! status codes are the callers' matter. Invariants:
//! - a key is one credential in several spellings, good at every door within its role and scopes;
//! - no key gives more than the authority that made it had, nor more than its user's role in its organisation;
//! - an owner id belongs to whoever made its first key; a wallet address names at most one party;
//! - a revoked key is refused in this process at once, elsewhere after the next `Changes::refresh`.

mod actor;
mod authenticate;
mod caller;
mod chat_policy;
mod fixed_id;
mod invite_accept;
mod invite_mail;
mod invites;
mod key;
mod key_life;
mod key_scopes;
mod key_touch;
mod keys;
mod lookalike;
mod members;
mod membership;
mod organizations;
mod owner_keys;
mod page;
mod party;
mod personal;
mod register;
mod role_rows;
mod roles;
mod rules;
mod session;
mod sign_in;
mod slug;
mod star_name;
mod text_enum;
mod user;
mod vpc;
mod wallet;
mod wallet_proof;

pub use caller::{Caller, Credential, KeyCredential, SessionCredential};
pub use chat_policy::{
    ChatMode, ChatPolicy, ChatSwitches, PrivateOutput, SessionDatabase, SessionDatabaseEngine, SessionDatabaseProvider,
};
pub use farebox_vault::{MasterKey, Vault};
pub use fixed_id::permission_id;
pub use invite_accept::Accepted;
pub use invites::{Invite, InviteCreate};
pub use key::{KeyType, MintedKey, marketplace_key_id, parse_key_id};
pub use key_life::key_lives_in;
pub use keys::{KeyCreate, KeyInfo};
pub use members::Member;
pub use membership::{AnyRole, Membership, Memberships};
pub use organizations::Organization;
pub use owner_keys::{OperatorsOwner, OwnerKeyRequest};
pub use page::{Page, Paged};
pub use party::{Party, PartyKind};
pub use register::{AgentRegistration, Registered};
pub use roles::{RoleCreate, RoleInfo, RoleName, RolePatch};
pub use rules::visible_text;
pub use session::{SessionInfo, SignedIn, Tokens};
pub use sign_in::{AddressAsked, SignUp, Visitor, Whose};
pub use slug::slugify;
pub use user::{User, UserKind, UserStatus};
pub use vpc::{VPC_ENDPOINTS_MAX, VPC_SCOPE, VpcEndpoint, VpcEndpointCreate, VpcEndpoints, VpcState};
pub use wallet::WalletParty;
pub use wallet_proof::WalletChallenge;

use authenticate::KeyEntry;
use farebox_base::{Clock, KeyId, Rng, SessionId, Timestamp};
use farebox_db::Db;
use farebox_events::{Cache, Changes};
use farebox_mail::Mailer;
use parking_lot::Mutex;
use session::{SessionEntry, SigningKeys};
use sign_in::Passwords;
use std::sync::Arc;

/// The scope of `Changes` that covers keys, and what a `Caller` says of its party and user.
pub const KEYS_SCOPE: &str = "keys";

/// The scope of `Changes` that covers what a session's `Caller` says of its user and organisations.
pub const SESSIONS_SCOPE: &str = "sessions";

const CACHED_KEYS: usize = 10_000;
const CACHED_SESSIONS: usize = 10_000;

/// What `Accounts` is made of.
pub struct AccountsParts {
    pub db: Db,
    pub changes: Changes,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    /// Mixed into the hash of every key's secret; whoever lacks it can't test a guess against a stolen database.
    pub pepper: [u8; 32],
    pub vault: Vault,
    pub mailer: Mailer,
    /// Where people reach this server, without a trailing slash, for the links in mails.
    pub public_url: String,
    /// Whether a new owner may make a provider key for itself without credentials.
    pub open_provider_registration: bool,
}

/// The service; a clone shares everything.
#[derive(Clone)]
pub struct Accounts(Arc<Inner>);

struct Inner {
    parts: AccountsParts,
    cache: Cache<KeyId, Arc<KeyEntry>>,
    sessions: Cache<SessionId, SessionEntry>,
    signing_keys: SigningKeys,
    passwords: Passwords,
    /// Keys used since the last flush of their times of use.
    used: Mutex<Vec<Arc<KeyEntry>>>,
}

impl Accounts {
    pub fn new(parts: AccountsParts) -> Self {
        let cache = Cache::new(parts.changes.scope(KEYS_SCOPE), CACHED_KEYS);
        let sessions = Cache::new(parts.changes.scope(SESSIONS_SCOPE), CACHED_SESSIONS);
        let passwords = Passwords::new(&parts.pepper);
        let (signing_keys, used) = (SigningKeys::default(), Mutex::default());
        Self(Arc::new(Inner { parts, cache, sessions, signing_keys, passwords, used }))
    }

    /// The vault that was passed in, for those who keep secrets of parties.
    pub fn vault(&self) -> &Vault {
        &self.0.parts.vault
    }

    /// Mails to people; queue them in the transaction of what they tell of.
    pub fn mailer(&self) -> &Mailer {
        &self.0.parts.mailer
    }

    /// A link to a page of this server that takes a token. The token stands behind `#`, so that browsers send it to
    /// nobody and no log sees it.
    pub(crate) fn link(&self, page: &str, token: &str) -> String {
        format!("{}/{page}#token={token}", self.0.parts.public_url)
    }

    fn session_cache(&self) -> &Cache<SessionId, SessionEntry> {
        &self.0.sessions
    }

    fn signing_keys(&self) -> &SigningKeys {
        &self.0.signing_keys
    }

    fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    fn pepper(&self) -> &[u8; 32] {
        &self.0.parts.pepper
    }

    fn db(&self) -> &Db {
        &self.0.parts.db
    }

    fn changes(&self) -> &Changes {
        &self.0.parts.changes
    }

    fn rng(&self) -> &dyn Rng {
        &*self.0.parts.rng
    }

    fn clock(&self) -> &dyn Clock {
        &*self.0.parts.clock
    }

    fn now(&self) -> Timestamp {
        self.clock().now()
    }
}
