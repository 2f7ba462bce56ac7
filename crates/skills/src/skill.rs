//! What a skill is, and what is said to make, change and find one.

use crate::{FileInput, RevisionSummary};
use farebox_base::{PartyId, SkillId, Timestamp, UserId};

/// Whether a skill is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SkillStatus {
    Active,
    /// Out of the way: not listed unless asked for, and nothing of it is written.
    Archived,
}

/// A skill with its newest and its published revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skill {
    pub id: SkillId,
    pub party_id: PartyId,
    /// Unique in the party, for good.
    pub slug: String,
    pub display_name: String,
    pub description: Option<String>,
    pub status: SkillStatus,
    pub latest: Option<RevisionSummary>,
    pub published: Option<RevisionSummary>,
    pub created_by: Option<UserId>,
    pub updated_by: Option<UserId>,
    pub created_at: Timestamp,
    /// When anything of it was last written, its revisions included.
    pub updated_at: Timestamp,
}

/// A skill to make, with its first revision.
#[derive(Clone, Debug)]
pub struct NewSkill {
    /// 1 to 64 characters: lower-case letters, digits and single hyphens between them.
    pub slug: String,
    /// 1 to 200 characters.
    pub display_name: String,
    /// At most 4,000 characters; empty is none.
    pub description: Option<String>,
    pub files: Vec<FileInput>,
    pub publish: bool,
}

/// Changes of a skill; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct SkillPatch {
    pub display_name: Option<String>,
    /// `Some(None)` clears it.
    pub description: Option<Option<String>>,
    pub status: Option<SkillStatus>,
}

/// Which skills are wanted.
#[derive(Clone, Debug, Default)]
pub struct SkillFilter {
    /// Part of slug, display name or description, whatever the case; at most 500 characters.
    pub text: Option<String>,
    pub include_archived: bool,
}

impl SkillStatus {
    pub const fn text(self) -> &'static str {
        match self {
            SkillStatus::Active => "active",
            SkillStatus::Archived => "archived",
        }
    }

    /// `None` for a word that is not in the list.
    pub fn parse(text: &str) -> Option<Self> {
        [SkillStatus::Active, SkillStatus::Archived].into_iter().find(|status| status.text() == text)
    }
}
