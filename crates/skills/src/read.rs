//! Reading one revision: what it says, its files, its bundle.

use crate::package::ENTRY;
use crate::row::{self, REVISIONS, ReadRevision};
use crate::{Bundle, FileContent, Revision, Skills, path};
use farebox_base::{Error, PartyId, Result, SkillId, SkillRevisionId};
use farebox_db::{Row, Tx, Where, sql, tx};
use serde_json::{Map, Value};

impl Skills {
    /// A revision of one of the party's skills.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn revision(&self, party: PartyId, skill: SkillId, id: SkillRevisionId) -> Result<Revision> {
        tx!(self.db(), tx => { self.revision_in(tx, party, skill, id).await })
    }

    /// A file of a revision, by its path exactly as it was sent.
    ///
    /// # Errors
    /// `Invalid` for `path` where no file can have it; `NotFound`; those of the database.
    pub async fn file(
        &self,
        party: PartyId,
        skill: SkillId,
        revision: SkillRevisionId,
        path: &str,
    ) -> Result<FileContent> {
        path::check("path", path)?;
        tx!(self.db(), tx => { file_in(tx, party, skill, revision, path).await })
    }

    /// The bundle of a revision, as it was made with it.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn bundle(&self, party: PartyId, skill: SkillId, revision: SkillRevisionId) -> Result<Bundle> {
        tx!(self.db(), tx => { bundle_in(tx, party, skill, revision).await })
    }

    pub(crate) async fn revision_in(
        &self,
        tx: &mut Tx,
        party: PartyId,
        skill: SkillId,
        id: SkillRevisionId,
    ) -> Result<Revision> {
        let summary = summary_in(tx, party, skill, id).await?.summary;
        let entry = file_in(tx, party, skill, id, ENTRY).await?;
        let (party, id) = (party.to_string(), id.to_string());
        let rows = tx
            .query(
                sql!(
                    "SELECT id, path, content_type, is_text, size_bytes, sha256 FROM skill_file
                     WHERE revision_id = $1 AND party_id = $2"
                ),
                &[(&id).into(), (&party).into()],
            )
            .await?;
        let mut files = rows.iter().map(|row| row::file(row, &summary)).collect::<Result<Vec<_>>>()?;
        // Here and not in SQL, because servers order texts by their language.
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let frontmatter = tx
            .one(
                sql!("SELECT frontmatter FROM skill_revision WHERE id = $1 AND party_id = $2"),
                &[(&id).into(), (&party).into()],
            )
            .await?
            .ok_or_else(revision_not_found)?;
        Ok(Revision {
            summary,
            skill_md: String::from_utf8(entry.content).map_err(|_| Error::internal("a SKILL.md is no UTF-8"))?,
            skill_md_sha256: entry.info.sha256,
            frontmatter: read_object(&frontmatter)?,
            files,
        })
    }
}

/// A revision, if it is one of this skill and the skill one of this party.
pub(crate) async fn summary_in(
    tx: &mut Tx,
    party: PartyId,
    skill: SkillId,
    id: SkillRevisionId,
) -> Result<ReadRevision> {
    let (party, skill, id) = (party.to_string(), skill.to_string(), id.to_string());
    let mut wanted = Where::new(REVISIONS);
    wanted.and("r.party_id = $1 AND r.skill_id = $2 AND r.id = $3", &[(&party).into(), (&skill).into(), (&id).into()]);
    let (statement, params) = wanted.finish("", &[]);
    let row = tx.query_built(&statement, &params).await?.pop().ok_or_else(revision_not_found)?;
    row::revision(&row)
}

async fn file_in(
    tx: &mut Tx,
    party: PartyId,
    skill: SkillId,
    revision: SkillRevisionId,
    path: &str,
) -> Result<FileContent> {
    let summary = summary_in(tx, party, skill, revision).await?.summary;
    let row = tx
        .one(
            sql!(
                "SELECT f.id, f.path, f.content_type, f.is_text, f.size_bytes, f.sha256, b.content
                 FROM skill_file f JOIN skill_blob b ON b.party_id = f.party_id AND b.sha256 = f.sha256
                 WHERE f.revision_id = $1 AND f.party_id = $2 AND f.path = $3"
            ),
            &[(&revision.to_string()).into(), (&party.to_string()).into(), path.into()],
        )
        .await?
        .ok_or_else(|| Error::not_found("File"))?;
    Ok(FileContent { info: row::file(&row, &summary)?, content: row.get(6)? })
}

async fn bundle_in(tx: &mut Tx, party: PartyId, skill: SkillId, revision: SkillRevisionId) -> Result<Bundle> {
    let row = tx
        .one(
            sql!(
                "SELECT s.slug, r.number, r.bundle_sha256, b.content
                 FROM skill_revision r
                   JOIN skill s ON s.id = r.skill_id AND s.party_id = r.party_id
                   JOIN skill_blob b ON b.party_id = r.party_id AND b.sha256 = r.bundle_sha256
                 WHERE r.id = $1 AND r.skill_id = $2 AND r.party_id = $3"
            ),
            &[(&revision.to_string()).into(), (&skill.to_string()).into(), (&party.to_string()).into()],
        )
        .await?
        .ok_or_else(revision_not_found)?;
    let (slug, number): (&str, i64) = (row.get(0)?, row.get(1)?);
    let file_name = format!("{slug}-r{number}.tar.gz");
    Ok(Bundle { file_name, sha256: row.get(2)?, bytes: row.get(3)? })
}

fn revision_not_found() -> Error {
    Error::not_found("Custom skill revision")
}

fn read_object(row: &Row) -> Result<Map<String, Value>> {
    let text: &str = row.get(0)?;
    serde_json::from_str(text).map_err(|e| Error::internal(format!("a stored frontmatter: {e}")))
}
