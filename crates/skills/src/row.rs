//! How skills and revisions are read from their rows.

use crate::{FileInfo, RevisionStatus, RevisionSummary, Skill, SkillStatus};
use farebox_base::{Error, Result, UserId};
use farebox_db::{Row, sql};

/// Reads whole skills, without their revisions; conditions follow.
pub(crate) const SKILLS: &str = sql!(
    "SELECT s.id, s.party_id, s.slug, s.display_name, s.description, s.status, s.created_by, s.updated_by, s.created_at,
       s.updated_at
     FROM skill s"
);

/// Reads summaries of revisions; conditions follow.
pub(crate) const REVISIONS: &str = sql!(
    "SELECT r.id, r.skill_id, r.party_id, r.number, r.status, r.title, r.description, r.bundle_sha256, r.bundle_size,
       r.file_count, r.created_by, r.created_at, r.published_at, s.status, s.latest_number
     FROM skill_revision r JOIN skill s ON s.id = r.skill_id AND s.party_id = r.party_id"
);

/// A summary, and whether it is of its skill's newest revision.
pub(crate) struct ReadRevision {
    pub summary: RevisionSummary,
    pub is_latest: bool,
    /// Whether agents are to use it, or would if its skill were not archived.
    pub is_published: bool,
}

pub(crate) fn skill(row: &Row) -> Result<Skill> {
    Ok(Skill {
        id: row.get(0)?,
        party_id: row.get(1)?,
        slug: row.get(2)?,
        display_name: row.get(3)?,
        description: row.get(4)?,
        status: skill_status(row, 5)?,
        latest: None,
        published: None,
        created_by: row.get::<Option<UserId>>(6)?,
        updated_by: row.get::<Option<UserId>>(7)?,
        created_at: row.get(8)?,
        updated_at: row.get(9)?,
    })
}

pub(crate) fn revision(row: &Row) -> Result<ReadRevision> {
    let stored: &str = row.get(4)?;
    let stored = RevisionStatus::stored(stored).ok_or_else(|| unknown_word(stored))?;
    let status = match skill_status(row, 13)? {
        SkillStatus::Active => stored,
        SkillStatus::Archived => RevisionStatus::Archived,
    };
    let summary = RevisionSummary {
        id: row.get(0)?,
        skill_id: row.get(1)?,
        party_id: row.get(2)?,
        number: row.get(3)?,
        status,
        title: row.get(5)?,
        description: row.get(6)?,
        bundle_sha256: row.get(7)?,
        bundle_size_bytes: row.get(8)?,
        file_count: row.get(9)?,
        created_by: row.get(10)?,
        created_at: row.get(11)?,
        published_at: row.get(12)?,
    };
    let is_latest = summary.number == row.get::<i64>(14)?;
    Ok(ReadRevision { summary, is_latest, is_published: stored == RevisionStatus::Published })
}

/// A file whose columns begin the row: id, path, content type, is text, size, hash. Its revision tells the rest.
pub(crate) fn file(row: &Row, revision: &RevisionSummary) -> Result<FileInfo> {
    Ok(FileInfo {
        id: row.get(0)?,
        revision_id: revision.id,
        path: row.get(1)?,
        content_type: row.get(2)?,
        is_text: row.get(3)?,
        size_bytes: row.get(4)?,
        sha256: row.get(5)?,
        created_at: revision.created_at,
    })
}

pub(crate) fn skill_status(row: &Row, index: usize) -> Result<SkillStatus> {
    let word: &str = row.get(index)?;
    SkillStatus::parse(word).ok_or_else(|| unknown_word(word))
}

fn unknown_word(word: &str) -> Error {
    Error::internal(format!("a skill's status is the unknown word {word:?}"))
}
