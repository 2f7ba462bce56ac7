//! What a revision is, and what can be had of it.

use farebox_base::{PartyId, SkillFileId, SkillId, SkillRevisionId, Timestamp, UserId};
use serde_json::{Map, Value};

/// Where a revision stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RevisionStatus {
    /// Never published.
    Draft,
    /// The one of its skill that agents are to use.
    Published,
    /// Was published before another one was.
    Superseded,
    /// Its skill is archived; what it was before comes back with the skill.
    Archived,
}

/// A revision without its contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionSummary {
    pub id: SkillRevisionId,
    pub skill_id: SkillId,
    pub party_id: PartyId,
    /// From 1 on, without a gap.
    pub number: i64,
    pub status: RevisionStatus,
    /// What `SKILL.md` calls itself.
    pub title: Option<String>,
    pub description: Option<String>,
    /// Of the compressed bundle, in lower-case hex.
    pub bundle_sha256: String,
    pub bundle_size_bytes: i64,
    pub file_count: i64,
    pub created_by: Option<UserId>,
    pub created_at: Timestamp,
    /// The last time; `None` for one that never was.
    pub published_at: Option<Timestamp>,
}

/// A revision with its text and the list of its files.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    pub summary: RevisionSummary,
    pub skill_md: String,
    pub skill_md_sha256: String,
    /// What `SKILL.md` begins with, as JSON; empty where it has none.
    pub frontmatter: Map<String, Value>,
    /// In the order of the bytes of their paths.
    pub files: Vec<FileInfo>,
}

/// A file without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    pub id: SkillFileId,
    pub revision_id: SkillRevisionId,
    pub path: String,
    pub content_type: String,
    /// Whether the content is UTF-8 without control characters other than tab and ends of lines.
    pub is_text: bool,
    pub size_bytes: i64,
    pub sha256: String,
    pub created_at: Timestamp,
}

/// A file with its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileContent {
    pub info: FileInfo,
    pub content: Vec<u8>,
}

/// A gzipped tar of all files of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// `<slug>-r<number>.tar.gz`
    pub file_name: String,
    pub sha256: String,
    pub bytes: Vec<u8>,
}

impl Revision {
    /// The list of the files as JSON: what a bundle must hold, byte for byte.
    pub fn manifest(&self) -> Value {
        let file = |file: &FileInfo| {
            serde_json::json!({
                "path": file.path, "sha256": file.sha256, "size_bytes": file.size_bytes,
                "content_type": file.content_type,
            })
        };
        let files: Vec<Value> = self.files.iter().map(file).collect();
        let total: i64 = self.files.iter().map(|file| file.size_bytes).sum();
        serde_json::json!({ "entry": crate::package::ENTRY, "total_size_bytes": total, "files": files })
    }
}

impl RevisionStatus {
    pub const fn text(self) -> &'static str {
        match self {
            RevisionStatus::Draft => "draft",
            RevisionStatus::Published => "published",
            RevisionStatus::Superseded => "superseded",
            RevisionStatus::Archived => "archived",
        }
    }

    /// Reads what is stored; `None` for a word that never is.
    pub(crate) fn stored(text: &str) -> Option<Self> {
        use RevisionStatus::{Draft, Published, Superseded};
        [Draft, Published, Superseded].into_iter().find(|status| status.text() == text)
    }
}
