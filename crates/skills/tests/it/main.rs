//! Skills on both engines.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod create;
mod limits;
mod publish;
mod revise;
mod tenants;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use farebox_accounts::{Accounts, AccountsParts, AgentRegistration, Vault};
use farebox_base::{Clock, ManualClock, SystemRng, Timestamp};
use farebox_db::Db;
use farebox_events::Changes;
use farebox_mail::{Folder, Mailer, MailerParts, Transport};
use farebox_skills::{Author, FileInput, NewSkill, Revision, Skill, SkillLimits, Skills, SkillsParts};
use std::sync::Arc;
use std::time::Duration;

/// What errors call the list of files.
const FIELD: &str = "files";

/// One process that uses the database.
struct Process {
    skills: Skills,
    accounts: Accounts,
    clock: Arc<ManualClock>,
}

fn process(db: &Db) -> Process {
    process_with(db, SkillLimits::default())
}

fn process_with(db: &Db, limits: SkillLimits) -> Process {
    let clock = Arc::new(ManualClock::at(Timestamp::from_micros(1_773_914_400_000_000)));
    let rng = Arc::new(SystemRng);
    let vault = Vault::from_key([4; 32], rng.clone());
    // Nobody sends what these tests queue.
    let transport = Transport::Folder(Folder::new("outbox".into(), "no-reply@example.com").unwrap());
    let mail = MailerParts { db: db.clone(), clock: clock.clone(), rng: rng.clone(), vault: vault.clone(), transport };
    let accounts = Accounts::new(AccountsParts {
        db: db.clone(),
        changes: Changes::new(db.clone()),
        clock: clock.clone(),
        rng: rng.clone(),
        pepper: [3; 32],
        vault,
        mailer: Mailer::new(mail),
        public_url: "https://pay.example".to_owned(),
        open_provider_registration: true,
    });
    let skills = Skills::new(SkillsParts { db: db.clone(), clock: clock.clone(), rng, limits });
    Process { skills, accounts, clock }
}

impl Process {
    async fn author(&self) -> Author {
        let registered = self.accounts.register_agent(&AgentRegistration::default()).await.unwrap();
        Author { party: registered.party.id, user: Some(registered.user.id) }
    }

    /// Makes a skill a second after whatever came before.
    async fn skill(&self, author: Author, slug: &str) -> Skill {
        self.tick();
        self.skills.skill_create(author, FIELD, new_skill(slug)).await.unwrap()
    }

    async fn revise(&self, author: Author, skill: &Skill, files: Vec<FileInput>, publish: bool) -> Revision {
        self.tick();
        self.skills.revision_create(author, skill.id, FIELD, files, publish).await.unwrap()
    }

    fn tick(&self) -> Timestamp {
        self.clock.advance(Duration::from_secs(1));
        self.clock.now()
    }
}

fn file(path: &str, content: &[u8]) -> FileInput {
    FileInput { path: path.to_owned(), content_base64: STANDARD.encode(content), content_type: None }
}

/// A `SKILL.md` of that name.
fn skill_md(name: &str) -> FileInput {
    file("SKILL.md", format!("---\nname: {name}\ndescription: Does {name}.\n---\n# {name}\n").as_bytes())
}

/// A skill with a draft.
fn new_skill(slug: &str) -> NewSkill {
    NewSkill {
        slug: slug.to_owned(),
        display_name: slug.to_uppercase(),
        description: None,
        files: vec![skill_md(slug)],
        publish: false,
    }
}
