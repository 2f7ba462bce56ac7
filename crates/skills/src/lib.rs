//! Skills of organisations: instructions for agents (`SKILL.md`) with the files that go with them, in revisions.
//!
//! Owns the tables `skill`, `skill_revision`, `skill_file`, `skill_blob` and `skill_store`. Does not run what a skill
//! says, and knows no door. Invariants:
//! - a revision's files, bundle and number never change; only its status does;
//! - of a skill at most one revision is published, whoever publishes at the same time;
//! - a bundle holds nothing but the files, so the same files make the same bytes; it is stored, and its hash stays true
//!   whatever later releases compress with;
//! - paths in a bundle are safe to unpack anywhere: relative, portable, without two that one file system takes for one;
//! - every statement names the party, so an id of another one finds nothing.

mod author;
mod bundle;
mod content;
mod create;
mod frontmatter;
mod limits;
mod list;
mod package;
mod path;
mod publish;
mod read;
mod revise;
mod revision;
mod row;
mod rules;
mod skill;
mod store;
mod update;
mod yaml;

pub use author::Author;
pub use limits::SkillLimits;
pub use package::FileInput;
pub use revision::{Bundle, FileContent, FileInfo, Revision, RevisionStatus, RevisionSummary};
pub use skill::{NewSkill, Skill, SkillFilter, SkillPatch, SkillStatus};

use farebox_base::{Clock, Result, Rng, Timestamp};
use farebox_db::Db;
use package::Package;
use std::sync::Arc;

/// What `Skills` is made of.
pub struct SkillsParts {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    pub limits: SkillLimits,
}

/// The service; a clone shares everything.
#[derive(Clone)]
pub struct Skills(Arc<SkillsParts>);

impl Skills {
    pub fn new(parts: SkillsParts) -> Self {
        Self(Arc::new(parts))
    }

    fn db(&self) -> &Db {
        &self.0.db
    }

    fn limits(&self) -> &SkillLimits {
        &self.0.limits
    }

    fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    fn rng(&self) -> &dyn Rng {
        &*self.0.rng
    }

    fn now(&self) -> Timestamp {
        self.clock().now()
    }

    /// Checks and packs files on a thread of its own, because hashing and compressing megabytes takes its time.
    async fn pack(&self, field: &'static str, files: Vec<FileInput>) -> Result<Package> {
        let limits = self.limits().clone();
        let packed = tokio::task::spawn_blocking(move || Package::read(field, files, &limits)).await;
        packed.map_err(|e| farebox_base::Error::internal(format!("packing a skill: {e}")))?
    }
}
